"""What the tests of sending share: a clinic with one visit, and one tick at a chosen instant."""

import threading
from datetime import datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.gateways.sms import SmsGateway
from scheduler.models import Appointment, Closure, Message, Reminder
from scheduler.usecases.texts.sending import in_doubt, reminders, unplanned
from scheduler.usecases.texts.sending.pool import send_all
from tests.factories import CLINIC, MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.fakes import FakeClock

VISIT_LOCAL = local(MONDAY + timedelta(days=7), "10:00")  # ten days from NOW


def make_reminder(
    session: Session, visit: Appointment, *, kind: str = "days_before_3", due_at: datetime = NOW, **columns: object
) -> Reminder:
    reminder = Reminder(
        **{
            "appointment_id": visit.id,
            "version": visit.schedule_version,
            "kind": kind,
            "due_at": due_at,
            "next_attempt_at": due_at,
            "status": "planned",
            **columns,
        }
    )
    session.add(reminder)
    session.commit()
    return reminder


def make_closure(session: Session, visit: Appointment) -> Closure:
    """As long as the visit, and no longer."""
    ends_local = visit.starts_local + timedelta(minutes=visit.minutes)
    closure = Closure(starts_local=visit.starts_local, ends_local=ends_local, name="Burst pipe")
    session.add(closure)
    session.commit()
    return closure


def make_visit(session: Session, *, starts_local: datetime = VISIT_LOCAL, **patient: object) -> Appointment:
    if session.scalar(select(Appointment.id).limit(1)) is None:
        make_clinic(session)
    return make_appointment(session, patient=make_patient(session, **patient), starts_local=starts_local)


def send_reminders(engine: Engine, gateway: SmsGateway, at: FakeClock, *, concurrency: int = 4) -> int:
    """One tick."""
    return send_all(
        engine,
        gateway,
        claim=lambda limit: reminders.claim_due(engine, clinic=CLINIC, now=at(), limit=limit, gateway="twilio"),
        clock=at,
        concurrency=concurrency,
        stopping=threading.Event(),
    )


def send_codes(engine: Engine, gateway: SmsGateway, at: FakeClock, *, name: str = "twilio") -> int:
    return send_all(
        engine,
        gateway,
        claim=lambda limit: unplanned.claim_codes(engine, now=at(), limit=limit, gateway=name),
        clock=at,
        concurrency=4,
        stopping=threading.Event(),
    )


def settle(engine: Engine, gateway: SmsGateway, at: FakeClock) -> None:
    in_doubt.take_stale(engine, now=at())
    in_doubt.settle_some(engine, gateway, clock=at, limit=50)


def the_reminder(session: Session) -> Reminder:
    session.rollback()
    session.expire_all()
    return session.scalars(select(Reminder)).one()


def the_messages(session: Session) -> list[Message]:
    session.rollback()
    session.expire_all()
    return list(session.scalars(select(Message).order_by(Message.id)))
