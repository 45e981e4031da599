"""Whether IMS was given, on the pages: asked at completion, shown wherever the visit shows, answered by a practitioner."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import Appointment, Patient
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.web.support.desk_staff import Desk, make_staff

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def monday_noon() -> Iterator[None]:
    with time_machine.travel(NOW + 3 * DAY + timedelta(hours=2), tick=False):
        yield


@pytest.fixture
def patient(session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session)


@pytest.fixture
def desk(client: FlaskClient, session: Session, patient: Patient) -> Desk:
    make_staff(session, "receptionist", "practitioner")
    return Desk(client, session)


def follow_up(session: Session, patient: Patient) -> str:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), treatment="follow-up")
    return visit.public_id


def stored(session: Session, public_id: str) -> Appointment:
    session.rollback()
    return session.scalars(select(Appointment).where(Appointment.public_id == public_id)).one()


def test_completing_a_follow_up_asks_whether_ims_was_given_and_ticks_nothing(
    desk: Desk, session: Session, patient: Patient
) -> None:
    visit = follow_up(session, patient)
    page = desk.post(f"/desk/visits/{visit}/status", status="completed", version=1).text
    assert "Was IMS given?" in page and stored(session, visit).status == "booked"
    assert "says later" in page and "checked" not in page.split("Was IMS given?")[1].split("</div>")[0]
    desk.post(f"/desk/visits/{visit}/status", status="completed", version=1, ims_given="later")
    found = stored(session, visit)
    assert (found.status, found.ims_given, found.ims_open) == ("completed", None, True)


def test_an_answer_shows_wherever_the_visit_shows(desk: Desk, session: Session, patient: Patient) -> None:
    visit = follow_up(session, patient)
    desk.post(f"/desk/visits/{visit}/status", status="completed", version=1, ims_given="yes")
    pages = (
        f"/desk/visits/{visit}",
        "/desk/list",
        "/desk/sheet",
        f"/desk/patients/{patient.public_id}",
    )
    for page in pages:
        assert "IMS given</span>" in desk.get(page).text or "✚ IMS given" in desk.get(page).text, page
    assert '"ims-g"' in desk.get("/desk/calendar.json", day=MONDAY.isoformat()).text


def test_only_a_practitioner_answers_later_and_says_why_it_changes(
    desk: Desk, session: Session, patient: Patient
) -> None:
    visit = follow_up(session, patient)
    desk.post(f"/desk/visits/{visit}/status", status="completed", version=1, ims_given="later")
    path = f"/desk/visits/{visit}/ims-given"
    assert desk.post(path, ims_given="yes", version=2).status_code == 403
    desk = Desk(desk.client, session, "practitioner")
    assert "1 open" in desk.get("/desk/ims-given").text
    assert desk.post(path, ims_given="yes", version=2).status_code == 200
    assert "Every completed visit is answered." in desk.get("/desk/ims-given").text
    assert desk.post(path, ims_given="no", version=3).status_code == 422
    page = desk.post(path, ims_given="no", version=3, reason="only looked at").text
    assert "only looked at" in page and "IMS not given" in page


def test_a_practitioner_answers_in_the_list_and_stays_there(desk: Desk, session: Session, patient: Patient) -> None:
    visit = follow_up(session, patient)
    desk.post(f"/desk/visits/{visit}/status", status="completed", version=1, ims_given="later")
    assert 'name="ims_given"' not in desk.get("/desk/ims-given").text, "reception does not answer"
    desk = Desk(desk.client, session, "practitioner")
    assert 'name="version" value="2"' in desk.get("/desk/ims-given").text
    answered = desk.post(f"/desk/visits/{visit}/ims-given", ims_given="yes", version=2, back="list")
    assert (answered.status_code, answered.location) == (303, "/desk/ims-given")
    assert stored(session, visit).ims_given is True
    again = desk.post(f"/desk/visits/{visit}/ims-given", ims_given="no", version=2, back="list")
    assert again.status_code in (409, 422) and stored(session, visit).ims_given is True


def test_reception_takes_back_its_own_slip_and_no_practitioners_answer(
    desk: Desk, session: Session, patient: Patient
) -> None:
    visit = follow_up(session, patient)
    status = f"/desk/visits/{visit}/status"
    desk.post(status, status="completed", version=1, ims_given="yes")
    assert desk.post(status, status="arrived", version=2).status_code == 200
    desk.post(status, status="completed", version=3, ims_given="no")
    with time_machine.travel(NOW + 4 * DAY, tick=False):
        desk = Desk(desk.client, session)
        assert "Not completed yet" not in desk.get(f"/desk/visits/{visit}").text
        assert desk.post(status, status="arrived", version=4).status_code == 403


def test_a_practitioner_changes_an_old_answer_with_a_reason_and_does_not_undo_the_completion(
    desk: Desk, session: Session, patient: Patient
) -> None:
    visit = follow_up(session, patient)
    desk.post(f"/desk/visits/{visit}/status", status="completed", version=1, ims_given="yes")
    with time_machine.travel(NOW + DAY, tick=False):
        desk = Desk(desk.client, session, "practitioner")
        for status in ("arrived", "booked", "no_show"):
            assert desk.post(f"/desk/visits/{visit}/status", status=status, version=2).status_code == 403
        assert stored(session, visit).ims_given is True


def test_booked_ims_too_soon_after_it_must_move_and_moves_when_the_patient_agrees(
    desk: Desk, session: Session, patient: Patient
) -> None:
    visit = follow_up(session, patient)
    wednesday = local(MONDAY + 2 * DAY, "10:00")
    near = make_appointment(session, patient=patient, starts_local=wednesday, practitioner="p2").public_id
    desk.post(f"/desk/visits/{visit}/status", status="completed", version=1, ims_given="yes")
    assert "IMS was given on Monday 30 November" in desk.get("/desk/displaced").text
    page = desk.get(f"/desk/visits/{near}").text
    assert "This visit must move" in page and "the patient agrees" in page
    assert stored(session, near).starts_local == wednesday
    next_monday = local(MONDAY + 7 * DAY, "10:00").isoformat(timespec="minutes")
    desk.post(f"/desk/visits/{near}/move", starts=next_monday, practitioner="p2", version=1)
    assert "This visit must move" not in desk.get(f"/desk/visits/{near}").text
    assert "IMS was given on" not in desk.get("/desk/displaced").text


def test_booking_ims_near_an_unanswered_visit_warns_and_names_it(
    desk: Desk, session: Session, patient: Patient
) -> None:
    visit = follow_up(session, patient)
    desk.post(f"/desk/visits/{visit}/status", status="completed", version=1, ims_given="later")
    asked = {"patient": patient.public_id, "treatment": "ims", "practitioner": "p1", "starts": "2026-12-02T10:00"}
    warned = desk.post("/desk/book", **asked)
    assert warned.status_code == 409
    assert "Nobody has said yet" in warned.text and f"/desk/visits/{visit}" in warned.text
    assert desk.post("/desk/book", **asked, unanswered="yes").status_code == 200
    session.rollback()
    assert len(session.scalars(select(Appointment).where(Appointment.status == "booked")).all()) == 1


def test_moving_ims_and_a_weekly_series_near_an_unanswered_visit_warn_too(
    desk: Desk, session: Session, patient: Patient
) -> None:
    visit = follow_up(session, patient)
    later = local(MONDAY + 14 * DAY, "10:00")
    ims = make_appointment(session, patient=patient, starts_local=later, practitioner="p2").public_id
    desk.post(f"/desk/visits/{visit}/status", status="completed", version=1, ims_given="later")
    wednesday = "2026-12-02T10:00"
    moved = desk.post(f"/desk/visits/{ims}/move", starts=wednesday, practitioner="p2", version=1)
    assert "Nobody has said yet whether IMS was given on Monday 30 November" in moved.text
    moved = desk.post(f"/desk/visits/{ims}/move", starts=later.isoformat(), practitioner="p2", version=2)
    assert "Nobody has said yet" not in moved.text
    asked = {"patient": patient.public_id, "treatment": "ims", "practitioner": "p1", "count": "2"}
    plan = desk.get("/desk/book/series", **asked, starts=wednesday).text
    assert "Nobody has said yet" in plan and f"/desk/visits/{visit}" in plan
    assert "Nobody has said yet" not in desk.get("/desk/book/series", **asked, starts="2026-12-21T10:00").text


def test_the_bar_counts_what_a_practitioner_has_to_answer_and_the_history_keeps_each_answer(
    desk: Desk, session: Session, patient: Patient
) -> None:
    visit = follow_up(session, patient)
    desk.post(f"/desk/visits/{visit}/status", status="completed", version=1, ims_given="later")
    assert "to answer" not in desk.get("/desk/list").text, "reception has nothing to answer"
    desk = Desk(desk.client, session, "practitioner")
    assert '<span class="badge">1<span class="sr"> to answer' in desk.get("/desk/list").text
    page = desk.post(f"/desk/visits/{visit}/ims-given", ims_given="yes", version=2).text
    assert "IMS given" in page.split('<ol class="history">')[1]
    assert "to answer" not in desk.get("/desk/list").text


def test_an_answer_to_come_is_told_apart_from_one_that_nobody_was_asked_for(
    desk: Desk, session: Session, patient: Patient
) -> None:
    long_ago = make_appointment(
        session,
        patient=patient,
        starts_local=local(MONDAY - 30 * DAY, "10:00"),
        treatment="follow-up",
        status="completed",
    )
    assert "Nobody was asked" in desk.get(f"/desk/visits/{long_ago.public_id}").text
    session.rollback()
    visit = follow_up(session, patient)
    desk.post(f"/desk/visits/{visit}/status", status="completed", version=1, ims_given="later")
    page = desk.get(f"/desk/visits/{visit}").text
    assert "Still open" in page and "Nobody was asked" not in page
