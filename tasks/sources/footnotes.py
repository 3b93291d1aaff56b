"""Footnotes of an HTML page, moved to the paragraphs that refer to them, so that each stays in its
section.
"""

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bs4 import BeautifulSoup, Tag
    from bs4.element import PageElement

HEADINGS = re.compile(r"^h[1-6]$")
_NOTE = re.compile(r"(?:^|[-_ ])(?:foot|end)notes?(?:$|[-_ ])|^fn$|^cite_note")
_MARK = re.compile(r"^[\[(]*\s*(?:\d{1,3}|[a-z]|[*†‡§¶]{1,3})\s*[\])]*\.?$")
"""The form of a footnote's mark: 3, [3], (3), *, †."""
_ARROWS = "↩↑⏎^︎"
ENDS = ("nav", "header", "footer", "hr", "table", "form")
"""Tags that follow the last note of a page."""
BLOCKS = ("p", "li", "dd", "dt", "blockquote", "pre")


def move_notes(soup: "BeautifulSoup") -> None:
    """Move the text of each footnote behind the first block of every section that refers to it."""
    places = _places(soup)
    moved: dict[int, list[PageElement]] = {}
    done: set[tuple[int, int]] = set()
    for link in soup("a", href=re.compile("^#.")):
        mark = link.get_text("", strip=True)
        target = places.get(str(link["href"])[1:])
        if target is None or not _MARK.match(mark) or not _refers(link, target):
            continue
        body = moved.get(id(target)) or _body(target)
        around = [id(one) for one in (link, *link.parents)]
        if not body or any(id(part) in around for part in body):
            continue
        moved[id(target)] = body
        label = mark.strip("[]() .")
        section = link.find_previous(HEADINGS)
        if (id(section), id(target)) not in done:
            done.add((id(section), id(target)))
            _place(soup, link, f"Note {label}: {_words(body, label)}")
        link.replace_with(f" (note {label})")
    for body in moved.values():
        for element in body:
            element.extract()


def _places(soup: "BeautifulSoup") -> dict[str, "Tag"]:
    """Return name → element for all elements that a link can lead to."""
    found: dict[str, Tag] = {}
    for tag in soup(True):
        for attribute in ("id", "name"):
            if tag.has_attr(attribute):
                found.setdefault(str(tag[attribute]), tag)
    return found


def _refers(link: "Tag", target: "Tag") -> bool:
    """Return whether a link refers to a footnote: link or target is marked as one, or the target
    leads back to the link.
    """
    if link.get("role") == "doc-noteref" or _named_note(link) or _named_note(target):
        return True
    own = {str(link.get("id", "")), str(link.get("name", ""))} - {""}
    holder = target if target.name != "a" else target.parent
    leads = {str(back["href"])[1:] for back in (holder or target)("a", href=re.compile("^#."))}
    return bool(own & (leads | {str(target.get("href", ""))[1:]}))


def _named_note(tag: "Tag") -> bool:
    role = str(tag.get("role", ""))
    names = tag.get("class")
    words = names if isinstance(names, list) else [str(names or "")]
    return (
        role in ("doc-footnote", "doc-endnote")
        or any(_NOTE.search(word.lower()) for word in words)
        or bool(_NOTE.search(str(tag.get("id", "")).lower()))
    )


def _body(target: "Tag") -> list["PageElement"]:
    """Return the elements of a note, with its mark."""
    holder = target
    if target.name in ("a", "span", "sup", "b"):
        found = target.find_parent(("li", "aside", "dt", "p", "div", "td", "dd", HEADINGS))
        holder = found or target
    if holder.name == "dt" or HEADINGS.match(holder.name or ""):
        return _until_next(holder)
    return [holder]


def _until_next(first: "Tag") -> list["PageElement"]:
    """Return an element and the elements that follow it, up to the next of the same kind."""
    body: list[PageElement] = [first]
    for follower in first.next_siblings:
        name = getattr(follower, "name", None) or ""
        both_headings = HEADINGS.match(name) and HEADINGS.match(first.name)
        if name in ENDS or name == first.name or both_headings:
            break
        body.append(follower)
    return body


def _words(body: list["PageElement"], label: str) -> str:
    """Return the text of a note, without its mark and the arrow that leads back."""
    parts = [element.get_text(" ", strip=True) for element in body]
    text = " ".join(" ".join(parts).split())
    mark = re.compile(
        rf"^[\[(]*\s*{re.escape(label)}\s*[\])]*[.:]?\s+(?:\(\d+(?:\s*,\s*\d+)*\)\s*)?"
    )
    return mark.sub("", text, count=1).strip(f"{_ARROWS} ")


def _place(soup: "BeautifulSoup", link: "Tag", words: str) -> None:
    note = soup.new_tag("p")
    note.string = words
    holder = link.find_parent("table") or link.find_parent(HEADINGS) or link.find_parent(BLOCKS)
    if holder is None:
        link.insert_after(note)
    elif holder.name in ("li", "dd", "blockquote"):
        holder.append(note)
    else:
        holder.insert_after(note)
