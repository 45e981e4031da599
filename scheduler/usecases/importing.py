"""Moving in: what the imports of patients and of visits share."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.folding import typed_words
from scheduler.domain.moving_in import columns
from scheduler.domain.moving_in.table import Table, open_table
from scheduler.domain.moving_in.values import DateOrder
from scheduler.models import Patient, PatientMerge, PatientNumber
from scheduler.usecases.audit import IMPORTED, note

LONGEST_NUMBER = 60

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
    without_bad_phones: bool = False
    clear_for_ims: bool = False
    dry_run: bool = False


@dataclass(frozen=True, slots=True)
class Opened:
    """A file of patients or visits with the meaning of its columns."""

    what: str
    table: Table
    places: dict[str, int]

    @property
    def mapping(self) -> dict[str, str]:
        """Field → header."""
        return {name: self.table.header[place] for name, place in self.places.items()}

    @property
    def unused(self) -> list[str]:
        return [name for place, name in enumerate(self.table.header) if name and place not in self.places.values()]

    def rows(self) -> Iterator[tuple[int, "Row"]]:
        for number, cells in self.table.rows():
            yield number, Row(cells, self.places, is_too_long=len(cells) > len(self.table.header))


@dataclass(frozen=True, slots=True)
class Row:
    cells: list[str]
    places: dict[str, int]
    is_too_long: bool = False

    def __getitem__(self, name: str) -> str:
        place = self.places.get(name)
        return "" if place is None else self.cells[place]


def open_file(what: str, data: bytes, chosen: Mapping[str, str] | None = None) -> Opened:
    """`what`: patients or visits. Refuses with UnusableFile."""
    table = open_table(data, lambda header: len(columns.guess(what, header)))
    return Opened(what, table, columns.guess(what, table.header, chosen))


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
