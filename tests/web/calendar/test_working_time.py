"""Working hours, time off and closures at the desk; the visits that they leave behind."""

import html
import re
from datetime import date, time, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.domain.actor import Actor
from scheduler.domain.booking.refusals import SlotNotOffered
from scheduler.domain.errors import Invalid
from scheduler.gateways import public_holidays
from scheduler.models import Appointment, Closure, Practitioner, Reminder, StaffUser, TimeOff, VisitLink, WorkingHours
from scheduler.queries.clinic import reference
from scheduler.queries.visits import must_move
from scheduler.usecases.booking.booking import book_slot
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.calendar import absences, working_hours
from scheduler.usecases.texts.sending import reminders
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient
from tests.usecases.texts.sms_clinic import make_reminder
from tests.web.calendar import test_desk
from tests.web.calendar.test_desk import enter
from tests.web.support.desk_staff import said
from tests.web.support.pages import path_of, send

staff, at_the_clinic = test_desk.staff, test_desk.at_the_clinic  # fixtures
A_WEEK = timedelta(days=7)
OWNER = Actor("staff", "owner")


def post(client: FlaskClient, page: str, address: str, **form: object) -> TestResponse:
    return client.post(address, data={**said(client.get(page), address), **form}, follow_redirects=True)


def left(session: Session, practitioner: str | None = None) -> list[tuple[str, str | None, str | None]]:
    connection = session.connection()
    who = session.scalar(select(Practitioner.id).where(Practitioner.slug == practitioner)) if practitioner else None
    hours = [hour for hour in reference.current(connection).hours if hour.practitioner_id == who]
    found = must_move.displaced(connection, now=NOW, now_local=local(MONDAY, "00:00"), hours_of=who, hours=hours)
    return [(f"{visit.starts_local:%a %H:%M}", visit.closed, visit.away) for visit in found]


def test_a_closure_lists_the_visits_that_it_leaves_and_cancels_none(
    client: FlaskClient,
    staff: dict[str, StaffUser],
    session: Session,
) -> None:
    make_clinic(session)
    visits = [
        make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY + A_WEEK, at), **more)
        for at, more in (("11:30", {}), ("12:15", {"practitioner": "p2", "room": "Room 2"}), ("14:00", {}))
    ]
    enter(client, "receptionist")
    form = {"first": "2026-12-07", "begins": "11:45", "ends": "13:00", "name": "Fire drill"}
    page = post(client, "/desk/closures", "/desk/closures", **form).text
    assert "2 visits are at a time when nobody is there." in page
    assert page.count("Closed: Fire drill") == 2
    assert "12:15 pm" in page and "2:00 pm" not in page
    assert {visit.status for visit in session.scalars(select(Appointment))} == {"booked"}
    asked = post(client, "/desk/displaced", "/desk/displaced/text").text
    assert "2 patients are being asked" in asked and asked.count("Asked to choose another time") == 2
    post(client, "/desk/displaced", "/desk/displaced/text")
    session.rollback()
    assert session.scalars(select(Reminder.kind)).all() == ["displaced"] * 2
    session.rollback()
    claim = reminders.claim_due(session.get_bind(), clinic=CLINIC, now=NOW + A_WEEK, limit=9, gateway="outbox")
    assert "Choose a time: " in claim.outgoing[0].body and "/m/" in claim.outgoing[0].body
    assert session.scalars(select(VisitLink.appointment_id)).all() == [visits[0].id, visits[1].id]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_of_one_practitioner_only_their_visits_are_listed_and_only_their_patients_asked(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    """Time off of another one may be being telephoned about."""
    make_clinic(session)
    for practitioner, room in (("p1", "Room 1"), ("p2", "Room 2")):
        make_appointment(
            session,
            patient=make_patient(session),
            starts_local=local(MONDAY + A_WEEK, "11:30"),
            practitioner=practitioner,
            room=room,
        )
    enter(client, "receptionist")
    for practitioner in ("p2", "p1"):
        form = {"first": "2026-12-07", "reason": f"Course of {practitioner}"}
        page = post(client, f"/desk/hours?who={practitioner}", f"/desk/hours/{practitioner}/time-off", **form).text
    assert "1 visit is at a time when nobody is there." in page
    assert "Time off: Course of p1" in page and "Course of p2" not in page
    asked = post(client, "/desk/displaced?who=p1", "/desk/displaced/text", who="p1").text
    assert "1 patient is being asked" in asked
    session.rollback()
    assert len(session.scalars(select(Reminder.id)).all()) == 1
    assert "Course of p2" in client.get("/desk/displaced").text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(("address", "only"), [("/desk/displaced", {}), ("/desk/displaced?who=p1", {"who": "p1"})])
def test_moving_or_cancelling_a_visit_of_the_list_leads_back_to_it(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session, address: str, only: dict[str, str]
) -> None:
    make_clinic(session)
    for at in ("11:30", "14:00"):
        patient = make_patient(session, given_name="Zoë", family_name="Roy")
        make_appointment(session, patient=patient, starts_local=local(MONDAY + A_WEEK, at))
    enter(client, "receptionist")
    post(client, "/desk/closures", "/desk/closures", first="2026-12-07")
    for asked, filled, says in (
        ("move", {"starts_day": "2026-12-08", "starts_time": "10:00"}, "Zoë Roy: Moved to Tuesday 8 December"),
        ("cancel", {"by": "clinic"}, "Zoë Roy: Cancelled"),
    ):
        links = re.findall(rf'href="(/desk/visits/[^"]*ask={asked}[^"]*)"', client.get(address).text)
        page = client.get(html.unescape(links[0]))
        if asked == "move":  # what is refused stays on the way back
            page = send(client, page, "/move", starts_day="2026-12-07", starts_time="12:00")
            assert page.status_code == 409
        assert re.search(rf'href="{re.escape(address)}"[^>]*><span aria-hidden="true">‹', page.text)
        back = send(client, page, f"/{asked}", **filled)
        assert path_of(back) == address
        assert says in client.get(address).text
    assert "Every visit is at a time when its practitioner is there, and no IMS is too near" in client.get(address).text


def test_time_off_and_the_end_of_hours_leave_visits_behind_too(session: Session) -> None:
    make_clinic(session)
    for at in ("09:00", "16:30"):
        make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, at))
    absences.add_time_off(
        session,
        practitioner="p1",
        starts_local=local(MONDAY, "16:45"),
        ends_local=local(MONDAY, "18:00"),
        reason="Dentist",
        now=NOW,
        actor=STAFF,
    )
    assert left(session) == [("Mon 16:30", None, "Dentist")]
    assert left(session, "p2") == left(session)
    mondays = session.scalars(select(WorkingHours).where(WorkingHours.weekday == 0)).first()
    assert mondays is not None
    working_hours.end_hours(session, hours_id=mondays.id, last_day=MONDAY - A_WEEK, now=NOW, actor=STAFF)
    assert left(session, "p1") == [("Mon 09:00", None, None), ("Mon 16:30", None, "Dentist")]


def test_other_hours_on_one_day_take_the_place_of_the_usual_ones(session: Session) -> None:
    make_clinic(session, practitioners=1)
    working_hours.set_one_day(
        session, practitioner="p1", day=MONDAY, opens=time(12), closes=time(20), now=NOW, actor=STAFF
    )
    off, hours = (
        session.scalars(select(TimeOff)).one(),
        session.scalars(select(WorkingHours).order_by(-WorkingHours.id)),
    )
    assert (off.starts_local, off.ends_local) == (local(MONDAY, "09:00"), local(MONDAY, "12:00"))
    added = hours.first()
    assert added is not None
    assert (added.opens, added.closes, added.valid_from, added.valid_until) == (time(17), time(20), MONDAY, MONDAY)

    def book(at: str) -> None:
        patient = make_patient(session)
        book_slot(
            session,
            BookingRequest(
                clinic=CLINIC,
                patient=patient.id,
                treatment="ims",
                practitioner="p1",
                starts_local=local(MONDAY, at),
                now=NOW,
                actor=OWNER,
                origin="desk",
            ),
        )

    book("19:15")
    book("16:45")
    with pytest.raises(SlotNotOffered):
        book("09:00")


def test_other_hours_on_one_day_set_anew_take_the_place_of_those_set_before(session: Session) -> None:
    make_clinic(session, practitioners=1)
    usual = session.scalars(select(WorkingHours.id)).all()
    absences.add_time_off(
        session,
        practitioner="p1",
        starts_local=local(MONDAY, "09:00"),
        ends_local=local(MONDAY, "09:30"),
        reason="Dentist",
        now=NOW,
        actor=STAFF,
    )

    def day_is(opens: int, closes: int) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
        working_hours.set_one_day(
            session, practitioner="p1", day=MONDAY, opens=time(opens), closes=time(closes), now=NOW, actor=STAFF
        )
        added = session.scalars(select(WorkingHours).where(WorkingHours.id.not_in(usual))).all()
        off = session.scalars(select(TimeOff).where(TimeOff.reason == "").order_by(TimeOff.starts_local)).all()
        return (
            [(hours.opens.hour, hours.closes.hour) for hours in added],
            [(one.starts_local.hour, one.ends_local.hour) for one in off],
        )

    assert day_is(12, 20) == ([(17, 20)], [(9, 12)])
    assert day_is(8, 15) == ([(8, 9)], [(15, 17)])
    assert day_is(10, 12) == ([], [(9, 10), (12, 17)])
    assert day_is(9, 17) == ([], [])
    assert session.scalars(select(TimeOff.reason)).all() == ["Dentist"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_call_list_leads_to_moving_a_visit_whose_patient_has_not_chosen(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    make_clinic(session)
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY + A_WEEK, "10:00"))
    make_reminder(session, visit, kind="days_before_3", status="suppressed", reason=must_move.MUST_MOVE)
    enter(client, "receptionist")
    link = re.search(r'href="([^"]+)">Must move: no other time chosen yet</a>', client.get("/desk/calls").text)
    assert link is not None
    assert "/move" in client.get(html.unescape(link[1])).text


def test_hours_may_pass_midnight_and_may_not_overlap(session: Session) -> None:
    make_clinic(session, practitioners=1)

    def add(weekday: int, opens: str, closes: str, first: date | None = None, last: date | None = None) -> None:
        working_hours.add_hours(
            session,
            practitioner="p1",
            weekdays=[weekday],
            opens=time.fromisoformat(opens),
            closes=time.fromisoformat(closes),
            valid_from=first,
            valid_until=last,
            now=NOW,
            actor=STAFF,
        )

    add(6, "22:00", "02:00")
    add(0, "17:00", "00:00")
    make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "01:00"))
    assert left(session, "p1") == []
    for weekday, opens, closes in (
        (6, "23:00", "23:30"),
        (0, "01:00", "03:00"),
        (6, "21:00", "07:00"),
        (0, "16:00", "18:00"),
    ):
        with pytest.raises(Invalid, match="overlap"):
            add(weekday, opens, closes)
    with pytest.raises(Invalid, match="same"):
        add(3, "18:00", "18:00")
    for opens, closes in (("09:00", "05:00"), ("17:00", "09:00")):  # an am for a pm, and the two swapped
        with pytest.raises(Invalid, match="morning and afternoon"):
            add(3, opens, closes)
        with pytest.raises(Invalid, match="morning and afternoon"):
            working_hours.set_one_day(
                session,
                practitioner="p1",
                day=MONDAY,
                opens=time.fromisoformat(opens),
                closes=time.fromisoformat(closes),
                now=NOW,
                actor=STAFF,
            )
    with pytest.raises(Invalid, match="before the first"):
        add(3, "18:00", "19:00", MONDAY, MONDAY - A_WEEK)


def test_public_holidays_are_offered_and_taken_over_once(
    client: FlaskClient,
    staff: dict[str, StaffUser],
    session: Session,
) -> None:
    enter(client, "owner")
    assert "Action de grâce" in client.get("/desk/closures?lang=fr").text
    assert "Family Day" not in client.get("/desk/closures?province=QC&lang=en").text
    for _ in range(2):
        page = post(client, "/desk/closures", "/desk/closures/holidays", day=["2026-12-25", "2027-01-01", "2026-12-08"])
    closures = session.scalars(select(Closure).order_by(Closure.starts_local)).all()
    assert [closure.starts_local for closure in closures] == [
        local(date(2026, 12, 25), "00:00"),
        local(date(2027, 1, 1), "00:00"),
    ]
    assert "(closed already)" in page.text
    days = public_holidays.between(date(2026, 7, 1), date(2026, 7, 1), province="ON", language="en")
    assert [day.name for day in days] == ["Canada Day"]


def test_a_form_that_cannot_be_right_says_why_and_changes_nothing(
    client: FlaskClient,
    staff: dict[str, StaffUser],
    session: Session,
) -> None:
    make_clinic(session, practitioners=1)
    enter(client, "receptionist")
    for address, form, words in (
        ("/desk/hours/p1/weekly", {"opens": "9:00", "closes": "10:00"}, "Give a time of day."),
        ("/desk/hours/p1/weekly", {"opens": "09:00", "closes": "10:00"}, "Choose at least one day"),
        ("/desk/hours/p1/weekly", {"weekday": ["0", "x"], "opens": "09:30", "closes": "10:00"}, "These hours overlap"),
        ("/desk/hours/p1/time-off", {"first": "2026-12-08", "last": "2026-12-01"}, "The end is before"),
        ("/desk/closures", {"first": "2026-02-30"}, "Give a day."),
    ):
        page = "/desk/closures" if "closures" in address else "/desk/hours"
        answer = post(client, page, address, **form)
        assert answer.status_code == 422
        assert words in answer.text and "Error:" in answer.text
    assert post(client, "/desk/hours", "/desk/hours/nobody/weekly").status_code == 404
    assert session.scalars(select(TimeOff)).all() == session.scalars(select(Closure)).all() == []


def test_practitioners_see_hours_and_change_none(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    make_clinic(session, practitioners=1)
    enter(client, "practitioner")
    page = client.get("/desk/hours")
    assert page.status_code == 200 and "Add hours" not in page.text
    assert client.get("/desk/closures").status_code == client.get("/desk/displaced").status_code == 403
    assert post(client, "/desk/hours", "/desk/hours/p1/weekly").status_code == 403
