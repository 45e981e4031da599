"""Texts that wait while the world goes on: none doubled, none stale, no reply forgotten."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from scheduler.gateways.sms import RefusalReason, SmsAccepted, SmsInDoubt, SmsRefused, SmsUnavailable
from scheduler.models import Appointment, Message, PhoneAccount, Reminder
from scheduler.queries.texts import calls
from scheduler.queries.texts.inbox import threads
from scheduler.queries.visits.must_move import displaced
from scheduler.usecases.booking.booking import cancel_appointment, move_appointment
from scheduler.usecases.calendar.absences import NewClosure, add_closures
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from scheduler.usecases.texts.retention import blank_old_bodies
from scheduler.usecases.texts.sending.budget import mark_waiting
from scheduler.usecases.texts.sending.delivery import record_status
from scheduler.usecases.texts.sending.status import sms_status
from scheduler.usecases.visits.must_move import text_displaced
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient, mark_wrong
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import (
    make_closure,
    make_reminder,
    send_codes,
    send_reminders,
    settle,
    the_messages,
)

NUMBER = "+16135550142"
HOUR = timedelta(hours=1)


@pytest.fixture
def sms() -> FakeSms:
    return FakeSms()


@pytest.fixture
def at() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def visit(session: Session) -> Appointment:
    """Tuesday 1 December, 10:00."""
    make_clinic(session)
    patient = make_patient(session, number=NUMBER)
    return make_appointment(session, patient=patient, starts_local=local(MONDAY + timedelta(days=1), "10:00"))


def queue(session: Session, kind: str, **columns: object) -> Message:
    message = Message(
        **{
            "direction": "out",
            "kind": kind,
            "number": NUMBER,
            "body": "words of ours",
            "status": "queued",
            "segments": 1,
            "created_at": NOW,
            "next_attempt_at": NOW,
            **columns,
        }
    )
    session.add(message)
    session.commit()
    return message


def text_in(session: Session, body: str, at: FakeClock) -> None:
    receive(session, IncomingText(sid=f"SMin{body}", number=NUMBER, body=body), clinic=CLINIC, now=at())


@pytest.mark.parametrize("column", ["opted_out_at", "unreachable_at"])
def test_a_text_that_waits_is_not_sent_to_who_has_opted_out_meanwhile_but_a_code_is(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment, column: str
) -> None:
    queue(session, "desk", body="Yes, come at five")
    queue(session, "reply")
    queue(session, "code")
    session.execute(update(PhoneAccount).values({column: NOW}))
    session.commit()
    send_codes(engine, sms, at)
    assert len(sms.sent) == 1
    states = {message.kind: (message.status, message.body) for message in the_messages(session)}
    assert states["desk"] == ("failed", "Yes, come at five")
    assert states["reply"] == ("failed", "")
    assert states["code"][0] == "accepted"


@pytest.mark.parametrize("change", ["another number", "no number", "wrong number", "restricted"])
def test_an_answer_that_waits_is_not_sent_to_a_number_that_is_not_the_patients_any_more(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment, change: str
) -> None:
    make_reminder(session, visit, kind="days_before_1")
    send_reminders(engine, sms, at)
    text_in(session, "M", at)
    queue(session, "desk", body="To this number all the same", patient_id=visit.patient_id)
    patient = session.get_one(Appointment, visit.id).patient
    assert patient and patient.phone_account
    if change == "wrong number":
        mark_wrong(session, patient)
    elif change == "restricted":
        patient.restricted_at = NOW
    else:
        patient.phone_account = make_patient(session).phone_account if change == "another number" else None
    session.commit()
    send_codes(engine, sms, at)
    assert {message.kind: message.status for message in the_messages(session)[2:]} == {
        "move-link": "failed",
        "desk": "accepted",
    }
    assert the_messages(session)[1].for_desk


def test_who_may_have_lost_the_telephone_is_not_texted_a_link_that_would_not_work(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    make_reminder(session, visit, kind="displaced")
    assert visit.patient
    mark_wrong(session, visit.patient)
    send_reminders(engine, sms, at)
    assert sms.sent == []
    assert states(session) == {"displaced": ("suppressed", "wrong number")}
    [call] = calls.due(session.connection(), from_at=at(), to_at=visit.starts_at + HOUR)
    assert call.reason == "wrong number"


@pytest.mark.parametrize(
    "outcome",
    [
        SmsUnavailable(retry_after=4000),
        SmsRefused(30007, RefusalReason.UNDELIVERABLE),
        lambda text: SmsAccepted(text.sid, "undelivered", 30008),
        None,
    ],
)
def test_a_reply_that_no_answer_of_ours_reached_is_read_at_the_desk(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment, outcome: object
) -> None:
    make_reminder(session, visit, kind="days_before_1")
    send_reminders(engine, sms, at)
    text_in(session, "M", at)
    if outcome is None:  # nobody sends for an hour: the budget is used up, or no worker runs
        at.forward(hours=1)
    else:
        sms.next_outcomes = [outcome]
    send_codes(engine, sms, at)
    incoming = [message for message in the_messages(session) if message.direction == "in"]
    assert [(message.for_desk, message.read_at) for message in incoming] == [(True, None)]


def test_a_reply_whose_answer_was_lost_on_the_way_for_an_hour_is_read_at_the_desk(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    make_reminder(session, visit, kind="days_before_1")
    send_reminders(engine, sms, at)
    text_in(session, "M", at)
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_codes(engine, sms, at)
    at.forward(hours=2)
    settle(engine, sms, at)
    assert [message.for_desk for message in the_messages(session) if message.direction == "in"] == [True]


def test_a_reply_that_was_answered_is_not_for_the_desk(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    make_reminder(session, visit, kind="days_before_1")
    send_reminders(engine, sms, at)
    text_in(session, "M", at)
    send_codes(engine, sms, at)
    at.forward(hours=1)
    text_in(session, "OK", at)
    session.execute(update(Message).where(Message.direction == "in").values(for_desk=False))
    queue(session, "reply", created_at=at())
    at.forward(hours=3)  # too old, of the second reply
    send_codes(engine, sms, at)
    assert [message.for_desk for message in the_messages(session) if message.direction == "in"] == [False, True]


@pytest.mark.parametrize("change", ["moved", "cancelled"])
def test_an_answer_about_a_visit_that_has_changed_since_is_not_sent(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment, change: str
) -> None:
    make_reminder(session, visit, kind="days_before_1")
    send_reminders(engine, sms, at)
    text_in(session, "C", at)
    at.forward(minutes=10)
    if change == "moved":
        move_appointment(
            session,
            public_id=visit.public_id,
            starts_local=visit.starts_local + timedelta(days=1),
            practitioner=None,
            clinic=CLINIC,
            now=at(),
            actor=STAFF,
        )
    else:
        cancel_appointment(session, public_id=visit.public_id, reason="", clinic=CLINIC, now=at(), actor=STAFF)
    assert send_codes(engine, sms, at) == 0


@pytest.mark.parametrize("kind", ["desk", "reply", "code"])
def test_a_receipt_for_a_text_given_up_stops_the_second_one(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, kind: str
) -> None:
    queue(session, kind)
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_codes(engine, sms, at)
    at.forward(seconds=61)
    settle(engine, sms, at)
    first = the_messages(session)[0]
    record_status(engine, attempt_id=first.attempt_id, sid="SMlate", word="delivered", error_code=None, now=at())
    send_codes(engine, sms, at)
    assert sms.calls == 1
    assert [message.status for message in the_messages(session)] == ["delivered"]


def test_what_waits_for_the_budget_expires_in_its_time_all_the_same(session: Session, engine: Engine) -> None:
    queue(session, "desk")
    mark_waiting(engine, now=NOW)
    mark_waiting(engine, now=NOW + timedelta(days=1))
    assert the_messages(session)[0].status == "expired"


def test_an_answer_given_with_the_webhook_is_never_silent(session: Session, engine: Engine, visit: Appointment) -> None:
    receive(session, IncomingText(sid="SMhelp", number=NUMBER, body="AIDE"), clinic=CLINIC, now=NOW - 5 * HOUR)
    with engine.connect() as connection:
        assert sms_status(connection, clinic=CLINIC, now=NOW, sender="").silent == 0


def test_the_words_of_a_text_that_stays_in_doubt_are_not_kept_for_ever(session: Session, engine: Engine) -> None:
    queue(session, "desk", status="in_doubt", next_attempt_at=None)
    assert blank_old_bodies(engine, days=30, now=NOW + timedelta(days=31)) == 1


def test_a_code_does_not_wait_for_the_answer_to_another_text(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    queue(session, "reply")
    code_is_out = threading.Event()

    def hangs(text):
        queue(session, "code")
        assert code_is_out.wait(10)
        return SmsAccepted(text.sid, "queued")

    def goes_out(text):
        code_is_out.set()
        return SmsAccepted(text.sid, "queued")

    sms.next_outcomes = [hangs, goes_out]
    send_codes(engine, sms, at)
    assert [message.status for message in the_messages(session)] == ["accepted", "accepted"]


def states(session: Session) -> dict[str, tuple[str, str | None]]:
    session.rollback()
    session.expire_all()
    rows = session.execute(select(Reminder.kind, Reminder.status, Reminder.reason))
    return {kind: (status, reason) for kind, status, reason in rows}


@pytest.mark.parametrize("limit", [1, 4])
def test_a_text_that_asks_to_choose_another_time_is_overtaken_by_no_reminder_and_overtakes_them(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment, limit: int
) -> None:
    make_closure(session, visit)
    make_reminder(session, visit, kind="displaced", due_at=NOW)
    make_reminder(session, visit, kind="days_before_3", due_at=NOW + timedelta(minutes=30))
    at.forward(hours=1)
    send_reminders(engine, sms, at, concurrency=limit)
    assert ["must move" in sent.body for sent in sms.sent] == [True]
    assert states(session) == {"displaced": ("sent", None), "days_before_3": ("suppressed", "must move")}


def test_a_confirmation_that_is_tried_again_after_the_reminder_went_out_is_overtaken(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    make_reminder(
        session, visit, kind="confirmation", due_at=NOW, next_attempt_at=NOW + timedelta(minutes=15), attempts=3
    )
    make_reminder(session, visit, kind="days_before_1", due_at=NOW + timedelta(minutes=10))
    at.forward(minutes=12)
    send_reminders(engine, sms, at)
    at.forward(minutes=5)
    send_reminders(engine, sms, at)
    assert len(sms.sent) == 1


def test_no_link_is_sent_that_works_no_more(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    make_closure(session, visit)
    make_reminder(session, visit, kind="displaced", due_at=NOW)
    at.at = CLINIC.changeable_until(visit.starts_at) + timedelta(minutes=1)
    send_reminders(engine, sms, at)
    assert sms.sent == []
    assert states(session)["displaced"] == ("failed", "too late"), "for the call list"


def test_c_to_an_answer_that_was_sent_again_means_the_time_that_it_told(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    make_reminder(session, visit, kind="days_before_1")
    send_reminders(engine, sms, at)
    move_appointment(
        session,
        public_id=visit.public_id,
        starts_local=visit.starts_local + timedelta(days=1),
        practitioner=None,
        clinic=CLINIC,
        now=at(),
        actor=STAFF,
    )
    session.execute(update(Reminder).where(Reminder.status == "planned").values(status="suppressed"))
    session.commit()
    text_in(session, "C", at)
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_codes(engine, sms, at)
    at.forward(seconds=61)
    settle(engine, sms, at)
    send_codes(engine, sms, at)
    assert "that visit is now on" in sms.sent[-1].body
    at.forward(minutes=5)
    text_in(session, "C ", at)
    session.expire_all()
    assert visit.status == "confirmed"


def test_a_reply_whose_answer_stays_in_doubt_is_read_at_the_desk(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    make_reminder(session, visit, kind="days_before_1")
    send_reminders(engine, sms, at)
    text_in(session, "M", at)
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_codes(engine, sms, at)
    sms.find_error = SmsUnavailable()
    for _ in range(3):
        at.forward(hours=13)
        settle(engine, sms, at)
    assert [message.for_desk for message in the_messages(session) if message.direction == "in"] == [True]


def test_an_answer_of_the_desk_that_stays_in_doubt_is_seen_in_the_inbox(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    text_in(session, "can I come at five?", at)
    queue(session, "desk")
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_codes(engine, sms, at)

    def doubtful() -> list[bool]:
        with engine.connect() as connection:
            return [thread.answer == "doubtful" for thread in threads(connection, known=True, before_id=None, limit=9)]

    assert doubtful() == [False], "it is being looked for"
    sms.find_error = SmsUnavailable()
    for _ in range(3):
        at.forward(hours=13)
        settle(engine, sms, at)
    assert doubtful() == [True]


@pytest.mark.parametrize("settled", [False, True])
def test_a_cancellation_is_told_also_after_a_text_to_choose_another_time_that_may_have_arrived(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment, settled: bool
) -> None:
    make_closure(session, visit)
    make_reminder(session, visit, kind="displaced", due_at=NOW)
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_reminders(engine, sms, at)
    cancel_appointment(
        session, public_id=visit.public_id, reason="", clinic=CLINIC, now=at(), actor=STAFF, tells_patient=True
    )
    at.forward(minutes=5)
    if settled:
        settle(engine, sms, at)
    send_reminders(engine, sms, at)
    assert states(session)["cancellation"][0] == "sent"


def test_no_link_to_choose_another_time_is_over_before_it_is_opened(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    make_closure(session, visit)
    make_reminder(session, visit, kind="displaced", due_at=NOW)
    at.at = CLINIC.changeable_until(visit.starts_at) - timedelta(seconds=20)
    send_reminders(engine, sms, at)
    assert sms.sent == []
    assert states(session)["displaced"] == ("failed", "too late"), "for the call list"


def test_who_may_have_lost_the_telephone_is_not_asked_by_text_to_choose_another_time(
    session: Session, engine: Engine, at: FakeClock, visit: Appointment
) -> None:
    assert visit.patient
    mark_wrong(session, visit.patient)
    closure = NewClosure(visit.starts_local - HOUR, visit.starts_local + HOUR, "Burst pipe")
    add_closures(session, closures=[closure], now=at(), actor=STAFF)
    with engine.connect() as connection:
        now_local = visit.starts_local - timedelta(days=4)
        [found] = displaced(connection, now=at(), now_local=now_local, hours_of=None, hours=[])
    assert not found.can_be_texted
    assert text_displaced(session, visits=[found], clinic=CLINIC, now=at(), actor=STAFF) == 0
