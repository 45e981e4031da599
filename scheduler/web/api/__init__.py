"""The JSON API: the contract of docs/api.md under /api/v1, described at /api/v1/openapi.json."""

from copy import deepcopy
from datetime import date
from functools import lru_cache
from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.errors import Invalid, NotFound
from scheduler.extensions import clinic_local
from scheduler.usecases.patients.patients import OLDEST
from scheduler.web import access
from scheduler.web.api import appointments, patients, problems, slots, treatments
from scheduler.web.api import openapi as described
from scheduler.web.api.schemas import Problem, patterns

TITLE, VERSION, OPENAPI_VERSION = "Appointments", "1", "3.1.0"
ABOUT = """Visits to a physiotherapy clinic that offers IMS.

IMS visits of one patient start at least seven days apart, whoever books them: a request that would break this is
answered with the problem `treatment-too-soon`.

**Problems** are RFC 9457 documents; `code` says which it is. 409 is a refusal by a rule, 422 something that cannot be
right, with `errors` for each field. What has the shape of an id or a slug and is not known is 404.

**Idempotency-Key**: every POST may carry this header, 1 to 200 characters of ASCII without spaces. Repeated with the
same key and body, a request that succeeded is answered the same and done once; with another body it is invalid.
Answers are remembered for a week. A refusal is not remembered: it changed nothing, and the moment may be better the
next time.

**Times** are RFC 3339. Answers carry the clinic's offset; any offset may be sent, and none is refused.
"""

PARTS = (treatments.blueprint, slots.blueprint, patients.blueprint, appointments.blueprint)
for _part in PARTS:
    for _kind in (BookingRefused, NotFound, Invalid, HTTPException):
        _part.register_error_handler(_kind, problems.answer)

document = Blueprint("api_document", __name__, url_prefix="/api/v1")
access.declare(document, "public")


class ClinicApi(Api):  # type: ignore[misc]  # flask-smorest has no types
    """flask-smorest without its error handlers: web/errors.py and problems.py answer for everything."""

    ERROR_SCHEMA = Problem

    def _register_error_handlers(self) -> None:
        pass


def init_app(app: Flask) -> None:
    api = ClinicApi(spec_kwargs={"title": TITLE, "version": VERSION, "openapi_version": OPENAPI_VERSION})
    api.init_app(app, spec_kwargs={"info": {"description": ABOUT}, "servers": [{"url": app.config["PUBLIC_URL"]}]})
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for part in PARTS:
        api.register_blueprint(part)
    app.register_blueprint(document)
    app.extensions["openapi"] = _Described(api.spec.to_dict())


@document.route("/openapi.json", methods=["GET"])
def openapi() -> Response:
    """What this API takes and answers; the days that it takes for a birth date end today."""
    today = clinic_local(clock.now()).date()
    return jsonify(current_app.extensions["openapi"].on(today))


class _Described:
    def __init__(self, document: dict[str, Any]) -> None:
        _limit_paths(document["paths"])
        schemas = document["components"]["schemas"]
        schemas["AppointmentChange"] = _either(schemas["AppointmentChange"])
        self._document = document
        self.on = lru_cache(maxsize=1)(self._on)

    def _on(self, today: date) -> dict[str, Any]:
        document = deepcopy(self._document)
        schemas = document["components"]["schemas"]
        for schema in ("NewPatient", "PatientChange"):
            _limit(schemas[schema]["properties"]["birth_date"], today.year - OLDEST, today)
        _limit(schemas["Elsewhere"]["properties"]["day"], today.year - patients.LONGEST_AGO, today)
        return document


def _limit_paths(paths: dict[str, Any]) -> None:
    for path in paths.values():
        for parameter in path.get("parameters", ()):
            parameter["schema"] = described.IDENTIFIER


def _either(change: dict[str, Any]) -> dict[str, Any]:
    """A move, a visit done, or another status: as three shapes, because the fields of one exclude the others."""
    fields = change["properties"]
    done = {"status": {"type": "string", "const": "completed"}} | {
        name: fields[name] for name in ("ims_given", "reason")
    }
    shapes: list[dict[str, Any]] = [
        {"properties": {name: fields[name] for name in ("starts_at", "practitioner")}},
        {"properties": done, "required": ["status", "ims_given"]},
        {"properties": {"status": fields["status"]}, "required": ["status"]},
    ]
    return {"anyOf": [{"type": "object", "additionalProperties": False, **shape} for shape in shapes]}


def _limit(day: dict[str, Any], first_year: int, last: date) -> None:
    del day["format"]
    day["pattern"] = patterns.days(first_year, last)
