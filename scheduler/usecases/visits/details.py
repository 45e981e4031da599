"""What is written beside a visit, and the room it is in."""

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.refusals import RoomTaken, SlotNotOffered
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.timeslot import TimeSlot
from scheduler.domain.visits.appointment_status import AppointmentStatus, StatusRefused
from scheduler.models import Appointment, AppointmentNote, Room
from scheduler.models.constraints import violated
from scheduler.queries.calendar import working_time
from scheduler.usecases.booking.locks import lock_rooms
from scheduler.usecases.booking.refusing import CONSTRAINT_REFUSALS
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import BEFORE_THE_VISIT, locked, require_version, touch

LONGEST_NOTE = 2000
TAKING_TIME = (*BEFORE_THE_VISIT, AppointmentStatus.ARRIVED)
SHORTEST, LONGEST = 5, 480  # minutes, as for treatments


@retry_deadlocks
def write_note(
    session: Session, *, public_id: str, words: str, now: datetime, actor: Actor, expected_version: int | None = None
) -> Appointment:
    """The visit's note from now on; what it was before stays in the table of notes. Empty takes it away."""
    words = words.replace("\0", "").strip()
    if len(words) > LONGEST_NOTE:
        raise Invalid({"note": "This note is too long: 2,000 letters at most."})
    begin_write(session)
    visit = locked(session, public_id)
    require_version(visit, expected_version)
    touch(visit, now=now, actor=actor, why="note")
    session.add(AppointmentNote(appointment_id=visit.id, words=words, written_at=now, written_by=str(actor)))
    session.commit()
    return visit


@retry_deadlocks
def change_room(
    session: Session, *, public_id: str, room_id: int, now: datetime, actor: Actor, expected_version: int | None = None
) -> Appointment:
    """The same visit in another room; RoomTaken when another visit is in it then."""
    begin_write(session)
    visit = locked(session, public_id)
    require_version(visit, expected_version)
    room = session.scalars(select(Room).where(Room.id == room_id, Room.active)).one_or_none()
    if room is None or visit.room_id is None:
        raise NotFound("room")
    if visit.room_id == room.id:
        return visit
    lock_rooms(session.connection(), {room.id})
    visit.room_id = room.id
    touch(visit, now=now, actor=actor, why=None)
    try:
        session.flush()
    except IntegrityError as error:
        session.rollback()
        if violated(error) == "room_not_double_booked":
            raise RoomTaken from None
        raise
    session.commit()
    return visit


@retry_deadlocks
def change_length(
    session: Session,
    *,
    public_id: str,
    minutes: int,
    now: datetime,
    actor: Actor,
    expected_version: int | None = None,
    insists: bool = False,
) -> Appointment:
    """This visit takes longer or less than its treatment does. Refused like a booking when something is in the way.

    SlotNotOffered when the minutes added reach past closing time, over a break or into time off: that gives way when
    somebody at the desk was asked and `insists`.
    """
    if not SHORTEST <= minutes <= LONGEST or minutes % 5:
        raise Invalid({"minutes": "Give 5 to 480 minutes, in steps of 5."})
    begin_write(session)
    visit = locked(session, public_id)
    require_version(visit, expected_version)
    if AppointmentStatus(visit.status) not in TAKING_TIME or visit.origin == "elsewhere":
        raise StatusRefused(from_status=AppointmentStatus(visit.status), to_status=AppointmentStatus.BOOKED)
    ended_local, longer = visit.starts_local + timedelta(minutes=visit.minutes), minutes - visit.minutes
    if visit.room_id is not None:
        lock_rooms(session.connection(), {visit.room_id})
    visit.minutes = minutes
    visit.ends_at = visit.starts_at + timedelta(minutes=minutes)
    visit.busy_until = visit.ends_at + timedelta(minutes=visit.buffer_minutes)
    touch(visit, now=now, actor=actor, why=f"{minutes} min")
    try:
        session.flush()
    except IntegrityError as error:
        session.rollback()
        refusal = CONSTRAINT_REFUSALS.get(violated(error) or "")
        if refusal is None:
            raise
        raise refusal() from None
    if longer > 0 and visit.practitioner_id is not None and not insists:
        added = TimeSlot(ended_local, ended_local + timedelta(minutes=longer))
        away = working_time.why_not_at_work(session.connection(), visit.practitioner_id, added)
        if away is not None:
            session.rollback()
            raise SlotNotOffered(away)
    session.commit()
    return visit
