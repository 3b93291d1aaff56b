"""A scorer that runs vLLM in this process: log-probabilities of the tokens of given texts."""

from itertools import count, pairwise

from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.offline import engine_arguments, is_cpu, reading_parameters, started
from tasks.inference.scoring import NO_TOKENS, TOO_LONG, Scored, Text, faulty, scored, text_tokens

SCHEDULED_TOKENS = 512
"""Tokens per step. A step keeps their log-probabilities over the whole vocabulary: 0.4 GB of
float32 for a vocabulary of 201,000 tokens.
"""
MOST_TOP = 128
"""Largest number of likeliest tokens per position that a text may request."""


class OfflineScorer:
    """An asynchronous vLLM engine that reads texts in chunks and only scores them.

    An engine for answers cannot be used: on a CPU it reads whole prompts at once, and 16,384
    positions of a large vocabulary take 13 GB.
    """

    def __init__(self, spec: TeacherSpec, placement: EnginePlacement) -> None:
        self._longest = spec.max_model_len
        self._engine = started(scorer_arguments(spec, placement), placement)
        self._tokenizer = self._engine.get_tokenizer()
        self._names = count()

    async def ask(self, ask: Text) -> Scored:
        """Return the scores of a text. Raises EngineDeadError of vLLM if the engine has died."""
        tokens = text_tokens(self._tokenizer, ask)
        if not tokens.text:
            return faulty(ask.key, NO_TOKENS, len(tokens.prompt))
        # vLLM always generates one more token.
        if len(tokens.prompt) + len(tokens.text) >= self._longest:
            return faulty(ask.key, TOO_LONG, len(tokens.prompt))
        stream = self._engine.generate(
            {"prompt_token_ids": [*tokens.prompt, *tokens.text]},
            # Without a seed: a seed and chunked prefill together kill an engine on a CPU.
            reading_parameters(ask.top),
            f"score-{next(self._names)}",
        )
        outputs = [output async for output in stream]
        flat = outputs[-1].prompt_logprobs
        pairs = list(zip(flat.token_ids, flat.logprobs, strict=True))
        edges = [*flat.start_indices[len(tokens.prompt) :], len(pairs)]
        return scored(ask, tokens, [pairs[low:high] for low, high in pairwise(edges)])

    async def close(self) -> None:
        """Stop the engine and its core process."""
        self._engine.shutdown(timeout=1.0)


def scorer_arguments(spec: TeacherSpec, placement: EnginePlacement) -> dict[str, object]:
    """Return vLLM's engine arguments for scoring.

    On a CPU the engine computes in float32: arithmetic in bfloat16 changes the score of a token by
    up to 0.3 nats (pocket teacher, 60 texts). Weights in bfloat16 convert without loss.
    """
    precise = {"dtype": "float32"} if is_cpu() else {}
    return (
        engine_arguments(spec, placement)
        | precise
        | {
            "enable_chunked_prefill": True,
            "enable_prefix_caching": False,
            "max_num_batched_tokens": SCHEDULED_TOKENS,
            "max_num_seqs": min(placement.window, SCHEDULED_TOKENS),
            "max_logprobs": MOST_TOP,
        }
    )
