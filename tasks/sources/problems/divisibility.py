"""Greatest common divisors by listing divisors, and remainders by long division."""

from math import gcd as greatest_common_divisor
from random import Random

from tasks.sources.problems.columns import division_steps
from tasks.sources.problems.problem import Problem, number_problem

GCD_FORMS = (
    "What is gcd({left}, {right})?",
    "Find the greatest common divisor of {left} and {right}.",
    "Compute gcd({left}, {right}).",
    "Which is the largest number that divides both {left} and {right}?",
)
GCD_OPENERS = (
    "I list the divisors, largest first.",
    "List all divisors of both numbers.",
    "The divisors come first.",
)
GCD_LIMIT = 120
GCD_CAPACITY = len(GCD_FORMS) * (GCD_LIMIT - 5) * (GCD_LIMIT - 6)
"""Forms and ordered pairs of different numbers from 6 to the limit."""

REMAINDER_FORMS = (
    "What is {number} mod {divisor}?",
    "Compute {number} mod {divisor}.",
    "Find the remainder of {number} divided by {divisor}.",
    "What is left when {number} is divided by {divisor}?",
)
REMAINDER_OPENERS = (
    "I divide digit by digit.",
    "Long division gives the remainder.",
    "I bring down one digit at a time.",
)
REMAINDER_CAPACITY = len(REMAINDER_FORMS) * 8 * 9900
"""Forms, divisors 2 to 9, numbers 100 to 9999."""


def divisors(number: int) -> list[int]:
    """Return all divisors of a number, the largest first."""
    return [candidate for candidate in range(number, 0, -1) if number % candidate == 0]


def related_pair(rng: Random) -> tuple[int, int]:
    """Return two different numbers up to the limit. Two in three pairs share a planned divisor."""
    shared = rng.randint(2, 20) if rng.random() < 0.67 else 1
    low, high = -(-6 // shared), GCD_LIMIT // shared
    left, right = rng.sample(range(low, high + 1), 2)
    return shared * left, shared * right


def gcd(rng: Random) -> Problem:
    """Return a problem: the greatest common divisor of two numbers up to the limit."""
    left, right = related_pair(rng)
    small, large = sorted((left, right))
    value = greatest_common_divisor(left, right)
    listed = " ".join(
        f"Divisors of {number}: {', '.join(map(str, divisors(number)))}."
        for number in (small, large)
    )
    tried = " ".join(f"{candidate} no." for candidate in divisors(small) if candidate > value)
    found = f"{tried} {value} yes." if tried else f"{value} yes."
    asked = f"Which of {small} are in the list of {large}?"
    steps = f"{rng.choice(GCD_OPENERS)} {listed} {asked} {found}"
    think = f"{steps} The greatest common divisor is {value}."
    prompt = rng.choice(GCD_FORMS).format(left=left, right=right)
    return number_problem(rng, family="gcd", prompt=prompt, think=think, value=value)


def remainder(rng: Random) -> Problem:
    """Return a problem: the remainder of a number of three or four digits divided by a digit."""
    number = rng.randint(100, 999) if rng.random() < 0.4 else rng.randint(1000, 9999)
    divisor = rng.randint(2, 9)
    value = number % divisor
    steps = f"{rng.choice(REMAINDER_OPENERS)} {division_steps(number, divisor)}"
    think = f"{steps} The remainder is {value}."
    prompt = rng.choice(REMAINDER_FORMS).format(number=number, divisor=divisor)
    return number_problem(rng, family="remainder", prompt=prompt, think=think, value=value)
