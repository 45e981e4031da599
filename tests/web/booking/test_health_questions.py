"""The health questions at the desk: asked on the telephone or left for the arrival, never pre-ticked."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import Appointment, ImsReview, Patient, Screening
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.web.support.desk_staff import Desk, make_staff
from tests.web.support.pages import plain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TODAY = date(2026, 11, 27)
TUESDAY = MONDAY + timedelta(days=1)
TOLD = {"needled_on_day": "26", "needled_on_month": "11", "needled_on_year": "2026"}
NONE = {"applies": "nothing"}


@pytest.fixture(autouse=True)
def at_the_clinic() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def desk(app: Flask, session: Session) -> Desk:
    make_clinic(session, practitioners=1)
    make_staff(session, "receptionist")
    return Desk(app.test_client(), session)


@pytest.fixture
def patient(session: Session, desk: Desk) -> Patient:
    return make_patient(session)


def asked(patient: Patient, starts: str = f"{TUESDAY}T10:00", **fields: object) -> dict[str, object]:
    return {"patient": patient.public_id, "treatment": "ims", "practitioner": "p1", "starts": starts, **fields}


def answers(session: Session) -> list[tuple[list[str], date | None]]:
    session.rollback()
    rows = session.scalars(select(Screening).order_by(Screening.id)).all()
    found = [([name for name, yes in row.answers.items() if yes], row.needled_elsewhere_on) for row in rows]
    session.rollback()
    return found


def test_a_booking_without_answers_goes_through_and_its_visit_asks(
    desk: Desk, session: Session, patient: Patient
) -> None:
    page = desk.get("/desk/book", patient=patient.public_id)
    assert 'name="applies" value="nothing"' in page.text
    assert "checked" not in page.text[page.text.index('class="health"') : page.text.index('class="free"')]
    booked = desk.post("/desk/book", **asked(patient))
    assert booked.status_code == 200 and "Health questions: ask at arrival" in booked.text
    assert answers(session) == []


def test_answers_told_on_the_telephone_are_kept_with_the_booking(
    desk: Desk, session: Session, patient: Patient
) -> None:
    booked = desk.post("/desk/book", **asked(patient, applies=["blood_thinners"]))
    assert booked.status_code == 200 and "Health questions" not in booked.text
    assert answers(session) == [(["blood_thinners"], None)]
    assert len(session.scalars(select(ImsReview)).all()) == 1, "a new yes: the physiotherapist looks at it"
    session.rollback()
    page = plain(desk.get("/desk/book", patient=patient.public_id))
    assert "Answered on" in page and "I take blood thinners" in page and "Since then" in page
    later = asked(patient, f"{TUESDAY + timedelta(days=7)}T10:00", since="same")
    assert desk.post("/desk/book", **later).status_code == 200
    assert answers(session)[1] == (["blood_thinners"], None)


def test_answers_that_do_not_fit_are_refused_with_what_was_typed(
    desk: Desk, session: Session, patient: Patient
) -> None:
    refused = desk.post("/desk/book", **asked(patient, applies=["nothing", "infection"], needled_on_day="3"))
    assert refused.status_code == 422 and "Which of the two is right?" in plain(refused)
    assert 'value="infection" checked' in refused.text and f'value="{TUESDAY}"' in refused.text
    assert 'class="health" open' in refused.text
    session.rollback()
    assert session.scalars(select(Appointment)).all() == []


def test_ims_elsewhere_told_on_the_telephone_counts_for_the_seven_days(
    desk: Desk, session: Session, patient: Patient
) -> None:
    refused = desk.post("/desk/book", **asked(patient, applies=["needled_elsewhere"], **TOLD))
    assert refused.status_code == 409 and "had IMS elsewhere on" in refused.text
    assert 'value="needled_elsewhere" checked' in refused.text
    session.rollback()
    assert session.scalars(select(Appointment.origin)).all() == ["elsewhere"]


def test_the_visit_asks_today_until_it_is_answered(desk: Desk, session: Session, patient: Patient) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(TODAY, "16:00")).public_id
    other = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "16:00")).public_id
    session.rollback()
    flags = {one["id"]: one["flags"] for one in desk.client.get(f"/desk/calendar.json?day={TODAY}").json["visits"]}
    assert "ims-a" in flags[visit]
    there = desk.client.get(f"/desk/calendar.json?day={TUESDAY}").json["visits"]
    assert [one["flags"] for one in there if one["id"] == other and "ims-a" in one["flags"]] == []
    path = f"/desk/visits/{visit}"
    assert "Health questions: ask today" in desk.get(path).text
    assert desk.post(f"{path}/health", **NONE).status_code == 409, "without the version that was shown"
    empty = desk.post(f"{path}/health", version=1)
    assert empty.status_code == 422 and "None of these" in empty.text
    answered = desk.post(f"{path}/health", **NONE, version=1)
    assert answered.status_code == 200 and "Health questions" not in answered.text
    assert "health questions answered" in answered.text
    assert answers(session) == [([], None)]
    flags = {one["id"]: one["flags"] for one in desk.client.get(f"/desk/calendar.json?day={TODAY}").json["visits"]}
    assert "ims-a" not in flags[visit]
    assert desk.post(f"{path}/health", **NONE, version=1).status_code == 409


def test_ims_elsewhere_told_at_the_arrival_counts_and_the_visit_must_move(
    desk: Desk, session: Session, patient: Patient
) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(TODAY, "16:00")).public_id
    session.rollback()
    page = desk.post(f"/desk/visits/{visit}/health", applies=["needled_elsewhere"], **TOLD, version=1)
    assert page.status_code == 200 and "IMS elsewhere on" in plain(page)
    assert "This visit must move" in plain(page)
    assert answers(session) == [(["needled_elsewhere"], date(2026, 11, 26))]
    assert "elsewhere" in session.scalars(select(Appointment.origin)).all()
