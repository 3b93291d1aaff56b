"""Rows of JSON Lines and of JSON arrays, streamed; what cannot be read is named with its line."""

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
"""Bytes of a line, characters of an array's row: more is no row but a file without line ends."""
CHUNK = 2**20
_BLANKS = re.compile(r"[ \t\r\n]*")
_SURROGATE = re.compile(r"\\u[dD]")
_DECODER = json.JSONDecoder(parse_constant=lambda _: None)


def line_rows(path: Path, file: BinaryIO) -> Iterator[Row]:
    """Yield the object of every line that is not blank."""
    number = 0
    while line := file.readline(ROW_LIMIT + 1):
        number += 1
        if len(line) > ROW_LIMIT:
            raise UnreadableFile(
                f"{path}, line {number} is longer than {ROW_LIMIT // 2**20} MiB; due is one JSON object per line: write the rows as JSON Lines"
            )
        if number == 1:
            line = line.removeprefix(codecs.BOM_UTF8)
        if not line.isspace():
            yield _object(line, f"{path}, line {number}")


def array_rows(path: Path, file: BinaryIO) -> Iterator[Row]:
    """Yield the objects of the one array that a file is."""
    window = _Window(path, file)
    window.expect("[")
    while window.peek() != "]":
        if window.peek() != "{":
            raise window.broken(
                "an element of the array is no object; due are objects with named columns"
            )
        yield window.value()
        if window.peek() != "]":
            window.expect(",")
    window.expect("]")
    if window.peek():
        raise window.broken(
            "the array ends and more follows; due is one array of objects, or one object per line"
        )


class _Window:
    """The part of a file's text that is being read; it holds one row and what was read beyond it."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path, self._file = path, file
        self._decoder = codecs.getincrementaldecoder("utf-8-sig")()
        self._text, self._at, self._ended = "", 0, False
        self._line, self._bytes, self._rows = 1, 0, 0

    def peek(self) -> str:
        """Return the next character that is not blank, "" at the end."""
        for _ in range(ROW_LIMIT // CHUNK):
            self._at = _BLANKS.match(self._text, self._at).end()  # type: ignore[union-attr]  # it matches everywhere
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()
        raise self.broken(f"{ROW_LIMIT // 2**20} MiB of blanks follow; due is one array of objects")

    def expect(self, mark: str) -> None:
        """Step over the mark that is due here."""
        seen = self.peek()
        if seen != mark:
            ending = (
                "the file is cut: it ends within the array"
                if not seen
                else f"{seen!r} stands where {mark!r} is due"
            )
            raise self.broken(f"{ending}; write it again")
        self._at += 1

    def value(self) -> Row:
        """Return the object that begins here, reading on until it is whole."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._text, self._at)
                value = _mended(value) if _SURROGATE.search(self._text, self._at, end) else value
            except RecursionError:
                raise self.broken("a row is nested too deeply; due are flat objects") from None
            except ValueError as exc:
                if self._ended:
                    raise self.broken(
                        f"the row that begins here is cut or not JSON{_fault(exc, self._at)}; write it again"
                    ) from exc
                self._more()
            else:
                self._at, self._rows = end, self._rows + 1
                return cast("Row", value)

    def broken(self, what: str) -> UnreadableFile:
        """Return the error that names this place."""
        line = self._line + self._text.count("\n", 0, self._at)
        return UnreadableFile(
            f"{self._path}, line {line}, after {self._rows} rows of the array: {what}"
        )

    def _more(self) -> None:
        """Read on; each time at least as much as is held, so that a long row is scanned a few times
        only.
        """
        held = len(self._text) - self._at
        if held > ROW_LIMIT:
            raise self.broken(
                f"a row of the array is cut, not JSON, or longer than {ROW_LIMIT // 2**20} MiB; write it as JSON Lines"
            )
        self._line += self._text.count("\n", 0, self._at)
        data = self._file.read(min(max(CHUNK, held), ROW_LIMIT + CHUNK - held))
        self._bytes += len(data)
        self._ended = not data
        try:
            self._text = self._text[self._at :] + self._decoder.decode(data, final=self._ended)
        except UnicodeDecodeError as exc:
            line = (
                self._line
                + self._text.count("\n", self._at)
                + exc.object.count(b"\n", 0, exc.start)
            )
            place = f"{self._path}, line {line}, byte {self._bytes - len(exc.object) + exc.start + 1} of the file"
            raise UnreadableFile(_foreign_byte(place, exc)) from exc
        self._at = 0


def _object(line: bytes, place: str) -> Row:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError:
        row = _patiently(line, place)
    if not isinstance(row, dict):
        raise UnreadableFile(
            f"{place} is {_kind(row)}, due is an object with named columns; {_shown(line)}"
        )
    return row


def _patiently(line: bytes, place: str) -> object:
    """Return a line that a strict reader refuses: Python writes NaN and halves of surrogate pairs."""
    try:
        return _mended(_DECODER.decode(line.decode()))
    except UnicodeDecodeError as exc:
        raise UnreadableFile(_foreign_byte(f"{place}, byte {exc.start + 1}", exc)) from exc
    except RecursionError:
        raise UnreadableFile(
            f"{place} is nested too deeply; due is one flat JSON object per line"
        ) from None
    except ValueError as exc:
        if line.lstrip().startswith(b"{") and not line.endswith((b"\n", b"}")):
            raise UnreadableFile(
                f"{place}, the last, is cut after {len(line)} bytes; remove it or write it again"
            ) from exc
        raise UnreadableFile(
            f"{place} is not JSON{_fault(exc)}; due is one object per line; {_shown(line)}"
        ) from exc


def _fault(exc: ValueError, start: int = 0) -> str:
    return (
        f" ({exc.msg} at character {exc.pos - start + 1})"
        if isinstance(exc, json.JSONDecodeError)
        else ""
    )


def _foreign_byte(place: str, exc: UnicodeDecodeError) -> str:
    return f"{place}: 0x{exc.object[exc.start]:02x} is not UTF-8; due is UTF-8 throughout: convert the file, e.g. with iconv"


def _mended(value: object) -> Row:
    """Return a value with a question mark for each half of a surrogate pair, which no Arrow string
    can hold.
    """
    return cast(
        "Row", orjson.loads(json.dumps(value, ensure_ascii=False).encode("utf-8", "replace"))
    )


def _shown(line: bytes) -> str:
    start = line[:60].decode("utf-8", "replace").strip()
    return f"it begins {start!r}"


def _kind(value: object) -> str:
    return {list: "an array", str: "a text", bool: "true or false"}.get(
        type(value), "null" if value is None else "a number"
    )
