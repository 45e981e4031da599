"""Sign-in codes on their way out: soon, not for ever, and not kept."""

import re
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from scheduler.domain.sign_in.refusals import CodeGone
from scheduler.gateways.sms import FoundMessage, RefusalReason, SmsInDoubt, SmsRefused, SmsUnavailable
from scheduler.models import Message
from scheduler.usecases.sign_in.code_limits import CodeLimits
from scheduler.usecases.sign_in.sign_in import request_code, verify_code
from scheduler.usecases.texts.sending.unplanned import blank_old_codes, claim_codes
from tests.factories import CLINIC, NOW
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import send_codes, settle, the_messages


@pytest.fixture
def sms() -> FakeSms:
    return FakeSms()


@pytest.fixture
def at() -> FakeClock:
    return FakeClock(NOW)


def queue(session: Session, *, created_at: datetime = NOW, number: str = "+16135550142") -> Message:
    message = Message(
        direction="out",
        kind="code",
        number=number,
        body="East Side Physio: your code is 123456.",
        status="queued",
        created_at=created_at,
        next_attempt_at=created_at,
    )
    session.add(message)
    session.commit()
    return message


def test_a_code_is_sent_once_and_blanked(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    queue(session)
    send_codes(engine, sms, at)
    send_codes(engine, sms, at)
    assert [one.body for one in sms.sent] == ["East Side Physio: your code is 123456."]
    [message] = the_messages(session)
    assert (message.status, message.body, message.sid, message.attempts) == ("accepted", "", sms.sent[0].sid, 1)


def test_the_outbox_keeps_codes_to_be_read_for_a_day(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    queue(session)
    send_codes(engine, sms, at, name="outbox")
    blank_old_codes(engine, now=NOW + timedelta(days=1))
    assert "123456" in the_messages(session)[0].body
    blank_old_codes(engine, now=NOW + timedelta(days=1, minutes=11))
    assert the_messages(session)[0].body == ""


def test_a_code_older_than_its_life_is_not_sent(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    queue(session, created_at=NOW - timedelta(minutes=10))
    queue(session, created_at=NOW - timedelta(minutes=9, seconds=59))
    send_codes(engine, sms, at)
    assert len(sms.sent) == 1
    assert [(message.status, message.body) for message in the_messages(session)] == [("expired", ""), ("accepted", "")]


def test_a_clock_that_is_set_back_holds_up_no_code(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    """And sends none an hour later, when nobody waits for it any more."""
    queue(session)
    at.forward(hours=-1)
    send_codes(engine, sms, at)
    assert len(sms.sent) == 1


def test_an_outage_is_tried_again_quickly_but_only_within_the_codes_life(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    queue(session)
    sms.next_outcomes = [SmsUnavailable()] * 1000
    send_codes(engine, sms, at)
    [message] = the_messages(session)
    assert message.status == "queued"
    assert message.next_attempt_at is not None
    assert message.next_attempt_at - NOW < timedelta(seconds=3)
    while the_messages(session)[0].status == "queued":
        at.forward(seconds=1)
        send_codes(engine, sms, at)
    [message] = the_messages(session)
    assert (message.status, message.body) == ("expired", "")
    assert at() - NOW < timedelta(minutes=10, seconds=2)
    assert 15 < sms.calls < 60


def test_a_refused_code_is_over(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    queue(session)
    sms.next_outcomes = [SmsRefused(21614, RefusalReason.BAD_NUMBER)]
    send_codes(engine, sms, at)
    send_codes(engine, sms, at)
    assert sms.calls == 1
    [message] = the_messages(session)
    assert (message.status, message.error_code, message.body) == ("failed", "21614", "")


def test_a_code_in_doubt_is_looked_for_before_it_is_sent_again(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    queue(session)
    queue(session, number="+16135550143")
    sms.next_outcomes = [SmsInDoubt("no answer"), SmsInDoubt("no answer")]
    send_codes(engine, sms, at)
    at.forward(seconds=61)
    sms.listed = [FoundMessage("SM-lost", "queued", NOW)]
    settle(engine, sms, at)
    send_codes(engine, sms, at)
    states = sorted((message.status, message.error_code, message.body) for message in the_messages(session))
    assert states == [("accepted", None, ""), ("accepted", None, ""), ("failed", "not-there", "")]
    assert len(sms.sent) == 1


def test_a_code_in_doubt_past_its_life_is_not_sent_again(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    queue(session)
    claim_codes(engine, now=at(), limit=5, gateway="twilio")  # and the worker dies
    for _ in range(2):
        at.forward(minutes=11)
        settle(engine, sms, at)
    send_codes(engine, sms, at)
    assert sms.calls == 0
    assert [(message.status, message.body) for message in the_messages(session)] == [("failed", "")]


def test_a_code_that_a_worker_took_into_its_grave_waits_no_longer_for_the_provider(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    queue(session)
    for _killed in range(2):
        claim_codes(engine, now=at(), limit=1, gateway="twilio")
        at.forward(seconds=46)
        settle(engine, sms, at)
        at.forward(seconds=46)
        settle(engine, sms, at)
    sms.next_outcomes = [SmsUnavailable()]
    send_codes(engine, sms, at)
    next_attempt_at = the_messages(session)[-1].next_attempt_at
    assert next_attempt_at and next_attempt_at - at() < timedelta(seconds=3)


def test_a_code_held_up_by_an_outage_works_as_long_as_its_text_says(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    challenge = request_code(
        session,
        number="+16135550142",
        address="192.0.2.7",
        language="en",
        secret="s",
        clinic=CLINIC,
        now=NOW,
        limits=CodeLimits(),
    )
    at.forward(minutes=7)
    send_codes(engine, sms, at)
    assert "works for 10 minutes" in sms.sent[0].body
    code = re.search(r"[0-9]{6}", sms.sent[0].body)[0]
    at.forward(minutes=9, seconds=59)
    verify_code(session, challenge=challenge, code=code, secret="s", now=at())


def test_a_code_sent_at_once_works_no_longer_than_ten_minutes(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    challenge = request_code(
        session,
        number="+16135550142",
        address="192.0.2.7",
        language="en",
        secret="s",
        clinic=CLINIC,
        now=NOW,
        limits=CodeLimits(),
    )
    at.forward(seconds=2)
    send_codes(engine, sms, at)
    code = re.search(r"[0-9]{6}", sms.sent[0].body)[0]
    with pytest.raises(CodeGone):
        verify_code(session, challenge=challenge, code=code, secret="s", now=NOW + timedelta(minutes=10))
