"""The text of an HTML page: headings as Markdown, footnotes beside their references, and no menus
or lists of links.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from tasks.sources.footnotes import move_notes
from tasks.sources.page import CODE, HEADING, Page, left_out, tidy

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag

HEADINGS = ("h1", "h2", "h3", "h4", "h5", "h6")
INVISIBLE = ("head", "script", "style", "noscript", "template", "svg", "button", "select")
LANDMARKS = ("nav", "header", "footer")
ROLES = set(
    "navigation banner contentinfo search menu menubar directory doc-toc doc-index "
    "doc-pagelist".split()
)
"""ARIA roles of elements around the document."""
_LAYOUT = re.compile(
    r"(?:^|[-_ ])(?:mini)?(?:nav|navbar|navheader|navfooter|navigation|navigator|toc|contents|"
    r"tableofcontents|toctree|sidebar|sphinxsidebar|breadcrumbs?|menu|related|pagination|pager|"
    r"prevnext|skip|header|footer|copyright|index|genindex\w*|printindex|indextable)"
    r"(?=$|[-_ ])"
)
"""Classes and ids of menus, contents, indexes and footers. Text has such classes too, so the share
of links decides.
"""
_CLOSING = re.compile(r"(?:^|[-_ ])(?:footer|copyright)(?=$|[-_ ])")
LISTS = ("ul", "ol", "dl", "table", "p", "div", "section", "aside")
LINKED = 0.8
"""Share of linked words from which on a block is a list of links."""
LINKED_LAYOUT = 0.4
"""The same for a block with a class or id of _LAYOUT."""
LINKS = 3
"""Fewest links in a list of links."""
MOST = 0.5
"""A landmark with a larger share of the page's words that is not a list of links is the text
itself, with wrong markup.
"""
BLOCKS = ("p", "div", "address", "small", "footer", "td")
_COLOPHON = re.compile(
    r"(?:this (?:document|page|file|manual|documentation) (?:was|has been) )?(?:automatically )?"
    r"(?:generated|created|built|produced|formatted|translated|"
    r"last (?:updated|modified|changed|edited|generated)) (?:by|on|with|using|from|at|:)|"
    r"page (?:last )?(?:updated|modified|generated)|powered by ",
    re.IGNORECASE,
)
"""How a page says by what and when it was made."""
PERMALINKS = {"¶", "#", "§", "🔗", "[source]", "[docs]", "[edit]"}
"""Texts of links that belong to a heading or a definition and not to the text."""


@dataclass
class _Weight:
    """The number of words in an element, of linked words, and of links."""

    words: int = 0
    linked: int = 0
    links: int = 0

    @property
    def share(self) -> float:
        return self.linked / self.words if self.words else 0.0


def read_html(text: str) -> Page:
    """Return title and text of a page, and what was left out."""
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(text, "html.parser")
    title = _title(soup)
    for tag in soup(INVISIBLE):
        tag.decompose()
    for link in soup("a"):
        if link.get_text(strip=True) in PERMALINKS:
            link.decompose()
    move_notes(soup)
    surroundings = left_out(("navigation", words) for words in _cut_out(soup))
    return Page(title, _as_text(soup), surroundings)


def _title(soup: "BeautifulSoup") -> str:
    """Return the first main heading if the title contains it (beside the name of the site), else
    the title.
    """
    whole = soup.title.get_text(" ", strip=True) if soup.title else ""
    heading = _heading(soup.h1) if soup.h1 else ""
    return heading if heading and heading in whole else whole


def _heading(tag: "Tag") -> str:
    return " ".join(tag.get_text().split()).rstrip("¶# ")


def _cut_out(soup: "BeautifulSoup") -> Iterator[str]:
    """Remove menus, lists of links, headers and footers from the page. Yield the text of each."""
    weights = _weights(soup)
    everything = weights.get(id(soup), _Weight())
    for tag in soup(True):
        weight = weights.get(id(tag))
        if weight and not tag.decomposed and _surrounds(tag, weight, everything):
            words = tag.get_text(" ", strip=True)
            _remove(tag)
            yield words


def _weights(soup: "BeautifulSoup") -> dict[int, _Weight]:
    """Return id(element) → weight for all elements that hold a word."""
    weights: dict[int, _Weight] = {}
    for string in soup(string=lambda found: type(found).__name__ == "NavigableString"):
        count = sum(any(map(str.isalnum, word)) for word in string.split())
        within = list(string.parents)
        linked = any(parent.name == "a" and parent.has_attr("href") for parent in within)
        for parent in within if count else ():
            weight = weights.setdefault(id(parent), _Weight())
            weight.words += count
            weight.linked += count * linked
            weight.links += linked
    return weights


def _surrounds(tag: "Tag", weight: _Weight, everything: _Weight) -> bool:
    """Return whether an element belongs to the page and not to the document: a landmark, or a block
    that is mostly links.
    """
    if tag.name in ("html", "body", "main", "[document]", "a", *HEADINGS):
        return False
    if weight.share >= LINKED and weight.links >= LINKS and tag.name in LISTS:
        return True
    if weight.words > MOST * everything.words:
        return False
    if tag.name in LANDMARKS or str(tag.get("role", "")).lower() in ROLES:
        return tag.name != "header" or not _in_text(tag)
    if tag.name in BLOCKS and weight.words <= 40 and _is_colophon(tag):
        return True
    return _is_layout(tag, weight)


def _is_colophon(tag: "Tag") -> bool:
    return _COLOPHON.match(tag.get_text(" ", strip=True)) is not None


def _is_layout(tag: "Tag", weight: _Weight) -> bool:
    """Return whether class or id name a part of the layout, and the content agrees."""
    named = " ".join([*_classes(tag), str(tag.get("id", ""))]).lower()
    if not _LAYOUT.search(named):
        return False
    if _CLOSING.search(named) and not tag.find(HEADINGS):
        return True
    return weight.links >= 1 and weight.share >= LINKED_LAYOUT


def _in_text(tag: "Tag") -> bool:
    """Return whether a header belongs to an article and not to the page."""
    return tag.find_parent(("main", "article", "section")) is not None


def _classes(tag: "Tag") -> list[str]:
    found = tag.get("class")
    return list(found) if isinstance(found, list) else [str(found or "")]


def _remove(tag: "Tag") -> None:
    """Remove an element. The main heading inside a page's header stays."""
    heading = tag.find("h1") if tag.name == "header" or tag.get("role") == "banner" else None
    if heading:
        tag.replace_with(heading.extract())
    else:
        tag.decompose()


def _as_text(soup: "BeautifulSoup") -> str:
    for heading in soup(HEADINGS):
        words = _heading(heading)
        hashes = "#" * int(heading.name[1])
        # Replacing the whole tag is slow: it would search the tag among all its siblings.
        heading.string = f"\n\n{HEADING}{hashes} {words}\n\n" if words else "\n"
    for code in soup("pre"):
        code.string = f"\n\n{_code(code.get_text())}\n\n"
    for cell in soup(("td", "th")):
        cell.append(" ")
    for block in soup(("p", "li", "tr", "dd", "dt", "blockquote", "div", "br")):
        block.append("\n\n" if block.name in ("p", "blockquote") else "\n")
    return tidy(soup.get_text())


def _code(text: str) -> str:
    """Return lines of code, each marked as code, so that a comment in them is not taken for a
    heading.
    """
    return "\n".join(CODE + line for line in text.strip("\n").expandtabs(4).split("\n"))
