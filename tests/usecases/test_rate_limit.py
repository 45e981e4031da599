from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.errors import TooManyTries
from scheduler.models.staff.access import RateCounter
from scheduler.usecases.rate_limit import (
    allow,
    forget_counter,
    network_keys,
    rate_key,
    require_allowed,
    require_network_allowed,
    take_back,
)
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


def test_what_is_taken_back_was_never_counted(session: Session) -> None:
    asked(session, 3)
    begin_write(session)
    take_back(session, key=KEY)
    session.commit()
    assert asked(session, 2) == [True, False]


def from_network(session: Session, addresses: list[str], limit: int = 4) -> int:
    """How many of these got through."""
    through = 0
    for address in addresses:
        begin_write(session)
        keys = network_keys("a secret", "code", address=address)
        try:
            require_network_allowed(session, keys=keys, limit=limit, window=HOUR, now=NOW)
        except TooManyTries:
            pass
        else:
            through += 1
        session.commit()
    return through


def test_a_household_has_one_count_whichever_of_its_addresses_it_takes(session: Session) -> None:
    assert from_network(session, [f"2001:db8:1:2::{host:x}" for host in range(1, 30)]) == 4
    assert from_network(session, ["2001:db8:1:3::1"]) == 1, "and its neighbour has another"


@pytest.mark.parametrize(
    ("networks", "through"),
    [
        ([f"2001:db8:1:{home:x}::1" for home in range(0x10)], 6),  # a /56
        ([f"2001:db8:1:{home:x}::1" for home in range(0, 0x1000, 0x100)], 8),  # a /48, one of each /56
        ([f"2001:db8:{site:x}::1" for site in range(20)], 20),  # sites of their own
        ([f"192.0.2.{host}" for host in range(20)], 20),
        ([f"a name of {host}" for host in range(20)], 4),
    ],
)
def test_whoever_owns_a_large_network_is_not_as_many_visitors_as_it_has_addresses(
    session: Session, networks: list[str], through: int
) -> None:
    assert from_network(session, networks) == through


def test_one_household_that_is_refused_uses_up_nothing_of_its_neighbours(session: Session) -> None:
    from_network(session, ["2001:db8:1:1::1"] * 20)
    assert from_network(session, ["2001:db8:1:2::1"] * 4) == 2, "six for the /56, four of them used"
    assert from_network(session, ["2001:db8:1:102::1"] * 4) == 2, "eight for the /48"
