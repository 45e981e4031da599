"""What the desk's calendar shows of a few days: visits, slots being booked online, who is away.

Two SELECTs whatever the days hold, by rooms one more.
"""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from operator import attrgetter
from typing import Any, NamedTuple

from sqlalchemy import Integer, String, bindparam, case, exists, func, literal_column, null, or_, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import aliased
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement, aggregate_strings

from scheduler.models import (
    Appointment,
    AppointmentNote,
    Closure,
    Patient,
    Reminder,
    Room,
    Screening,
    TimeOff,
)
from scheduler.models.base import Instant, WallTime
from scheduler.queries.calendar.desk_day import Absence
from scheduler.queries.driver_statements import Plain, Plainly, text_of

_HELD, _NO_SHOW, _ELSEWHERE, _FAILED_STATUS = (
    literal_column(f"'{word}'", String) for word in ("held", "no_show", "elsewhere", "failed")
)
FIELD, LINE = "\x1f", "\x1e"
TRUE = ("t", "1")  # as PostgreSQL writes it, and SQLite
_NO_WORDS = literal_column("''", String)
_COMING_OR_GIVEN = tuple(
    literal_column(f"'{word}'", String) for word in ("booked", "confirmed", "arrived", "completed")
)


_TO_COME = _COMING_OR_GIVEN[:3]
UNASKED = "a"


class _fields(FunctionElement[str]):
    """Values that are not null as one text without `LINE`, with `FIELD` between them. JSON would take PostgreSQL a third
    longer for a day.

    No name has control characters (domain/patients/person_name.py), but for those that somebody wrote past the application.
    """

    type = String()
    inherit_cache = True


@compiles(_fields, "sqlite")
def _on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    shape = FIELD.join(["%s"] * len(element.clauses))
    return f"replace(printf('{shape}', {compiler.process(element.clauses, **options)}), char(30), ' ')"


@compiles(_fields, "postgresql")
def _on_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"replace(concat_ws(chr(31), {compiler.process(element.clauses, **options)}), chr(30), ' ')"


class CalendarVisit(NamedTuple):
    """A held slot has no patient yet. `starts_local` as the database writes it, `birth_date` "1986-03-14".

    `came_before`: there is a visit before it that was neither cancelled nor missed.
    """

    public_id: str
    version: int
    status: str
    starts_local: str
    minutes: int
    practitioner_id: int
    room_id: int
    treatment_id: int
    given_name: str | None
    family_name: str | None
    birth_date: str | None
    flagged: bool
    came_before: bool
    reminder_failed: bool
    noted: bool
    ims: str

    @property
    def starts(self) -> str:
        """ "2026-12-08T10:30"."""
        return f"{self.starts_local[:10]}T{self.starts_local[11:16]}"

    @property
    def time(self) -> str:
        """ "10:30"."""
        return self.starts_local[11:16]


@dataclass(frozen=True, slots=True)
class RoomName:
    id: int
    name: str


_earlier = aliased(Appointment)
_CAME_BEFORE = exists().where(
    _earlier.patient_id == Appointment.patient_id,
    _earlier.starts_at < Appointment.starts_at,
    _earlier.origin != _ELSEWHERE,
    _earlier.status.in_(_COMING_OR_GIVEN),
)
_FAILED = exists().where(Reminder.appointment_id == Appointment.id, Reminder.status == _FAILED_STATUS)
_later = aliased(AppointmentNote)
_NOTED = exists().where(
    AppointmentNote.appointment_id == Appointment.id,
    AppointmentNote.words != _NO_WORDS,
    ~exists().where(_later.appointment_id == AppointmentNote.appointment_id, _later.id > AppointmentNote.id),
)
# A letter: given, not given, open, health questions not answered yet; nothing where there is nothing to ask.
_IMS = case(
    (Appointment.ims_given.is_(True), literal_column("'g'", String)),
    (Appointment.ims_given.is_(False), literal_column("'n'", String)),
    (Appointment.ims_open, literal_column("'o'", String)),
    (Screening.id.is_(None) & Appointment.status.in_(_TO_COME), literal_column(f"'{UNASKED}'", String)),
    else_=_NO_WORDS,
)
FIELDS = 16
# All as one text of a line each: a row for each would take the driver, and on SQLite the other threads, most of the time.
_VISITS: Any = (
    select(
        aggregate_strings(
            _fields(
                Appointment.public_id,
                Appointment.version,
                Appointment.status,
                Appointment.starts_local.cast(String),
                Appointment.minutes,
                Appointment.practitioner_id,
                Appointment.room_id,
                Appointment.treatment_id,
                func.coalesce(Patient.birth_date.cast(String), _NO_WORDS),
                func.coalesce(Screening.flagged.cast(Integer).cast(String), _NO_WORDS),
                _CAME_BEFORE,
                _FAILED,
                _NOTED,
                _IMS,
                func.coalesce(Patient.given_name, _NO_WORDS),
                func.coalesce(Patient.family_name, _NO_WORDS),
            ),
            LINE,
        )
    )
    .outerjoin(Patient, Appointment.patient_id == Patient.id)
    .outerjoin(Screening, Screening.appointment_id == Appointment.id)
    .where(Appointment.origin != _ELSEWHERE)
)


@lru_cache(maxsize=32)  # some 50 kB each
def _shown(begins: datetime, ends: datetime) -> Plain:
    """Their own statement for these days, which PostgreSQL plans once for all questions. With the days as parameters it
    plans for every question, at a third of the cost of all: not knowing them it would go through all patients.

    Two parts, because active and inactive visits each have an index of their own.
    """
    first, end = (literal_column(f"'{text_of(time)}'", WallTime()) for time in (begins, ends))
    visits = _VISITS.where(Appointment.starts_local >= first, Appointment.starts_local < end)
    held = (Appointment.status == _HELD) & (Appointment.hold_until > bindparam("now", None, type_=Instant()))
    return Plain(
        union_all(
            visits.where(Appointment.active, or_(Appointment.status.in_(_COMING_OR_GIVEN), held)),
            visits.where(~Appointment.active, Appointment.status == _NO_SHOW),
        )
    )


_FROM, _TO = bindparam("from_local", None, type_=WallTime()), bindparam("to_local", None, type_=WallTime())
_ABSENCES = Plain(
    union_all(
        select(null(), Closure.starts_local.cast(String), Closure.ends_local.cast(String), Closure.name).where(
            Closure.starts_local < _TO, Closure.ends_local > _FROM
        ),
        select(
            TimeOff.practitioner_id, TimeOff.starts_local.cast(String), TimeOff.ends_local.cast(String), TimeOff.reason
        ).where(TimeOff.starts_local < _TO, TimeOff.ends_local > _FROM),
    )
)
_ROOMS = Plain(select(Room.id, Room.name).where(Room.active).order_by(Room.position, Room.id))


def visits(connection: Plainly, first_day: date, days: int, now: datetime) -> list[CalendarVisit]:
    """Whatever takes up time, and who stayed away, in the order of time. Cancelled visits leave the calendar."""
    rows = _shown(*_bounds(first_day, days)).all(connection, now=text_of(now))
    found = [_visit(line) for (lines,) in rows if lines for line in lines.split(LINE)]
    return sorted(found, key=attrgetter("starts_local", "practitioner_id"))


@lru_cache(maxsize=5_000)
def _visit(line: str) -> CalendarVisit:
    """Kept: of a day's visits one has changed since it was last asked for, or none."""
    public_id, version, status, starts_local, *numbers, birth_date, flagged, came, failed, noted, ims, given, family = (
        line.split(FIELD, FIELDS - 1)
    )
    minutes, practitioner_id, room_id, treatment_id = map(int, numbers)
    return CalendarVisit(
        public_id=public_id,
        version=int(version),
        status=status,
        starts_local=starts_local,
        minutes=minutes,
        practitioner_id=practitioner_id,
        room_id=room_id,
        treatment_id=treatment_id,
        given_name=given or None,
        family_name=family or None,
        birth_date=birth_date or None,
        flagged=flagged == "1",
        came_before=came in TRUE,
        reminder_failed=failed in TRUE,
        noted=noted in TRUE,
        ims=ims,
    )


def absences(connection: Plainly, first_day: date, days: int) -> list[Absence]:
    begins, ends = _bounds(first_day, days)
    rows = _ABSENCES.all(connection, from_local=text_of(begins), to_local=text_of(ends))
    return [
        Absence(who, datetime.fromisoformat(starts), datetime.fromisoformat(until), reason)
        for who, starts, until, reason in rows
    ]


def rooms(connection: Plainly) -> list[RoomName]:
    return [RoomName(*row) for row in _ROOMS.all(connection)]


def _bounds(first_day: date, days: int) -> tuple[datetime, datetime]:
    begins = datetime.combine(first_day, time.min)
    return begins, begins + timedelta(days=days)
