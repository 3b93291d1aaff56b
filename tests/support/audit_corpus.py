"""Corpora as other tools write them: one good row to start from, and how to read a file of them
back.
"""

import json
from collections.abc import Iterable
from pathlib import Path

import pytest

from tasks.audit.reading import FIND_ALL, Columns, RowFile
from tasks.errors import UnreadableFile

INLINE = "<think>\nwhy\n</think>\n\nso"
ROW: dict[str, object] = {"id": "r1", "prompt": "Ask?", "completion": INLINE}
CHAT = [
    {"role": "system", "content": "Be brief."},
    {"role": "user", "content": "Ask?"},
    {"role": "assistant", "content": INLINE},
]
READ = {"id": "r1", "prompt": "Ask?", "think": "why", "answer": "so", "fault": ""}
"""What ROW is read as."""


def write(path: Path, lines: Iterable[object]) -> Path:
    """Write JSON lines."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(
        "".join(f"{json.dumps(line, ensure_ascii=False)}\n" for line in lines), encoding="utf-8"
    )
    return path


def read(path: Path, columns: Columns = FIND_ALL) -> list[dict[str, str]]:
    """Return every row of a corpus."""
    return [row for batch in RowFile.open(path, columns).batches() for row in batch.to_pylist()]


def refusal(path: Path, columns: Columns = FIND_ALL) -> str:
    """Return the sentence with which a corpus is refused."""
    with pytest.raises(UnreadableFile) as caught:
        read(path, columns)
    return str(caught.value)
