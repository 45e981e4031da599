"""The text that asks the patient of a displaced visit to choose another time, and what becomes of it and of the visit's
reminders when somebody is there again."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, and_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.models import Appointment, Reminder
from scheduler.queries.visits.must_move import (
    LONGEST_VISIT,
    MUST_MOVE,
    STANDS,
    TEXT_KIND,
    DisplacedVisit,
    VisitTime,
    was_asked,
    without_anybody,
)
from scheduler.usecases.audit import SETTINGS, note
from scheduler.usecases.transaction import begin_write, retry_deadlocks


@retry_deadlocks
def text_displaced(
    session: Session, *, visits: Sequence[DisplacedVisit], clinic: ClinicSettings, now: datetime, actor: Actor
) -> int:
    """Ask each patient to choose another time, by a text with a link; how many were not asked before.

    Left out: who cannot be texted, and whose visit is so near that patients may not change it themselves.
    """
    rows = [
        {
            "appointment_id": visit.id,
            "version": visit.schedule_version,
            "kind": TEXT_KIND,
            "due_at": now,
            "next_attempt_at": now,
            "attempts": 0,
            "status": "planned",
            "reason": None,
            "settled_at": None,
        }
        for visit in visits
        if can_choose(visit, clinic=clinic, now=now)
    ]
    if not rows:
        return 0
    begin_write(session)
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    insert = dialect.insert(Reminder)
    again = insert.on_conflict_do_update(
        index_elements=["appointment_id", "version", "kind"],
        set_={name: insert.excluded[name] for name in ("due_at", "next_attempt_at", "status", "reason", "settled_at")},
        where=Reminder.status == "superseded",
    )
    asked = session.execute(again.returning(Reminder.id), rows).all()
    note(session, what=SETTINGS, actor=actor, now=now, details=f"{len(asked)} asked to choose another time")
    session.commit()
    return len(asked)


def can_choose(visit: DisplacedVisit, *, clinic: ClinicSettings, now: datetime) -> bool:
    return visit.can_be_texted and visit.texted is None and now < clinic.changeable_until(visit.starts_at)


def begin_between(begins: datetime, ends: datetime) -> ColumnElement[bool]:
    """Visits that may touch this stretch of the clinic's clock."""
    return Appointment.starts_local.between(begins - LONGEST_VISIT, ends)


def let_stand(session: Session, which: ColumnElement[bool], *, now: datetime) -> None:
    """Of `which` visits those need not move after all at whose time somebody is there again, by a change that is flushed.

    Their patients are no longer asked where the text still waits, and reminders kept back go out. Commits nothing.
    """
    connection = session.connection()
    of_visit = (Reminder.appointment_id == Appointment.id, Reminder.version == Appointment.schedule_version)
    asked = [
        VisitTime(*row)
        for row in connection.execute(
            select(Appointment.id, Appointment.practitioner_id, Appointment.starts_local, Appointment.minutes)
            .join(Reminder, and_(*of_visit))
            .where(which, Appointment.active, Appointment.starts_at > now, was_asked(Reminder))
        )
    ]
    must_move = without_anybody(connection, asked)
    stands = [visit.id for visit in asked if visit.id not in must_move]
    if not stands:
        return
    # A worker that keeps one back just now, having seen the closure, is waited for.
    rows = connection.execute(
        select(Reminder.id, Reminder.kind, Reminder.status, Reminder.reason)
        .join(Appointment, and_(*of_visit))
        .where(Appointment.id.in_(stands), Reminder.status.in_(("planned", "suppressed")))
        .order_by(Reminder.id)
        .with_for_update(of=Reminder)
    ).all()
    waiting = [row.id for row in rows if row.kind == TEXT_KIND and row.status == "planned"]
    kept_back = [row.id for row in rows if row.reason == MUST_MOVE]
    dropped = {"status": "superseded", "reason": STANDS, "settled_at": now}
    due_again = {"status": "planned", "reason": None, "settled_at": None, "next_attempt_at": now}
    connection.execute(update(Reminder).where(Reminder.id.in_(waiting)).values(dropped))
    connection.execute(update(Reminder).where(Reminder.id.in_(kept_back)).values(due_again))
