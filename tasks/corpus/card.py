"""The corpus card: yield, families, provenance and licence, in Markdown."""

from pathlib import Path

from jinja2 import Environment, StrictUndefined

from tasks.corpus.findings import Findings

TEMPLATE = Path(__file__).with_name("card.md.jinja")
ESCAPES = str.maketrans({char: f"\\{char}" for char in "|<>`*_[]\\"} | {"\r": " ", "\n": " "})
"""Characters that have a meaning in a Markdown table → what replaces them."""


def card(found: Findings) -> str:
    """Return the card as Markdown."""
    environment = Environment(
        undefined=StrictUndefined, autoescape=False, keep_trailing_newline=True
    )
    environment.filters |= {"cell": _cell, "code": _code}
    return environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(found=found)


def _cell(text: str) -> str:
    """Return a text that cannot end a table cell or start markup."""
    return text.translate(ESCAPES)


def _code(text: str) -> str:
    """Return a text that cannot end the code span around it."""
    return " ".join(text.split()).replace("`", "'")
