"""The one grammar of traces: optional whitespace, one `<think>` block, then the answer."""

import re
from typing import NamedTuple

OPEN, CLOSE = "<think>", "</think>"
_TAG = re.compile(r"</?think>")


class Parsed(NamedTuple):
    """A completion taken apart; `fault` is None when it obeys the grammar, else the noun of the fault."""

    think: str
    answer: str
    fault: str | None


def join(think: str, answer: str) -> str:
    """Return the canonical text of a trace; `split` undoes it."""
    return f"{OPEN}\n{think}\n{CLOSE}\n\n{answer}"


def split(text: str) -> Parsed:
    """Take a completion apart; tags that break the grammar are named, never repaired.

    Faults: missing_think, unclosed_think, orphan_close, repeated_think, text_before_think, empty_think, empty_answer.
    """
    tags = _TAG.findall(text)
    if tags != [OPEN, CLOSE]:
        return Parsed("", _TAG.sub("", text).strip(), _fault_of_tags(tags))
    before, rest = text.split(OPEN, 1)
    think, answer = (part.strip() for part in rest.split(CLOSE, 1))
    return Parsed(think, answer, _fault_of_parts(before.strip(), think, answer))


def from_fields(reasoning: str, content: str) -> str:
    """Return the inline form of an answer whose reasoning came in a field of its own."""
    return f"{OPEN}\n{reasoning.strip()}\n{CLOSE}\n\n{content.strip()}"


def _fault_of_tags(tags: list[str]) -> str:
    if not tags:
        return "missing_think"
    if CLOSE not in tags:
        return "unclosed_think"
    return "orphan_close" if tags[0] == CLOSE else "repeated_think"


def _fault_of_parts(before: str, think: str, answer: str) -> str | None:
    if before:
        return "text_before_think"
    if not think:
        return "empty_think"
    return None if answer else "empty_answer"
