"""GET treatments and practitioners: what can be booked, and with whom. Public, as the pages are."""

from flask import Response, jsonify

from scheduler.extensions import db
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import Reference
from scheduler.web import access
from scheduler.web.api import openapi
from scheduler.web.api.part import Part
from scheduler.web.api.schemas import PractitionersShown, TreatmentsShown, documents

blueprint = Part("api_treatments", __name__, url_prefix="/api/v1")
access.declare(blueprint, "public")


@blueprint.address("GET", "/treatments", answers=TreatmentsShown, security=openapi.PUBLIC)
def treatments() -> Response:
    """The kinds of visit, in the clinic's order."""
    return jsonify(items=[documents.treatment(treatment) for treatment in _current().treatments], next=None)


@blueprint.address("GET", "/practitioners", answers=PractitionersShown, security=openapi.PUBLIC)
def practitioners() -> Response:
    """The physiotherapists, in the clinic's order, with what each does."""
    current = _current()
    return jsonify(items=[documents.practitioner(who, current) for who in current.practitioners], next=None)


def _current() -> Reference:
    with db.reading.connect() as connection:
        return reference.current(connection)
