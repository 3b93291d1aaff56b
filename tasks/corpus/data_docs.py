"""Great Expectations' pages without any network access: what they load from other hosts is removed,
and a style sheet is added.
"""

from pathlib import Path

LOADED = {"script": "src", "link": "href", "img": "src"}
"""Tags that load a file, and the attribute with its address."""
ICONS = {"fa-check-circle": "✓", "fa-times": "✗", "fa-exclamation-triangle": "!"}
"""Characters that replace the icons of a font from the network."""
STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; color: #1d2733 }
body { margin: 1rem auto; max-width: 72rem; padding: 0 1.5rem }
table { border-collapse: collapse; margin: .6rem 0 }
td, th { text-align: left; padding: .3rem .6rem; border-bottom: 1px solid #e4e9ee }
ul { padding-left: 1.2rem }
svg, form, button, input, .modal, .navbar-toggler { display: none }
h1, h2, h3, h4 { font-size: 1.1rem }
"""


def take_offline(folder: Path) -> None:
    """Rewrite all pages below a folder so that they load nothing from a network."""
    for page in sorted(folder.rglob("*.html")):
        page.write_text(offline(page.read_text(encoding="utf-8")), encoding="utf-8")


def offline(text: str) -> str:
    """Return a page without scripts and without anything it loads from other hosts. Links for the
    reader stay.
    """
    from bs4 import BeautifulSoup

    soup = BeautifulSoup(text, "html.parser")
    for name, attribute in LOADED.items():
        for tag in soup(name):
            if name == "script" or "//" in str(tag.get(attribute, "")):
                tag.decompose()
    for icon in soup("i"):
        names = set(icon.get("class") or ())
        icon.replace_with(next((sign for name, sign in ICONS.items() if name in names), ""))
    for advertisement in soup("footer"):
        advertisement.decompose()
    style = soup.new_tag("style")
    style.string = STYLE
    (soup.head or soup).append(style)
    return str(soup)
