"""What occupies the clinic's time in a range: appointments with their buffers, time off and closures."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import Integer, String, bindparam, literal_column, null, select, union_all
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.functions import FunctionElement, aggregate_strings
from sqlalchemy.types import TypeEngine

from scheduler.domain.booking.availability import Absence, Busy
from scheduler.domain.booking.start_grid import wall_minute
from scheduler.models import Appointment, Closure, TimeOff
from scheduler.models.base import WallTime
from scheduler.queries.driver_statements import Plain, Plainly, instant_of, text_of

LONGEST_VISIT = timedelta(hours=14)  # 12 hours by constraint, and the longest buffer
_WALL: TypeEngine[datetime] = WallTime()


class _wall_minute(FunctionElement[int]):  # as start_grid.wall_minute
    type = Integer()
    inherit_cache = True


@compiles(_wall_minute, "sqlite")
def _on_sqlite(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"unixepoch({compiler.process(element.clauses, **options)}) / 60"


@compiles(_wall_minute, "postgresql")
def _on_postgresql(element: Any, compiler: SQLCompiler, **options: Any) -> str:
    return f"date_part('epoch', {compiler.process(element.clauses, **options)})::bigint / 60"


_FROM, _TO = bindparam("from_local", None, type_=_WALL), bindparam("to_local", None, type_=_WALL)
_NO_NUMBER, _NO_TEXT = null().cast(Integer), null().cast(String)
_MINUTE = _wall_minute(Appointment.starts_local).cast(String)
_TAKES = Appointment.minutes + Appointment.buffer_minutes
# Not as a parameter: PostgreSQL's plan for any parameters would then not know the index of held appointments, and as long
# as that plan is a poor one it plans anew for every search, which takes ten times as long as the search.
_HELD = literal_column("'held'", String)
_BUT_FOR = Appointment.id != bindparam("leaving_out", None, type_=Integer)
# A row for each appointment would take most of the time: the starts of a practitioner in a room come as one text.
_OCCUPIED = union_all(
    select(
        Appointment.practitioner_id,
        Appointment.room_id,
        _TAKES,
        aggregate_strings(_MINUTE, " "),
        _NO_TEXT,
        _NO_TEXT,
        _NO_NUMBER,
    )
    .where(
        Appointment.active,
        Appointment.starts_local >= bindparam("margin_local", None, type_=_WALL),
        Appointment.starts_local < _TO,
        Appointment.origin != literal_column("'elsewhere'"),
        Appointment.status != _HELD,
        _BUT_FOR,
    )
    .group_by(Appointment.practitioner_id, Appointment.room_id, _TAKES),
    # Of any day: holds are few, and a range of days would make SQLite go through all the range's appointments again.
    select(
        Appointment.practitioner_id,
        Appointment.room_id,
        _TAKES,
        _MINUTE,
        _NO_TEXT,
        Appointment.hold_until.cast(String),
        Appointment.id,
    ).where(Appointment.status == _HELD, _BUT_FOR),
    select(
        TimeOff.practitioner_id,
        *(_NO_NUMBER, _NO_NUMBER, _NO_TEXT),
        *(TimeOff.starts_local.cast(String), TimeOff.ends_local.cast(String), _NO_NUMBER),
    ).where(TimeOff.starts_local < _TO, TimeOff.ends_local > _FROM),
    select(
        *(_NO_NUMBER, _NO_NUMBER, _NO_NUMBER, _NO_TEXT),
        *(Closure.starts_local.cast(String), Closure.ends_local.cast(String), _NO_NUMBER),
    ).where(Closure.starts_local < _TO, Closure.ends_local > _FROM),
)
_ROWS = Plain(_OCCUPIED)


@dataclass(frozen=True, slots=True)
class Occupied:
    """`ran_out`: ids of holds whose time is over, which occupy nothing; `next_run_out`: when the next will be."""

    busy: list[Busy]
    absences: list[Absence]
    ran_out: list[int]
    next_run_out: datetime | None


def occupied(
    connection: Plainly,
    *,
    first_day: date,
    last_day: date,
    now: datetime,
    leaving_out: int | None = None,
) -> Occupied:
    """One SELECT for the days from `first_day` to `last_day`, both included; `leaving_out` an appointment's id."""
    from_local = datetime.combine(first_day, time.min)
    to_local = datetime.combine(last_day, time.min) + timedelta(days=1)
    rows = _ROWS.all(
        connection,
        from_local=text_of(from_local),
        to_local=text_of(to_local),
        margin_local=text_of(from_local - LONGEST_VISIT),
        leaving_out=leaving_out or 0,
    )
    first, end = wall_minute(from_local - LONGEST_VISIT), wall_minute(to_local)
    found = Occupied([], [], [], None)
    busy, absences, ran_out, run_outs = found.busy, found.absences, found.ran_out, []
    for practitioner_id, room_id, minutes, starts, absent_from, until, appointment_id in rows:
        if starts is None:
            absences.append(
                Absence(practitioner_id, datetime.fromisoformat(absent_from), datetime.fromisoformat(until))
            )
            continue
        if until is not None:
            if not first <= int(starts) < end:
                continue
            hold_until = instant_of(until)
            if hold_until <= now:
                ran_out.append(appointment_id)
                continue
            run_outs.append(hold_until)
        busy.append(Busy(practitioner_id, room_id, minutes, list(map(int, starts.split()))))
    return Occupied(busy, absences, ran_out, min(run_outs, default=None))
