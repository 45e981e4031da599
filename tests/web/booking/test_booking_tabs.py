"""One booking open in two tabs: a button books what it says, or nothing."""

from collections.abc import Iterator
from datetime import datetime

import pytest
import time_machine
from sqlalchemy import Engine

from tests.factories import MONDAY, NOW, local
from tests.web.support.booking_clinic import KNOWN, MONDAY_10, BookingVisitor, amelie, reach_review, visits
from tests.web.support.visitor import Page

AT_2 = local(MONDAY, "14:00")


@pytest.fixture(autouse=True)
def now() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def press(visitor: BookingVisitor, page: Page, **typed: object) -> Page:
    """The button of a page that has been open in the first tab all the while."""
    visitor.page = page
    return visitor.confirm(**typed)


def choose_in_another_tab(visitor: BookingVisitor, first: Page, start: datetime = AT_2) -> Page:
    visitor.get(f"{first.path.removesuffix('/review')}/time")
    return visitor.choose(start)


def test_a_review_books_no_other_time_than_its_button_says(visitor: BookingVisitor, engine: Engine) -> None:
    reach_review(visitor)
    first = visitor.page
    assert choose_in_another_tab(visitor, first).path.endswith("/review")
    page = press(visitor, first)
    assert (page.status, visits(engine)) == (409, [])
    assert "Your button said: Monday 30 November, 10:00 am" in page.text
    assert "changed to: Monday 30 November, 2:00 pm" in page.text and "Book Monday 30 November, 2:00 pm" in page.text
    assert visitor.confirm().path.endswith("/done")
    assert [visit.starts_local for visit in visits(engine)] == [AT_2]


def test_nor_with_somebody_else_nor_something_else_nor_for_somebody_else(
    visitor: BookingVisitor, engine: Engine
) -> None:
    reach_review(visitor, treatment="ims-assessment")
    for name, other in (
        ("shown_practitioner", "p2"),
        ("shown_treatment", "follow-up"),
        ("shown_who", "Léo Roy 2019-01-02"),
        ("shown_health", "pregnancy --"),
        ("shown_starts", "soon"),
        ("shown_starts", None),
    ):
        page = visitor.send(visitor.page.forms[-1], **{name: other})
        assert (page.status, visits(engine)) == (409, []), name
        assert "another tab" in page.text
    assert "<script>" not in visitor.send(visitor.page.forms[-1], shown_who="<script> 1").html
    assert visitor.confirm().path.endswith("/done")


def test_a_button_pressed_when_the_other_tab_has_booked_says_what_is_booked(
    visitor: BookingVisitor, engine: Engine
) -> None:
    reach_review(visitor)
    first = visitor.page
    choose_in_another_tab(visitor, first)
    assert "Your button said" not in visitor.confirm().text
    page = press(visitor, first)
    assert "Your button said Monday 30 November, 10:00 am." in page.text
    assert "for Monday 30 November, 2:00 pm; nothing else was booked" in page.text
    assert [visit.starts_local for visit in visits(engine)] == [AT_2]


def test_times_of_one_treatment_are_not_taken_for_another(visitor: BookingVisitor, engine: Engine) -> None:
    amelie(engine)
    visitor.sign_in(KNOWN, "ims")
    first = visitor.page
    visitor.get(first.path.removesuffix("/time"))
    visitor.send(visitor.page.form("treatment"), treatment="follow-up")
    visitor.page = first
    page = visitor.send(first.form("starts"), starts=MONDAY_10.isoformat(timespec="minutes"))
    assert page.path.endswith("/time") and "These were times for “IMS”" in page.text
    assert visits(engine, "held") == []
