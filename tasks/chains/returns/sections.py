"""An answer that is some sections with labels."""

import re
from collections.abc import Sequence
from typing import NamedTuple, Self

from pydantic import Field, model_validator

from tasks.chains.returns.answers import is_chatter, paragraphs, parts_after, reading, unfenced
from tasks.chains.returns.parsed import Name, Parsed, Unparsed
from tasks.spec import Spec


class Fields(Spec):
    """Sections with labels such as "QUESTION: …" and "ANSWER: …": each once, or numbered groups."""

    fields: tuple[Name, ...] = Field(min_length=1, max_length=20)
    """Names of the sections; the label of `long_answer` is "LONG ANSWER"."""

    @property
    def names(self) -> tuple[str, ...]:
        """The fields of every item."""
        return self.fields

    @model_validator(mode="after")
    def _names_differ(self) -> Self:
        if len(set(self.fields)) < len(self.fields):
            raise ValueError("a name is there twice")
        return self

    def parse(self, text: str) -> Parsed | Unparsed:
        """Return the content of the sections; one item per numbered group.

        >>> Fields(fields=("question", "answer")).parse("**Question:** Who pays?\\nANSWER: You.")
        ({'question': 'Who pays?', 'answer': 'You.'},)
        """
        return reading(text, self._read)

    def _read(self, answer: str) -> Parsed | Unparsed:
        found = _sections(unfenced(answer), self.fields)
        if isinstance(found, Unparsed):
            return found
        groups: dict[str, dict[str, str]] = {}
        for one in found:
            group = groups.setdefault(one.number, {})
            if one.name in group:
                return Unparsed("repeated_field")
            group[one.name] = one.text
        if not groups:
            return Unparsed("no_fields")
        if any(len(group) < len(self.fields) for group in groups.values()):
            return Unparsed("missing_field")
        if any(not text for group in groups.values() for text in group.values()):
            return Unparsed("empty_field")
        return tuple({name: group[name] for name in self.fields} for group in groups.values())


class _Section(NamedTuple):
    name: str
    number: str
    text: str


def _sections(answer: str, names: Sequence[str]) -> list[_Section] | Unparsed:
    """Return the sections of an answer; text before the first label is no section."""
    labels = {_spoken(name): name for name in names}
    # Longest first, so that "answer key" is not read as "answer".
    words = "|".join(map(_pattern, sorted(labels, key=len, reverse=True)))
    decoration = r"[ \t]*(?:[-*•>]+[ \t]+|[0-9]{1,3}[.)][ \t]+)?(?:\#{1,6}[ \t]*)?[*_\[]{0,3}"
    number = r"(?:[ \t_]*\#?(?P<number>[0-9]{1,4}))?"
    ends = r"[*_\]]{0,3}[ \t]*:[*_\]]{0,3}"
    header = re.compile(
        rf"^{decoration}(?P<label>{words}){number}[ \t]*{ends}[ \t]*|"
        rf"^[ \t]*(?:\#{{1,6}}[ \t]*[*_]{{0,2}}|[*_]{{2}})(?P<alone>{words})"
        rf"(?:[ \t_]*\#?(?P<count>[0-9]{{1,4}}))?[*_]{{0,2}}[ \t]*$",
        re.IGNORECASE | re.MULTILINE,
    )
    inside = re.compile(
        rf"(?<![\w-])(?:{words})[ \t]*[0-9]{{0,4}}[*_]{{0,2}}[ \t]*:", re.IGNORECASE
    )
    found: list[_Section] = []
    for head, part in parts_after(list(header.finditer(answer)), answer):
        text = _content(part)
        if inside.search(text):
            return Unparsed("label_inside")
        name = labels[_spoken(head["label"] or head["alone"])]
        found.append(_Section(name, head["number"] or head["count"] or "", text))
    return found


def _pattern(words: str) -> str:
    return r"[ \t_-]".join(map(re.escape, words.split(" ")))


def _spoken(name: str) -> str:
    return " ".join(re.split(r"[ \t_-]", name.lower()))


def _content(text: str) -> str:
    """Return the content of a section, without chatter and rules after it."""
    parts = paragraphs(text)
    while len(parts) > 1 and (is_chatter(parts[-1]) or re.fullmatch(r"[-*_=\s]{3,}", parts[-1])):
        parts.pop()
    return "\n\n".join(parts).strip()
