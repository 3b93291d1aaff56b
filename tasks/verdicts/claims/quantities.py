"""Amounts, numbers and times that answer "how much", "how many" and "when"."""

import re
from collections.abc import Sequence

from tasks.verdicts.case import Case
from tasks.verdicts.claims.answers import sections_named
from tasks.verdicts.claims.asked import is_measured, main_clause
from tasks.verdicts.claims.tokens import normed, stem
from tasks.verdicts.claims.values import MONTHS, Value, values

_FREE = re.compile(r"\b(?:free|nothing|none|no (?:fee|charge|cost)|without (?:fee|charge))\b", re.I)
_TIME_WORDS = re.compile(
    r"\b(?:(?:an?|one|half an?|the) (?:\w+ )?(?:second|minute|hour|day|week|month|year|quarter|fortnight)"
    r"|immediately|promptly|forthwith|daily|weekly|monthly|yearly|annually|never|always|once"
    r"|any time|upon|after|before|until|when|while|as soon as|o'clock|if|unless|provided|in case"
    r"|during|at the|on the|twice|thrice|times|on \w+days?|today|tomorrow|no deadline"
    r"|(?:every|each) (?:\w+ )?(?:second|minute|hour|day|week|month|year|quarter|season|\w+day|time))\b",
    re.IGNORECASE,
)
_ONE_UNIT = re.compile(
    r"\b(?:one|an?|half|quarter|full|third)\s+(?:\w+\s)?(?:seconds?|minutes?|hours?|days?|weeks?|months?|years?"
    r"|percent|\w*met(?:re|er)s?|\w*grams?|lit(?:re|er)s?|tonnes?|degrees?|size|cents?|euros?|dollars?)\b"
    r"|\b(?:no|any|every|all|unlimited|none)\b",
    re.IGNORECASE,
)
_NUMBER_WORDS = re.compile(
    r"\b(?:one|no|once|twice|half|quarter|all|every|each|any)\b", re.IGNORECASE
)
_DATE_WANTED = re.compile(r"^(?:on |from |by |until |to )?(?:what|which) date\b", re.IGNORECASE)
_DAY = re.compile(r"\b\d{1,2}[./-]\d{1,2}\b|\b\d{4}\b|\b\w+day\b", re.IGNORECASE)
_MONTH_STEMS = frozenset(map(stem, MONTHS))


def is_free(answer: str) -> bool:
    """Return whether the answer says that there is nothing to pay, or none of it."""
    return bool(_FREE.search(answer))


def tells_an_amount(answer: str, found: Sequence[Value], case: Case) -> bool:
    """Return whether the answer has an amount, or says that it is free."""
    return any(one.kind == "number" and _is_amount(one) for one in found) or is_free(answer)


def tells_a_number(answer: str, found: Sequence[Value], case: Case) -> bool:
    """Return whether the answer has a number, in digits or in a word; a measure needs its unit."""
    if any(one.kind == "number" for one in found) or is_free(answer):
        return True
    words = _ONE_UNIT if is_measured(case.question) else _NUMBER_WORDS
    return bool(words.search(answer))


def tells_a_time(answer: str, found: Sequence[Value], case: Case) -> bool:
    """Return whether the answer has a time; where a date is asked for, a date."""
    return _tells_time(answer, found) and not _lacks_the_date(answer, case)


def _is_amount(value: Value) -> bool:
    return not value.is_time and not {*value.units[:1]} & _MONTH_STEMS


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
    return any({*one.units[:1]} & _MONTH_STEMS for one in values(text)) or any(
        one in MONTHS - {"may"} for one in normed(text)
    )
