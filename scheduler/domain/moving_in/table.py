"""The table in a CSV file: its encoding and its separator are found out, because nobody knows them."""

from __future__ import annotations

import codecs
import csv
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from scheduler.domain.moving_in.problems import UnusableFile

SEPARATORS = (",", ";", "\t", "|")
MOST_ROWS = 1_000_000
MOST_COLUMNS = 500
GUARDED = "=+-@\t\r"  # at the beginning of a cell a spreadsheet takes the rest for a formula

Cells = list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """`first_row`: the row that follows the headers, counted as a spreadsheet does."""

    header: tuple[str, ...]
    separator: str
    text: str
    first_row: int

    def rows(self) -> Iterator[tuple[int, Cells]]:
        """Rows with something in them, each padded to the length of the header."""
        columns = len(self.header)
        number = 0
        try:
            for number, cells in enumerate(_reader(self.text, self.separator), start=1):
                if number < self.first_row or not any(cells):
                    continue
                if number > MOST_ROWS + 1:
                    raise UnusableFile("too_many_rows", f"{MOST_ROWS:,}")
                cells = [unguarded(cell) for cell in cells]
                while len(cells) > columns and not cells[-1]:
                    cells.pop()
                yield number, cells + [""] * (columns - len(cells))
        except csv.Error:
            raise UnusableFile("broken", str(number + 1)) from None


def open_table(data: bytes, known: Callable[[Cells], int]) -> Table:
    """`known` counts the headers that mean something: the separator that makes the most of them is the right one."""
    text = decoded(data)
    first_row = 2
    separators: tuple[str, ...] = SEPARATORS
    first_line = text.partition("\n")[0].strip().strip('"').lower()
    if first_line.startswith("sep=") and len(first_line) == len("sep=,"):  # what Excel writes for itself
        first_row, separators = 3, (first_line[-1],)
    found: list[tuple[int, int, str, Cells]] = []
    for separator in separators:
        header = _header(text, separator, first_row - 2)
        found.append((known(header), len(header), separator, header))
    if any(len(header) > MOST_COLUMNS for _known, _columns, _separator, header in found):
        raise UnusableFile("too_many_columns", str(MOST_COLUMNS))
    if not any(header for _known, _columns, _separator, header in found):
        raise UnusableFile("empty")
    _known, _columns, separator, header = max(found, key=lambda one: one[:2])
    return Table(tuple(cell.strip() for cell in header), separator, text, first_row)


def decoded(data: bytes) -> str:
    """UTF-8 with or without its mark, UTF-16 with it (what Excel calls Unicode text), or else Windows-1252."""
    if data.startswith((b"PK\x03\x04", b"\xd0\xcf\x11\xe0")):
        raise UnusableFile("excel")
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return _text(data, "utf-16")
    if b"\0" in data:
        raise UnusableFile("binary")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("cp1252", errors="replace")


def guarded(cell: str) -> str:
    """For a cell that is written: an apostrophe keeps a spreadsheet from reckoning with it."""
    return f"'{cell}" if cell.startswith(tuple(GUARDED)) else cell


def unguarded(cell: str) -> str:
    cell = cell.strip()
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(tuple(GUARDED)) else cell


def _text(data: bytes, encoding: str) -> str:
    try:
        return data.decode(encoding)
    except UnicodeDecodeError:
        raise UnusableFile("binary") from None


def _header(text: str, separator: str, skipped: int) -> Cells:
    try:
        rows = _reader(text, separator)
        for _ in range(skipped):
            next(rows)
        return next(rows)
    except (StopIteration, csv.Error):
        return []


def _reader(text: str, separator: str) -> Iterator[Cells]:
    return csv.reader(_lines(text), delimiter=separator)


def _lines(text: str) -> Iterator[str]:
    """One by one: a list of a million would be the file all over again. A lone CR ends a line too (old Macs)."""
    if "\r" in text and "\n" not in text:
        text = text.replace("\r", "\n")
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin)
        end = len(text) if end < 0 else end + 1
        yield text[begin:end]
        begin = end
