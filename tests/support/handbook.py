"""What the built-in handbook says, read from its own files, and whether a row about it is true."""

import re
from functools import cache
from pathlib import Path
from typing import NamedTuple

SAMPLES = Path(__file__).parents[2] / "tasks" / "sources" / "samples"
_SECTION = re.compile(r"## (Section \d+)\. ([^\n]+)\n\n([^\n]+)\n")
_COPY = re.compile(r"\[(Section \d+)\] (.*?)(?= So the answer is|\[Section|$)", re.DOTALL)


class Entry(NamedTuple):
    """A section of the handbook. line: as a prompt shows it."""

    label: str
    topic: str
    line: str
    fee: str
    reply: str
    examiner: str


@cache
def entries() -> dict[str, Entry]:
    """Return topic, in small letters → its section."""
    found: dict[str, Entry] = {}
    for path in SAMPLES.glob("*.md"):
        for label, heading, text in _SECTION.findall(path.read_text(encoding="utf-8") + "\n"):
            fee, reply, examiner = (
                re.search(form, text)[0]  # type: ignore[index]
                for form in (r"\d+ credits", r"\d+ (?:days|weeks|months)", r"Examiner [A-Z][a-z]+")
            )
            line = f"[{label}] {heading}. {text}"
            found[heading.lower()] = Entry(label, heading, line, fee, reply, examiner)
    return found


def untrue(prompt: str, think: str, answer: str) -> str:
    """Return what is untrue of a handbook row, "" for a true one: its value, its citation, its
    quotations.
    """
    question = prompt.rsplit("\n", 1)[-1].removeprefix("Question: ")
    known = entries()
    topic = max((one for one in known if question.lower().endswith(f" {one}?")), key=len)
    entry, lead = known[topic], question[: -len(topic) - 1]
    due = _due(lead, entry)
    if due not in answer or f"[{entry.label}]" not in answer:
        return f"{question} {answer}; due {due} [{entry.label}]"
    lines = {one.label: one.line.lower() for one in known.values()}
    for label, quoted in _COPY.findall(think.replace("\n", " ")):
        whole = f"[{label}] {quoted.strip()}".lower()
        if not lines[label].startswith(whole):
            return f"{whole}; due {lines[label]}"
    return ""


def _due(lead: str, entry: Entry) -> str:
    """Return the value that a question asks for. lead: the question up to its topic."""
    if "fee" in lead or "charge" in lead:
        return entry.fee
    if "reply" in lead:
        return entry.reply
    return entry.label if "section" in lead or "rules" in lead else entry.examiner
