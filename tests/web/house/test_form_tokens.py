"""Forms without a token, or with a wrong one, about things that are not the sender's: a plain answer, never an error."""

import re
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import Appointment
from tests.factories import MONDAY, local, make_appointment, make_clinic, make_patient
from tests.web.support import desk_staff
from tests.web.support.pages import sign_in

pytestmark = [
    pytest.mark.usefixtures("database_url"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]
TOKENS = ({}, {"csrf_token": "forged"})


def forms_of(app: Flask, start: str) -> Iterator[str]:
    """Every address that takes a form, with the id of something that is nobody's."""
    for rule in app.url_map.iter_rules():
        if "POST" in (rule.methods or ()) and rule.rule.startswith(start):
            path = re.sub(r"<any\((\w+)[^>]*>", r"\1", rule.rule)
            yield re.sub(r"<[^>]+>", "nobodys", re.sub(r"<int[^>]*>", "2000000000", path))


@pytest.mark.parametrize("start", ["/me", "/book", "/m/", "/desk"])
def test_no_form_about_what_is_nobodys_breaks_for_want_of_its_token(app: Flask, session: Session, start: str) -> None:
    make_clinic(session)
    client = app.test_client()
    if start == "/desk":
        desk_staff.make_staff(session, "owner")
        desk_staff.sign_in(client, session, "owner")
    else:
        sign_in(client, session, make_patient(session))
    paths = list(forms_of(app, start))
    assert paths
    for path in paths:
        for token in TOKENS:
            answer = client.post(path, data=token)
            assert answer.status_code < 500, f"{path} {token}: {answer.status_code}"
            assert "nobodys" not in path or answer.status_code in (303, 400, 404, 422), f"{path}: {answer.status_code}"


@pytest.mark.parametrize("act", ["cancel", "move"])
def test_somebody_elses_visit_is_not_found_with_or_without_a_token(
    client: FlaskClient, session: Session, act: str
) -> None:
    make_clinic(session)
    mine, theirs = make_patient(session), make_patient(session)
    visit = make_appointment(session, patient=theirs, starts_local=local(MONDAY, "10:00"))
    public_id = visit.public_id
    sign_in(client, session, mine)
    for token in TOKENS:
        assert client.post(f"/me/visits/{public_id}/{act}", data=token).status_code == 404
    session.rollback()
    assert session.scalars(select(Appointment.status)).all() == ["booked"]
