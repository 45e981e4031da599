from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.errors import TooManyTries
from scheduler.models.access import RateCounter
from scheduler.usecases.rate_limit import address_key, allow, forget_counter, rate_key, require_allowed
from scheduler.usecases.transaction import begin_write

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
HOUR = timedelta(hours=1)
KEY = rate_key("a secret of the clinic", "code", "+16135550142")


def asked(session: Session, times: int, *, now: datetime = NOW, key: str = KEY, limit: int = 3) -> list[bool]:
    begin_write(session)
    answers = [allow(session, key=key, limit=limit, window=HOUR, now=now) for _ in range(times)]
    session.commit()
    return answers


def test_as_often_as_the_limit_and_no_more(session: Session) -> None:
    assert asked(session, 5) == [True, True, True, False, False]


def test_a_window_begins_anew_when_the_last_one_has_ended(session: Session) -> None:
    asked(session, 5)
    assert asked(session, 1, now=NOW + HOUR - timedelta(microseconds=1)) == [False]
    assert asked(session, 4, now=NOW + HOUR) == [True, True, True, False]


def test_refusals_do_not_make_the_wait_longer(session: Session) -> None:
    asked(session, 3)
    for minute in range(59):
        asked(session, 1, now=NOW + timedelta(minutes=minute))
    assert asked(session, 1, now=NOW + HOUR) == [True]


def test_each_key_is_counted_by_itself(session: Session) -> None:
    asked(session, 5)
    assert asked(session, 1, key=rate_key("a secret of the clinic", "code", "+16135550143")) == [True]


def test_the_refusal_says_when_to_try_again(session: Session) -> None:
    asked(session, 3)
    begin_write(session)
    with pytest.raises(TooManyTries) as refusal:
        require_allowed(session, key=KEY, limit=3, window=HOUR, now=NOW + timedelta(minutes=20))
    assert refusal.value.again_at == NOW + HOUR


def test_a_forgotten_counter_begins_at_nothing(session: Session) -> None:
    asked(session, 5)
    begin_write(session)
    forget_counter(session, key=KEY)
    session.commit()
    assert asked(session, 1) == [True]


def test_the_count_stops_one_above_the_limit(session: Session) -> None:
    asked(session, 50)
    assert session.scalar(select(RateCounter.count)) == 4


def test_the_key_depends_on_the_secret_and_on_where_its_parts_end() -> None:
    keys = {
        rate_key("one secret", "code", "12"),
        rate_key("another", "code", "12"),
        rate_key("one secret", "code1", "2"),
    }
    assert len(keys) == 3 and all(len(key) == 64 for key in keys)


def test_a_household_has_one_count_whichever_of_its_addresses_it_takes() -> None:
    first, second, other = (
        address_key("a secret", "code", "address", address=address)
        for address in ("2001:db8:1:2::1", "2001:db8:1:2:aaaa::1", "2001:db8:1:3::1")
    )
    assert first == second != other
