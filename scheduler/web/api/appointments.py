"""GET and POST appointments; GET, PATCH and cancel one."""

from datetime import datetime
from functools import partial
from typing import Any

from flask import Response, jsonify, request

from scheduler import clock
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.visits.appointment_status import AppointmentStatus, StatusRefused
from scheduler.domain.visits.refusals import VersionConflict
from scheduler.extensions import clinic_settings, db
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import Reference
from scheduler.queries.patients import patients
from scheduler.queries.visits import appointments, ims_given
from scheduler.queries.visits.appointments import AppointmentRow
from scheduler.usecases.booking import booking
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.staff.looks import Listing
from scheduler.usecases.visits.ims_given import answer_ims, is_own_slip
from scheduler.usecases.visits.status import change_status
from scheduler.web import access
from scheduler.web.api import bearer, openapi, problems
from scheduler.web.api.idempotency import Answer
from scheduler.web.api.part import Part
from scheduler.web.api.query_fields import LIST_UNLESS_ASKED, LONGEST_LIST, Asked, no_such
from scheduler.web.api.schemas import (
    CHANGED_TO,
    AppointmentBooked,
    AppointmentChange,
    AppointmentChanged,
    AppointmentShown,
    AppointmentsShown,
    Cancellation,
    NewAppointment,
    documents,
)
from scheduler.web.requests.unchanged import as_written

blueprint = Part("api_appointments", __name__, url_prefix="/api/v1/appointments")
access.declare(blueprint, "token", guard=bearer.require_token)


@blueprint.address("GET", "", answers=AppointmentsShown, **openapi.APPOINTMENTS)
def listed() -> Response:
    """Appointments in the order they were made."""
    asked = Asked(request.args)
    limit = asked.number("limit", LIST_UNLESS_ASKED, LONGEST_LIST)
    status = asked.choice("status", CHANGED_TO)
    from_local, to_local = asked.days_as_range()
    with db.reading.connect() as connection:
        practitioner = asked.practitioner(reference.current(connection))
        patient_id = asked.id_of("patient", partial(patients.id_of, connection))
        after = asked.id_of("cursor", partial(appointments.id_of, connection))
        asked.done()
        wanted = appointments.Asked(patient_id, practitioner.id if practitioner else None, status, from_local, to_local)
        rows = appointments.rows_after(connection, after or 0, limit + 1, wanted)
    shown = [documents.appointment(row) for row in rows[:limit]]
    bearer.note_list(Listing.API_APPOINTMENTS, "patient", [row.patient for row in rows[:limit] if row.patient])
    return jsonify(items=shown, next=rows[limit - 1].public_id if len(rows) > limit else None)


@blueprint.address("POST", "", takes=NewAppointment, answers=AppointmentBooked, status=201, **openapi.MADE)
def book(given: dict[str, Any]) -> Response:
    """Book a visit. Refused as it would be anywhere else: the rules have no override."""
    now, state = clock.now(), bearer.state()
    current = reference.current_at(db.engine, state.reference_version)
    asked = Asked(given)
    asked.practitioner(current, asked.treatment(current))
    asked.done()
    problems.about(given["treatment"], current)
    warnings = _warnings(given["patient"], given["treatment"], given["starts_at"], current)
    answer = Answer(
        lambda made: {**documents.fresh_appointment(made, given["patient"], current), "warnings": warnings}, now=now
    )
    try:
        made = booking.book_slot(
            db.session(),
            BookingRequest(
                clinic=clinic_settings(),
                patient=given["patient"],
                treatment=given["treatment"],
                practitioner=given["practitioner"],
                starts_local=given["starts_at"],
                now=now,
                actor=bearer.actor(),
                origin="api",
            ),
            remember=answer.kept,
        )
    except NotFound:  # treatment and practitioner were there a moment ago
        raise no_such("patient") from None
    return answer.response(made)


@blueprint.address("GET", "/<appointment_id>", answers=AppointmentShown, **openapi.READ)
def show(appointment_id: str) -> Response:
    """One appointment; its ETag is its version."""
    with db.reading.connect() as connection:
        row = appointments.row(connection, appointment_id)
    if request.method == "GET" and row.patient:
        bearer.note_list(Listing.API_APPOINTMENTS, "patient", [row.patient])
    return _shown(row)


@blueprint.address(
    "PATCH", "/<appointment_id>", takes=AppointmentChange, answers=AppointmentChanged, **openapi.APPOINTMENT_CHANGED
)
def change(given: dict[str, Any], appointment_id: str) -> Response:
    """Move it (`starts_at`, `practitioner`) or say how it went (`status`). One or the other in one request."""
    _require_one_kind(given)
    now = clock.now()
    with db.reading.connect() as connection:
        row = appointments.row(connection, appointment_id)
        current = reference.current(connection)
    problems.about(row.treatment, current)
    expected = _expected_version(row)
    if row.origin == "elsewhere" and given and given.get("status") != "cancelled":
        wanted = AppointmentStatus(given.get("status", "booked"))
        raise StatusRefused(from_status=AppointmentStatus(row.status), to_status=wanted)
    if "status" in given:
        _change_status(given, row, expected, now)
    elif given:
        _move(given, row, current, expected, now)
        with db.reading.connect() as connection:
            moved = appointments.row(connection, appointment_id)
        return _shown(moved, _warnings(moved.patient or "", moved.treatment, moved.starts_local, current))
    return show(appointment_id)


@blueprint.address(
    "POST",
    "/<appointment_id>/cancel",
    takes=Cancellation,
    takes_nothing=True,
    answers=AppointmentShown,
    **openapi.MADE | {"parameters": [openapi.IF_MATCH]},
)
def cancel(given: dict[str, Any], appointment_id: str) -> Response:
    """Cancel it. What is cancelled already stays so, and is answered the same."""
    now = clock.now()
    with db.reading.connect() as connection:
        row = appointments.row(connection, appointment_id)
        current = reference.current(connection)
    answer = Answer(lambda made: documents.fresh_appointment(made, row.patient or "", current), now=now, status=200)
    booking.cancel_appointment(
        db.session(),
        clinic=clinic_settings(),
        public_id=appointment_id,
        reason=given["reason"],
        tells_patient=given["tells_patient"],
        now=now,
        actor=bearer.actor(),
        expected_version=_expected_version(row),
        remember=answer,
    )
    return answer.response()


def _warnings(patient: str, slug: str, starts_local: datetime, current: Reference) -> list[dict[str, str]]:
    """Of IMS so near to a visit that it could not be booked if IMS was given there, which nobody has said yet."""
    treatment = current.treatment(slug)
    if not treatment.needling:
        return []
    with db.reading.connect() as connection:
        near = ims_given.unanswered_near(connection, patient, starts_local, treatment.min_days or 0)
    return [{"code": "ims-unanswered", "appointment": public_id} for public_id in near]


def _change_status(given: dict[str, Any], row: AppointmentRow, expected: int | None, now: datetime) -> None:
    answer = given.get("ims_given")
    if answer is not None:
        bearer.require_role(*bearer.CLINICAL)
    if row.status == "completed" and "ims_given" in given:
        if row.ims_given is not None and row.ims_given is not answer:
            bearer.require_role("practitioner")
        _answer(given, row, expected, now)
        return
    if row.ims_given is not None and not _is_own_slip(row, now):
        bearer.require_role("practitioner")
    if given["status"] == "cancelled":
        booking.cancel_appointment(
            db.session(),
            clinic=clinic_settings(),
            public_id=row.public_id,
            reason="",
            now=now,
            actor=bearer.actor(),
            expected_version=expected,
            tells_patient=True,
        )
        return
    change_status(
        db.session(),
        clinic=clinic_settings(),
        public_id=row.public_id,
        status=AppointmentStatus(given["status"]),
        now=now,
        actor=bearer.actor(),
        expected_version=expected,
        ims_given=answer,
    )


def _is_own_slip(row: AppointmentRow, now: datetime) -> bool:
    with db.reading.connect() as connection:
        last = ims_given.last_answer(connection, row.id)
    return is_own_slip(last, actor=bearer.actor(), now=now, zone=clock.zone(row.zone))


def _answer(given: dict[str, Any], row: AppointmentRow, expected: int | None, now: datetime) -> None:
    answer_ims(
        db.session(),
        clinic=clinic_settings(),
        public_id=row.public_id,
        given=given["ims_given"],
        reason=given.get("reason", ""),
        now=now,
        actor=bearer.actor(),
        expected_version=expected,
    )


def _move(given: dict[str, Any], row: AppointmentRow, current: Reference, expected: int | None, now: datetime) -> None:
    asked = Asked(given)
    asked.practitioner(current, current.treatment(row.treatment))
    asked.done()
    booking.move_appointment(
        db.session(),
        clinic=clinic_settings(),
        public_id=row.public_id,
        starts_local=given.get("starts_at", row.starts_local),
        practitioner=given.get("practitioner"),
        now=now,
        actor=bearer.actor(),
        expected_version=expected,
    )


def _require_one_kind(given: dict[str, Any]) -> None:
    if "status" in given and ("starts_at" in given or "practitioner" in given):
        raise Invalid({"status": "Change the time or the status, not both in one request."})
    if "ims_given" in given and given.get("status") != "completed":
        raise Invalid({"ims_given": "Say this together with the status completed."})
    if "reason" in given and "ims_given" not in given:
        raise Invalid({"reason": "Say this together with ims_given."})


def _expected_version(row: AppointmentRow) -> int | None:
    """The version in If-Match; none when the header is missing or says `*`. Of several the one that it is now."""
    header = request.headers.get("If-Match")
    if header is None or header.strip() == "*":
        return None
    tags = [as_written(tag.strip().removeprefix("W/").strip('"')) for tag in header.split(",")]
    if str(row.version) in tags:
        return row.version
    raise VersionConflict(row.version)


def _shown(row: AppointmentRow, warnings: list[dict[str, str]] | None = None) -> Response:
    more = {} if warnings is None else {"warnings": warnings}
    response = jsonify({**documents.appointment(row), **more})
    response.set_etag(str(row.version))
    return response
