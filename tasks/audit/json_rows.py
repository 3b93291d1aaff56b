"""Rows of JSON Lines and of JSON arrays, streamed. An error message names the line that cannot be
read.
"""

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, cast

import orjson

from tasks.audit.values import Row
from tasks.errors import UnreadableFile

ROW_LIMIT = 64 * 2**20
"""Most bytes of a line, and most characters of a row in an array. A longer one means that the file
has no line ends.
"""
CHUNK = 2**20
"""Bytes that are read at once."""
CUT = "the file is cut: it ends within the array"
_BLANKS = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD]")
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


def line_rows(path: Path, file: BinaryIO) -> Iterator[Row]:
    """Yield the object of every line that is not blank. Raises UnreadableFile."""
    number = 0
    while line := file.readline(ROW_LIMIT + 1):
        number += 1
        if len(line) > ROW_LIMIT:
            raise UnreadableFile(
                f"{path}, line {number} is longer than {ROW_LIMIT // 2**20} MiB; expected one JSON "
                "object per line: write the rows as JSON Lines"
            )
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.isspace():
            yield _object(line, f"{path}, line {number}")


def array_rows(path: Path, file: BinaryIO) -> Iterator[Row]:
    """Yield the objects of a file that is one JSON array. Raises UnreadableFile."""
    window = _Window(path, file)
    window.expect("[")
    while window.peek() != "]":
        if window.peek() != "{":
            raise window.broken(
                "an element of the array is not an object; expected objects with named columns"
            )
        yield window.value()
        if window.peek() != "]":
            window.expect(",")
    window.expect("]")
    if window.peek():
        raise window.broken(
            "the array ends, but the file goes on; expected one array of objects, "
            "or one object per line"
        )


class _Window:
    """The part of a file's text that is in memory: one row, and what was read after it."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at, self._ended = "", 0, False
        self._line, self._bytes, self._rows = 1, 0, 0

    def peek(self) -> str:
        """Return the next character that is not blank, "" at the end of the file."""
        for _ in range(ROW_LIMIT // CHUNK):
            # The pattern also matches the empty text, so there is always a match.
            self._at = _BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()
        blanks = f"{ROW_LIMIT // 2**20} MiB of blanks follow"
        raise self.broken(f"{blanks}; expected one array of objects")

    def expect(self, mark: str) -> None:
        """Step over the given character. Raises UnreadableFile if another one follows."""
        seen = self.peek()
        if seen != mark:
            fault = f"expected {mark!r}, found {seen!r}" if seen else CUT
            raise self.broken(f"{fault}; write the file again")
        self._at += 1

    def value(self) -> Row:
        """Return the object that begins here. More of the file is read until the object is
        complete.
        """
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                value = _mended(value) if _SURROGATE.search(self._text, self._at, end) else value
            except RecursionError:
                raise self.broken("a row is nested too deeply; expected flat objects") from None
            except ValueError as exc:
                if self._ended:
                    fault = _fault(exc, self._at)
                    raise self.broken(
                        f"the row that begins here is cut or not JSON{fault}; write it again"
                    ) from exc
                self._more()
            else:
                self._at, self._rows = end, self._rows + 1
                return cast("Row", value)

    def broken(self, what: str) -> UnreadableFile:
        """Return the error for this place in the file."""
        line = self._line + self._text.count("\n", 0, self._at)
        return UnreadableFile(
            f"{self._path}, line {line}, after {self._rows} rows of the array: {what}"
        )

    def _more(self) -> None:
        """Read on. Each call reads at least as much as is held, so a long row is scanned only a few
        times.
        """
        held = len(self._text) - self._at
        if held > ROW_LIMIT:
            raise self.broken(
                f"a row of the array is cut, not JSON, or longer than {ROW_LIMIT // 2**20} MiB; "
                "write it as JSON Lines"
            )
        self._line += self._text.count("\n", 0, self._at)
        data = self._file.read(min(max(CHUNK, held), ROW_LIMIT + CHUNK - held))
        self._bytes += len(data)
        self._ended = not data
        try:
            self._text = self._text[self._at :] + self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as exc:
            line = self._line + self._text.count("\n", self._at)
            line += exc.object.count(b"\n", 0, exc.start)
            byte = self._bytes - len(exc.object) + exc.start + 1
            place = f"{self._path}, line {line}, byte {byte} of the file"
            raise UnreadableFile(_not_utf8(place, exc)) from exc
        self._at = 0


def _object(line: bytes, place: str) -> Row:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = _lenient(line, place)
    if not isinstance(row, dict):
        raise UnreadableFile(
            f"{place} is {_kind(row)}; expected an object with named columns; {_shown(line)}"
        )
    return row


def _lenient(line: bytes, place: str) -> object:
    """Return the value of a line that a strict parser refuses: Python writes NaN and single
    surrogates.
    """
    try:
        return _mended(_DECODER.decode(line.decode()))
    except UnicodeDecodeError as exc:
        raise UnreadableFile(_not_utf8(f"{place}, byte {exc.start + 1}", exc)) from exc
    except RecursionError:
        raise UnreadableFile(
            f"{place} is nested too deeply; expected one flat JSON object per line"
        ) from None
    except ValueError as exc:
        if line.lstrip().startswith(b"{") and not line.endswith((b"\n", b"}")):
            raise UnreadableFile(
                f"{place}, the last one, is cut after {len(line)} bytes; "
                "remove it or write it again"
            ) from exc
        raise UnreadableFile(
            f"{place} is not JSON{_fault(exc)}; expected one object per line; {_shown(line)}"
        ) from exc


def _fault(exc: ValueError, start: int = 0) -> str:
    if not isinstance(exc, json.JSONDecodeError):
        return ""
    return f" ({exc.msg} at character {exc.pos - start + 1})"


def _not_utf8(place: str, exc: UnicodeDecodeError) -> str:
    byte = f"0x{exc.object[exc.start]:02x}"
    return f"{place}: {byte} is not UTF-8; convert the file to UTF-8, e.g. with iconv"


def _mended(value: object) -> Row:
    """Return a value with a question mark for each single surrogate, which an Arrow string cannot
    hold.
    """
    written = json.dumps(value, ensure_ascii=False).encode("utf-8", "replace")
    return cast("Row", orjson.loads(written))


def _shown(line: bytes) -> str:
    start = line[:60].decode("utf-8", "replace").strip()
    return f"it begins {start!r}"


def _kind(value: object) -> str:
    kinds = {list: "an array", str: "a text", bool: "true or false", type(None): "null"}
    return kinds.get(type(value), "a number")
