"""The corpus card: yield, families, provenance and licence, in Markdown."""

from pathlib import Path

from jinja2 import Environment, StrictUndefined

from tasks.corpus.findings import Findings

TEMPLATE = Path(__file__).with_name("card.md.jinja")


def card(found: Findings) -> str:
    """Return the card."""
    environment = Environment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    environment.filters |= {"cell": _cell, "code": _code}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(found=found)


def _cell(text: str) -> str:
    """Return text that cannot end a table cell or begin markup."""
    return "".join(
        f"\\{char}" if char in "|<>`*_[]\\" else " " if char in "\r\n" else char for char in text
    )


def _code(text: str) -> str:
    """Return text that cannot end the code span it stands in."""
    return " ".join(text.split()).replace("`", "'")
