"""Delivery figures count texts, not the tries that an outage makes of one."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from scheduler.gateways.sms import SmsInDoubt, SmsUnavailable
from scheduler.models import Message
from scheduler.queries.texts.sms_figures import SmsFigures, figures
from tests.factories import NOW
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import make_reminder, make_visit, send_codes, send_reminders, settle


@pytest.fixture
def sms() -> FakeSms:
    return FakeSms()


@pytest.fixture
def at() -> FakeClock:
    return FakeClock(NOW)


def counted(engine: Engine) -> SmsFigures:
    with engine.connect() as connection:
        return figures(connection, [(NOW.date(), NOW - timedelta(hours=1), NOW + timedelta(days=30))])


def test_a_reminder_that_went_out_after_an_outage_is_one_text_and_its_tries_are_among_the_errors(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsUnavailable(error_code=20503)] * 3
    for _ in range(3):
        send_reminders(engine, sms, at)
        at.forward(minutes=20)
    assert counted(engine).by_kind["days_before"].outcomes.total() == 0, "it is still to go out"
    send_reminders(engine, sms, at)
    found = counted(engine)
    assert dict(found.by_kind["days_before"].outcomes) == {"under way": 1}
    assert found.by_kind["days_before"].parts == found.by_day[NOW.date()].parts == 2, "of the first text"
    assert found.errors == [("days_before", "20503", 3)]


def test_a_reminder_that_never_went_out_is_one_text_not_delivered(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    make_reminder(session, visit := make_visit(session))
    sms.next_outcomes = [SmsUnavailable(error_code=20503)] * 2
    send_reminders(engine, sms, at)
    at.at = visit.starts_at - timedelta(seconds=1)
    send_reminders(engine, sms, at)
    assert dict(counted(engine).by_kind["days_before"].outcomes) == {"not delivered": 1}


def test_an_answer_that_was_lost_on_the_way_and_sent_again_is_one_text(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    for number in ("+16135550142", "+16135550143"):
        session.add(
            Message(
                direction="out",
                kind="reply",
                number=number,
                body="words",
                status="queued",
                created_at=NOW,
                next_attempt_at=NOW,
            )
        )
    session.commit()
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_codes(engine, sms, at)
    at.forward(seconds=61)
    settle(engine, sms, at)
    send_codes(engine, sms, at)
    assert dict(counted(engine).by_kind["reply"].outcomes) == {"under way": 2}
