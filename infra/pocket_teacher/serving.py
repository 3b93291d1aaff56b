"""The pocket teacher behind vLLM on a CPU: many texts in, several continuations each out."""

import os
from dataclasses import dataclass
from pathlib import Path

from infra.pocket_teacher.tokenizer import TURN_END, TURN_START


@dataclass(frozen=True)
class Drawing:
    """How continuations are drawn."""

    samples: int
    temperature: float
    max_tokens: int
    seed: int


@dataclass(frozen=True)
class Continuation:
    """What the model wrote, and whether it ended by itself."""

    text: str
    ended: bool
    tokens: int


class Server:
    """A vLLM engine in this process."""

    def __init__(self, folder: Path) -> None:
        os.environ.setdefault("VLLM_CPU_KVCACHE_SPACE", "2")
        os.environ.setdefault("VLLM_LOGGING_LEVEL", "WARNING")
        os.environ.setdefault("VLLM_NO_USAGE_STATS", "1")
        from vllm import LLM

        # On a CPU a seed per request together with chunked prefill kills the engine: neither chunks nor a prefix cache.
        self.engine = LLM(
            str(folder),
            dtype="bfloat16",
            max_model_len=1024,
            max_num_seqs=128,
            max_num_batched_tokens=16384,
            enable_chunked_prefill=False,
            enable_prefix_caching=False,
            enforce_eager=True,
            seed=0,
        )

    def continued(self, texts: list[str], drawing: Drawing) -> list[list[Continuation]]:
        """The continuations of each text, in the order of the texts."""
        from vllm import SamplingParams

        sampling = SamplingParams(
            n=drawing.samples,
            temperature=drawing.temperature,
            max_tokens=drawing.max_tokens,
            seed=drawing.seed,
            stop=[TURN_END],
        )
        outputs = self.engine.generate(texts, sampling, use_tqdm=False)
        return [
            [
                Continuation(choice.text, choice.finish_reason == "stop", len(choice.token_ids))
                for choice in output.outputs
            ]
            for output in outputs
        ]

    def answers(self, prompts: list[str], drawing: Drawing) -> list[list[Continuation]]:
        """The assistant's turns to the prompts."""
        return self.continued(
            [
                f"{TURN_START}user\n{prompt}{TURN_END}\n{TURN_START}assistant\n"
                for prompt in prompts
            ],
            drawing,
        )

    def own_prompts(self, count: int, *, seed: int) -> list[Continuation]:
        """Prompts of the model's own making: what it writes where a user would speak."""
        drawing = Drawing(samples=count, temperature=1.0, max_tokens=300, seed=seed)
        return self.continued([f"{TURN_START}user\n"], drawing)[0]
