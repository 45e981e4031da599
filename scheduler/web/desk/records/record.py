"""Everything about one patient, for an access request: PDF and CSV, JSON, and on paper."""

import csv
import io
import zipfile
from pathlib import Path

from flask import Blueprint, Response, current_app, json, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler import clock
from scheduler.domain.moving_in.record_table import HEADER, record_lines
from scheduler.extensions import clinic_settings, db
from scheduler.gateways.record_pdf import record_pdf
from scheduler.queries.patients import export as patient_export
from scheduler.queries.patients import page
from scheduler.queries.staff import audit as audit_queries
from scheduler.queries.staff.audit import Filter
from scheduler.usecases import audit
from scheduler.web import access
from scheduler.web.desk.patients.patients import local, seen, shown
from scheduler.web.desk.records.protection import allowed_number
from scheduler.web.desk.records.sections import record_sections
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.requests.language import template_variables
from scheduler.web.words.actor import actor_words
from scheduler.web.words.dates import day_and_time_words

blueprint = Blueprint("desk_records", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)

ALL = 100_000


@blueprint.get("/<public_id>/export")
def export(public_id: str) -> Response:
    patient = seen(public_id, audit.EXPORTED)
    with db.reading.connect() as connection:
        everything = patient_export.everything(connection, patient, number=allowed_number(patient.number))
    exported = {"clinic": clinic_settings().name, "exported_at": clock.now().isoformat(), **everything}
    response = Response(
        json.dumps(exported, indent=2, ensure_ascii=False, sort_keys=False), mimetype="application/json"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="patient-{patient.public_id}.json"'
    return response


@blueprint.get("/<public_id>/record.zip")
def record(public_id: str) -> Response:
    """To be read (PDF) and to be worked with (CSV), in one press."""
    patient = seen(public_id, audit.EXPORTED)
    with db.reading.connect() as connection:
        everything = patient_export.everything(connection, patient, number=allowed_number(patient.number))
        looks = audit_queries.lines(connection, Filter(patient=public_id), before_id=None, limit=ALL)
        names = page.names_of_staff(connection, [line.actor for line in looks])
    found = shown(patient, most=ALL)
    known = found["by"]
    found["by"] = lambda actor: actor_words(actor, names) if actor in names else known(actor)
    clinic, now = clinic_settings(), local(clock.now())
    pdf = record_pdf(
        head=f"{clinic.name}, {clinic.address}, {clinic.phone}",
        title=patient.full_name,
        subtitle=_("Everything kept about this patient, as of %(moment)s.", moment=day_and_time_words(now)),
        sections=record_sections(found, looks),
        language=template_variables()["language"],
        made_at=now,
        fonts=Path(current_app.static_folder or "") / "vendor",
    )
    table = io.StringIO()
    csv.writer(table).writerows((HEADER, *record_lines(everything)))
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as files:
        files.writestr(f"{patient.public_id}.pdf", pdf)
        files.writestr(f"{patient.public_id}.csv", "\ufeff" + table.getvalue())  # so that Excel reads it as UTF-8
    response = Response(packed.getvalue(), mimetype="application/zip")
    response.headers["Content-Disposition"] = f'attachment; filename="patient-{patient.public_id}.zip"'
    return response


@blueprint.get("/<public_id>/print")
def printed(public_id: str) -> ResponseReturnValue:
    patient = seen(public_id, audit.PRINTED)
    return render_template("desk/records/printed.html", printed_at=local(clock.now()), **shown(patient, most=ALL))
