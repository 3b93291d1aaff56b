"""The endless stream of training problems, and the batches cut from it."""

from collections import defaultdict
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import NamedTuple

import torch
from tokenizers import Tokenizer
from torch import Tensor

from infra.pocket_teacher.tokenizer import answered, asked
from tasks.sources.problems import FAMILIES, Problem

SHARES = {
    "addition": 5,
    "subtraction": 6,
    "word_problem": 6,
    "equation": 7,
    "gcd": 11,
    "remainder": 6,
    "date": 9,
    "lookup": 15,
    "rulebook": 15,
    "irac": 9,
    "question_writing": 4,
    "judging": 13,
}
"""Problems per hundred or so, family by family; what a small model learns slowly has more."""
LENGTHS = (128, 192, 256, 368)
"""Every sequence is padded to the shortest of these that holds it; the network is compiled once for each."""
PROMPT_WEIGHT = 0.1
"""Loss weight of a prompt token against 1 for an answer token: enough for the teacher to write prompts of its own."""


class Batch(NamedTuple):
    """Tokens, the tokens that follow them, and how much each counts; all (sequence, position)."""

    tokens: Tensor
    targets: Tensor
    weights: Tensor


class Example(NamedTuple):
    """One padded problem."""

    tokens: list[int]
    weights: list[float]


class Stream(NamedTuple):
    """How much of the stream of a seed was drawn."""

    seed: int
    problems: int


def training_problems(seed: int) -> Iterator[Problem]:
    """The problems of a training run in order: the same stream for the same seed."""
    rng = Random(f"training/{seed}")
    families, shares = list(SHARES), list(SHARES.values())
    while True:
        yield FAMILIES[rng.choices(families, shares)[0]](rng)


def padded(prompt: list[int], completion: list[int], *, length: int) -> Example:
    """The sequence padded to one token more than the length, since targets are shifted by one."""
    gap = length + 1 - len(prompt) - len(completion)
    weights = [PROMPT_WEIGHT] * (len(prompt) - 1) + [1.0] * len(completion) + [0.0] * gap
    return Example(prompt + completion + [0] * gap, weights)


def examples(tokenizer: Tokenizer, problems: Iterator[Problem]) -> Iterator[Example]:
    """The problems as padded sequences; one too long for the longest length is left out."""
    while drawn := list(islice(problems, 512)):
        prompts = tokenizer.encode_batch(
            [asked(problem) for problem in drawn], add_special_tokens=False
        )
        completions = tokenizer.encode_batch(
            [answered(problem) for problem in drawn], add_special_tokens=False
        )
        for prompt, completion in zip(prompts, completions, strict=True):
            needed = len(prompt.ids) + len(completion.ids) - 1
            if needed <= LENGTHS[-1]:
                length = next(length for length in LENGTHS if length >= needed)
                yield padded(prompt.ids, completion.ids, length=length)


def batches(tokenizer: Tokenizer, problems: Iterator[Problem], *, tokens: int) -> Iterator[Batch]:
    """Batches of about that many tokens, each of sequences of one length."""
    waiting: dict[int, list[Example]] = defaultdict(list)
    for example in examples(tokenizer, problems):
        length = len(example.weights)
        waiting[length].append(example)
        if len(waiting[length]) == max(1, tokens // length):
            group = waiting.pop(length)
            whole = torch.tensor([one.tokens for one in group])
            yield Batch(
                whole[:, :-1].contiguous(),
                whole[:, 1:].contiguous(),
                torch.tensor([one.weights for one in group]),
            )
