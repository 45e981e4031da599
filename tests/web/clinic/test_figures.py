"""Figures and the day sheet."""

import re
from datetime import timedelta

from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from scheduler.models import Closure, Message, Practitioner, Reminder, StaffUser
from scheduler.queries.clinic import figures, reference
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.support.statements import statements_of_pages
from tests.web.calendar import test_desk
from tests.web.calendar.test_desk import enter

staff, at_the_clinic = test_desk.staff, test_desk.at_the_clinic  # fixtures
A_WEEK = timedelta(days=7)
TUESDAY = MONDAY - A_WEEK + timedelta(days=1)


def some_weeks(session: Session) -> None:
    make_clinic(session)
    for number, (weeks, status, origin) in enumerate(
        [
            (1, "completed", "online"),
            (1, "no_show", "desk"),
            (2, "completed", "desk"),
            (2, "cancelled", "desk"),
            (3, "completed", "import"),
        ]
    ):
        visit = make_appointment(
            session,
            patient=make_patient(session),
            starts_local=local(MONDAY - weeks * A_WEEK, f"{10 + number}:00"),
            status=status,
            origin=origin,
            created_at=NOW - 5 * A_WEEK,
        )
        reminder = Reminder(
            appointment_id=visit.id, version=1, kind="days_before_1", due_at=NOW, next_attempt_at=NOW, status="sent"
        )
        session.add(reminder)
        session.flush()
        for became in ("failed", "delivered" if number % 2 else "sent"):
            session.add(_message(reminder, f"{number}{became}", became))
    session.add(Closure(starts_local=local(TUESDAY, "09:00"), ends_local=local(TUESDAY, "12:00"), name=""))
    session.commit()


def _message(reminder: Reminder, attempt: str, status: str) -> Message:
    return Message(
        attempt_id=attempt,
        direction="out",
        kind=reminder.kind,
        number="+16135550142",
        body="",
        status=status,
        created_at=NOW,
        reminder_id=reminder.id,
        appointment_id=reminder.appointment_id,
    )


def test_the_sums_are_right_and_nothing_outside_the_range_counts(session: Session) -> None:
    some_weeks(session)
    connection = session.connection()
    hours = reference.current(connection).hours
    found = figures.figures(connection, first=MONDAY - 2 * A_WEEK, end=MONDAY, hours=hours)
    assert [(week.monday, week.visits, week.missed) for week in found.weeks] == [
        (MONDAY - 2 * A_WEEK, 1, 0),
        (MONDAY - A_WEEK, 1, 1),
    ]
    assert [(one.practitioner, one.minutes, one.open_minutes) for one in found.filled] == [
        ("Pat1 Doe1", 60, (12 * 8 - 3) * 60)
    ]
    assert found.origins == {"online": 1, "desk": 2, "api": 0}
    assert found.lead == [0, 0, 0, 0, 1, 1]
    assert found.texts == {"delivered": 2, "sent": 2, "failed": 0}


def test_the_page_draws_them_and_asks_as_often_whatever_there_is(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    asked = statements_of_pages(client.application)

    def queries(weeks: int) -> int:
        asked.clear()
        assert client.get(f"/desk/figures?weeks={weeks}").status_code == 200
        return len([sql for sql in asked if "calendar_state" not in sql and "FROM setting" not in sql])  # once a second

    assert "Nothing in these weeks." in client.get("/desk/figures").text
    some_weeks(session)
    queries(4)
    few = queries(4)
    assert queries(52) == few <= 12
    page = client.get("/desk/figures?weeks=4").text
    assert page.count('<rect class="missed"') == 4
    assert "style=" not in page
    assert client.get("/desk/figures?weeks=x&lang=fr").status_code == 200


def test_the_day_sheet_has_everybody_or_one(client: FlaskClient, staff: dict[str, StaffUser], session: Session) -> None:
    make_clinic(session)
    for at, practitioner, status in (
        ("09:00", "p1", "booked"),
        ("10:00", "p2", "booked"),
        ("11:00", "p1", "cancelled"),
    ):
        make_appointment(
            session,
            patient=make_patient(session, family_name=f"At{at[:2]}"),
            starts_local=local(MONDAY, at),
            practitioner=practitioner,
            room=f"Room {practitioner[1]}",
            status=status,
        )
    staff["practitioner"].practitioner_id = session.query(Practitioner.id).filter_by(slug="p2").scalar()
    session.commit()
    seen = {}
    for who, address in (
        ("receptionist", "/desk/sheet?day=2026-11-30"),
        ("receptionist", "/desk/sheet?who=p1"),
        ("practitioner", "/desk/sheet"),
        ("practitioner", "/desk/sheet?who=all&day=2026-02-30"),
    ):
        client = client.application.test_client()
        enter(client, who)
        seen[address] = re.findall(r"At\d\d", client.get(address).text)
    assert list(seen.values()) == [["At09", "At10"], ["At09"], ["At10"], ["At09", "At10"]]
    assert client.get("/desk/sheet?who=nobody").status_code == 404
