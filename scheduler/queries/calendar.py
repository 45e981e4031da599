"""What occupies the clinic's time in a range: appointments with their buffers, time off and closures."""

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

from sqlalchemy import CompoundSelect, Connection, Integer, bindparam, literal, null, select, union_all
from sqlalchemy.types import TypeEngine

from scheduler.domain.availability import Absence, Busy
from scheduler.models import Appointment, Closure, TimeOff
from scheduler.models.base import Instant, WallTime

LONGEST_VISIT = timedelta(hours=14)  # 12 hours by constraint, and the longest buffer
_WALL: TypeEngine[datetime] = WallTime()

_FROM, _TO = bindparam("from_local", type_=_WALL), bindparam("to_local", type_=_WALL)
_OCCUPIED: CompoundSelect[Any] = union_all(
    select(
        Appointment.practitioner_id,
        Appointment.room_id,
        Appointment.starts_local,
        (Appointment.minutes + Appointment.buffer_minutes).label("minutes"),
        literal(None, _WALL).label("ends_local"),
        Appointment.hold_until,
        Appointment.id,
    ).where(
        Appointment.active,
        Appointment.starts_local >= bindparam("margin_local", type_=_WALL),
        Appointment.starts_local < _TO,
        Appointment.origin != "elsewhere",
    ),
    select(
        TimeOff.practitioner_id,
        null().cast(Integer),
        TimeOff.starts_local,
        null().cast(Integer),
        TimeOff.ends_local,
        literal(None, Instant()),
        null().cast(Integer),
    ).where(TimeOff.starts_local < _TO, TimeOff.ends_local > _FROM),
    select(
        null().cast(Integer),
        null().cast(Integer),
        Closure.starts_local,
        null().cast(Integer),
        Closure.ends_local,
        literal(None, Instant()),
        null().cast(Integer),
    ).where(Closure.starts_local < _TO, Closure.ends_local > _FROM),
)


@dataclass(frozen=True, slots=True)
class Occupied:
    """`ran_out`: ids of holds whose time is over, which occupy nothing; `next_run_out`: when the next will be."""

    busy: list[Busy]
    absences: list[Absence]
    ran_out: list[int]
    next_run_out: datetime | None


def occupied(
    connection: Connection,
    *,
    first_day: date,
    last_day: date,
    now: datetime,
    leaving_out: int | None = None,
) -> Occupied:
    """One SELECT for the days from `first_day` to `last_day`, both included; `leaving_out` an appointment's id."""
    from_local = datetime.combine(first_day, time.min)
    to_local = datetime.combine(last_day, time.min) + timedelta(days=1)
    rows = connection.execute(
        _OCCUPIED,
        {"from_local": from_local, "to_local": to_local, "margin_local": from_local - LONGEST_VISIT},
    )
    found = Occupied([], [], [], None)
    busy, absences, ran_out, run_outs = found.busy, found.absences, found.ran_out, []
    for practitioner_id, room_id, starts_local, minutes, ends_local, hold_until, appointment_id in rows:
        if minutes is None:
            absences.append(Absence(practitioner_id, starts_local, ends_local))
        elif hold_until is not None and hold_until <= now:
            ran_out.append(appointment_id)
        elif appointment_id != leaving_out:
            busy.append(Busy(practitioner_id, room_id, starts_local, starts_local + timedelta(minutes=minutes)))
            if hold_until is not None:
                run_outs.append(hold_until)
    return Occupied(busy, absences, ran_out, min(run_outs, default=None))
