"""Procedural problems: an unlimited supply of questions whose right answers are known by
construction.
"""

from random import Random

from tasks.errors import unknown_name
from tasks.sources.problems import (
    arithmetic,
    dates,
    divisibility,
    equations,
    irac,
    judging,
    lookups,
    questions,
    rulebook,
)
from tasks.sources.problems.problem import Engine, Problem, is_right

__all__ = ["FAMILIES", "Engine", "Problem", "capacity", "draw", "is_right"]

FAMILIES: dict[str, Engine] = {
    "addition": arithmetic.addition,
    "subtraction": arithmetic.subtraction,
    "word_problem": arithmetic.word_problem,
    "equation": equations.equation,
    "gcd": divisibility.gcd,
    "remainder": divisibility.remainder,
    "date": dates.date,
    "lookup": lookups.lookup,
    "rulebook": rulebook.rulebook,
    "irac": irac.irac,
    "question_writing": questions.question_writing,
    "judging": judging.judging,
}

CAPACITIES: dict[str, int] = {
    "addition": arithmetic.ADDITION_CAPACITY,
    "subtraction": arithmetic.SUBTRACTION_CAPACITY,
    "word_problem": arithmetic.STORY_CAPACITY,
    "equation": equations.CAPACITY,
    "gcd": divisibility.GCD_CAPACITY,
    "remainder": divisibility.REMAINDER_CAPACITY,
    "date": dates.CAPACITY,
    "lookup": lookups.CAPACITY,
    "rulebook": rulebook.CAPACITY,
    "irac": irac.CAPACITY,
    "question_writing": questions.CAPACITY,
    "judging": judging.CAPACITY,
}


def draw(family: str, seed: int) -> Problem:
    """Return the problem of a family for a seed. It is the same in every process and on every
    machine.

    Raises UnknownName.
    """
    if family not in FAMILIES:
        raise unknown_name("family of problems", family, FAMILIES)
    return FAMILIES[family](Random(f"{family}/{seed}"))


def capacity(family: str) -> int:
    """Return a lower bound on the number of different prompts of a family. Raises UnknownName."""
    if family not in CAPACITIES:
        raise unknown_name("family of problems", family, CAPACITIES)
    return CAPACITIES[family]
