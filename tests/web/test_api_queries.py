"""The API asks the database a fixed number of questions, however much is asked of it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from scheduler.usecases.tokens import create_token
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.statements import statements_of_pages

MOST = 5


@pytest.fixture(autouse=True)
def friday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.mark.parametrize("practitioners", [2, 5])
@pytest.mark.parametrize("full", [False, True])
def test_slots_take_five_queries_at_most_whatever_the_range(
    app: Flask, client: FlaskClient, session: Session, practitioners: int, full: bool
) -> None:
    make_clinic(session, practitioners=practitioners, rooms=practitioners)
    patient = make_patient(session)
    for number in range(practitioners * 5 if full else 0):
        make_appointment(
            session,
            patient=make_patient(session),
            starts_local=local(MONDAY + timedelta(days=number // practitioners), "10:00"),
            practitioner=f"p{number % practitioners + 1}",
            room=f"Room {number % practitioners + 1}",
        )
    public_id = patient.public_id
    bearer = {"Authorization": f"Bearer {create_token(session, name='t', role='owner', now=NOW)}"}
    client.get("/api/v1/patients", headers=bearer)  # the token's use is noted once a minute
    statements = statements_of_pages(app)
    counts = {}
    for whose, headers in (("", {}), (f"&patient={public_id}", bearer)):
        for days in (0, 6, 60):
            last = MONDAY + timedelta(days=days)
            for anybody in ("", "&practitioner=p1"):
                path = f"slots?treatment=ims&from={MONDAY}&to={last}{anybody}{whose}"
                statements.clear()
                assert client.get(f"/api/v1/{path}", headers=headers).status_code == 200
                counts[path] = len(statements)
        statements.clear()
        assert client.get(f"/api/v1/slots/earliest?treatment=ims{whose}", headers=headers).status_code == 200
        counts[f"earliest{whose}"] = len(statements)
    assert max(counts.values()) <= MOST, counts
    assert min(counts.values()) >= 1, counts
