"""Visits booked where nobody is there any more: during a closure, a time off, or outside working hours. And booked IMS
too soon after IMS that was given.

Found from the calendar as it is, not kept: whoever moves or cancels one takes it off the list, from wherever they do it.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from scheduler.domain.booking.availability import WeeklyHours
from scheduler.domain.calendar.working_hours import is_within
from scheduler.models import (
    Appointment,
    Closure,
    Patient,
    PhoneAccount,
    Practitioner,
    Reminder,
    TimeOff,
    Treatment,
)
from scheduler.models.texts.wrong_number import is_marked
from scheduler.queries.calendar.working_time import weekly_hours
from scheduler.queries.visits.ims_given import too_near_of, too_near_to_come
from scheduler.queries.visits.private_visits import is_private

TEXT_KIND = "displaced"
MUST_MOVE = "must move"
"""Reason of a suppressed reminder: its patient was asked to choose another time, and is not to be told to come."""
STANDS = "stands"
"""Reason of a superseded text of `TEXT_KIND`: somebody is there again before it was sent."""
LONGEST_VISIT = timedelta(hours=12)  # by constraint


@dataclass(frozen=True, slots=True)
class DisplacedVisit:
    """`why`: what the closure or time off is called, none when it is only outside working hours.

    `texted`: the state of the text that asks to choose another time, none when there is none for this time of the visit.
    """

    id: int
    public_id: str
    version: int
    schedule_version: int
    starts_local: datetime
    starts_at: datetime
    minutes: int
    practitioner_id: int
    practitioner: str
    patient: str
    patient_id: str
    number: str | None
    can_be_texted: bool
    treatment_en: str
    treatment_fr: str
    texted: str | None
    closed: str | None = None
    away: str | None = None
    ims_given_local: datetime | None = None

    def treatment(self, language: str) -> str:
        return self.treatment_fr if language == "fr" else self.treatment_en


def displaced(
    connection: Connection, *, now: datetime, now_local: datetime, hours_of: int | None, hours: Iterable[WeeklyHours]
) -> list[DisplacedVisit]:
    """During closures and times off, and too soon after IMS that was given; with `hours_of` also that practitioner's outside of `hours`. By time."""
    closures = _absences(connection, Closure, now_local)
    times_off = _absences(connection, TimeOff, now_local)
    near = [_begins_near(one) for one in (*closures, *times_off)]
    if hours_of is not None:
        near.append(Appointment.practitioner_id == hours_of)
    too_near = too_near_to_come(connection, now)
    if too_near:
        near.append(Appointment.id.in_(too_near))
    if not near:
        return []
    weekly = list(hours)
    found = []
    for row in connection.execute(_visits(now).where(or_(*near))).mappings():
        starts, ends = row["starts_local"], row["starts_local"] + timedelta(minutes=row["minutes"])
        closed = _reason(closures, starts, ends)
        away = _reason([one for one in times_off if one.practitioner_id == row["practitioner_id"]], starts, ends)
        outside = row["practitioner_id"] == hours_of and not is_within(weekly, starts, ends)
        given = too_near.get(row["id"])
        if closed is not None or away is not None or outside or given is not None:
            found.append(DisplacedVisit(**row, closed=closed, away=away, ims_given_local=given))
    return found


class VisitTime(NamedTuple):
    id: int
    practitioner_id: int | None
    starts_local: datetime
    minutes: int

    @property
    def ends_local(self) -> datetime:
        return self.starts_local + timedelta(minutes=self.minutes)


def without_anybody(connection: Connection, visits: Sequence[VisitTime]) -> set[int]:
    """The ids of those that must move: nobody is there at their time, for whichever reason, or IMS was given too near before.

    Five SELECTs; none without visits.
    """
    if not visits:
        return set()
    since = min(visit.starts_local for visit in visits)
    closures, times_off = _absences(connection, Closure, since), _absences(connection, TimeOff, since)
    hours = weekly_hours(connection, {visit.practitioner_id for visit in visits})

    def somebody_is_there(visit: VisitTime) -> bool:
        own = [one for one in times_off if one.practitioner_id == visit.practitioner_id]
        is_away = _reason([*closures, *own], visit.starts_local, visit.ends_local) is not None
        at_work = [hour for hour in hours if hour.practitioner_id == visit.practitioner_id]
        return not is_away and is_within(at_work, visit.starts_local, visit.ends_local)

    nobody = {visit.id for visit in visits if not somebody_is_there(visit)}
    return nobody | too_near_of(connection, [visit.id for visit in visits], since).keys()


def was_asked(text: type[Reminder]) -> ColumnElement[bool]:
    """It asks, or asked, its patient to choose another time."""
    return and_(text.kind == TEXT_KIND, text.status != "superseded")


@dataclass(frozen=True, slots=True)
class _Absence:
    starts_local: datetime
    ends_local: datetime
    reason: str
    practitioner_id: int | None = None


def _absences(connection: Connection, model: type[Closure] | type[TimeOff], now_local: datetime) -> list[_Absence]:
    columns: list[Any] = [model.starts_local, model.ends_local]
    columns += [TimeOff.reason, TimeOff.practitioner_id] if model is TimeOff else [Closure.name]
    return [_Absence(*row) for row in connection.execute(select(*columns).where(model.ends_local > now_local))]


def _reason(absences: Iterable[_Absence], starts: datetime, ends: datetime) -> str | None:
    return next((one.reason for one in absences if one.starts_local < ends and starts < one.ends_local), None)


def _begins_near(absence: _Absence) -> ColumnElement[bool]:
    """So near that it may touch; whether it does is seen from its length."""
    begins = Appointment.starts_local.between(absence.starts_local - LONGEST_VISIT, absence.ends_local)
    return (
        begins
        if absence.practitioner_id is None
        else and_(begins, Appointment.practitioner_id == absence.practitioner_id)
    )


def _visits(now: datetime) -> Any:
    texted = (
        select(Reminder.status)
        .where(
            Reminder.appointment_id == Appointment.id,
            Reminder.version == Appointment.schedule_version,
            was_asked(Reminder),
        )
        .scalar_subquery()
    )
    can_be_texted = and_(
        PhoneAccount.number.is_not(None),
        PhoneAccount.opted_out_at.is_(None),
        PhoneAccount.unreachable_at.is_(None),
        ~is_marked(),
        ~is_private(),  # somebody else may read it
        Patient.restricted_at.is_(None),
    )
    return (
        select(
            Appointment.id,
            Appointment.public_id,
            Appointment.version,
            Appointment.schedule_version,
            Appointment.starts_local,
            Appointment.starts_at,
            Appointment.minutes,
            Appointment.practitioner_id,
            (Practitioner.given_name + " " + Practitioner.family_name).label("practitioner"),
            (Patient.family_name + ", " + Patient.given_name).label("patient"),
            Patient.public_id.label("patient_id"),
            PhoneAccount.number,
            can_be_texted.label("can_be_texted"),
            Treatment.name_en.label("treatment_en"),
            Treatment.name_fr.label("treatment_fr"),
            texted.label("texted"),
        )
        .join(Patient, Appointment.patient_id == Patient.id)
        .join(Practitioner, Appointment.practitioner_id == Practitioner.id)
        .join(Treatment, Appointment.treatment_id == Treatment.id)
        .outerjoin(PhoneAccount, Patient.phone_account_id == PhoneAccount.id)
        .where(Appointment.active, Appointment.status.in_(("booked", "confirmed")), Appointment.starts_at > now)
        .order_by(Appointment.starts_at, Appointment.id)
    )
