"""Refusals as RFC 9457 problem documents, with the facts that a program can act on."""

from typing import Any

from flask import Response, g
from flask_babel import gettext as _
from werkzeug.exceptions import HTTPException

from scheduler.domain.booking.refusals import BookingRefused, SlotNotOffered
from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon
from scheduler.domain.errors import Invalid
from scheduler.domain.visits.appointment_status import StatusRefused
from scheduler.domain.visits.refusals import TooLateToChange, VersionConflict
from scheduler.extensions import clinic_zone
from scheduler.queries.clinic.reference import Reference
from scheduler.web import errors
from scheduler.web.api.query_fields import NoSuch
from scheduler.web.api.schemas import documents
from scheduler.web.words import rfc3339
from scheduler.web.words.refusals import explain


def answer(error: Exception) -> Response:
    """For every address of the API; 404 and 405 of no address at all come from web/errors.py."""
    facts: dict[str, Any]
    if isinstance(error, Invalid | NoSuch):
        facts = {"errors": {field: _(words) for field, words in error.errors.items()}}
    elif isinstance(error, BookingRefused):
        facts = _facts(error)
    else:
        facts = {}
    response = errors.problem(explain(error), **facts)
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value
    return response


def about(treatment: str, current: Reference) -> None:
    """Say which treatment the request is about: the alternatives of a refusal are slots of it."""
    g.treatment_asked, g.reference = treatment, current


def _facts(refused: BookingRefused) -> dict[str, Any]:
    zone = clinic_zone()
    facts: dict[str, Any] = {}
    if isinstance(refused, TreatmentTooSoon):
        before = refused.latest_before
        facts["earliest"] = rfc3339.moment(refused.earliest, zone)
        facts["latest_before"] = rfc3339.moment(before, zone) if before else None
        facts["min_days"] = refused.min_days
    elif isinstance(refused, SlotNotOffered):
        facts["reason"] = refused.reason.value if refused.reason else None
    elif isinstance(refused, VersionConflict):
        facts["version"] = refused.current_version
    elif isinstance(refused, TooLateToChange):
        facts["deadline"] = rfc3339.moment(refused.deadline_local, zone)
    elif isinstance(refused, StatusRefused):
        facts["from_status"], facts["to_status"] = refused.from_status.value, refused.to_status.value
    if not isinstance(refused, VersionConflict | TooLateToChange | StatusRefused):
        facts["alternatives"] = _alternatives(refused)
    return facts


def _alternatives(refused: BookingRefused) -> list[dict[str, Any]]:
    if not refused.alternatives:
        return []
    current: Reference = g.reference
    treatment = current.treatment(g.treatment_asked)
    zone = clinic_zone()
    return [documents.slot(start, treatment, current, zone) for start in refused.alternatives]
