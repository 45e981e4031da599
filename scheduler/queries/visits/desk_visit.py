"""One visit as the desk sees it: its history and what is texted about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, func, select
from sqlalchemy.orm import Session, aliased

from scheduler.models import (
    Appointment,
    AppointmentHistory,
    AppointmentNote,
    ImsAnswer,
    Message,
    Practitioner,
    Reminder,
    Room,
    Screening,
)


@dataclass(frozen=True, slots=True)
class HistoryLine:
    """What changed and who changed it; `from_…` none when the line is the first or that part stayed as it was."""

    version: int
    at: datetime
    by: str
    why: str | None
    from_status: str | None
    status: str
    from_starts: datetime | None
    starts: datetime
    practitioner: str | None
    room: str | None
    new_practitioner: bool
    new_room: bool
    ims_answer: bool | None = None
    """What this line says of whether IMS was given; none where it says nothing, or takes an answer back."""


@dataclass(frozen=True, slots=True)
class PlannedText:
    """A reminder of the visit as it stands, with what became of its last text. `attempts`: how often it was tried."""

    kind: str
    due_at: datetime
    next_attempt_at: datetime
    attempts: int
    status: str
    reason: str | None
    message_status: str | None


def history(connection: Connection, appointment_id: int) -> list[HistoryLine]:
    """The oldest first."""
    to_practitioner, to_room = aliased(Practitioner), aliased(Room)
    line = AppointmentHistory
    rows = connection.execute(
        select(
            line.version,
            line.changed_at,
            line.changed_by,
            line.changed_why,
            line.from_status,
            line.to_status,
            line.from_starts_local,
            line.to_starts_local,
            to_practitioner.given_name,
            to_room.name,
            line.from_practitioner_id,
            line.to_practitioner_id,
            line.from_room_id,
            line.to_room_id,
            ImsAnswer.given,
        )
        .outerjoin(ImsAnswer, and_(ImsAnswer.appointment_id == line.appointment_id, ImsAnswer.version == line.version))
        .outerjoin(to_practitioner, to_practitioner.id == line.to_practitioner_id)
        .outerjoin(to_room, to_room.id == line.to_room_id)
        .where(line.appointment_id == appointment_id)
        .order_by(line.version, line.id)
    )
    return [
        HistoryLine(
            version=version,
            at=at,
            by=by,
            why=why,
            from_status=from_status if from_status != status else None,
            status=status,
            from_starts=from_starts if from_starts != starts else None,
            starts=starts,
            practitioner=practitioner,
            room=room,
            new_practitioner=from_practitioner is not None and from_practitioner != practitioner_id,
            new_room=from_room is not None and from_room != room_id,
            ims_answer=answer,
        )
        for version, at, by, why, from_status, status, from_starts, starts, practitioner, room,
            from_practitioner, practitioner_id, from_room, room_id, answer in rows
    ]  # fmt: skip


def texts(connection: Connection, appointment: Appointment) -> list[PlannedText]:
    """What goes out, or went, about the visit at its present time; in that order."""
    last = select(func.max(Message.id)).where(Message.reminder_id == Reminder.id).correlate(Reminder).scalar_subquery()
    rows = connection.execute(
        select(
            Reminder.kind,
            Reminder.due_at,
            Reminder.next_attempt_at,
            Reminder.attempts,
            Reminder.status,
            Reminder.reason,
            Message.status,
        )
        .outerjoin(Message, Message.id == last)
        .where(Reminder.appointment_id == appointment.id, Reminder.version == appointment.schedule_version)
        .order_by(Reminder.due_at, Reminder.id)
    )
    return [PlannedText(*row) for row in rows]


def screening(session: Session, appointment_id: int) -> Screening | None:
    return session.scalars(select(Screening).where(Screening.appointment_id == appointment_id)).one_or_none()


def notes(session: Session, appointment_id: int) -> Sequence[AppointmentNote]:
    """The newest first: that is the note, the others are what it was."""
    note = AppointmentNote
    return session.scalars(select(note).where(note.appointment_id == appointment_id).order_by(note.id.desc())).all()


def rooms(session: Session) -> Sequence[Room]:
    return session.scalars(select(Room).where(Room.active).order_by(Room.position, Room.id)).all()
