"""What counts as a try at the desk's door, with a hash that costs nothing."""

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from argon2 import PasswordHasher
from sqlalchemy.orm import Session

from scheduler.domain.errors import TooManyTries
from scheduler.usecases.staff import staff

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NOW = datetime(2026, 12, 1, 15, tzinfo=UTC)
PASSWORD = "three needles in a row"


@pytest.fixture(autouse=True)
def cheap_hashes(monkeypatch: pytest.MonkeyPatch, session: Session) -> Iterator[None]:
    monkeypatch.setattr(staff, "_hasher", PasswordHasher(time_cost=1, memory_cost=8, parallelism=1))
    staff._nobodys_hash.cache_clear()
    for username in ("robin", "owner"):
        role = "owner" if username == "owner" else "receptionist"
        staff.add_staff(session, username=username, display_name="R", role=role, password=PASSWORD, now=NOW)
    yield
    staff._nobodys_hash.cache_clear()


def enter(session: Session, username: str, password: str, address: str = "192.0.2.7") -> str:
    try:
        staff.sign_in(session, username=username, password=password, address=address, secret="a secret", now=NOW)
    except staff.SignInRefused:
        return "wrong"
    except TooManyTries:
        return "too often"
    return "in"


def test_right_passwords_are_no_tries(session: Session) -> None:
    assert {enter(session, "robin", PASSWORD) for _ in range(60)} == {"in"}, "a clinic behind one address"
    assert [enter(session, "owner", "wrong") for _ in range(11)] == ["wrong"] * 10 + ["too often"]
    assert enter(session, "robin", PASSWORD) == "in"


def test_a_known_password_does_not_help_to_guess_another(session: Session) -> None:
    seen = []
    for number in range(60):
        seen.append(enter(session, f"somebody-{number}", "wrong"))
        enter(session, "robin", PASSWORD)
    assert seen == ["wrong"] * 50 + ["too often"] * 10


def test_a_guesser_with_a_large_network_is_not_a_new_one_in_each_part_of_it(session: Session) -> None:
    seen = [enter(session, "owner", "wrong", f"2001:db8:1:{home:x}::1") for home in range(40)]
    assert seen.count("wrong") == 15, "ten for one household, and half as many again for its /56"


def test_nobody_of_this_name_is_no_right_password(session: Session) -> None:
    assert enter(session, "nobody", PASSWORD) == "wrong"
