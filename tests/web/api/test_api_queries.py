"""The API asks the database a fixed number of questions, however much is asked of it."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from scheduler.usecases.staff.tokens import create_token
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.support.statements import statements_of_pages

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


@pytest.mark.parametrize("written", ['"%s"', 'W/"%s"', '"%s-gzip"', 'W/"%s-br"', '"other","%s;gzip"', '"%s--gzip"'])
def test_unchanged_slots_are_a_304_also_behind_a_proxy_that_compresses(
    client: FlaskClient, session: Session, written: str
) -> None:
    make_clinic(session)
    path = f"/api/v1/slots?treatment=ims&from={MONDAY}&to={MONDAY}"
    etag = client.get(path).headers["ETag"].strip('"')
    again = client.get(path, headers={"If-None-Match": written % etag})
    assert (again.status_code, again.headers["ETag"]) == (304, f'"{etag}"')
    assert client.get(f"{path}&practitioner=p1", headers={"If-None-Match": written % etag}).status_code == 200
