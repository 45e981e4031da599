"""What each text cost, as Twilio lists it some time later: no receipt carries the price."""

from datetime import UTC, date, datetime, time, timedelta

import structlog
from sqlalchemy import ColumnElement, Engine, bindparam, select, update
from sqlalchemy.orm import Session

from scheduler.gateways.sms import SmsGateway, SmsUnavailable
from scheduler.models.staff.access import Heartbeat
from scheduler.models.texts.sms import Message
from scheduler.usecases.housekeeping import beat
from scheduler.usecases.texts.sending.sms_states import writing

MARK = "prices asked"
EVERY = timedelta(hours=6)
PRICED_AFTER = timedelta(hours=1)
ASKED_FOR_DAYS = 3  # a text without a price by then has none
BATCH = 500

log = structlog.get_logger("sms")


def ask_prices(engine: Engine, gateway: SmsGateway, *, now: datetime) -> int:
    """How many prices were listed. One list for each of the last days that has texts without one, every six hours."""
    with engine.connect() as connection:
        last = connection.scalar(select(Heartbeat.at).where(Heartbeat.name == MARK))
    if last is not None and last > now - EVERY:
        return 0
    with Session(engine) as session:
        beat(session, name=MARK, now=now)
    return sum(_ask_about(engine, gateway, day, now) for day in _days(now))


def _days(now: datetime) -> list[date]:
    """At the provider, which counts by UTC."""
    return [now.astimezone(UTC).date() - timedelta(days=ago) for ago in range(ASKED_FOR_DAYS + 1)]


def _ask_about(engine: Engine, gateway: SmsGateway, day: date, now: datetime) -> int:
    with engine.connect() as connection:
        if connection.scalar(select(Message.id).where(_without_price(day, now)).limit(1)) is None:
            return 0
    try:
        listed = gateway.prices_on(day)
    except SmsUnavailable:
        log.warning("the provider's prices cannot be read")
        return 0
    known = update(Message).where(Message.sid == bindparam("listed"), Message.price_millionths.is_(None))
    known = known.values(price_millionths=bindparam("millionths"), price_unit=bindparam("unit"))
    for first in range(0, len(listed), BATCH):
        rows = [
            {"listed": price.sid, "millionths": price.millionths, "unit": price.unit}
            for price in listed[first : first + BATCH]
        ]
        with writing(engine) as connection:
            connection.execute(known, rows)
    return len(listed)


def _without_price(day: date, now: datetime) -> ColumnElement[bool]:
    begins_at = datetime.combine(day, time.min, UTC)
    return (
        (Message.created_at >= begins_at)
        & (Message.created_at < min(begins_at + timedelta(days=1), now - PRICED_AFTER))
        & (Message.direction == "out")
        & (Message.gateway == "twilio")
        & Message.sid.is_not(None)
        & Message.price_millionths.is_(None)
    )
