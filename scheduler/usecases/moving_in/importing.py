"""Moving in: what the imports of patients and of visits share."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import islice
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.folding import typed_words
from scheduler.domain.moving_in import columns
from scheduler.domain.moving_in.columns import Meaning
from scheduler.domain.moving_in.encodings import CODECS, UNREADABLE, is_read_alike
from scheduler.domain.moving_in.problems import BadValue, Remark, Report, UnusableFile
from scheduler.domain.moving_in.report_lines import is_report_line
from scheduler.domain.moving_in.table import Table, column_letter, is_formula, open_table
from scheduler.domain.moving_in.values import DateOrder, parse_date
from scheduler.gateways import phone_numbers
from scheduler.models import Patient, PatientMerge, PatientNumber
from scheduler.usecases.audit import IMPORTED, note

LONGEST_NUMBER = 60
PREVIEWED_ROWS = 5
PREVIEWED_BYTES = 2_000_000

Progress = Callable[[str, int, int], None]
"""Told the stage ("reading", "writing", "placing"), how many rows are done, and of how many."""


def no_progress(_stage: str, _done: int, _of: int) -> None:
    pass


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """What whoever imports decides. `columns`: field → header instead of the guess; `aliases`: a name in the file →
    the name or slug here of a practitioner, treatment or room."""

    clinic: ClinicSettings
    now: datetime
    today: date
    actor: Actor
    date_order: DateOrder | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    aliases: Mapping[str, str] = field(default_factory=dict)
    same_person: Mapping[int, bool] = field(default_factory=dict)
    """Row → whether it is somebody who is here under another name, with that birth date and number."""
    without_bad_phones: bool = False
    clear_for_ims: bool = False
    cleared_by: str = ""
    """Slug of the practitioner whose decision the file's clearances are; empty: nobody is named."""
    dry_run: bool = False
    file_name: str = ""


@dataclass(frozen=True, slots=True, order=True)
class UnusedColumn:
    place: int
    name: str
    filled: int = 0

    def __str__(self) -> str:
        letter = column_letter(self.place)
        return self.name or f"column {self.place + 1} ({letter}), no header, {self.filled} filled"


@dataclass(frozen=True, slots=True)
class Opened:
    """A file of patients or visits with the meaning of its columns."""

    what: str
    table: Table
    meaning: Meaning

    @property
    def places(self) -> dict[str, int]:
        """Field → place of its column."""
        return self.meaning.places

    @property
    def mapping(self) -> dict[str, str]:
        """Field → header, or letter of a column that has none."""
        return {name: self.table.header[place] or column_letter(place) for name, place in self.places.items()}

    @property
    def unused(self) -> list[UnusedColumn]:
        """Those without a header only when something is in them."""
        places = [place for place in range(len(self.table.header)) if place not in self.places.values()]
        named = [UnusedColumn(place, self.table.header[place]) for place in places if self.table.header[place]]
        bare = [(place, self.table.filled(place)) for place in places if not self.table.header[place]]
        return sorted([*named, *(UnusedColumn(place, "", filled) for place, filled in bare if filled)])

    def require_columns(self) -> None:
        columns.require_needed(self.what, self.meaning, self.table.header)

    def rows(self, report: Report) -> Iterator[tuple[int, "Row"]]:
        """Those that are records; what stands around them is noted in the report."""
        report.notes += [Remark(number, "above_headers") for number in self.table.above]
        for number, cells in self.table.rows():
            if self.table.is_header(cells):
                report.notes.append(Remark(number, "header_again"))
                continue
            row = Row(cells, self.places, is_too_long=len(cells) > len(self.table.header))
            if is_report_line(cells, is_somebodys=row.is_somebodys):
                report.notes.append(Remark(number, "report_line", " ".join(cell for cell in cells if cell)))
            else:
                report.rows += 1
                yield number, row


@dataclass(frozen=True, slots=True)
class Row:
    cells: list[str]
    places: dict[str, int]
    is_too_long: bool = False

    def __getitem__(self, name: str) -> str:
        """Refuses what the encoding could not read, and what a spreadsheet would have to reckon."""
        cell = self._cell(name)
        if UNREADABLE in cell:
            raise BadValue("unreadable", cell)
        if is_formula(cell):
            raise BadValue("formula", cell)
        return cell

    def is_somebodys(self) -> bool:
        """Whether there is a birth date, or a number that can get a text."""
        return _is_date(self._cell("birth_date")) or _is_phone(self._cell("phone"))

    def _cell(self, name: str) -> str:
        place = self.places.get(name)
        return "" if place is None else self.cells[place]


def _is_date(text: str) -> bool:
    try:
        parse_date(text)
    except BadValue as bad:
        return bad.kind in ("ambiguous_date", "short_year")
    return True


def _is_phone(text: str) -> bool:
    try:
        phone_numbers.parse(text)
    except phone_numbers.BadPhoneNumber:
        return False
    return True


def open_file(
    what: str, data: bytes, chosen: Mapping[str, str] | None = None, *, encoding: str | None = None
) -> Opened:
    """`what`: patients or visits; `chosen`: field → header or letter. Refuses with UnusableFile."""
    table = open_table(data, lambda header: _known(what, header), encoding)
    return Opened(what, table, columns.guess(what, table.header, chosen))


def previews(what: str, data: bytes) -> dict[str, list[tuple[int, list[str]]]]:
    """Encoding → the first rows that it reads unlike another, by their numbers; an encoding that cannot be is left out.

    None at all when there is nothing to choose.
    """
    if is_read_alike(data):
        return {}
    shown: dict[str, list[tuple[int, list[str]]]] = {}
    head = data[:PREVIEWED_BYTES]
    for encoding in CODECS:
        try:
            table = open_table(data if encoding == "utf-8" else head, lambda header: _known(what, header), encoding)
        except UnusableFile:
            continue
        headers = [(table.first_row - 1, list(table.header))] if not _is_plain(table.header) else []
        differing = ((number, cells) for number, cells in table.rows() if not _is_plain(cells))
        shown[encoding] = headers + list(islice(differing, PREVIEWED_ROWS))
    return shown


def _known(what: str, header: Sequence[str]) -> int:
    meaning = columns.guess(what, header)
    return len(meaning.places) + len(meaning.unclear)


def _is_plain(cells: Sequence[str]) -> bool:
    return all(cell.isascii() for cell in cells)


def name_key(given_name: str, family_name: str) -> str:
    """The same for names that differ in accents, case or punctuation alone."""
    return f"{' '.join(typed_words(family_name))},{' '.join(typed_words(given_name))}"


def numbers_here(connection: Connection) -> dict[str, int]:
    """Patient number → id; the public ids as well, which an export names patients by. Of merged records the one kept."""
    rows = connection.execute(select(PatientNumber.number, PatientNumber.patient_id))
    public: Any = connection.execute(select(Patient.public_id, Patient.id))
    kept = kept_instead(connection)
    return {name: kept.get(key, key) for some in (public, rows) for name, key in some}


def kept_instead(connection: Connection) -> dict[int, int]:
    """Patients that were merged into another → that one."""
    rows: Any = connection.execute(select(PatientMerge.merged_patient_id, PatientMerge.kept_patient_id))
    kept: dict[int, int] = dict(rows.all())
    for merged, into in kept.items():
        while into in kept:
            into = kept[into]
        kept[merged] = into
    return kept


def merges(connection: Connection) -> int:
    """Rises when a patient of whom a file speaks may have become another one."""
    return connection.scalar(select(func.count()).select_from(PatientMerge)) or 0


def note_imported(connection: Connection, settings: ImportSettings, details: str) -> None:
    with Session(connection, join_transaction_mode="rollback_only") as session:
        note(session, what=IMPORTED, actor=settings.actor, now=settings.now, details=details)
        session.flush()
        session.commit()
