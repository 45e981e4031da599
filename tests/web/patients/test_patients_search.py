"""The desk finds patients: as a page, as a piece of one, and as JSON."""

import json
import re

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from scheduler.domain.booking.visit_reference import reference_of
from scheduler.models import LockBox
from tests.factories import MONDAY, local, make_appointment, make_clinic, make_patient
from tests.web.calendar.test_desk import NOW, ROLES, at_the_clinic, enter, staff  # noqa: F401 - fixtures

JSON = {"Accept": "application/json"}


@pytest.fixture
def receptionist(client: FlaskClient, staff: object, session: Session) -> FlaskClient:  # noqa: F811
    make_clinic(session)
    amelie = make_patient(session, family_name="Lévesque", number="+16135550142")
    make_appointment(session, patient=amelie, starts_local=local(MONDAY, "09:00"), status="completed")
    make_appointment(session, patient=amelie, starts_local=local(MONDAY.replace(day=23), "09:00"), status="no_show")
    make_patient(session, given_name="<i>Léa</i>", family_name="Levy", cleared=False, birth_date=None)
    enter(client, "receptionist")
    return client


def test_the_line_says_what_is_asked_on_the_telephone(receptionist: FlaskClient) -> None:
    answer = receptionist.get("/desk/patients/search?q=lev", headers=JSON)
    first, second = answer.json["items"]
    assert first["name"] == "Lévesque, Amélie" and len(first.pop("id")) > 20
    assert first == {
        "name": "Lévesque, Amélie",
        "birth_date": "1986-03-14",
        "phone_last4": "0142",
        "next_allowed": "2026-12-07T09:00:00-05:00",
        "cleared": True,
        "next_visit": None,
        "last_visit": "2026-11-30T09:00:00-05:00",
        "no_shows": 1,
        "restricted": False,
    }
    assert (second["cleared"], second["birth_date"], second["next_allowed"]) == (False, None, None)
    assert answer.headers["Cache-Control"] == "no-store"


def test_the_same_in_html_while_typing_and_without_javascript(receptionist: FlaskClient) -> None:
    for path in ("/desk/patients/search?q=am+lev", "/desk/patients?q=am+lev"):
        page = receptionist.get(path, headers={"Accept": "*/*"}).text
        words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page))
        assert "Lévesque, Amélie" in words and "born 14 March 1986 · 613-555-0142" in words
        assert "IMS from Monday 7 December, 9:00 am" in words and "1 no-show" in words
        assert "Levy" not in words
    assert "&lt;i&gt;Léa&lt;/i&gt;" in receptionist.get("/desk/patients/search?q=levy").text


@pytest.mark.parametrize("typed", ["", "x" * 5_000, "\0", "%", "'", "1" * 400, "☃", "é", "zzz", "a " * 100])
def test_whatever_is_typed_is_answered(receptionist: FlaskClient, typed: str) -> None:
    for path in ("/desk/patients", "/desk/patients/search"):
        assert receptionist.get(path, query_string={"q": typed}).status_code == 200
    json.loads(receptionist.get("/desk/patients/search", query_string={"q": typed}, headers=JSON).text)


def test_all_staff_find_patients_and_nobody_else(app: Flask, staff: object) -> None:  # noqa: F811
    for role in ROLES:
        client = app.test_client()
        assert client.get("/desk/patients/search?q=a").status_code == 303
        with time_machine.travel(NOW, tick=False):
            enter(client, role)
            assert client.get("/desk/patients/search?q=a").status_code == 200


def test_in_the_panel_results_lead_to_the_patient_the_next_visit_and_a_booking(
    receptionist: FlaskClient, session: Session
) -> None:
    luc = make_patient(session, given_name="Luc", family_name="Levasseur")
    visit = make_appointment(session, patient=luc, starts_local=local(MONDAY.replace(month=12, day=8), "09:00"))
    make_appointment(session, patient=luc, starts_local=local(MONDAY.replace(month=12, day=15), "09:00"))
    in_panel = {"HX-Request": "true", "HX-Target": "panel"}
    assert 'data-picks="#found"' in receptionist.get("/desk/patients", headers=in_panel).text
    found = receptionist.get("/desk/patients?q=levass", headers={**in_panel, "HX-Target": "found"}).text
    assert "<html" not in found
    for there in (
        f"/desk/patients/{luc.public_id}",
        f"/desk?day=2026-12-08&amp;visit={visit.public_id}",
        f"/desk/book?patient={luc.public_id}",
    ):
        assert f'href="{there}"' in found
    page = receptionist.get("/desk", query_string={"day": "2026-12-08", "visit": visit.public_id}).text
    assert f'data-visit="{visit.public_id}"' in page


@pytest.mark.parametrize("path", ["/desk/patients?q=", "/desk/patients/search?q="])
def test_a_bookings_reference_read_out_on_the_telephone_leads_to_its_visit(
    receptionist: FlaskClient, session: Session, path: str
) -> None:
    visit = make_appointment(
        session, patient=make_patient(session, family_name="Roy"), starts_local=local(MONDAY, "15:00")
    )
    reference = reference_of(visit.id)
    for typed in (reference, reference.lower(), reference.replace("-", " ")):
        page = receptionist.get(path + typed, headers={"Accept": "*/*"}).text
        assert f"visit={visit.public_id}" in page and "Monday 30 November, 3:00 pm" in page and "Roy, Amélie" in page
    assert "of that reference" not in receptionist.get(path + reference_of(visit.id + 1000)).text


def test_the_reference_of_a_protected_patients_visit_leads_nowhere(receptionist: FlaskClient, session: Session) -> None:
    patient = make_patient(session, family_name="Roy")
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "15:00"))
    session.add(LockBox(patient_id=patient.id, placed_at=NOW, placed_by="staff:owner", words="asked"))
    session.commit()
    page = receptionist.get(f"/desk/patients/search?q={reference_of(visit.id)}", headers={"Accept": "*/*"}).text
    assert "Roy" not in page and visit.public_id not in page
