"""An answer that is a list with one item per line."""

import json
import re
from collections.abc import Sequence
from itertools import pairwise

from pydantic import Field

from tasks.chains.returns.answers import (
    is_chatter,
    is_nothing,
    is_preamble,
    reading,
    refuses,
    unfenced,
    unquoted,
)
from tasks.chains.returns.marks import Row, rows_of
from tasks.chains.returns.parsed import Parsed, Unparsed, is_text
from tasks.spec import Spec

_ARRAY = re.compile(r"\[\s*[\"'{\[\]]|\{\s*[\"'}]")
_DESCRIPTION = re.compile(r"\s*:(?:\s+|$)|\s+[-–—]\s+")
_CLOSED = re.compile(r"[.!?…:;][\"'”’)\]]*$")
_SENTENCE_BREAK = re.compile(r"[.!?][\"'”’)]*\s+(?=[A-Z\"“'‘(])")
_QUESTION_END = re.compile(r"\?[\"'”’)]*(?=[\s,;]|$)")
_ANSWER = re.compile(r"(?:a|answer)\s*[0-9]*\s*:", re.IGNORECASE)
_MOST_SENTENCES = 2
"""Sentences in one of several bare lines; lines with more are prose."""

Found = list[str] | Unparsed


class Lines(Spec):
    """A list with one item per line: numbered, with bullets, a JSON array, or bare lines."""

    lines: int = Field(ge=1, le=200)
    """Largest number of items; the rest of a longer list is left out."""
    titles: bool = Field(False, exclude_if=lambda titles: not titles)
    """Keep only the title of an item such as "Photosynthesis: how plants make food"."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of every item."""
        return ("text",)

    def parse(self, text: str) -> Parsed | Unparsed:
        """Return the items of the list, at most `lines` of them.

        >>> Lines(lines=5).parse("Here are the questions:\\n1. Who pays?\\n2. When?")
        ({'text': 'Who pays?'}, {'text': 'When?'})
        """
        return reading(text, self._read)

    def _read(self, answer: str) -> Parsed | Unparsed:
        if refuses(answer):
            return Unparsed("refusal")
        found = _items(unfenced(answer), titles=self.titles, most=self.lines)
        if isinstance(found, Unparsed):
            return found
        items = [text for one in found if (text := _cleaned(one, titles=self.titles))]
        if all(map(is_nothing, items)):
            return Unparsed("no_list")
        if len(items) == 1 and refuses(items[0]):
            return Unparsed("refusal")
        return tuple({"text": text} for text in items[: self.lines])


def _items(body: str, *, titles: bool, most: int) -> Found:
    if body[:1] in {"[", "{"} and (array := _array(body)) is not None:
        return array
    rows = rows_of(body)
    if any(row.text.startswith("|") for row in rows):
        return Unparsed("table")
    if any(row.mark for row in rows):
        return _marked(rows, titles=titles)
    return _bare(rows, most=most)


def _array(body: str) -> Found | None:
    """Return the texts of a JSON array; None for a text that is no JSON, such as "[1] Fees"."""
    try:
        value = json.loads(body)
    except (ValueError, RecursionError):
        return Unparsed("broken_json") if _ARRAY.match(body) else None
    if isinstance(value, list) and all(isinstance(one, str) and is_text(one) for one in value):
        return [" ".join(one.split()) for one in value]
    return Unparsed("not_lines")


def _marked(rows: Sequence[Row], *, titles: bool) -> Found:
    """Return the items of a list whose lines have marks; other lines are no items."""
    begin = next(n for n, row in enumerate(rows) if row.mark)
    first = rows[begin]
    items = [row for row in rows if _is_beside(row, first)]
    if not titles and len(items) < sum(bool(row.mark) for row in rows):
        return Unparsed("nested_list")
    if not first.number and _is_parted(rows[begin:], first):
        return Unparsed("two_lists")
    if fault := _fault_of_numbers(items, rows[:begin]):
        return Unparsed(fault)
    return _joined(rows[begin:], first, titles=titles)


def _is_beside(row: Row, first: Row) -> bool:
    """Return whether a row is an item of the list that another row begins."""
    return row.mark == first.mark and (bool(row.number) or row.indent <= first.indent + 1)


def _is_parted(rows: Sequence[Row], first: Row) -> bool:
    """Return whether a heading parts the items of a list into several lists."""
    last = max(n for n, row in enumerate(rows) if _is_beside(row, first))
    return any(row.heading or row.text.endswith(":") for row in rows[:last] if not row.mark)


def _fault_of_numbers(items: Sequence[Row], before: Sequence[Row]) -> str:
    """Return why the numbers of some items are not those of one list, "" if they are."""
    numbers = [row.number for row in items]
    rising = all(one < other for one, other in pairwise(numbers))
    if not rising and len(set(numbers)) > 1:
        return "two_lists"
    if numbers[0] > 1 and any(not is_preamble(row.text) and not row.heading for row in before):
        return "first_item_unmarked"
    # "1. Who pays? 2. When?" on one line would be one item with two questions.
    if any(row.number and re.search(rf"\s\(?{row.number + 1}[.)]\s", row.text) for row in items):
        return "list_on_one_line"
    if any(f"? {row.mark} " in row.text for row in items if not row.number):
        return "list_on_one_line"
    return ""


def _joined(rows: Sequence[Row], first: Row, *, titles: bool) -> Found:
    """Return the texts of the items, with the rest of lines that were wrapped."""
    found: list[str] = []
    is_open = False
    for row in rows:
        if _is_beside(row, first):
            found.append(row.text)
            is_open = True
        elif is_open and not found[-1]:
            found[-1] = row.text
        elif row.after_gap or row.heading or row.text.endswith(":") or is_chatter(row.text):
            is_open = False
        elif not is_open or titles:
            continue
        elif _CLOSED.search(found[-1]) or not row.text[:1].islower():
            return Unparsed("text_in_list")
        else:
            found[-1] += f" {row.text}"
    return found


def _bare(rows: Sequence[Row], *, most: int) -> Found:
    """Return the lines of a list without marks.

    Lines that end differently, or that hold many sentences, are prose and not a list.
    """
    headings = sum(row.heading for row in rows)
    lines = [_bared(row.text) for row in rows if not row.heading or 1 < headings == len(rows)]
    while lines and (is_preamble(lines[0]) or (len(lines) > 1 and lines[0].endswith(":"))):
        lines = lines[1:]
    while len(lines) > 1 and is_chatter(lines[-1]):
        lines = lines[:-1]
    if not lines or lines[0].endswith(":"):
        return Unparsed("preamble_only" if rows else "no_list")
    if any(_ANSWER.match(line) for line in lines):
        return Unparsed("text_in_list")
    if any(len(_QUESTION_END.findall(line)) > 1 for line in lines):
        return Unparsed("list_on_one_line")
    if len({_ending(line) for line in lines}) > 1:
        return Unparsed("mixed_lines")
    # One paragraph is no list: a model that was asked for several items wrote something else.
    if len(lines) == 1 and most > 1 and _ending(lines[0]) == ".":
        return Unparsed("prose")
    if len(lines) > 1 and any(_sentences(line) > _MOST_SENTENCES for line in lines):
        return Unparsed("prose")
    return lines


def _ending(line: str) -> str:
    if not (closed := _CLOSED.search(line)):
        return ""
    return "?" if "?" in closed[0] else "."


def _sentences(line: str) -> int:
    return len(_SENTENCE_BREAK.findall(line)) + 1


def _cleaned(item: str, *, titles: bool) -> str:
    """Return an item without the quotation marks around it; only its title if due."""
    bare = _bared(item)
    return _DESCRIPTION.split(bare, maxsplit=1)[0].strip() if titles else bare


def _bared(item: str) -> str:
    bare = item.strip()
    return unquoted(bare[:-1] if bare.endswith(('",', "”,", "',")) else bare)
