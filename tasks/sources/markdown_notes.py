"""Footnotes of a Markdown text, moved to the paragraphs that refer to them, so that each stays in
its section.
"""

import re

_DEFINED = re.compile(
    r"^\[\^(?P<name>[^\]\s]+)\]:[ \t]*(?P<text>[^\n]*(?:\n(?:[ ]{2,}|\t)[^\n]*\S[^\n]*)*)\n?",
    re.MULTILINE,
)
_REFERRED = re.compile(r"\[\^(?P<name>[^\]\s]+)\](?!:)")
_FENCED = re.compile(r"^(?P<fence>```+|~~~+).*?^(?P=fence)", re.MULTILINE | re.DOTALL)
_BLANK = re.compile(r"\n[ \t]*(?:\n|$)")


def move_markdown_notes(text: str) -> str:
    """Return the text with each note ("[^1]: …") behind the first paragraph that refers to it.

    A note without a reference stays where it is.
    """
    code = [match.span() for match in _FENCED.finditer(text)]

    def outside(match: re.Match[str]) -> bool:
        return not any(start <= match.start() < end for start, end in code)

    defined = [match for match in _DEFINED.finditer(text) if outside(match)]
    marks = [match for match in _REFERRED.finditer(text) if outside(match)]
    homes = {mark["name"]: mark.start() for mark in reversed(marks)}
    moved = [note for note in defined if note["name"] in homes]
    names = {note["name"] for note in moved}
    referred = [mark for mark in marks if mark["name"] in names]
    cuts = [(mark.start(), mark.end(), f" (note {mark['name']})") for mark in referred]
    cuts += [(note.start(), note.end(), "") for note in moved]
    for note in moved:
        end = _BLANK.search(text, homes[note["name"]])
        place = end.start() if end else len(text.rstrip("\n"))
        words = " ".join(note["text"].split())
        cuts.append((place, place, f"\n\nNote {note['name']}: {words}"))
    return _spliced(text, sorted(cuts, key=lambda cut: cut[0]))


def _spliced(text: str, cuts: list[tuple[int, int, str]]) -> str:
    """Return the text with each [start, end) replaced. The ranges are in order and do not
    overlap.
    """
    pieces, at = [], 0
    for start, end, new in cuts:
        pieces += [text[at:start], new]
        at = max(at, end)
    return "".join([*pieces, text[at:]])
