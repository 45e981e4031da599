"""Booking over the JSON API, from the first question to the cancelled visit."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import AuditLine, Reminder
from scheduler.queries.visits.ims_given import too_near_to_come
from scheduler.usecases.staff.tokens import create_token
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient


@pytest.fixture(autouse=True)
def friday() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def api(app: Flask, session: Session) -> FlaskClient:
    """A client with an owner's token; the clinic is there."""
    make_clinic(session)
    client = app.test_client()
    client.environ_base["HTTP_AUTHORIZATION"] = f"Bearer {create_token(session, name='test', role='owner', now=NOW)}"
    return client


@pytest.mark.parametrize(
    ("way", "body", "told"),
    [
        ("cancel", {}, True),
        ("cancel", {"tells_patient": True}, True),
        ("cancel", {"tells_patient": False}, False),
        ("patch", {"status": "cancelled"}, True),
    ],
)
def test_a_cancelled_visit_is_told_of_as_at_the_desk_unless_the_program_says_not_to(
    api: FlaskClient, session: Session, way: str, body: dict[str, object], told: bool
) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:00"))
    path = f"/api/v1/appointments/{visit.public_id}"
    answer = api.patch(path, json=body) if way == "patch" else api.post(f"{path}/cancel", json=body)
    assert answer.json["status"] == "cancelled"
    session.rollback()
    kinds = session.scalars(select(Reminder.kind).where(Reminder.status == "planned")).all()
    assert kinds == (["cancellation"] if told else [])


def test_from_slots_to_a_cancelled_visit(api: FlaskClient, session: Session) -> None:
    made = api.post(
        "/api/v1/patients",
        json={
            "given_name": "Zoé",
            "family_name": "Tremblay",
            "birth_date": "1984-02-29",
            "phone": "613-555-0142",
            "language": "fr",
            "cleared_for_ims": True,
        },
    )
    assert made.status_code == 201, made.text
    patient = made.json
    assert patient["phone"] == "+16135550142"
    assert patient["next_allowed"] == {"ims": None}
    day = MONDAY.isoformat()
    slots = api.get(f"/api/v1/slots?treatment=ims&from={day}&to={day}&practitioner=p1").json["slots"]
    assert slots[0] == {
        "starts_at": "2026-11-30T09:00:00-05:00",
        "ends_at": "2026-11-30T09:30:00-05:00",
        "treatment": "ims",
        "practitioner": "p1",
    }
    wanted = {"patient": patient["id"], "treatment": "ims", "practitioner": "p1", "starts_at": slots[4]["starts_at"]}
    booked = api.post("/api/v1/appointments", json=wanted)
    assert booked.status_code == 201, booked.text
    visit = booked.json
    assert (visit["status"], visit["starts_at"], visit["version"]) == ("booked", slots[4]["starts_at"], 1)
    again = api.post("/api/v1/appointments", json=wanted | {"starts_at": "2026-12-07T09:45:00-05:00"})
    assert again.status_code == 409
    assert again.json["code"] == "treatment-too-soon"
    assert again.json["earliest"] == "2026-12-07T10:00:00-05:00"
    assert len(again.json["alternatives"]) == 3
    shown = api.get(f"/api/v1/appointments/{visit['id']}")
    moved = api.patch(
        f"/api/v1/appointments/{visit['id']}",
        json={"starts_at": "2026-12-01T10:00:00-05:00"},
        headers={"If-Match": f'{shown.headers["ETag"][:-1]}-gzip"'},  # as a proxy that compresses writes it
    )
    assert (moved.status_code, moved.json["version"]) == (200, 2), moved.text
    stale = api.patch(f"/api/v1/appointments/{visit['id']}", json={"status": "arrived"}, headers={"If-Match": '"1"'})
    assert (stale.status_code, stale.json["code"], stale.json["version"]) == (409, "version-conflict", 2)
    cancelled = api.post(f"/api/v1/appointments/{visit['id']}/cancel", json={"reason": "ill"})
    assert (cancelled.status_code, cancelled.json["status"]) == (200, "cancelled")
    elsewhere = api.post(f"/api/v1/patients/{patient['id']}/elsewhere", json={"day": "2026-11-25"})
    assert elsewhere.status_code == 201, elsewhere.text
    known = api.get(f"/api/v1/patients/{patient['id']}").json
    assert known["next_allowed"] == {"ims": "2026-12-03T00:00:00-05:00"}
    last = (MONDAY + timedelta(days=6)).isoformat()
    mine = api.get(f"/api/v1/slots?treatment=ims&from={day}&to={last}&patient={patient['id']}").json
    assert mine["slots"][0]["starts_at"] == "2026-12-03T09:00:00-05:00"
    assert api.get("/api/v1/appointments").json["items"][0]["id"] == visit["id"]
    assert api.get("/api/v1/patients").json["items"][0] == known
    session.rollback()
    noted = session.scalars(select(AuditLine.what).order_by(AuditLine.id)).all()
    assert noted == [
        *("patient.registered", "patient.cleared", "patient.ims_elsewhere", "patient.viewed"),  # lists are looks
    ]
    first = api.get(f"/api/v1/slots/earliest?treatment=ims&patient={patient['id']}").json
    assert len(first["slots"]) == 3
    assert first["earliest_allowed"] == "2026-12-03T00:00:00-05:00"


def test_ims_elsewhere_recorded_by_mistake_is_taken_back_by_patch_and_by_nothing_else(
    api: FlaskClient, session: Session
) -> None:
    patient = make_patient(session)
    recorded = api.post(f"/api/v1/patients/{patient.public_id}/elsewhere", json={"day": "2026-11-25"}).json
    path = f"/api/v1/appointments/{recorded['id']}"
    for change in ({"status": "confirmed"}, {"starts_at": "2026-12-01T10:00:00-05:00"}):
        assert api.patch(path, json=change).json["code"] == "status-refused"
    stale = api.patch(path, json={"status": "cancelled"}, headers={"If-Match": '"7"'})
    assert stale.json["code"] == "version-conflict"
    taken_back = api.patch(path, json={"status": "cancelled"}, headers={"If-Match": '"1"'})
    assert (taken_back.status_code, taken_back.json["status"]) == (200, "cancelled"), taken_back.text
    assert api.get(f"/api/v1/patients/{patient.public_id}").json["next_allowed"] == {"ims": None}


def test_ims_elsewhere_near_booked_visits_is_recorded_and_names_those_that_must_move(
    api: FlaskClient, session: Session
) -> None:
    patient = make_patient(session)
    booked = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    path = f"/api/v1/patients/{patient.public_id}/elsewhere"
    recorded = api.post(path, json={"day": "2026-11-25"}, headers={"Idempotency-Key": "one"})
    assert (recorded.status_code, recorded.json["must_move"]) == (201, [booked.public_id]), recorded.text
    assert (recorded.json["ims_given"], recorded.json["counts_for"]) == (True, None)
    assert api.post(path, json={"day": "2026-11-25"}, headers={"Idempotency-Key": "one"}).json == recorded.json
    moved = api.patch(
        f"/api/v1/appointments/{booked.public_id}", json={"starts_at": f"{MONDAY + timedelta(days=7)}T10:00:00-05:00"}
    )
    assert moved.status_code == 200, moved.text
    assert api.get(f"/api/v1/appointments/{recorded.json['id']}").json["counts_for"] == "ims"


def test_ims_elsewhere_earlier_on_the_day_of_a_booked_visit_leaves_that_booked_and_to_be_moved(
    api: FlaskClient, session: Session
) -> None:
    patient = make_patient(session)
    booked = make_appointment(session, patient=patient, starts_local=local(NOW.date(), "16:00"))
    recorded = api.post(f"/api/v1/patients/{patient.public_id}/elsewhere", json={"day": NOW.date().isoformat()})
    assert (recorded.status_code, recorded.json["must_move"]) == (201, [booked.public_id]), recorded.text
    session.rollback()
    assert (booked.status, booked.spacing_group_id is None) == ("booked", False)
    assert booked.id in too_near_to_come(session.connection(), NOW)


def test_a_booking_near_a_visit_of_which_nobody_has_said_whether_ims_was_given_warns(
    api: FlaskClient, session: Session
) -> None:
    patient = make_patient(session)
    thursday = local(MONDAY - timedelta(days=4), "10:00")
    unanswered = make_appointment(
        session, patient=patient, starts_local=thursday, treatment="follow-up", status="completed", ims_open=True
    )
    asked = {"patient": patient.public_id, "practitioner": "p1"}
    follow_up = api.post(
        "/api/v1/appointments", json={**asked, "treatment": "follow-up", "starts_at": "2026-11-30T13:00:00-05:00"}
    )
    assert (follow_up.status_code, follow_up.json["warnings"]) == (201, []), follow_up.text
    ims = api.post("/api/v1/appointments", json={**asked, "treatment": "ims", "starts_at": "2026-12-01T10:00:00-05:00"})
    named = [{"code": "ims-unanswered", "appointment": unanswered.public_id}]
    assert ims.json["warnings"] == named, ims.text
    there = f"/api/v1/appointments/{ims.json['id']}"
    for day, warned in (("2026-12-08", []), ("2026-12-02", named)):
        moved = api.patch(there, json={"starts_at": f"{day}T10:00:00-05:00"})
        assert (moved.status_code, moved.json.get("warnings")) == (200, warned), moved.text
    assert "warnings" not in api.patch(there, json={"status": "confirmed"}).json


MONDAY_NOON = NOW + timedelta(days=3, hours=2)


def test_ims_given_is_said_at_completion_shown_and_never_refused(api: FlaskClient, session: Session) -> None:
    """A follow-up at which IMS was given, two days before booked IMS; the owner's token says so, a practitioner's corrects it."""
    patient = make_patient(session)
    follow_up = make_appointment(
        session, patient=patient, starts_local=local(MONDAY, "10:00"), treatment="follow-up"
    ).public_id
    near = make_appointment(
        session, patient=patient, starts_local=local(MONDAY + timedelta(days=2), "10:00"), practitioner="p2"
    ).public_id
    path = f"/api/v1/appointments/{follow_up}"
    practitioner = create_token(session, name="physio", role="practitioner", now=NOW)
    physio = {"Authorization": f"Bearer {practitioner}"}
    with time_machine.travel(MONDAY_NOON, tick=False):
        later = api.patch(path, json={"status": "completed", "ims_given": None})
        assert (later.status_code, later.json["ims_given"]) == (200, None)
        given = api.patch(path, json={"status": "completed", "ims_given": True})
        assert (given.status_code, given.json["ims_given"]) == (200, True)
        assert api.get(f"/api/v1/appointments/{near}").json["status"] == "booked"
        wanted = {"patient": patient.public_id, "treatment": "ims", "starts_at": "2026-12-04T10:00:00-05:00"}
        refused = api.post("/api/v1/appointments", json=wanted)
        assert (refused.status_code, refused.json["code"]) == (409, "treatment-too-soon")
        assert api.post(f"/api/v1/appointments/{near}/cancel").status_code == 200
        assert api.get(path).json["counts_for"] == "ims"
        refused = api.post("/api/v1/appointments", json=wanted)
        assert refused.json["earliest"] == "2026-12-07T10:00:00-05:00"
        change = {"status": "completed", "ims_given": False}
        assert api.patch(path, json=change | {"reason": "x"}).status_code == 403
        assert api.patch(path, json=change, headers=physio).status_code == 422
        changed = api.patch(path, json=change | {"reason": "only looked at"}, headers=physio)
        assert (changed.json["ims_given"], changed.json["counts_for"]) == (False, None)
        assert api.patch(path, json={"status": "arrived"}).status_code == 403
        assert api.post("/api/v1/appointments", json=wanted).status_code == 201
    with time_machine.travel(MONDAY_NOON + timedelta(days=1), tick=False):
        for status in ("arrived", "booked", "no_show"):
            assert api.patch(path, json={"status": status}, headers=physio).status_code == 422
        assert api.get(path).json["ims_given"] is False
