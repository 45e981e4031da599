"""What became of the texts, as the desk sees it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from tests.web.calendar.test_desk import NOW, PASSWORD, StaffUser, enter, hash_password, text_message
from tests.web.support.pages import plain


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def test_texts_are_counted_by_day_kind_and_error(client: FlaskClient, session: Session) -> None:
    session.add(
        StaffUser(
            username="owner", display_name="o", role="owner", password_hash=hash_password(PASSWORD), created_at=NOW
        )
    )
    text_message(session, 1, segments=2)
    text_message(session, 2, kind="days_before_3", status="undelivered", error_code="30005", segments=1)
    text_message(session, 3, kind="days_before_1", status="sent", segments=1)
    text_message(session, 4, kind="code", status="in_doubt", created_at=NOW - timedelta(days=1))
    text_message(session, 5, created_at=NOW - timedelta(hours=11))  # half past eleven the evening before, at the clinic
    text_message(session, 6, direction="in", kind="inbound", status="received")
    text_message(session, 7, created_at=NOW - timedelta(days=15))
    enter(client, "owner")
    words = plain(client.get("/desk/outbox/figures"))
    assert "Monday 30 November 3 1 1 0 1 4" in words
    assert "Sunday 29 November 2 1 0 1 0 0" in words
    assert "Reminder 2 0 1 0 1 2" in words
    assert "30005 Reminder 1" in words


def test_what_texts_cost_is_summed_by_month_and_kind(client: FlaskClient, session: Session) -> None:
    session.add(
        StaffUser(
            username="owner", display_name="o", role="owner", password_hash=hash_password(PASSWORD), created_at=NOW
        )
    )
    text_message(session, 1, segments=2, price_millionths=15_800, price_unit="USD")
    text_message(session, 2, segments=1, price_millionths=7_900, price_unit="USD")
    text_message(session, 3, segments=1)
    text_message(session, 4, kind="days_before_3", segments=1, created_at=NOW - timedelta(days=31))
    text_message(session, 5, kind="days_before_1", segments=1, status="failed")  # surely not sent
    text_message(session, 6, segments=1, created_at=NOW - timedelta(days=200))
    enter(client, "owner")
    words = plain(client.get("/desk/outbox/figures", headers={"Accept-Language": "en"}))
    assert (
        "November 2026 Confirmation 3 4 US$0.02 + not known yet for 1 text October 2026 Reminder 1 1 not known yet"
        in words
    )
