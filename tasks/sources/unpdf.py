"""Title and text of one PDF file, as JSON on stdout: a program of its own, so that a hostile file can break or fill nothing else.

`python -I unpdf.py FILE MAX_CHARACTERS MEMORY_BYTES CPU_SECONDS`. It imports nothing of the mill: it starts once a file.
"""

import json
import re
import resource
import sys
from typing import Any

import pypdfium2

HYPHENATED = re.compile("[\ufffe\x02](\r?\n)?")
"""What stands where a word was hyphenated at a line's end."""


def read(path: str, max_characters: int) -> dict[str, str]:
    """Return {title, text} of a file, or {reason, detail} of why it has none."""
    try:
        with pypdfium2.PdfDocument(path) as document:
            pages = _pages(document, max_characters)
            if pages is None:
                return {"reason": "too_large", "detail": f"unpacks to more than {max_characters} characters"}
            return {"title": str(document.get_metadata_value("Title") or ""), "text": "\n\n".join(pages)}
    except pypdfium2.PdfiumError as exc:
        locked = exc.err_code == pypdfium2.raw.FPDF_ERR_PASSWORD
        return {"reason": "encrypted_file" if locked else "broken_pdf", "detail": str(exc)}
    except MemoryError:
        return {"reason": "too_large", "detail": "unpacks to more than the memory it may have"}


def _pages(document: Any, max_characters: int) -> list[str] | None:
    """Return the text of every page; None as soon as they hold more than they may."""
    pages: list[str] = []
    size = 0
    for number in range(len(document)):
        page = document[number]
        pages.append(HYPHENATED.sub("", page.get_textpage().get_text_bounded()))
        page.close()
        size += len(pages[-1])
        if size > max_characters:
            return None
    return pages


def main() -> None:
    path, max_characters, memory, seconds = sys.argv[1], *map(int, sys.argv[2:])
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    sys.stdout.write(json.dumps(read(path, max_characters)))


if __name__ == "__main__":
    main()
