"""The JSON API: DESIGN's contract under /api/v1, described at /api/v1/openapi.json."""

from typing import Any

from flask import Blueprint, Flask, Response, current_app, jsonify
from flask_smorest import Api
from werkzeug.exceptions import HTTPException

from scheduler.domain import errors
from scheduler.web import access
from scheduler.web.api import appointments, patients, problems, slots, treatments
from scheduler.web.api.schemas import Problem

TITLE, VERSION, OPENAPI_VERSION = "Appointments", "1", "3.1.0"
ABOUT = (
    "Visits to a physiotherapy clinic that offers IMS. IMS visits of one patient start at least seven days apart, "
    "whoever books them: a request that would break this is answered with `treatment-too-soon`."
)

PARTS = (treatments.blueprint, slots.blueprint, patients.blueprint, appointments.blueprint)
for _part in PARTS:
    for _kind in (errors.BookingRefused, errors.NotFound, errors.Invalid, HTTPException):
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
    api.init_app(
        app,
        spec_kwargs={
            "info": {"description": ABOUT},
            "servers": [{"url": app.config["PUBLIC_URL"]}],
        },
    )
    api.spec.components.security_scheme("bearer", {"type": "http", "scheme": "bearer"})
    for part in PARTS:
        api.register_blueprint(part)
    app.register_blueprint(document)
    app.extensions["openapi"] = api.spec.to_dict()


@document.route("/openapi.json", methods=["GET"])
def openapi() -> Response:
    described: dict[str, Any] = current_app.extensions["openapi"]
    return jsonify(described)
