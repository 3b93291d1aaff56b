"""A problem with its worked chain and every answer that is right."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

AnswerType = Literal["number", "text"]
BOXED = re.compile(r"\\boxed\{([^{}]*)\}")


@dataclass(frozen=True)
class Problem:
    """One question of a family; think is the worked chain that only the training of the pocket
    teacher sees.
    """

    family: str
    prompt: str
    think: str
    answer: str
    accepted: tuple[str, ...]
    answer_type: AnswerType


Engine = Callable[[Random], Problem]


def normalised(text: str) -> str:
    """The text without case, outer whitespace and trailing full stop."""
    return text.strip().rstrip(".").strip().casefold()


def final_number(answer: str) -> str:
    """What the last \\boxed{…} of the answer holds, or the whole answer when it has none."""
    boxes = BOXED.findall(answer)
    return normalised(boxes[-1] if boxes else answer)


def is_right(problem: Problem, answer: str) -> bool:
    """Whether the answer, the text behind the think block, is one of the accepted ones."""
    given = final_number(answer) if problem.answer_type == "number" else normalised(answer)
    return given in {normalised(right) for right in problem.accepted}


def number_problem(rng: Random, *, family: str, prompt: str, think: str, value: int) -> Problem:
    """A problem whose answer is the boxed whole number."""
    answer = rng.choice((f"The answer is \\boxed{{{value}}}.", f"\\boxed{{{value}}}"))
    return Problem(
        family=family,
        prompt=prompt,
        think=think,
        answer=answer,
        accepted=(str(value),),
        answer_type="number",
    )


def text_problem(
    *, family: str, prompt: str, think: str, answer: str, accepted: tuple[str, ...] = ()
) -> Problem:
    """A problem answered in words; the model answer is always accepted."""
    every = (answer, *(other for other in accepted if other != answer))
    return Problem(
        family=family, prompt=prompt, think=think, answer=answer, accepted=every, answer_type="text"
    )
