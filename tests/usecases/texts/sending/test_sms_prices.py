"""What Twilio asks for each text, read from its lists."""

from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.gateways.sms import SmsPrice, SmsUnavailable
from scheduler.models import Message
from scheduler.usecases.texts.sending.prices import EVERY, ask_prices
from tests.factories import NOW
from tests.fakes import FakeSms

TODAY = NOW.date()  # in the afternoon, by UTC


def add_text(session: Session, sid: str, **columns: object) -> None:
    session.add(
        Message(
            **{
                "direction": "out",
                "kind": "confirmation",
                "number": "+16135550142",
                "body": "",
                "status": "delivered",
                "gateway": "twilio",
                "segments": 1,
                "created_at": NOW - timedelta(hours=2),
                **columns,
            },
            sid=sid,
        )
    )
    session.commit()


def prices(session: Session) -> dict[str | None, tuple[int | None, str | None]]:
    session.rollback()
    rows = session.execute(select(Message.sid, Message.price_millionths, Message.price_unit))
    return {sid: (millionths, unit) for sid, millionths, unit in rows}


@pytest.fixture
def sms() -> FakeSms:
    sms = FakeSms()
    sms.prices = {
        TODAY: [SmsPrice("SM1", 7_500, "USD"), SmsPrice("SMnotours", 9, "USD")],
        TODAY - timedelta(days=1): [SmsPrice("SM2", 15_800, "USD")],
    }
    return sms


def test_each_day_with_texts_is_asked_about_once_in_six_hours(session: Session, engine: Engine, sms: FakeSms) -> None:
    add_text(session, "SM1")
    add_text(session, "SM2", created_at=NOW - timedelta(days=1))
    add_text(session, "SM3", created_at=NOW - timedelta(days=2))
    assert ask_prices(engine, sms, now=NOW) == 3
    assert prices(session) == {"SM1": (7_500, "USD"), "SM2": (15_800, "USD"), "SM3": (None, None)}
    assert sms.asked == 3
    assert ask_prices(engine, sms, now=NOW + EVERY - timedelta(minutes=1)) == 0
    assert sms.asked == 3
    sms.prices[TODAY - timedelta(days=2)] = [SmsPrice("SM3", 1_000, "CAD")]
    sms.prices[TODAY] = [SmsPrice("SM1", 1, "CAD")]  # what is known stays
    ask_prices(engine, sms, now=NOW + EVERY)
    assert prices(session) == {"SM1": (7_500, "USD"), "SM2": (15_800, "USD"), "SM3": (1_000, "CAD")}
    assert sms.asked == 4


def test_nobody_is_asked_about_nothing(session: Session, engine: Engine, sms: FakeSms) -> None:
    add_text(session, "SM1", created_at=NOW - timedelta(minutes=30))  # too soon
    add_text(session, "SM2", created_at=NOW - timedelta(days=5))  # too late
    add_text(session, "outbox-1", gateway="outbox")
    add_text(session, "SMin", direction="in", kind="inbound", status="received")
    assert ask_prices(engine, sms, now=NOW) == 0
    assert sms.asked == 0


def test_a_provider_that_cannot_be_asked_is_asked_again_later(session: Session, engine: Engine, sms: FakeSms) -> None:
    add_text(session, "SM1")
    sms.find_error = SmsUnavailable()
    assert ask_prices(engine, sms, now=NOW) == 0
    sms.find_error = None
    assert ask_prices(engine, sms, now=NOW + EVERY) == 2
    assert prices(session)["SM1"] == (7_500, "USD")
