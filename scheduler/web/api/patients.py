"""GET and POST patients, GET and PATCH one; IMS that a patient received elsewhere."""

from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from functools import partial
from typing import Any

from flask import Response, jsonify, request
from sqlalchemy import Connection
from werkzeug.exceptions import Forbidden

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import Invalid
from scheduler.extensions import clinic_settings, db
from scheduler.gateways import phone_numbers
from scheduler.models import Patient
from scheduler.queries.booking import visits_that_bear
from scheduler.queries.clinic import reference
from scheduler.queries.patients import patients
from scheduler.queries.patients.clearances import clearances
from scheduler.queries.patients.patients import PatientRow
from scheduler.queries.texts import agreements
from scheduler.queries.visits import ims_given
from scheduler.usecases import audit
from scheduler.usecases.patients import elsewhere
from scheduler.usecases.patients import patients as usecases
from scheduler.usecases.patients.clearance import Decider
from scheduler.usecases.staff.looks import Listing
from scheduler.usecases.texts.agreements import Said
from scheduler.web import access
from scheduler.web.api import bearer, openapi, problems
from scheduler.web.api.idempotency import Answer
from scheduler.web.api.part import Part
from scheduler.web.api.query_fields import LIST_UNLESS_ASKED, LONGEST_LIST, Asked
from scheduler.web.api.schemas import (
    Elsewhere,
    ElsewhereRecorded,
    NewPatient,
    PatientChange,
    PatientShown,
    PatientsShown,
    documents,
)

LONGEST_AGO = 10  # years: what was before has no bearing on anything

blueprint = Part("api_patients", __name__, url_prefix="/api/v1/patients")
access.declare(blueprint, "token", guard=bearer.require_token)


@blueprint.address("GET", "", answers=PatientsShown, **openapi.PATIENTS)
def listed() -> Response:
    """Patients in the order they were registered."""
    asked = Asked(request.args)
    limit = asked.number("limit", LIST_UNLESS_ASKED, LONGEST_LIST)
    number = asked.read("phone", phone_numbers.parse, "Give a telephone number that the clinic can text.")
    with db.reading.connect() as connection:
        after = asked.id_of("cursor", partial(patients.id_of, connection))
        asked.done()
        rows = patients.rows_after(connection, after or 0, limit + 1, number=number)
        open_rows = [row for row in rows[:limit] if row.id not in bearer.hidden().patient_ids]
        shown = _documents(connection, open_rows)
    bearer.note_list(Listing.API_PATIENTS, "patient", [row.public_id for row in open_rows])
    return jsonify(items=shown, next=rows[limit - 1].public_id if len(rows) > limit else None)


@blueprint.address("POST", "", takes=NewPatient, answers=PatientShown, status=201, **openapi.REGISTERED)
def register(given: dict[str, Any]) -> Response:
    """Register a patient. One of the same name and birth date on the same number is that patient: 200."""
    now, clinic = clock.now(), clinic_settings()
    cleared, decider = _decision(given)
    agrees = given.pop("agrees_to_texts")

    def describe(patient: Patient) -> dict[str, Any]:
        if patient.id in bearer.hidden().patient_ids:
            raise Forbidden
        answer.status = 201 if patient.created_at == now else 200
        connection = db.session().connection()
        return _documents(connection, [patients.row(connection, patient.public_id)])[0]

    answer = Answer(describe, now=now)
    usecases.register_patient(
        db.session(),
        **given,
        now=now,
        today=_today(now, clinic),
        actor=bearer.actor(),
        texts=None if agrees is None else Said(agrees, "api"),
        cleared=decider if cleared else None,
        clinic=clinic,
        remember=answer,
    )
    return answer.response()


@blueprint.address("GET", "/<patient_id>", answers=PatientShown, **openapi.READ)
def show(patient_id: str) -> Response:
    """One patient."""
    with db.reading.connect() as connection:
        row = patients.row(connection, patient_id)
        shown = jsonify(_documents(connection, [row])[0])
    _note(audit.VIEWED, row.id)
    return shown


@blueprint.address("PATCH", "/<patient_id>", takes=PatientChange, answers=PatientShown, **openapi.CHANGED)
def change(given: dict[str, Any], patient_id: str) -> Response:
    """Change what is given."""
    now, clinic = clock.now(), clinic_settings()
    cleared, decider = _decision(given)
    agrees = given.pop("agrees_to_texts", None)
    usecases.update_patient(
        db.session(),
        public_id=patient_id,
        now=now,
        today=_today(now, clinic),
        cleared=decider if cleared else None,
        takes_clearance_back=cleared is False,
        texts=None if agrees is None else Said(agrees, "api"),
        clinic=clinic,
        actor=bearer.actor(),
        **given,
    )
    with db.reading.connect() as connection:
        return jsonify(_documents(connection, [patients.row(connection, patient_id)])[0])


@blueprint.address(
    "POST", "/<patient_id>/elsewhere", takes=Elsewhere, answers=ElsewhereRecorded, status=201, **openapi.MADE
)
def record_elsewhere(given: dict[str, Any], patient_id: str) -> Response:
    """Record IMS that the patient received elsewhere: it counts like a visit here.

    What has happened is never refused: booked visits that are too near now stay booked, and must move.
    """
    now, clinic = clock.now(), clinic_settings()
    with db.reading.connect() as connection:
        row = patients.row(connection, patient_id)
        current = reference.current(connection)
    _require_past(given["day"], given["time"], clock.to_local(now, clock.zone(clinic.zone)))
    problems.about(current.needling.slug, current)
    session, days = db.session(), current.needling.min_days or 0
    answer = Answer(
        lambda made: {
            **documents.fresh_appointment(made, row.public_id, current),
            "must_move": ims_given.booked_near(session.connection(), made, now, days),
        },
        now=now,
    )
    elsewhere.record_elsewhere(
        session,
        clinic=clinic,
        patient_id=row.id,
        day=given["day"],
        at=given["time"],
        now=now,
        actor=bearer.actor(),
        remember=answer,
        leaves_booked=True,
    )
    return answer.response()


def _decision(given: dict[str, Any]) -> tuple[bool | None, Decider]:
    """What is said about clearance, taken out of the body, and on whose word. A clinical token's alone; a new patient
    who is not cleared needs none."""
    cleared, named = given.pop("cleared_for_ims", None), given.pop("cleared_by", None)
    if cleared or (cleared is not None and request.method == "PATCH"):
        bearer.require_role(*bearer.CLINICAL)
    # Who is named beside anything but a clearance has decided nothing.
    return cleared, Decider(bearer.token().role, named=named if cleared else None, is_person=False)


def _note(what: str, patient_id: int) -> None:
    """Who looked, in the audit log: a program's view is a view."""
    audit.note_view(db.session(), actor=bearer.actor(), now=clock.now(), patient_id=patient_id, what=what)


def _require_past(day: date, at: time | None, now_local: datetime) -> None:
    if datetime.combine(day, at or time.min) > now_local:
        raise Invalid({"time" if day == now_local.date() else "day": "This is still to come."})
    if day.year < now_local.year - LONGEST_AGO:
        raise Invalid({"day": "This is too long ago to matter."})


def _documents(connection: Connection, rows: Sequence[PatientRow]) -> list[dict[str, Any]]:
    """Four SELECTs, however many patients."""
    clinic, now = clinic_settings(), clock.now()
    current = reference.current(connection)
    longest = max((group.min_days for group in current.spacing_groups), default=0)
    since = clock.to_local(now, clock.zone(clinic.zone)) - timedelta(days=longest)
    counting = visits_that_bear.counting_of(connection, [row.id for row in rows], since) if rows else {}
    cleared = clearances(connection, [row.id for row in rows], clinic=clinic, now=now) if rows else {}
    agree = agreements.agree_now(connection, [row.id for row in rows]) if rows else {}
    return [
        documents.patient(row, counting.get(row.id, ()), cleared[row.id], current, clinic=clinic, now=now)
        | {"agrees_to_texts": agree.get(row.id)}
        for row in rows
    ]


def _today(now: datetime, clinic: ClinicSettings) -> date:
    return clock.to_local(now, clock.zone(clinic.zone)).date()
