"""Clearance for IMS on the desk's pages, on the patient's and over the API: who decides, and what is said when it lapsed."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, delete, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.models import ImsReview, Patient, Practitioner, PractitionerTreatment, Treatment
from scheduler.usecases.staff.tokens import create_token
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.web.calendar.test_desk import at_the_clinic, staff  # noqa: F401 - fixtures
from tests.web.patients.test_patients import as_role, is_practitioner  # noqa: F401 - a fixture
from tests.web.support.booking_clinic import KNOWN, BookingVisitor, amelie
from tests.web.support.desk_staff import said
from tests.web.support.visitor import Visitor

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
LONG_AGO = NOW - timedelta(days=400)


@pytest.fixture
def patient(session: Session) -> Patient:
    make_clinic(session)
    p2 = session.scalars(select(Practitioner).where(Practitioner.slug == "p2")).one()
    session.execute(delete(PractitionerTreatment).where(PractitionerTreatment.practitioner_id == p2.id))
    p2.can_needle = False
    session.commit()
    return make_patient(session, cleared=False)


@ON_SQLITE
def test_only_a_practitioner_who_may_needle_clears_or_an_owner_in_their_name(
    as_role: Callable[[str], Visitor],  # noqa: F811
    session: Session,
    patient: Patient,
) -> None:
    page = f"/desk/patients/{patient.public_id}"
    practitioner, owner = as_role("practitioner"), as_role("owner")
    for account in (None, "p2"):
        is_practitioner(session, account)
        assert "Clear for IMS" not in practitioner.get(page).text
        assert (
            practitioner.client.post(
                f"{page}/clear",
                data={**said(owner.client.get(page), f"{page}/clear"), "csrf_token": csrf(practitioner)},
            ).status_code
            == 403
        )
    assert as_role("receptionist").client.post(f"{page}/clear").status_code == 403
    assert "Decided by" in owner.get(page).text

    def enter(named: str) -> TestResponse:
        return owner.client.post(
            f"{page}/clear", data={**said(owner.client.get(page), f"{page}/clear"), "cleared_by": named}
        )

    unnamed = enter("")
    assert unnamed.status_code == 422 and "Choose whose decision it is." in unnamed.text
    assert enter("p2").status_code == 422
    assert enter("p1").status_code == 303
    cleared = owner.get(page).text
    assert "✓ Cleared for IMS by Pat1 Doe1 on 30 November 2026, entered by owner" in cleared
    assert "holds until 30 November 2027" in cleared


def csrf(visitor: Visitor) -> str:
    return dict(visitor.page.forms[0].values)["csrf_token"]


@ON_SQLITE
def test_booked_ims_is_looked_at_once_the_clearance_is_taken_back(
    as_role: Callable[[str], Visitor],  # noqa: F811
    session: Session,
    patient: Patient,
) -> None:
    patient.cleared_for_ims_at = NOW
    session.commit()
    make_appointment(session, patient=patient, starts_local=local(MONDAY + timedelta(days=7), "10:00"))
    is_practitioner(session, "p1")
    practitioner = as_role("practitioner")
    practitioner.get(f"/desk/patients/{patient.public_id}")
    assert "1 booked IMS visit is to be looked at" in practitioner.press("Take the clearance back").text
    reception = as_role("receptionist").get("/desk/ims-reviews")
    assert patient.full_name in reception.text and "Go ahead" not in reception.text
    practitioner.get("/desk/ims-reviews")
    called = practitioner.press("Call the patient")
    assert "Pat1 Doe1 said on" in called.text and "There is no visit to look at." in called.text
    assert "Patients to call" in as_role("receptionist").get("/desk/ims-reviews").text
    session.rollback()
    assert session.scalars(select(ImsReview.answered_by)).one() == "staff:practitioner"


@ON_SQLITE
def test_the_api_names_whose_decision_it_is(client: FlaskClient, session: Session, patient: Patient) -> None:
    address = f"/api/v1/patients/{patient.public_id}"
    with time_machine.travel(NOW, tick=False):
        tokens = {role: create_token(session, name=role, role=role, now=NOW) for role in ("owner", "receptionist")}

        def patch(role: str = "owner", **body: object):  # type: ignore[no-untyped-def]
            headers = {"Authorization": f"Bearer {tokens[role]}"}
            return client.patch(address, json=body, headers=headers)

        assert patch("receptionist", cleared_for_ims=True, cleared_by="p1").status_code == 403
        assert "cleared_by" in patch(cleared_for_ims=True, cleared_by="p2").json["errors"]
        assert patch(cleared_for_ims=True, cleared_by="nobody").status_code == 404
        assert patch(cleared_by="p1").status_code == 200, "who is named beside nothing has decided nothing"
        shown = patch(cleared_for_ims=True, cleared_by="p1").json
        assert (shown["cleared_for_ims"], shown["cleared_by"]) == (True, "p1")
        assert (shown["clearance_entered_by"], shown["clearance_lapses_on"]) == ("token:owner", "2027-11-27")
        session.execute(update(Patient).values(cleared_for_ims_at=LONG_AGO))
        session.commit()
        headers = {"Authorization": f"Bearer {tokens['owner']}"}
        assert client.get(address, headers=headers).json["cleared_for_ims"] is False
        body = {"patient": patient.public_id, "treatment": "ims", "starts_at": f"{MONDAY}T10:00:00-05:00"}
        refused = client.post("/api/v1/appointments", json=body, headers=headers)
        assert (refused.status_code, refused.json["code"]) == (409, "not-cleared")
        slots = client.get(
            f"/api/v1/slots?treatment=ims&from={MONDAY}&to={MONDAY}&patient={patient.public_id}", headers=headers
        )
        assert slots.json["empty_because"] == ["not-cleared"]


@ON_SQLITE
def test_who_has_not_come_for_a_year_is_led_to_an_assessment(app: Flask, engine: Engine, session: Session) -> None:
    make_clinic(session)
    amelie(engine)
    session.execute(update(Patient).values(cleared_for_ims_at=LONG_AGO))
    # What comes first is no assessment, and one that is not online is none to be led to.
    session.execute(update(Treatment).where(Treatment.slug == "follow-up").values(position=0))
    session.commit()
    with time_machine.travel(NOW, tick=False):
        visitor = BookingVisitor(app, engine)
        page = visitor.sign_in(KNOWN)
        assert "the clearance lapsed on" in page.text
        assert dict(page.forms[0].values)["treatment"] == "ims-assessment"


@ON_SQLITE
def test_without_an_assessment_nobody_is_led_to_something_else(app: Flask, engine: Engine, session: Session) -> None:
    make_clinic(session)
    session.execute(update(Treatment).where(Treatment.kind == "assessment").values(online=False))
    session.commit()
    with time_machine.travel(NOW, tick=False):
        visitor = BookingVisitor(app, engine)
        page = visitor.begin("ims")
        assert "An assessment cannot be booked online here. Please call us" in page.text
        assert "Book an assessment instead" not in page.text
        assert "/time" in visitor.begin("follow-up").path, "what needs no clearance goes on as before"


@ON_SQLITE
def test_the_owner_is_asked_what_the_upgrade_could_not_say(
    as_role: Callable[[str], Visitor],  # noqa: F811
    session: Session,
) -> None:
    make_clinic(session)
    owner = as_role("owner")
    asked = ("is of the kind assessment", "sounds like IMS")
    assert not any(words in owner.get("/desk/patients").text for words in asked)
    session.execute(update(Treatment).where(Treatment.kind == "assessment").values(kind="other", name_fr="Aiguilles"))
    session.commit()
    page = owner.get("/desk/patients").text
    assert all(words in page for words in asked)
    assert not any(words in as_role("receptionist").get("/desk/patients").text for words in asked)
