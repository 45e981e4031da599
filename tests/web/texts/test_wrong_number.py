"""A wrong number: the patients whom it names neither open nor get texts there, whoever else has the telephone by now."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.models import Appointment, Patient, PhoneAccount, Reminder, WrongNumber
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from scheduler.usecases.texts.wrong_numbers import lift_mark, settle_wrong_number
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_patient
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import make_reminder, send_reminders
from tests.web.support.booking_clinic import BookingVisitor

NUMBER = "+16135550142"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def former(visitor: BookingVisitor, session: Session) -> Patient:
    """Their number has gone to somebody else, who has written so."""
    patient = make_patient(session, number=NUMBER, given_name="Amélie", family_name="Roy")
    make_appointment(session, patient=patient, starts_local=local(MONDAY + timedelta(days=1), "10:00"))
    receive(session, IncomingText(sid="SM1", number=NUMBER, body="wrong number"), clinic=CLINIC, now=NOW)
    return patient


def signed_in(visitor: BookingVisitor) -> str:
    visitor.get("/me/sign-in")
    visitor.give_number(NUMBER)
    visitor.type_code()
    return visitor.get("/me").text


@pytest.mark.parametrize("agreed", [True, False])
def test_a_code_to_a_wrong_number_opens_nothing_and_lifts_no_mark(
    visitor: BookingVisitor, session: Session, former: Patient, agreed: bool
) -> None:
    if agreed:
        settle_wrong_number(session, number=NUMBER, stop=True, now=NOW, actor=STAFF)
    visit = session.scalars(select(Appointment)).one()
    public_id = visit.public_id
    session.rollback()
    assert "1 December" not in signed_in(visitor)
    for path in ("move", "cancel"):
        assert visitor.client.get(f"/me/visits/{public_id}/{path}").status_code != 200
    assert visitor.client.get(f"/me/patients/{former.public_id}/calendar").status_code != 200
    assert visitor.client.get(f"/appointments/{public_id}.ics").status_code == 404
    session.rollback()
    mark = session.scalars(select(WrongNumber)).one()
    assert (mark.lifted_at, mark.stopped_at is not None) == (None, agreed)


def test_somebody_else_registers_on_the_number_and_gets_their_own_texts_alone(
    visitor: BookingVisitor, session: Session, engine: Engine, former: Patient
) -> None:
    settle_wrong_number(session, number=NUMBER, stop=True, now=NOW, actor=STAFF)
    their_visit = session.scalars(select(Appointment)).one()
    visitor.begin()
    visitor.choose(local(MONDAY, "10:00"))
    visitor.give_number(NUMBER)
    visitor.type_code()
    # the very name and birth date of the former patient open nothing either
    visitor.say_who(given_name="Amélie", family_name="Roy")
    assert "Your visit is booked" in visitor.confirm().text
    session.rollback()
    mine = session.scalars(select(Appointment).where(Appointment.origin == "online")).one()
    assert mine.patient and mine.patient_id != former.id
    assert mine.patient.phone_account_id == former.phone_account_id
    make_reminder(session, their_visit, kind="days_before_1", due_at=NOW)
    session.execute(update(Reminder).where(Reminder.appointment_id == mine.id).values(due_at=NOW, next_attempt_at=NOW))
    session.commit()
    sms, at = FakeSms(), FakeClock(NOW)
    send_reminders(engine, sms, at)
    session.rollback()
    about = session.execute(select(Reminder.appointment_id, Reminder.status, Reminder.reason)).all()
    assert [row[1:] for row in about if row[0] == their_visit.id] == [("suppressed", "wrong number")]
    assert ("sent", None) in [row[1:] for row in about if row[0] == mine.id]


def test_only_the_desk_lifts_the_mark(visitor: BookingVisitor, session: Session, former: Patient, app: Flask) -> None:
    settle_wrong_number(session, number=NUMBER, stop=True, now=NOW, actor=STAFF)
    lift_mark(session, patient_id=former.id, now=NOW, actor=Actor("staff", "front"))
    assert session.scalars(select(WrongNumber.lifted_by)).one() == "staff:front"
    session.rollback()
    assert "1 December" in signed_in(visitor)


def test_a_mark_stays_with_the_patient_and_number_it_was_made_for(session: Session, former: Patient) -> None:
    old = former.phone_account
    former.phone_account = PhoneAccount(number="+16135550143", created_at=NOW)
    session.commit()
    settle_wrong_number(session, number="+16135550143", stop=True, now=NOW, actor=STAFF)
    former.phone_account = old
    session.commit()
    mark = session.scalars(select(WrongNumber)).one()
    assert (mark.phone_account_id, mark.lifted_at) == (former.phone_account_id, None)
