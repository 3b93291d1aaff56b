"""Due dates: a start date and a period in months or days."""

from calendar import monthrange
from dataclasses import dataclass
from random import Random

from tasks.sources.problems.columns import addition_steps, subtraction_steps
from tasks.sources.problems.lexicon import NOTICES, capitalised, with_article
from tasks.sources.problems.problem import Problem, text_problem

FORMS = (
    "{Notice} was mailed on {start}. A reply is due in {period}. What is the due date?",
    "{Notice} dated {start} must be answered within {period}. When is the last day?",
    "The office sent {notice} on {start} and set a period of {period}. "
    "On which date does the period end?",
)
OPENERS = (
    "The start date is {start} and the period is {period}.",
    "I count {period} from {start}.",
    "From {start} on, {period} must pass.",
)
YEARS = range(2024, 2040)

CAPACITY = len(FORMS) * len(NOTICES) * len(YEARS) * 12 * 28 * (11 + 41)
"""Forms, notices, start dates up to the 28th, 11 periods in months and 41 in days."""


@dataclass(frozen=True)
class Due:
    """A due date and the steps that lead to it."""

    date: str
    steps: str


def iso(year: int, month: int, day: int) -> str:
    """Return the date as 2031-05-09."""
    return f"{year}-{month:02d}-{day:02d}"


def months_later(year: int, month: int, day: int, *, months: int) -> Due:
    """Return the same day some months later."""
    total = month + months
    steps = f"The month is {month}. {month} + {months} = {total}."
    if total > 12:
        steps += f" {total} is more than 12, so {total} - 12 = {total - 12}"
        steps += f" and the year becomes {year + 1}."
        due = iso(year + 1, total - 12, day)
    else:
        steps += f" {total} is at most 12, so the year stays {year}."
        due = iso(year, total, day)
    return Due(due, f"{steps} The day stays {day:02d}.")


def days_later(year: int, month: int, day: int, *, days: int) -> Due:
    """Return the day some days later, counted month by month."""
    steps, day = [addition_steps(day, days)], day + days
    while day > (length := monthrange(year, month)[1]):
        steps.append(f"Month {month:02d} of {year} has {length} days. {day} is more than {length}.")
        steps.append(subtraction_steps(day, length))
        day, month = day - length, month + 1
        if month > 12:
            month, year = 1, year + 1
            steps.append(f"The year becomes {year}.")
        steps.append(f"The month becomes {month:02d}.")
    steps.append(f"Month {month:02d} of {year} has {length} days. {day} is at most {length}.")
    return Due(iso(year, month, day), " ".join(steps))


def date(rng: Random) -> Problem:
    """Return a problem: the last day of a period that starts on a given date."""
    year, month, day = rng.choice(YEARS), rng.randint(1, 12), rng.randint(1, 28)
    start, notice = iso(year, month, day), with_article(rng.choice(NOTICES))
    if rng.random() < 0.5:
        months = rng.randint(2, 12)
        due, period = months_later(year, month, day, months=months), f"{months} months"
    else:
        days = rng.randint(5, 45)
        due, period = days_later(year, month, day, days=days), f"{days} days"
    prompt = rng.choice(FORMS).format(
        Notice=capitalised(notice), notice=notice, start=start, period=period
    )
    opener = rng.choice(OPENERS).format(start=start, period=period)
    sentence = f"The due date is {due.date}."
    think = f"{opener} {due.steps} {sentence}"
    return text_problem(
        family="date",
        prompt=prompt,
        think=think,
        answer=rng.choice((sentence, due.date)),
        accepted=(sentence, due.date),
    )
