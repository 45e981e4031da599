"""One request sent many times at once over the API: it is carried out once."""

from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.extensions import db
from scheduler.models import Appointment, Patient
from scheduler.usecases.staff.tokens import create_token
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.web.conftest import make_app

AT_ONCE = 16
CHANGES = [{"status": "cancelled"}, {"status": "confirmed"}, {"starts_at": "2026-12-01T10:00:00-05:00"}]


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    with time_machine.travel(NOW, tick=False):
        app = make_app(database_url)
        yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def token(session: Session) -> str:
    make_clinic(session)
    return create_token(session, name="race", role="owner", now=NOW)


def all_at_once(app: Flask, token: str, method: str, path: str, **sent: Any) -> list[TestResponse]:
    start = Barrier(AT_ONCE)
    headers = {"Authorization": f"Bearer {token}", **sent.pop("headers", {})}

    def one(_turn: int) -> TestResponse:
        client = app.test_client()
        client.get("/api/v1/treatments")
        start.wait()
        return client.open(path, method=method, headers=headers, **sent)

    with ThreadPoolExecutor(AT_ONCE) as pool:
        return list(pool.map(one, range(AT_ONCE)))


@pytest.mark.parametrize("change", CHANGES, ids=["cancel", "confirm", "move"])
def test_of_changes_to_one_version_at_once_one_is_made(
    app: Flask, engine: Engine, session: Session, token: str, change: dict[str, str]
) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:00"))
    path = f"/api/v1/appointments/{visit.public_id}"
    answers = all_at_once(app, token, "PATCH", path, json=change, headers={"If-Match": '"1"'})
    assert Counter(answer.status_code for answer in answers) == {200: 1, 409: AT_ONCE - 1}
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"version-conflict"}
    with Session(engine) as fresh:
        assert fresh.scalars(select(Appointment.version)).one() == 2


@pytest.mark.parametrize("what", ["appointment", "patient"])
def test_one_key_sent_at_once_does_it_once_and_is_answered_alike(
    app: Flask, engine: Engine, session: Session, token: str, what: str
) -> None:
    if what == "patient":
        path, json = "/api/v1/patients", {"given_name": "Zoé", "family_name": "Roy", "birth_date": "1984-02-29"}
    else:
        starts_at = "2026-12-01T10:00:00-05:00"
        path = "/api/v1/appointments"
        json = {"patient": make_patient(session).public_id, "treatment": "ims", "starts_at": starts_at}
    answers = all_at_once(app, token, "POST", path, json=json, headers={"Idempotency-Key": "one"})
    assert Counter(answer.status_code for answer in answers) == {201: AT_ONCE}, answers[0].text
    assert len({answer.text for answer in answers}) == 1
    with Session(engine) as fresh:
        assert fresh.scalar(select(func.count()).select_from(Patient)) == 1
        assert fresh.scalar(select(func.count()).select_from(Appointment)) == (what == "appointment")
