"""Receipts: in any order, any number of times, before or after our own commit."""

import itertools
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.gateways.sms import FoundMessage, SmsAccepted, SmsInDoubt, SmsUnavailable
from scheduler.models import Message, PhoneAccount
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from scheduler.usecases.texts.sending.delivery import record_status
from tests.factories import CLINIC, NOW
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import (
    make_reminder,
    make_visit,
    send_reminders,
    settle,
    the_messages,
    the_reminder,
)


@pytest.fixture
def sms() -> FakeSms:
    return FakeSms()


@pytest.fixture
def at() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def sent(session: Session, engine: Engine, sms: FakeSms, at: FakeClock) -> Message:
    """A reminder that the provider has accepted."""
    make_reminder(session, make_visit(session))
    send_reminders(engine, sms, at)
    return the_messages(session)[0]


def receipt(engine: Engine, message: Message, word: str, *, error_code: int | None = None, sid: str = "") -> bool:
    return record_status(
        engine,
        attempt_id=message.attempt_id,
        sid=sid or message.sid or "SM-new",
        word=word,
        error_code=error_code,
        now=NOW + timedelta(minutes=1),
    )


@pytest.mark.parametrize("words", list(itertools.permutations(["queued", "sending", "sent", "delivered"])))
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the order is decided in Python
def test_every_order_of_receipts_ends_as_delivered(
    session: Session, engine: Engine, sent: Message, words: tuple[str, ...]
):
    for word in (*words, *words):
        assert receipt(engine, sent, word)
    assert the_messages(session)[0].status == "delivered"
    assert the_reminder(session).status == "sent"


@pytest.mark.parametrize(("first", "second"), [("delivered", "failed"), ("undelivered", "delivered")])
def test_a_final_state_stays(session: Session, engine: Engine, sent: Message, first: str, second: str):
    receipt(engine, sent, first, error_code=30005 if first == "undelivered" else None)
    receipt(engine, sent, second)
    assert the_messages(session)[0].status == first


def test_an_unknown_attempt_is_said_to_be_unknown_and_a_word_never_heard_changes_nothing(
    session: Session, engine: Engine, sent: Message
):
    assert not record_status(engine, attempt_id="nobody", sid="SM1", word="sent", error_code=None, now=NOW)
    assert not record_status(engine, attempt_id="nobody", sid="SM1", word="whatever", error_code=None, now=NOW)
    assert receipt(engine, sent, "partially_delivered")
    assert the_messages(session)[0].status == "accepted"


@pytest.mark.parametrize(
    ("code", "reason", "account"),
    [
        (30005, "bad-number", "unreachable"),
        (30006, "bad-number", "unreachable"),
        (21610, "opted-out", "opted out"),
        (30007, "undeliverable", "as before"),
        (30008, "undeliverable", "as before"),
        (30032, "undeliverable", "as before"),
        (30034, "undeliverable", "as before"),
        (39999, "unknown", "as before"),
        (None, "unknown", "as before"),
    ],
)
def test_a_text_that_will_never_arrive_fails_the_reminder_with_its_code(
    session: Session, engine: Engine, sent: Message, code: int | None, reason: str, account: str
):
    receipt(engine, sent, "undelivered", error_code=code)
    receipt(engine, sent, "undelivered", error_code=code)
    [message] = the_messages(session)
    assert (message.status, message.error_code) == ("undelivered", str(code) if code else None)
    assert (the_reminder(session).status, the_reminder(session).reason) == ("failed", reason)
    found = session.scalars(select(PhoneAccount)).one()
    states = {"unreachable": found.unreachable_at is not None, "opted out": found.opted_out_at is not None}
    assert [state for state, is_so in states.items() if is_so] == ([account] if account != "as before" else [])


def is_closed(session: Session) -> bool:
    the_messages(session)
    account = session.scalars(select(PhoneAccount)).one()
    return account.opted_out_at is not None or account.unreachable_at is not None


@pytest.mark.parametrize("code", [21610, 30005])
def test_late_news_of_a_number_that_has_been_verified_since_is_no_news(
    session: Session, engine: Engine, sent: Message, code: int
):
    """The receipt came late, or was lost and asked for, and the number works by now."""
    account = session.scalars(select(PhoneAccount)).one()
    account.verified_at = NOW + timedelta(seconds=30)
    session.commit()
    receipt(engine, sent, "failed", error_code=code)
    assert (the_messages(session)[0].error_code, is_closed(session)) == (str(code), False)


def test_late_news_that_a_number_has_opted_out_is_none_after_start(session: Session, engine: Engine, sent: Message):
    start(session, sent.number, at=NOW + timedelta(seconds=30))
    receipt(engine, sent, "failed", error_code=21610)
    assert (the_reminder(session).status, is_closed(session)) == ("failed", False)


def test_a_start_of_before_does_not_outlast_a_later_stop(session: Session, engine: Engine, sent: Message):
    start(session, sent.number, at=NOW - timedelta(seconds=30))
    receipt(engine, sent, "failed", error_code=21610)
    assert is_closed(session)


def start(session: Session, number: str, *, at: datetime) -> None:
    receive(session, IncomingText(sid="SMstart", number=number, body="START"), clinic=CLINIC, now=at)


def test_a_telephone_that_was_off_is_tried_again_later_but_not_for_ever(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, sent: Message
):
    message = sent
    for _ in range(5):
        receipt(engine, message, "undelivered", error_code=30003)
        receipt(engine, message, "undelivered", error_code=30003)
        at.forward(hours=1)
        send_reminders(engine, sms, at)
        message = the_messages(session)[-1]
    assert len(sms.sent) == 3
    assert (the_reminder(session).status, the_reminder(session).reason) == ("failed", "unreachable")


def test_tries_that_the_provider_did_not_take_are_none_of_a_telephone_that_was_off(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsUnavailable(error_code=20503)] * 3
    for _ in range(4):
        send_reminders(engine, sms, at)
        at.forward(hours=1)
    for texts in (1, 2, 3):
        assert (len(sms.sent), the_reminder(session).status) == (texts, "sent")
        receipt(engine, the_messages(session)[-1], "undelivered", error_code=30003)
        at.forward(hours=1)
        send_reminders(engine, sms, at)
    assert (len(sms.sent), the_reminder(session).reason) == (3, "unreachable")


def test_an_answer_that_says_why_the_text_has_failed_already_is_believed(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [lambda text: SmsAccepted(text.sid, "undelivered", 30003)]
    send_reminders(engine, sms, at)
    assert (the_messages(session)[0].error_code, the_reminder(session).status) == ("30003", "planned"), "it was off"
    at.forward(hours=1)
    send_reminders(engine, sms, at)
    assert (len(sms.sent), the_reminder(session).status) == (1, "sent")


def test_a_receipt_that_overtakes_the_answer_is_kept(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    make_reminder(session, make_visit(session))

    def overtaken(text):
        for word in ("sent", "delivered"):
            record_status(engine, attempt_id=text.attempt_id, sid=text.sid, word=word, error_code=None, now=at())
        return SmsAccepted(text.sid, "queued")

    sms.next_outcomes = [overtaken]
    send_reminders(engine, sms, at)
    [message] = the_messages(session)
    assert message.status == "delivered"
    assert the_reminder(session).status == "sent"


def test_a_receipt_settles_an_attempt_in_doubt(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_reminders(engine, sms, at)
    receipt(engine, the_messages(session)[0], "sent", sid="SM-lost")
    at.forward(minutes=5)
    settle(engine, sms, at)
    send_reminders(engine, sms, at)
    assert (sms.calls, sms.asked) == (1, 0)
    assert the_reminder(session).status == "sent"
    assert the_messages(session)[0].sid == "SM-lost"


def test_a_receipt_for_an_attempt_given_up_stops_the_second_text(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_reminders(engine, sms, at)
    at.forward(seconds=61)
    settle(engine, sms, at)
    assert the_reminder(session).status == "planned"
    receipt(engine, the_messages(session)[0], "delivered", sid="SM-late")
    send_reminders(engine, sms, at)
    assert sms.calls == 1
    assert the_reminder(session).status == "sent"


def test_the_ledger_shows_two_texts_when_two_were_accepted_all_the_same(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_reminders(engine, sms, at)
    at.forward(seconds=61)
    settle(engine, sms, at)
    send_reminders(engine, sms, at)
    first, second = the_messages(session)
    receipt(engine, first, "undelivered", error_code=30005, sid="SM-late")
    receipt(engine, second, "delivered")
    assert [(message.status, message.sid) for message in the_messages(session)] == [
        ("undelivered", "SM-late"),
        ("delivered", sms.sent[0].sid),
    ]
    assert the_reminder(session).status == "sent", "news of an older try says nothing about the newer"


def test_a_sid_guessed_wrong_is_given_back_to_its_attempt(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    """Two texts alike in doubt: the list cannot say which attempt a sid belongs to, the receipt can."""
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_reminders(engine, sms, at)
    at.forward(seconds=61)
    sms.listed = [FoundMessage("SM-of-another", "sent", at())]
    settle(engine, sms, at)
    guessed = the_messages(session)[0]
    assert guessed.sid == "SM-of-another"
    other = Message(
        direction="out",
        kind="code",
        number="+16135550142",
        body="",
        status="in_doubt",
        created_at=NOW,
        attempted_at=NOW,
    )
    session.add(other)
    session.commit()
    receipt(engine, other, "delivered", sid="SM-of-another")
    first, second = the_messages(session)
    assert (first.sid, first.status) == (None, "in_doubt")
    assert (second.sid, second.status) == ("SM-of-another", "delivered")
    assert the_reminder(session).status == "in_doubt"
