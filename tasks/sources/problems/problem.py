"""A problem with its worked solution and all right answers."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Literal

AnswerType = Literal["number", "text"]
BOXED = re.compile(r"\\boxed\{([^{}]*)\}")


@dataclass(frozen=True)
class Problem:
    """One question of a family. think: the worked solution; only the training of the pocket teacher
    uses it.
    """

    family: str
    prompt: str
    think: str
    answer: str
    accepted: tuple[str, ...]
    answer_type: AnswerType


Engine = Callable[[Random], Problem]


def normalised(text: str) -> str:
    """Return the text in lower case, without outer white space and final full stop."""
    return text.strip().rstrip(".").strip().casefold()


def final_number(answer: str) -> str:
    """Return the content of the answer's last boxed expression, or the whole answer if it has
    none.
    """
    boxes = BOXED.findall(answer)
    return normalised(boxes[-1] if boxes else answer)


def is_right(problem: Problem, answer: str) -> bool:
    """Return whether an answer, the text after the think block, is one of the accepted ones."""
    given = final_number(answer) if problem.answer_type == "number" else normalised(answer)
    return given in {normalised(right) for right in problem.accepted}


def number_problem(rng: Random, *, family: str, prompt: str, think: str, value: int) -> Problem:
    """Return a problem whose answer is a boxed whole number."""
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
    """Return a problem that is answered in words. Its model answer is always accepted."""
    every = (answer, *(other for other in accepted if other != answer))
    return Problem(
        family=family, prompt=prompt, think=think, answer=answer, accepted=every, answer_type="text"
    )
