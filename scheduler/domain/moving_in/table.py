"""The table in a CSV file: its separator and the row of its headers are found out, because nobody knows them."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice

from scheduler.domain.moving_in.encodings import UNREADABLE, decoded, with_wrong_bytes_marked
from scheduler.domain.moving_in.problems import UnusableFile

SEPARATORS = (",", ";", "\t", "|")
MOST_ROWS = 1_000_000
MOST_COLUMNS = 500
HEADER_WITHIN = 10  # rows
COUNTED_ROWS = 10_000
GARBLING = frozenset("ÃÂÅ")  # UTF-8 read as Windows-1252: each stands before a second sign, "Ã©" for "é"
SPACES = "".join(sign for sign in map(chr, range(0x3001)) if sign.isspace() and sign not in "\x1c\x1d\x1e\x1f\x85")
"""Without the control characters that str.strip takes as well: they are letters that were read in a wrong encoding."""
GUARDED = "=+-@\t\r"  # at the beginning of a cell a spreadsheet takes the rest for a formula
_QUOTED = re.compile(r'="((?:[^"]|"")*)"?')
_NUMBER = re.compile(r"=\s*(\+?\d+)")
_MARKED_TEXT = re.compile(r"'(.*\d.*?)'?", re.DOTALL)

Cells = list[str]


@dataclass(frozen=True, slots=True)
class Table:
    """`first_row`: the row that follows the headers, counted as a spreadsheet does; `above`: rows before the headers
    that hold something else (a title, or groups of columns)."""

    header: tuple[str, ...]
    separator: str
    text: str
    first_row: int
    above: tuple[int, ...] = ()

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

    def is_header(self, cells: Cells) -> bool:
        """A report writes the headers at the top of each of its pages."""
        return tuple(cells) == self.header

    def filled(self, place: int) -> int:
        """How many of the first rows have something in this column."""
        looked_at = islice(self.rows(), COUNTED_ROWS)
        return sum(bool(cells[place]) for _number, cells in looked_at)


def open_table(data: bytes, known: Callable[[Cells], int], encoding: str | None = None) -> Table:
    """`known` counts the headers that mean something: the separator that makes the most of them is the right one, and
    so is the row, where a title or groups of columns stand above."""
    try:
        return _table(decoded(data, encoding), known)
    except UnusableFile as unusable:
        if unusable.kind != "stray_byte":
            raise
    raise UnusableFile("stray_byte", *_place_of_a_wrong_byte(_table(with_wrong_bytes_marked(data), known)))


def column_letter(place: int) -> str:
    """As a spreadsheet names it: A, B … Z, AA."""
    letters = ""
    place += 1
    while place:
        place, rest = divmod(place - 1, 26)
        letters = chr(ord("A") + rest) + letters
    return letters


def _table(text: str, known: Callable[[Cells], int]) -> Table:
    skipped = 0
    separators: tuple[str, ...] = SEPARATORS
    first_line = text.partition("\n")[0].strip().strip('"').lower()
    if first_line.startswith("sep=") and len(first_line) == len("sep=,"):  # what Excel writes for itself
        skipped, separators = 1, (first_line[-1],)
    found: list[tuple[int, int, str, list[Cells], int]] = []
    for separator in separators:
        rows = _first_rows(text, separator, skipped)
        place = _header_place(rows, known)
        header = rows[place] if rows else []
        found.append((known(header), len(header), separator, rows, place))
    if any(len(rows[place]) > MOST_COLUMNS for _known, _columns, _separator, rows, place in found if rows):
        raise UnusableFile("too_many_columns", str(MOST_COLUMNS))
    if not any(rows for _known, _columns, _separator, rows, _place in found):
        raise UnusableFile("empty")
    _known, _columns, separator, rows, place = max(found, key=lambda one: one[:2])
    above = tuple(skipped + number + 1 for number in range(place) if any(rows[number]))
    return Table(tuple(rows[place]), separator, text, skipped + place + 2, above)


def _header_place(rows: list[Cells], known: Callable[[Cells], int]) -> int:
    """The first row, unless a later one holds more headers that mean something."""
    best, most = 0, known(rows[0]) if rows else 0
    for place, cells in enumerate(rows[1:], start=1):
        if (many := known(cells)) > max(most, 1):
            best, most = place, many
    return best


def _place_of_a_wrong_byte(table: Table) -> tuple[str, str]:
    """Row, and column as its letter and header."""
    for place, name in enumerate(table.header):
        if UNREADABLE in name:
            return str(table.first_row - 1), column_letter(place)
    for number, cells in table.rows():
        for place, cell in enumerate(cells):
            if UNREADABLE in cell:
                name = table.header[place] if place < len(table.header) else ""
                return str(number), f"{column_letter(place)} “{name}”" if name else column_letter(place)
    return str(table.above[0] if table.above else 1), "A"


def guarded(cell: str) -> str:
    """For a cell that is written: an apostrophe keeps a spreadsheet from reckoning with it."""
    return f"'{cell}" if cell.startswith(tuple(GUARDED)) else cell


def unguarded(cell: str) -> str:
    """Without what keeps a spreadsheet from reckoning, and from dropping the noughts of a number: the apostrophe of
    `guarded` or before a number, ="00123" (closed or not) and =00123. Any other formula stays as it is (`is_formula`)."""
    cell = _stripped(cell)
    if cell.startswith("'") and cell[1:].startswith(tuple(GUARDED)):
        return cell[1:]
    if found := _QUOTED.fullmatch(cell):
        return _stripped(found[1].replace('""', '"'))
    if found := _NUMBER.fullmatch(cell) or _MARKED_TEXT.fullmatch(cell):
        return _stripped(found[1])
    return cell


def is_formula(cell: str) -> bool:
    """Of a cell that `unguarded` could not read: what the spreadsheet would have shown is not in the file."""
    return cell.startswith("=")


def _stripped(cell: str) -> str:
    """A no-break space stays behind a letter that it makes a sign of a wrong encoding: "Ã " was "à"."""
    bare = cell.strip(SPACES)
    behind = len(cell.rstrip(SPACES))
    return bare + "\xa0" if bare[-1:] in GARBLING and cell[behind : behind + 1] == "\xa0" else bare


def _first_rows(text: str, separator: str, skipped: int) -> list[Cells]:
    rows: list[Cells] = []
    with suppress(csv.Error):
        for cells in islice(_reader(text, separator), skipped, skipped + HEADER_WITHIN):
            rows.append([unguarded(cell) for cell in cells])
    return rows


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
