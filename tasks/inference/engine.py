"""What every engine is: something that is asked row by row and answers when it can."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field, field_validator

from tasks.spec import Placement, Spec

Message = Mapping[str, str]


class NamesModel:
    """Marks a setting that holds the name of a model, so that a walk over a recipe finds it."""


ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,31}$"), NamesModel()]
"""Name of a model under `models:` of a recipe."""

FINISHED = ("stop", "length", "prompt_too_long", "refused")
"""Finish reasons: the model ended; the token limit cut it; the prompt does not fit; the endpoint
refuses the row for good.
"""


class TeacherSpec(Spec):
    """Who answers, and how it is asked to."""

    engine: Literal["vllm", "endpoint", "scripted"] = "vllm"
    """vllm: in process, in Ray actors. endpoint: any OpenAI-compatible server that already runs.
    scripted: a deterministic stand-in.
    """
    model: str = "builtin:pocket"
    """A model folder, a hub name, the name an endpoint serves, or builtin:pocket."""
    revision: str = ""
    """Hub revision or any label that tells one state of the model from another."""
    tokenizer: str = ""
    """Folder or hub name of the tokenizer behind an endpoint, whose control tokens no prompt may
    spell; the model's own when empty.
    """
    system_prompt: str = ""
    """System message put before every prompt but those of the control arm; none when empty."""
    temperature: float = Field(0.8, ge=0, le=2)
    """Sampling temperature; 0 is greedy."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Nucleus: the smallest set of tokens whose probability reaches this."""
    max_tokens: int = Field(400, ge=1)
    """Completion tokens at most; what is cut there is rejected."""
    max_model_len: int = Field(1024, ge=16)
    """Prompt and completion tokens at most; a longer prompt is rejected, not cut."""
    trust_remote_code: bool = False
    """Run code that the model's repository ships. Off unless you say so."""


class EnginePlacement(Placement):
    """Where the teacher runs and how it is loaded; no row depends on it."""

    replicas: int = Field(1, ge=1)
    """Engines, one Ray actor each."""
    window: int = Field(64, ge=1)
    """Rows in flight per engine; the window stays full across shard borders."""
    tensor_parallel: int = Field(1, ge=1)
    """GPUs per engine."""
    memory_share: float = Field(0.85, gt=0, le=1)
    """Share of GPU memory an engine may take at most; it takes less where less is free, and never
    above 0.85 of unified memory.
    """
    kv_cache_gib: int = Field(2, ge=1)
    """KV cache on a CPU engine, GiB."""
    restarts: int = Field(3, ge=0)
    """Times a dead engine is started again before EngineLost."""
    base_url: str = "http://127.0.0.1:8000/v1"
    """Address of an OpenAI-compatible server, up to and including /v1; a key goes into
    TRACEMILL_API_KEY, never in here.
    """
    attempts: int = Field(6, ge=1)
    """Tries of one request on an endpoint, with exponential backoff between them."""
    timeout_seconds: float = Field(1800, gt=0)
    """Longest wait for one answer of an endpoint."""
    adapter_rank: int = Field(0, ge=0)
    """Largest rank of the adapters that may be laid over the model while it runs; 0 makes room for
    none.
    """
    ray_address: str = "local"
    """Ray cluster to join; local starts one on this machine."""
    niceness: int = Field(0, ge=0, le=19)
    """How far engines give way to other processes of this machine (Ray's own default, 15, starves
    them beside any other work).
    """

    @field_validator("base_url")
    @classmethod
    def _holds_no_secret(cls, base_url: str) -> str:
        if "@" in base_url or "?" in base_url:
            raise ValueError(
                "a user, password or query in base_url would be logged and kept; put the key into TRACEMILL_API_KEY"
            )
        return base_url


class NamedModel(NamedTuple):
    """A model as a recipe names it, and where it runs."""

    name: str
    model: TeacherSpec
    placement: EnginePlacement = EnginePlacement()


class Adapter(NamedTuple):
    """A LoRA adapter that an engine lays over its model. digest: of its weights."""

    path: Path
    digest: str


class Sampling(NamedTuple):
    """How an answer is drawn. longest: tokens of prompt and completion together, at most."""

    temperature: float
    top_p: float
    max_tokens: int
    longest: int


def sampling_of(teacher: TeacherSpec) -> Sampling:
    """Return how a teacher's answers are drawn."""
    return Sampling(teacher.temperature, teacher.top_p, teacher.max_tokens, teacher.max_model_len)


class Ask(NamedTuple):
    """One request. key: its identity. seed: of the draw.

    messages: the conversation, or none where `prompt` is the raw text that the model goes on from.
    prefill: text that the model's turn begins with; the completion's text begins behind it.
    max_tokens: fewer than the sampling's, 0 for as many. sampling: None for the one that the engine
    was opened with. adapter: laid over the model for this request.
    """

    key: str
    messages: tuple[Message, ...]
    seed: int
    max_tokens: int = 0
    sampling: Sampling | None = None
    adapter: Adapter | None = None
    prompt: str = ""
    prefill: str = ""


@dataclass(frozen=True, slots=True)
class Completion:
    """One answer. text: think block inline. finish_reason: one of FINISHED. Token counts are the
    engine's own.

    parsed: a server took the think block out and the text as the model wrote it could not be had.
    Whether the thought had an opening tag,
    and what stood before it, is then not known.
    """

    key: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    parsed: bool = False


class Engine(Protocol):
    """Answers rows; many may be asked at once."""

    async def ask(self, ask: Ask) -> Completion:
        """Return the answer to one row. Raises EngineLost or EndpointUnreachable when it cannot be
        had at all.
        """
        ...

    async def close(self) -> None:
        """Free what the engine holds."""
        ...
