"""The interface of every engine, its settings, and the types of a request and its answer."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, NamedTuple, Protocol

from pydantic import Field, field_validator

from tasks.spec import Placement, Spec

Message = Mapping[str, str]


class NamesModel:
    """Marks a setting that holds a model's name, so that a walk over the recipe finds it."""


ModelName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_\-]{0,31}$"), NamesModel()]
"""Name of a model in the section `models:` of a recipe."""

FINISHED = ("stop", "length", "prompt_too_long", "refused")
"""Finish reasons: the model ended its answer; the token limit cut it; the prompt is too long for
the model; the endpoint rejects the request.
"""


class TeacherSpec(Spec):
    """A model and how its answers are sampled."""

    engine: Literal["vllm", "endpoint", "scripted"] = "vllm"
    """vllm: vLLM in Ray actors. endpoint: a running OpenAI-compatible server. scripted: a
    deterministic engine without a model, for tests and trials.
    """
    model: str = "builtin:pocket"
    """A model folder, a hub name, the name that an endpoint serves, or builtin:pocket."""
    revision: str = ""
    """Hub revision, or any label that marks this state of the model."""
    tokenizer: str = ""
    """Folder or hub name of an endpoint model's tokenizer; its control tokens are neutralised in
    prompts. Empty: found by the model's name.
    """
    system_prompt: str = ""
    """System message of every prompt, except the control prompts. Empty: no system message."""
    temperature: float = Field(0.8, ge=0, le=2)
    """Sampling temperature; 0 is greedy."""
    top_p: float = Field(1.0, gt=0, le=1)
    """Nucleus sampling: draw from the most likely tokens whose probabilities sum to this."""
    max_tokens: int = Field(400, ge=1)
    """Completion tokens at most; an answer that reaches this limit is rejected."""
    max_model_len: int = Field(1024, ge=16)
    """Prompt and completion tokens together at most; a longer prompt is rejected, not cut."""
    trust_remote_code: bool = False
    """Run Python code from the model's repository. Turn it on only for code that you trust."""


class EnginePlacement(Placement):
    """Where a model runs and how it is loaded; it does not change what the rows are."""

    replicas: int = Field(1, ge=1)
    """Number of engines; each one is a Ray actor."""
    window: int = Field(64, ge=1)
    """Requests in flight per engine."""
    tensor_parallel: int = Field(1, ge=1)
    """GPUs per engine."""
    memory_share: float = Field(0.85, gt=0, le=1)
    """Share of GPU memory that an engine takes at most. It takes less if less is free, and at most
    0.85 of unified memory.
    """
    kv_cache_gib: int = Field(2, ge=1)
    """Size of the KV cache of an engine on CPU, in GiB."""
    restarts: int = Field(3, ge=0)
    """Times that a dead engine is started again before the run fails with EngineLost."""
    base_url: str = "http://127.0.0.1:8000/v1"
    """Address of an OpenAI-compatible server, up to and including /v1. Put an API key into the
    environment variable TRACEMILL_API_KEY, not here.
    """
    attempts: int = Field(6, ge=1)
    """Attempts per request to an endpoint, with exponential backoff."""
    timeout_seconds: float = Field(1800, gt=0)
    """Longest wait for one answer of an endpoint, in seconds."""
    adapter_rank: int = Field(0, ge=0)
    """Largest rank of LoRA adapters that the engine can load; 0 for an engine without adapters."""
    ray_address: str = "local"
    """Address of the Ray cluster to join; `local` starts one on this machine."""
    niceness: int = Field(0, ge=0, le=19)
    """Niceness of engine processes: at a higher value other processes of the machine come first.
    Ray's default of 15 leaves engines almost no CPU time beside other work.
    """

    @field_validator("base_url")
    @classmethod
    def _holds_no_secret(cls, base_url: str) -> str:
        if "@" in base_url or "?" in base_url:
            raise ValueError(
                "a user, password or query in base_url would be logged and kept; "
                "put the key into TRACEMILL_API_KEY"
            )
        return base_url


class NamedModel(NamedTuple):
    """A model with its name in the recipe, and where it runs."""

    name: str
    model: TeacherSpec
    placement: EnginePlacement = EnginePlacement()


class Adapter(NamedTuple):
    """A LoRA adapter for the model of an engine. digest: digest of its weights."""

    path: Path
    digest: str


class Sampling(NamedTuple):
    """How an answer is sampled. longest: tokens of prompt and completion together, at most."""

    temperature: float
    top_p: float
    max_tokens: int
    longest: int


def sampling_of(teacher: TeacherSpec) -> Sampling:
    """Return how a teacher's answers are sampled."""
    return Sampling(teacher.temperature, teacher.top_p, teacher.max_tokens, teacher.max_model_len)


class Ask(NamedTuple):
    """One request to a model. key: its identity. seed: seed of the sampling.

    messages: the conversation; empty if `prompt` is a raw text that the model continues. prefill:
    start of the model's turn, which the completion's text does not repeat. max_tokens: a lower
    limit than the sampling's; 0 keeps it. sampling: None for the sampling of the engine's teacher.
    adapter: LoRA adapter to use for this request.
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
    """One answer of a model.

    text: with an inline think block. finish_reason: one of FINISHED. Token counts: the engine's.
    parsed: a server removed the think block and did not give the raw text. It is then unknown
    if the thought had an opening tag, and which text was in front of it.
    """

    key: str
    text: str
    finish_reason: str
    prompt_tokens: int
    completion_tokens: int
    parsed: bool = False


class Engine(Protocol):
    """Answers requests; many requests can wait at the same time."""

    async def ask(self, ask: Ask) -> Completion:
        """Return the answer to one request. Raises EngineLost or EndpointUnreachable."""
        ...

    async def close(self) -> None:
        """Release the engine's memory, processes and connections."""
        ...
