"""Everything about one patient, for an access request: as JSON, and on paper."""

from flask import Blueprint, Response, current_app, json, render_template
from flask.typing import ResponseReturnValue

from scheduler import clock
from scheduler.extensions import db
from scheduler.queries import patient_export
from scheduler.usecases import audit
from scheduler.web import access
from scheduler.web.reception.door import require_staff
from scheduler.web.reception.patients import local, seen, shown

blueprint = Blueprint("reception_records", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)

ALL = 100_000


@blueprint.get("/<public_id>/export")
def export(public_id: str) -> Response:
    patient = seen(public_id, audit.EXPORTED)
    with db.reading.connect() as connection:
        everything = patient_export.everything(connection, patient)
    exported = {"clinic": current_app.config["CLINIC"].name, "exported_at": clock.now().isoformat(), **everything}
    response = Response(
        json.dumps(exported, indent=2, ensure_ascii=False, sort_keys=False), mimetype="application/json"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="patient-{patient.public_id}.json"'
    return response


@blueprint.get("/<public_id>/print")
def printed(public_id: str) -> ResponseReturnValue:
    patient = seen(public_id, audit.PRINTED)
    return render_template("reception/patients/printed.html", printed_at=local(clock.now()), **shown(patient, most=ALL))
