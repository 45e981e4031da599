"""Receipts that come too early, twice over, for a second text, or never."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.gateways.sms import FoundMessage, SmsUnavailable
from scheduler.models import EarlyReceipt, Message
from scheduler.queries.texts import calls
from scheduler.usecases.texts.sending.receipts import ask_about_silent, match_early, record_receipt
from tests.factories import NOW
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import make_reminder, make_visit, send_reminders, the_messages, the_reminder


@pytest.fixture
def at() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def sms(session: Session, engine: Engine, at: FakeClock) -> Iterator[FakeSms]:
    """One reminder sent, of a visit ten days from now."""
    make_reminder(session, make_visit(session))
    sms = FakeSms()
    send_reminders(engine, sms, at)
    yield sms


def to_call(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [call.reason for call in calls.due(connection, from_at=NOW, to_at=NOW + timedelta(days=20))]


def test_a_receipt_that_overtakes_our_commit_is_matched_when_the_text_is_known(
    session: Session, engine: Engine, sms: FakeSms
) -> None:
    text = the_messages(session)[0]
    text.sid, text.attempt_id = None, "not-written-yet"
    session.commit()
    record_receipt(engine, attempt_id="abc", sid="SM9", word="delivered", error_code=None, now=NOW)
    assert match_early(engine, now=NOW) == 0
    text.attempt_id = "abc"
    session.commit()
    assert match_early(engine, now=NOW) == 1
    assert (the_messages(session)[0].status, the_messages(session)[0].sid) == ("delivered", "SM9")
    assert session.scalars(select(EarlyReceipt)).all() == []


def test_one_that_finds_no_text_is_forgotten_in_time(session: Session, engine: Engine) -> None:
    record_receipt(engine, attempt_id=None, sid="SM9", word="sent", error_code=None, now=NOW)
    match_early(engine, now=NOW + timedelta(days=1))
    assert len(session.scalars(select(EarlyReceipt)).all()) == 1
    session.rollback()
    match_early(engine, now=NOW + timedelta(days=3))
    assert session.scalars(select(EarlyReceipt)).all() == []


def test_a_second_text_for_one_attempt_stands_in_the_ledger(session: Session, engine: Engine, sms: FakeSms) -> None:
    attempt = the_messages(session)[0].attempt_id
    for word in ("sent", "delivered", "delivered"):
        record_receipt(engine, attempt_id=attempt, sid="SMtwin", word=word, error_code=None, now=NOW)
    first, second = the_messages(session)
    assert (first.sid, first.status) == (sms.sent[0].sid, "accepted")
    assert (second.sid, second.status, second.error_code) == ("SMtwin", "delivered", "second-text")
    assert second.appointment_id == first.appointment_id
    assert the_reminder(session).status == "sent"


def test_what_stays_silent_is_asked_about_once_and_then_for_the_call_list(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    record_receipt(engine, attempt_id=None, sid=sms.sent[0].sid, word="sent", error_code=None, now=NOW)
    at.forward(hours=4)
    assert ask_about_silent(engine, sms, clock=at, limit=9) == 0
    at.forward(seconds=1)
    sms.find_error = SmsUnavailable()
    assert (ask_about_silent(engine, sms, clock=at, limit=9), to_call(engine)) == (1, [])
    sms.find_error = None
    sms.statuses[sms.sent[0].sid] = FoundMessage(sms.sent[0].sid, "sent", NOW)
    assert ask_about_silent(engine, sms, clock=at, limit=9) == 0, "not at once again"
    at.forward(minutes=16)
    assert ask_about_silent(engine, sms, clock=at, limit=9) == 1
    assert (the_messages(session)[0].status, to_call(engine)) == ("sent", ["in doubt"])
    assert ask_about_silent(engine, sms, clock=at, limit=9) == 0, "once"
    record_receipt(
        engine, attempt_id=sms.sent[0].attempt_id, sid=sms.sent[0].sid, word="delivered", error_code=None, now=at()
    )
    assert to_call(engine) == [], "it has arrived after all"


def test_a_text_without_any_news_is_asked_about_before_because_its_receipts_were_lost(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    sid = sms.sent[0].sid
    sms.statuses[sid] = FoundMessage(sid, "queued", NOW)
    asked = []
    while at() <= NOW + timedelta(hours=1, minutes=30):
        if ask_about_silent(engine, sms, clock=at, limit=9):
            asked.append((at() - NOW) // timedelta(minutes=1))
        at.forward(minutes=1)
    assert asked == [16, 32, 64]
    sms.statuses[sid] = FoundMessage(sid, "undelivered", NOW, error_code=30005)
    at.forward(minutes=60)
    assert ask_about_silent(engine, sms, clock=at, limit=9) == 1
    assert [message.status for message in the_messages(session)] == ["undelivered"]
    assert to_call(engine) == ["number unreachable"]


def test_a_text_whose_last_receipt_alone_is_missing_is_left_for_the_four_hours(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    sid = sms.sent[0].sid
    sms.statuses[sid] = FoundMessage(sid, "sent", NOW)
    at.forward(minutes=16)
    assert ask_about_silent(engine, sms, clock=at, limit=9) == 1
    for _ in range(4):
        at.forward(minutes=59)
        assert ask_about_silent(engine, sms, clock=at, limit=9) == 0
    at.forward(minutes=5)
    assert ask_about_silent(engine, sms, clock=at, limit=9) == 1
    assert to_call(engine) == ["in doubt"], "carriers that confirm nothing"


class Killed(BaseException):
    pass


def test_a_worker_killed_while_it_asks_is_followed_by_another(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    at.forward(hours=5)
    sms.find_error = Killed()  # type: ignore[assignment]  # as kill -9 is: nothing more is written
    with pytest.raises(Killed):
        ask_about_silent(engine, sms, clock=at, limit=9)
    sms.find_error = None
    at.forward(minutes=3)
    assert ask_about_silent(engine, sms, clock=at, limit=9) == 1
    assert to_call(engine) == ["in doubt"]


def test_a_text_that_cannot_be_asked_about_is_for_the_call_list_after_a_day(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    sms.find_error = SmsUnavailable()
    for _ in range(30):
        at.forward(hours=1)
        ask_about_silent(engine, sms, clock=at, limit=9)
    assert to_call(engine) == ["in doubt"]
    assert ask_about_silent(engine, sms, clock=at, limit=9) == 0


def test_receipts_of_another_applications_texts_do_not_hold_up_ours(
    session: Session, engine: Engine, sms: FakeSms
) -> None:
    for number in range(5):
        record_receipt(engine, attempt_id=None, sid=f"SMalien{number}", word="sent", error_code=None, now=NOW)
    record_receipt(engine, attempt_id="not-yet", sid="SM9", word="delivered", error_code=None, now=NOW)
    text = the_messages(session)[0]
    text.sid, text.attempt_id = None, "not-yet"
    session.commit()
    assert match_early(engine, now=NOW, limit=2) == 1
    assert the_messages(session)[0].status == "delivered"


def test_the_attempt_that_a_callback_names_comes_before_one_that_got_its_sid_by_mistake(
    session: Session, engine: Engine, sms: FakeSms
) -> None:
    mistaken = the_messages(session)[0]
    named = Message(
        direction="out", kind="reply", number=mistaken.number, body=mistaken.body, status="in_doubt", created_at=NOW
    )
    session.add(named)
    session.commit()
    attempt_id, sid = named.attempt_id, mistaken.sid
    session.rollback()
    assert sid is not None
    record_receipt(engine, attempt_id=attempt_id, sid=sid, word="delivered", error_code=None, now=NOW)
    assert [(text.status, text.sid) for text in the_messages(session)] == [
        ("in_doubt", None),
        ("delivered", sms.sent[0].sid),
    ]


def test_the_answer_to_asking_counts_as_a_receipt(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    at.forward(hours=5)
    sid = sms.sent[0].sid
    sms.statuses[sid] = FoundMessage(sid, "delivered", NOW)
    ask_about_silent(engine, sms, clock=at, limit=9)
    assert [message.status for message in the_messages(session)] == ["delivered"]
    assert to_call(engine) == []
    assert session.scalars(select(Message.asked_at)).all() == [at()]
