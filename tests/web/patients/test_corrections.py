"""What a patient wants corrected: asked on their page, answered at the desk, read and disputed on their page."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import CorrectionRequest, TextAgreement
from scheduler.usecases.patients.protection import place_lock_box
from tests.factories import NOW, STAFF, let_act, make_clinic, make_patient
from tests.web.support.desk_staff import Desk, make_staff, said
from tests.web.support.pages import send, sign_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture(autouse=True)
def at_the_clinic() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def test_from_the_patients_page_to_the_desk_and_back(app: Flask, session: Session) -> None:
    make_clinic(session)
    make_staff(session, "practitioner")
    patient, mine = make_patient(session), app.test_client()
    sign_in(mine, session, patient)
    record = f"/me/patients/{patient.public_id}"
    asking = mine.get(f"{record}/correction")
    assert send(mine, asking, "Send it", what_is_wrong="", should_say="x").status_code == 422
    asked = send(mine, asking, "Send it", what_is_wrong="the surname", should_say="Lévesque-Roy")
    assert asked.location == f"{record}/details"
    desk = Desk(app.test_client(), session, "practitioner")
    listed = desk.get("/desk/corrections").text
    assert "Lévesque-Roy" in listed and "30 days left" in listed
    request_id = session.scalars(select(CorrectionRequest.id)).one()
    session.rollback()
    answer = f"/desk/corrections/{request_id}"
    facts = said(desk.get("/desk/corrections"), answer)
    assert desk.post(answer, **facts, answer="refused", words="").status_code == 422
    assert desk.post(answer, **facts, answer="refused", words="so it says").status_code == 303
    assert desk.post(answer, **facts, answer="corrected", words="").status_code == 409
    assert "so it says" in mine.get(f"{record}/details").text
    disagreeing = mine.get(f"{record}/corrections/{request_id}/statement")
    assert send(mine, disagreeing, "Put it", statement="I say otherwise").status_code == 303
    for client, page in ((mine, f"{record}/details"), (desk, f"/desk/patients/{patient.public_id}")):
        assert "I say otherwise" in client.get(page).text


def test_nobody_reads_or_asks_for_another_adult_whom_they_act_for(app: Flask, session: Session) -> None:
    make_clinic(session)
    patient, other, stranger = (make_patient(session) for _ in range(3))
    let_act(session, patient, other, kind="adult")
    mine = app.test_client()
    sign_in(mine, session, patient)
    details = mine.get(f"/me/patients/{other.public_id}/details")
    assert details.status_code == 200 and "Ask for a correction" not in details.text
    assert mine.get(f"/me/patients/{other.public_id}/correction").status_code == 404
    assert mine.get(f"/me/patients/{stranger.public_id}/details").status_code == 404


def test_a_protected_records_request_is_the_owners(app: Flask, session: Session) -> None:
    make_clinic(session)
    make_staff(session, "practitioner", "owner")
    patient = make_patient(session, family_name="Quillfeather")
    one = CorrectionRequest(
        patient_id=patient.id,
        what_is_wrong="w",
        should_say="s",
        asked_at=NOW - timedelta(days=31),
        asked_by="patient:1",
    )
    session.add(one)
    session.commit()
    page = f"/desk/corrections/{one.id}"
    place_lock_box(session, public_id=patient.public_id, named=[], words="", now=NOW, actor=STAFF)
    desk = Desk(app.test_client(), session, "practitioner")
    assert "Quillfeather" not in desk.get("/desk/corrections").text
    assert desk.post(page, answer="corrected", words="").status_code == 409
    assert "overdue by 1 day" in Desk(app.test_client(), session, "owner").get("/desk/corrections").text


def test_texts_are_ended_and_wanted_again_on_the_patients_page(app: Flask, session: Session) -> None:
    make_clinic(session)
    patient, mine = make_patient(session), app.test_client()
    sign_in(mine, session, patient)
    for agrees in ("no", "yes"):
        details = mine.get(f"/me/patients/{patient.public_id}/details")
        assert send(mine, details, "/texts").status_code == 422, "nobody has said anything"
        assert send(mine, details, "/texts", agrees=agrees).status_code == 303
    session.rollback()
    assert patient.phone_account and patient.phone_account.opted_out_at is None
    lines = session.execute(select(TextAgreement.agrees, TextAgreement.how).order_by(TextAgreement.id)).all()
    assert [tuple(one) for one in lines] == [(True, "sign_in"), (False, "page"), (True, "page")]
