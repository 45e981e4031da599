"""A record that its patient asked to keep from most of the clinic: who sees it, and what everybody else sees."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from urllib.parse import quote

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import Appointment, AppointmentNote, AuditLine, Message, Patient, StaffUser
from scheduler.usecases.patients.protection import place_lock_box
from scheduler.usecases.staff.tokens import create_token
from tests.factories import MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient
from tests.web.support.desk_staff import Desk, make_staff, said

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NUMBER = "+16135559871"
BORN = date(1971, 8, 23)
SECRETS = ("Quillfeather", "Zenobia", "555-9871", "5559871", "9871", "1971-08-23", "23 August 1971", "August 23, 1971")
NOTE, REASON, TEXT = "afraid-of-somebody", "why-it-was-changed", "please-tell-nobody"


@pytest.fixture(autouse=True)
def at_the_clinic() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def patient(session: Session) -> Patient:
    """With a coming visit, a visit to answer, a note, a text of hers, and a relative on the number."""
    make_clinic(session)
    make_staff(session, "receptionist", "practitioner", "owner")
    found = make_patient(
        session,
        given_name="Zenobia",
        family_name="Quillfeather",
        birth_date=BORN,
        number=NUMBER,
        note=NOTE,
        created_at=NOW - timedelta(days=90),
    )
    visit = make_appointment(session, patient=found, starts_local=local(MONDAY, "10:00"), changed_why=REASON)
    make_appointment(
        session,
        patient=found,
        starts_local=local(MONDAY - timedelta(days=5), "10:00"),
        status="completed",
        treatment="follow-up",
        ims_open=True,
    )
    session.add(AppointmentNote(appointment_id=visit.id, words=NOTE, written_at=NOW, written_by="staff:owner"))
    session.add(
        Message(
            direction="in",
            kind="inbound",
            number=NUMBER,
            body=TEXT,
            status="received",
            for_desk=True,
            created_at=NOW,
            patient_id=found.id,
        )
    )
    session.commit()
    place_lock_box(session, public_id=found.public_id, named=[], words="", now=NOW, actor=STAFF)
    return found


def coming(session: Session, patient: Patient) -> str:
    asked = select(Appointment.public_id).where(Appointment.patient_id == patient.id, Appointment.status == "booked")
    return session.scalars(asked).one()


def told(answer: str, typed: str = "") -> list[str]:
    """What of the patient the answer says, besides what was typed into the address that asked for it."""
    return [words for words in (*SECRETS, NOTE, REASON, TEXT) if words in answer and words not in typed]


@pytest.mark.parametrize("role", ["receptionist", "practitioner"])
def test_no_address_of_the_desk_tells_of_a_protected_patient(
    app: Flask, session: Session, patient: Patient, role: str
) -> None:
    visit, message = coming(session, patient), session.scalars(select(Message.id)).one()
    desk = Desk(app.test_client(), session, role)
    ids = {"message_id": str(message), "visit_id": visit, "public_id": visit, "request_id": "1"}
    queries = ["", f"?day={MONDAY}", f"?day={MONDAY}&view=week", f"?day={MONDAY}&view=rooms", "?q=Quillfeather"]
    queries += [f"?q={quote(NUMBER)}", f"?q={BORN}", f"?patient={patient.public_id}", f"?visit={visit}"]
    asked = 0
    for rule in app.url_map.iter_rules():
        if rule.rule != "/desk" and not rule.rule.startswith("/desk/"):
            continue
        for whose in (patient.public_id, visit):
            path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
            path = re.sub(r"<(?:[^:<>]+:)?(\w+)>", lambda found: {**ids, "public_id": whose}.get(found[1], "1"), path)  # noqa: B023
            if "GET" in (rule.methods or ()) and rule.endpoint not in ("desk_entrance.sign_in",):
                for query in queries if whose == visit else queries[:1]:
                    answer = desk.client.get(path + query)
                    asked += answer.status_code == 200
                    assert not told(answer.text, query), (path, query, told(answer.text, query))
            elif "POST" in (rule.methods or ()) and rule.endpoint not in OWN_ACTS:
                answer = desk.post(path, patient=patient.public_id, visit=visit, q="Quill")
                assert not told(answer.text), (path, told(answer.text))
            if whose == visit and "<" not in rule.rule:
                break
    assert asked > 30
    session.rollback()
    session.refresh(patient)
    assert (patient.version, patient.restricted_at, session.get(Patient, patient.id).given_name) == (1, None, "Zenobia")
    assert coming(session, patient) == visit


OWN_ACTS = (
    "desk_entrance.leave",
    "desk_locked.lock_now",
    "desk_account.sign_out_everywhere",
    "desk_protection.open_it",
)


def test_others_see_a_block_and_may_move_the_visit(app: Flask, session: Session, patient: Patient) -> None:
    visit = coming(session, patient)
    desk = Desk(app.test_client(), session, "receptionist")
    cards = desk.get("/desk/calendar.json", day=str(MONDAY)).get_json()["visits"]
    assert [(card["id"], card["name"], card["what"], card["flags"]) for card in cards] == [(visit, "Protected", "", [])]
    assert "Protected" in desk.get("/desk/list", day=str(MONDAY)).text
    assert desk.post(f"/desk/visits/{visit}/cancel", version=1, by="clinic").status_code == 403
    taken = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "14:00"))
    refused = desk.post(f"/desk/visits/{visit}/move", starts=f"{MONDAY}T14:00", practitioner="p1", version=1)
    assert (refused.status_code, told(refused.text)) == (409, [])
    moved = desk.post(f"/desk/visits/{visit}/move", starts=f"{MONDAY}T11:00", practitioner="p1", version=1, room="")
    assert (moved.status_code, told(moved.text)) == (200, []), moved.text
    assert "Protected" in moved.text
    session.rollback()
    assert session.scalar(select(Appointment.starts_local).where(Appointment.public_id == visit)) == local(
        MONDAY, "11:00"
    )
    in_the_way = desk.post(
        f"/desk/visits/{taken.public_id}/move", starts=f"{MONDAY}T11:00", practitioner="p1", version=1
    )
    assert "Protected" in in_the_way.text
    assert not told(in_the_way.text)


def test_owners_and_the_people_named_see_the_record(app: Flask, session: Session, patient: Patient) -> None:
    named = session.scalars(select(StaffUser.id).where(StaffUser.username == "practitioner")).one()
    owner = Desk(app.test_client(), session, "owner")
    address = f"/desk/patients/{patient.public_id}/lock-box"
    placed = owner.client.post(
        address,
        data={**said(owner.get(address)), "named": [named], "words": "Not my neighbour at the desk"},
    )
    assert placed.status_code == 303
    for role in ("owner", "practitioner"):
        page = Desk(app.test_client(), session, role).get(f"/desk/patients/{patient.public_id}")
        assert (page.status_code, "Quillfeather" in page.text) == (200, True), role
    assert "Not my neighbour at the desk" in page.text
    reception = Desk(app.test_client(), session, "receptionist")
    assert reception.get(f"/desk/patients/{patient.public_id}").status_code == 403
    owner.post(f"{address}/lift", **said(owner.get(address)))
    assert reception.get(f"/desk/patients/{patient.public_id}").status_code == 200


def test_an_emergency_opening_needs_a_reason_lasts_an_hour_and_is_told_to_the_owner(
    app: Flask, session: Session, patient: Patient
) -> None:
    desk = Desk(app.test_client(), session, "receptionist")
    door, page = f"/desk/patients/{patient.public_id}/protected", f"/desk/patients/{patient.public_id}"
    assert desk.post(door, reason="  ").status_code == 422
    assert desk.get(page).status_code == 403
    assert desk.post(door, reason="She fainted here").status_code == 303
    assert "Quillfeather" in desk.get(page).text
    other = Desk(app.test_client(), session, "practitioner")
    assert other.get(page).status_code == 403
    owner = Desk(app.test_client(), session, "owner")
    assert "A protected record was opened in an emergency" in owner.get("/desk").text
    listed = owner.get("/desk/protected").text
    assert "She fainted here" in listed
    up_to = re.search(r'name="up_to" value="(\d+)"', listed)
    assert up_to
    owner.post("/desk/protected/seen", up_to=up_to[1])
    assert "A protected record was opened in an emergency" not in owner.get("/desk").text
    session.rollback()
    assert session.scalars(select(AuditLine.details).where(AuditLine.what == "patient.opened_in_emergency")).all() == [
        "She fainted here"
    ]
    with time_machine.travel(NOW + timedelta(minutes=61), tick=False):
        assert Desk(app.test_client(), session, "receptionist").get(page).status_code == 403


def test_whoever_registers_a_protected_patient_anew_is_warned_and_told_nothing(
    app: Flask, session: Session, patient: Patient
) -> None:
    desk = Desk(app.test_client(), session, "receptionist")
    answer = desk.post(
        "/desk/book/new-patient", given_name="Zenobia", family_name="Quillfeather", birth_date="", phone=NUMBER
    )
    assert "whose record is protected" in answer.text
    assert str(BORN) not in answer.text
    assert "August" not in answer.text


def test_tokens_but_the_owners_neither_list_nor_open_a_protected_patient(
    app: Flask, session: Session, patient: Patient
) -> None:
    visit = coming(session, patient)
    for role, seen in (("receptionist", False), ("practitioner", False), ("owner", True)):
        secret = create_token(session, name=role, role=role, now=NOW)
        headers = {"Authorization": f"Bearer {secret}"}
        client = app.test_client()
        assert ("Quillfeather" in client.get("/api/v1/patients", headers=headers).text) is seen
        for path in (f"patients/{patient.public_id}", f"appointments?patient={patient.public_id}"):
            assert client.get(f"/api/v1/{path}", headers=headers).status_code == (200 if seen else 403)
        known = {"given_name": "Zenobia", "family_name": "Quillfeather", "birth_date": str(BORN), "phone": NUMBER}
        assert client.post("/api/v1/patients", json=known, headers=headers).status_code == (200 if seen else 403)
        if not seen:
            assert client.post(f"/api/v1/appointments/{visit}/cancel", headers=headers).status_code == 403
            at = {"starts_at": f"{MONDAY}T1{'12'[role == 'practitioner']}:00:00-05:00"}
            moved = client.patch(f"/api/v1/appointments/{visit}", json=at, headers=headers)
            assert (moved.status_code, told(moved.text)) == (200, []), moved.text
