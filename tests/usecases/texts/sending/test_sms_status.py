"""How sending goes, as the operator is told: counts, times, and no alarm for what the night holds back."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from scheduler.gateways.sms import SmsUnavailable
from scheduler.models import Heartbeat, Message, SmsSender
from scheduler.usecases.texts.sending.delivery import record_status
from scheduler.usecases.texts.sending.status import SmsStatus, sms_status
from tests.factories import CLINIC, NOW
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import make_reminder, make_visit, send_reminders, the_messages, the_reminder

HOUR = timedelta(hours=1)


def status(engine: Engine, now: datetime = NOW) -> SmsStatus:
    with engine.connect() as connection:
        return sms_status(connection, clinic=CLINIC, now=now, sender="")


def add_text(session: Session, state: str, **columns: object) -> None:
    session.add(
        Message(
            **{
                "direction": "out",
                "kind": "reply",
                "number": "+16135550142",
                "body": "x",
                "status": state,
                "created_at": NOW - HOUR / 4,
                "attempted_at": NOW - HOUR / 4,
                **columns,
            }
        )
    )
    session.commit()


def test_an_empty_clinic_has_nothing_due(engine: Engine) -> None:
    assert status(engine) == SmsStatus()


def test_everything_is_counted(session: Session, engine: Engine) -> None:
    visit = make_visit(session)
    make_reminder(session, visit, due_at=NOW - timedelta(minutes=7))
    make_reminder(session, visit, kind="days_before_1", due_at=NOW + HOUR)
    add_text(session, "queued", next_attempt_at=NOW - timedelta(minutes=2))
    add_text(session, "queued", next_attempt_at=NOW + HOUR)
    add_text(session, "attempting")
    add_text(session, "in_doubt")
    add_text(session, "delivered", settled_at=NOW - HOUR / 4 + timedelta(seconds=9))
    add_text(session, "sent", settled_at=NOW - 5 * HOUR, created_at=NOW - 5 * HOUR, sid="SMsilent")
    session.add(Heartbeat(name="worker here 1", at=NOW - timedelta(seconds=8)))
    session.add(Heartbeat(name="worker gone 2", at=NOW - HOUR))
    session.commit()
    found = status(engine)
    assert (found.due, found.oldest_due_seconds) == (2, 7 * 60)
    assert (found.attempting, found.in_doubt, found.unsettled, found.silent) == (1, 1, 1, 1)
    assert found.last_hour == {"queued": 2, "attempting": 1, "in_doubt": 1, "delivered": 1}
    assert found.lag_seconds == 9
    assert found.workers == {"here 1": 8}


def test_what_an_outage_holds_up_has_been_due_since_it_was_due(session: Session, engine: Engine) -> None:
    """Each try puts the next one off: a provider that is down for an hour must not look as if nothing were due."""
    sms, at = FakeSms(), FakeClock(NOW)
    make_reminder(session, make_visit(session), due_at=NOW)
    sms.next_outcomes = [SmsUnavailable(error_code=20503)] * 6
    for tries in range(1, 7):
        send_reminders(engine, sms, at)
        at.forward(minutes=2)
        assert status(engine, at()).oldest_due_seconds == tries * 120


def test_an_answer_that_an_outage_holds_up_has_been_due_since_it_was_written(session: Session, engine: Engine) -> None:
    add_text(session, "queued", attempts=3, next_attempt_at=NOW + timedelta(seconds=20))
    assert (status(engine).due, status(engine).oldest_due_seconds) == (0, 15 * 60)


def test_a_telephone_that_was_off_is_no_outage(session: Session, engine: Engine) -> None:
    sms, at = FakeSms(), FakeClock(NOW)
    make_reminder(session, make_visit(session), due_at=NOW)
    send_reminders(engine, sms, at)
    [message] = the_messages(session)
    at.forward(minutes=20)
    record_status(
        engine, attempt_id=message.attempt_id, sid=message.sid or "", word="undelivered", error_code=30003, now=at()
    )
    at.forward(minutes=15)
    assert the_reminder(session).status == "planned"
    assert status(engine, at()).oldest_due_seconds == 0


def test_the_outages_of_a_sender_that_is_no_longer_used_are_over(session: Session, engine: Engine) -> None:
    for name, failures in (("+16135550100", 7), ("MGnew", 1)):
        session.add(
            SmsSender(name=name, free_at=NOW, failures=failures, paused_until=NOW + timedelta(seconds=failures))
        )
    session.commit()
    with engine.connect() as connection:
        found = sms_status(connection, clinic=CLINIC, now=NOW, sender="MGnew")
    assert (found.outages, found.paused_seconds) == (1, 1)


def test_what_the_night_holds_back_is_not_overdue(session: Session, engine: Engine) -> None:
    make_reminder(session, make_visit(session), due_at=datetime(2026, 11, 28, 1, 50, tzinfo=UTC))  # 20:50 at the clinic
    at_night = datetime(2026, 11, 28, 8, tzinfo=UTC)  # 3:00
    assert (status(engine, at_night).due, status(engine, at_night).oldest_due_seconds) == (0, 0)
    in_the_morning = datetime(2026, 11, 28, 13, 4, tzinfo=UTC)  # 8:04
    assert (status(engine, in_the_morning).due, status(engine, in_the_morning).oldest_due_seconds) == (1, 240)


def test_a_fresh_confirmation_is_due_at_night_too(session: Session, engine: Engine) -> None:
    at_night = datetime(2026, 11, 28, 8, tzinfo=UTC)
    make_reminder(session, make_visit(session), kind="confirmation", due_at=at_night - timedelta(minutes=6))
    assert status(engine, at_night).oldest_due_seconds == 360
