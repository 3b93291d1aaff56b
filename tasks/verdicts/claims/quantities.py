"""Amounts, numbers and times that answer "how much", "how many" and "when"."""

import re
from collections.abc import Sequence

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import sections_named
from tasks.verdicts.claims.asked import is_measured, main_clause
from tasks.verdicts.claims.support import content
from tasks.verdicts.claims.tokens import normed
from tasks.verdicts.claims.values import MONTH_STEMS, MONTHS, Value, values

_FREE = re.compile(r"\b(?:free|nothing|none|no (?:fee|charge|cost)|without (?:fee|charge))\b", re.I)
_TIME_WORDS = re.compile(
    r"\b(?:(?:an?|one|half an?|the) (?:\w+ )?(?:second|minute|hour|day|week|month|year|quarter"
    r"|fortnight)"
    r"|immediately|promptly|forthwith|daily|weekly|monthly|yearly|annually|never|always|once"
    r"|any time|upon|after|before|until|when|while|as soon as|o'clock|if|unless|provided|in case"
    r"|during|at the|on the|twice|thrice|times|on \w+days?|today|tomorrow|no deadline"
    r"|(?:every|each) (?:\w+ )?(?:second|minute|hour|day|week|month|year|quarter|season|\w+day"
    r"|time))\b",
    re.IGNORECASE,
)
_ONE_UNIT = re.compile(
    r"\b(?:one|an?|half|quarter|full|third)\s+(?:\w+\s)?(?:seconds?|minutes?|hours?|days?|weeks?"
    r"|months?|years?"
    r"|percent|\w*met(?:re|er)s?|\w*grams?|lit(?:re|er)s?|tonnes?|degrees?|size|cents?|euros?"
    r"|dollars?)\b"
    r"|\b(?:no|any|every|all|unlimited|none)\b",
    re.IGNORECASE,
)
_NUMBER_WORDS = re.compile(
    r"\b(?:one|no|once|twice|half|quarter|all|every|each|any)\b", re.IGNORECASE
)
_COUNT_WORDS = re.compile(r"\b(?:one|no|none|half|all|every|each|any|single)\b", re.IGNORECASE)
_DATE_WANTED = re.compile(r"^(?:on |from |by |until |to )?(?:what|which) date\b", re.IGNORECASE)
_DAY = re.compile(r"\b\d{1,2}[./-]\d{1,2}\b|\b\d{4}\b|\b\w+day\b", re.IGNORECASE)


def is_free(answer: str) -> bool:
    """Return whether the answer says that there is nothing to pay, or none of it."""
    return bool(_FREE.search(answer))


def tells_an_amount(answer: str, found: Sequence[Value], case: Case) -> bool:
    """Return whether the answer has an amount, or says that it is free."""
    return any(one.kind == "number" and _is_amount(one) for one in found) or is_free(answer)


def tells_a_number(answer: str, found: Sequence[Value], case: Case) -> bool:
    """Return whether the answer has a number, in digits or in a word; a measure needs its unit."""
    counts = [one for one in found if one.kind == "number" and not _counts_else(one, case)]
    if counts or is_free(answer):
        return True
    if _HOW_MANY.search(main_clause(case.question)):
        return bool(_COUNT_WORDS.search(answer))
    words = _ONE_UNIT if is_measured(case.question) else _NUMBER_WORDS
    return bool(words.search(answer))


_HOW_MANY = re.compile(r"^how many\b(?! times)", re.IGNORECASE)


def _counts_else(value: Value, case: Case) -> bool:
    """Return whether things are to be counted, and the number has a unit of measure."""
    asked = main_clause(case.question)
    measured = value.is_measured and not {*value.units} & content(asked)
    return measured and bool(_HOW_MANY.search(asked))


def tells_a_time(answer: str, found: Sequence[Value], case: Case) -> bool:
    """Return whether the answer has a time; where a date is asked for, a date."""
    if _HOW_LONG.search(main_clause(case.question)) and _tells_one_hour(found):
        return False
    return _tells_time(answer, found) and not _lacks_the_date(answer, case)


_HOW_LONG = re.compile(r"^(?:for )?how long\b", re.IGNORECASE)


def _tells_one_hour(found: Sequence[Value]) -> bool:
    """Return whether the only time is one of the clock, which is no length."""
    times = [one for one in found if one.kind == "number" and one.is_time]
    return len(times) == 1 and times[0].units == ("clock",)


def _is_amount(value: Value) -> bool:
    return not value.is_time and not {*value.units[:1]} & MONTH_STEMS


def _tells_time(answer: str, found: Sequence[Value]) -> bool:
    dated = any(one in MONTHS - {"may"} for one in normed(answer)) or any(
        "may" in one.units for one in found
    )
    clock = any(one.is_time or (one.kind == "label" and one.units == ("day",)) for one in found)
    year = any(one.kind == "number" and not one.units and len(one.text) == 4 for one in found)
    return dated or clock or year or bool(_TIME_WORDS.search(answer))


def _lacks_the_date(answer: str, case: Case) -> bool:
    """Return whether a date is asked for, which the cited sections have and the answer has not."""
    if not _DATE_WANTED.search(main_clause(case.question)) or _has_month(answer):
        return False
    return any(_has_month(one.text) for one in sections_named(case)) and not _DAY.search(answer)


def _has_month(text: str) -> bool:
    return any({*one.units[:1]} & MONTH_STEMS for one in values(text)) or any(
        one in MONTHS - {"may"} for one in normed(text)
    )
