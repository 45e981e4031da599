"""Who may call which address of the API, and what one patient's address tells of another."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from scheduler.models import Patient
from scheduler.models.staff.access import ROLES
from scheduler.usecases.staff.token_use import revoke_token
from scheduler.usecases.staff.tokens import create_token
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient

EVERYBODY = dict.fromkeys(ROLES, 200)
MADE = dict.fromkeys(ROLES, 201)
DAYS = f"from={MONDAY}&to={MONDAY}"
ZOE = {"given_name": "Zoé", "family_name": "Roy", "birth_date": "1984-02-29"}


@dataclass(frozen=True)
class Address:
    """`by_role`: the status for each; `public`: open without a token as well."""

    method: str
    path: str
    by_role: dict[str, int]
    body: dict[str, Any] | None = None
    public: bool = False


def clinical(status: int) -> dict[str, int]:
    return {"receptionist": 403, "practitioner": status, "owner": status}


ADDRESSES = (
    Address("GET", "openapi.json", EVERYBODY, public=True),
    Address("GET", "treatments", EVERYBODY, public=True),
    Address("GET", "practitioners", EVERYBODY, public=True),
    Address("GET", f"slots?treatment=ims&{DAYS}", EVERYBODY, public=True),
    Address("GET", f"slots?treatment=ims&{DAYS}&patient={{patient}}", EVERYBODY),
    Address("GET", "slots/earliest?treatment=ims", EVERYBODY, public=True),
    Address("GET", "slots/earliest?treatment=ims&patient={patient}", EVERYBODY),
    Address("GET", "patients", EVERYBODY),
    Address("POST", "patients", MADE, ZOE),
    Address("POST", "patients", clinical(201), ZOE | {"given_name": "Léa", "cleared_for_ims": True}),
    Address("GET", "patients/{patient}", EVERYBODY),
    Address("PATCH", "patients/{patient}", EVERYBODY, {"given_name": "Anne"}),
    Address("PATCH", "patients/{patient}", clinical(200), {"cleared_for_ims": True}),
    Address("POST", "patients/{patient}/elsewhere", MADE, {"day": "2026-11-02"}),
    Address("GET", "appointments", EVERYBODY),
    Address("GET", "appointments?patient={patient}", EVERYBODY),
    Address("POST", "appointments", MADE, {"patient": "{patient}", "treatment": "follow-up", "starts_at": "{start}"}),
    Address("GET", "appointments/{visit}", EVERYBODY),
    Address("PATCH", "appointments/{visit}", EVERYBODY, {"status": "confirmed"}),
    Address("PATCH", "appointments/{visit}", clinical(409), {"status": "completed", "ims_given": False}),
    Address("POST", "appointments/{visit}/cancel", EVERYBODY, {"reason": "ill"}),
)


@pytest.fixture(autouse=True)
def friday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def clinic(session: Session) -> None:
    make_clinic(session)


def ask(client: FlaskClient, address: Address, known: dict[str, str], token: str | None) -> int:
    path, body = address.path, address.body
    for name, value in known.items():
        path = path.replace(f"{{{name}}}", value)
        body = {key: value if text == f"{{{name}}}" else text for key, text in body.items()} if body else body
    headers = {"Authorization": f"Bearer {token}"} if token is not None else {}
    answer = client.open(f"/api/v1/{path}", method=address.method, json=body, headers=headers)
    if answer.status_code >= 400:
        assert answer.mimetype == "application/problem+json", answer.text
    return answer.status_code


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_every_address_says_who_may_call_it(app: Flask, client: FlaskClient, session: Session, clinic: None) -> None:
    revoked = create_token(session, name="revoked", role="owner", now=NOW)
    revoke_token(session, name="revoked", now=NOW)
    for day, role in enumerate(ROLES):
        token = create_token(session, name=role, role=role, now=NOW)
        patient = make_patient(session)
        visit = make_appointment(session, patient=patient, starts_local=local(MONDAY + timedelta(days=day), "10:00"))
        known = {
            "patient": patient.public_id,
            "visit": visit.public_id,
            "start": f"{MONDAY + timedelta(days=day + 1)}T14:00:00-05:00",
        }
        session.rollback()
        for address in ADDRESSES:
            if address.public:
                assert ask(client, address, known, None) == 200, address
            else:
                for wrong in (None, "", "ims_wrong", revoked):
                    assert ask(client, address, known, wrong) == 401, (address, wrong)
            assert ask(client, address, known, token) == address.by_role[role], (role, address)


def test_no_address_is_left_out_of_the_table(app: Flask) -> None:
    told = {(address.method, re.sub(r"{\w+}", "*", address.path.partition("?")[0])) for address in ADDRESSES}
    there = {
        (method, re.sub(r"<\w+>", "*", rule.rule.removeprefix("/api/v1/")))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith("/api/v1/")
    }
    assert there == told


def test_what_is_asked_of_one_patient_tells_and_changes_nothing_of_another(
    app: Flask, client: FlaskClient, session: Session, clinic: None
) -> None:
    one, other = make_patient(session), make_patient(session)
    visits = {
        patient.public_id: make_appointment(
            session, patient=patient, starts_local=local(MONDAY, start), practitioner=practitioner, room=room
        ).public_id
        for patient, start, practitioner, room in ((one, "10:00", "p1", "Room 1"), (other, "13:00", "p2", "Room 2"))
    }
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {create_token(session, name='t', role='owner', now=NOW)}"
    here, there = one.public_id, other.public_id
    session.rollback()
    before = client.get(f"/api/v1/patients/{there}").text, client.get(f"/api/v1/appointments/{visits[there]}").text
    for path in (f"patients/{here}", f"appointments?patient={here}", f"appointments/{visits[here]}"):
        text = client.get(f"/api/v1/{path}").text
        assert here in text
        assert there not in text and visits[there] not in text and other.family_name not in text, path
    free = client.get(f"/api/v1/slots?treatment=follow-up&{DAYS}&patient={here}").json["slots"]
    assert {slot["practitioner"] for slot in free if slot["starts_at"].startswith(f"{MONDAY}T13:00")} == {"p1"}
    assert client.patch(f"/api/v1/patients/{here}", json={"given_name": "Anne"}).status_code == 200
    assert client.post(f"/api/v1/appointments/{visits[here]}/cancel", json={"reason": "x"}).status_code == 200
    after = client.get(f"/api/v1/patients/{there}").text, client.get(f"/api/v1/appointments/{visits[there]}").text
    assert before == after
    session.expire_all()
    assert session.get_one(Patient, other.id).given_name == "Amélie"


def test_a_token_is_dead_from_the_moment_it_ends(client: FlaskClient, session: Session) -> None:
    token = create_token(session, name="short", role="owner", now=NOW, days=30)
    bearer = {"Authorization": f"Bearer {token}"}
    for late, status in ((timedelta(microseconds=-1), 200), (timedelta(), 401)):
        with time_machine.travel(NOW + timedelta(days=30) + late, tick=False):
            assert client.get("/api/v1/patients", headers=bearer).status_code == status
            key = {**bearer, "Idempotency-Key": "k"}
            assert (client.post("/api/v1/patients", json={}, headers=key).status_code == 401) == (status == 401)
