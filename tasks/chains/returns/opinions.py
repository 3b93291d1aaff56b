"""A phrase that says yes or no to a criterion, in plain words or in the words of the criterion."""

import re
from typing import Literal, NamedTuple

Opinion = Literal["yes", "no", "both"]

_NEGATION = r"(?:\b(?:not|never|hardly|neither|nor|no longer|far from|anything but)|n['’]t)"
_PREFIX = r"(?:un|in|im|ir|il|non|dis)"
_WORDS = {"yes": "yes", "true": "yes", "y": "yes", "no": "no", "false": "no", "n": "no"}
_HEAD = re.compile(
    r"(?P<word>yes|no|true|false|y|n)"
    r"(?=$|[.!,;:)(]|\s+[-–—(]|\s+(?:it|this|the|because|since|as)\b)",
    re.IGNORECASE,
)
_ASKED = re.compile(r"(?:yes|no|true|false)\s*\?", re.IGNORECASE)
_NO_NOUN = re.compile(
    r"\bno (?:other|further|need|doubt|additional|extra|ambiguity|reference|context|mention|more"
    r"|problem|issue|information|text|passage)\b",
    re.IGNORECASE,
)
_SUBJECT = (
    r"(?:(?:it|this|that|which|(?:the|this|that) (?:[\w-]+ ){1,3}?)\s*(?:is|was|are|seems)\s+)?"
)
_RANK = r"(?:(?:very|fully|quite|clearly|entirely|completely|perfectly|highly) )?"


class Criterion(NamedTuple):
    """A criterion and how a text speaks of it.

    key: its name in the settings. name: it in a text, with spaces, hyphens or underscores.
    negated: it is denied. stated: a phrase begins by saying or denying it.
    """

    key: str
    name: re.Pattern[str]
    negated: re.Pattern[str]
    stated: re.Pattern[str]


def criterion_of(name: str) -> Criterion:
    """Return how a text speaks of a criterion.

    "irrelevant" denies "relevant", and "valid" denies "invalid".
    """
    words = r"[\s_-]+".join(map(re.escape, name.split("_")))
    opposite = re.sub(rf"^{_PREFIX}(?=\w{{4}})", "", name)
    denied = rf"{_PREFIX}-?{words}"
    if opposite != name:
        denied = rf"(?:{denied}|{opposite})"
    negated = rf"{_NEGATION}\s+(?:[\w-]+\s+){{0,3}}?{words}\b|\b{denied}\b"
    stated = (
        rf"{_SUBJECT}(?:(?P<no>not (?:[\w-]+ ){{0,2}}?{words}|{denied})|(?P<yes>{_RANK}{words}))"
        r"(?=$|[.!,;:(]|\s+[-–—]|\s+(?:because|since|as)\b)"
    )
    return Criterion(
        name,
        re.compile(words, re.IGNORECASE),
        re.compile(negated, re.IGNORECASE),
        re.compile(stated, re.IGNORECASE),
    )


def is_bare(phrase: str) -> bool:
    """Return whether a phrase begins with a plain yes or no."""
    return _HEAD.match(phrase.strip()) is not None


def opinion_of(phrase: str, criterion: Criterion) -> Opinion | None:
    """Return what a phrase says of a criterion; "both" if it contradicts itself, None for nothing.

    >>> clear = criterion_of("clear")
    >>> opinion_of("Yes, it is clear.", clear), opinion_of("unclear", clear)
    ('yes', 'no')
    >>> opinion_of("Yes, but it is not clear.", clear), opinion_of("yes or no", clear)
    ('both', None)
    """
    if _ASKED.match(phrase.strip()):
        return "both"
    said = _said(phrase.strip(), criterion)
    if said is None:
        return None
    opinion, rest = said
    return "both" if _speaks_against(rest, opinion, criterion) else opinion


def _said(phrase: str, criterion: Criterion) -> tuple[Literal["yes", "no"], str] | None:
    """Return what the head of a phrase says, and the rest of the phrase."""
    if head := _HEAD.match(phrase):
        said: Literal["yes", "no"] = "yes" if _WORDS[head["word"].lower()] == "yes" else "no"
        return said, phrase[head.end() :]
    if head := criterion.stated.match(phrase):
        return "no" if head["no"] else "yes", phrase[head.end() :]
    return None


def _speaks_against(rest: str, opinion: str, criterion: Criterion) -> bool:
    rest = _NO_NOUN.sub(" ", rest)
    words = {_WORDS[word.lower()] for word in re.findall(r"\b(?:yes|no|true|false)\b", rest, re.I)}
    if words - {opinion}:
        return True
    if opinion == "yes":
        return criterion.negated.search(rest) is not None
    return criterion.name.search(criterion.negated.sub(" ", rest)) is not None
