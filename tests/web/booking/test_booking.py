"""A booking from its first page to its last, and what it leaves in the audit log."""

from collections.abc import Iterator

import pytest
import time_machine
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.models import AuditLine
from tests.factories import NOW
from tests.web.support.booking_clinic import MONDAY_10, BookingVisitor, visits

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def clock() -> Iterator[None]:
    with time_machine.travel(NOW):
        yield


def test_a_first_visit_is_booked_and_each_step_of_showing_who_one_is_is_noted(
    visitor: BookingVisitor, engine: Engine, session: Session
) -> None:
    visitor.begin()
    visitor.choose(MONDAY_10)
    visitor.give_number()
    visitor.type_code()
    visitor.say_who()
    visitor.confirm()
    assert [visit.starts_local for visit in visits(engine)] == [MONDAY_10]
    lines = session.execute(
        select(AuditLine.what, AuditLine.details, AuditLine.address).where(AuditLine.what.startswith("sign_in."))
    ).all()
    assert [tuple(line) for line in lines] == [
        ("sign_in.right", "code", "127.0.0.1"),
        ("sign_in.wrong", "birth date, nobody on this number", "127.0.0.1"),
    ]
