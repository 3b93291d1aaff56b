"""vLLM in this process as a scorer: the log-probabilities of the tokens of a given text."""

from itertools import count, pairwise

from tasks.inference.engine import EnginePlacement, TeacherSpec
from tasks.inference.offline import engine_arguments, is_cpu, reading_parameters, started
from tasks.inference.scoring import NO_TOKENS, TOO_LONG, Scored, Text, faulty, scored, text_tokens

SCHEDULED_TOKENS = 512
"""Tokens of one step. A step holds their log-probabilities over the whole vocabulary: 0.4 GB in
float32 for 201,000 tokens.
"""
MOST_TOP = 128
"""Likeliest tokens that a text may ask for at each position."""


class OfflineScorer:
    """An asynchronous vLLM engine that reads texts in chunks and writes nothing.

    It has an engine of its own, because one that answers reads whole prompts on a CPU: 16,384
    positions of a large vocabulary would take 13 GB.
    """

    def __init__(self, spec: TeacherSpec, placement: EnginePlacement) -> None:
        self._longest = spec.max_model_len
        self._engine = started(scorer_arguments(spec, placement), placement)
        self._tokenizer = self._engine.get_tokenizer()
        self._names = count()

    async def ask(self, ask: Text) -> Scored:
        """Return the text's scores; raises vLLM's EngineDeadError when the engine is gone."""
        tokens = text_tokens(self._tokenizer, ask)
        if not tokens.text:
            return faulty(ask.key, NO_TOKENS, len(tokens.prompt))
        # vLLM always writes one token more.
        if len(tokens.prompt) + len(tokens.text) >= self._longest:
            return faulty(ask.key, TOO_LONG, len(tokens.prompt))
        read = self._engine.generate(
            {"prompt_token_ids": [*tokens.prompt, *tokens.text]},
            # No seed: together with prompts read in chunks it kills an engine on a CPU.
            reading_parameters(ask.top),
            f"score-{next(self._names)}",
        )
        outputs = [output async for output in read]
        flat = outputs[-1].prompt_logprobs
        pairs = list(zip(flat.token_ids, flat.logprobs, strict=True))
        edges = [*flat.start_indices[len(tokens.prompt) :], len(pairs)]
        return scored(ask, tokens, [pairs[low:high] for low, high in pairwise(edges)])

    async def close(self) -> None:
        """Stop the engine and its core process."""
        self._engine.shutdown(timeout=1.0)


def scorer_arguments(spec: TeacherSpec, placement: EnginePlacement) -> dict[str, object]:
    """Return vLLM's arguments for an engine that scores.

    On a CPU it computes in float32, which the weights of bfloat16 enter unchanged: bfloat16
    arithmetic moves a token's score by up to 0.3 nats (the pocket teacher's, 60 texts).
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
