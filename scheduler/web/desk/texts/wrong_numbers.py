"""Reception lifts the mark of a wrong number: the one thing that does."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import db
from scheduler.queries.patients import patients
from scheduler.usecases.texts.wrong_numbers import lift_mark
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.patients.patients import patient_now
from scheduler.web.desk.sign_in.door import require_staff

blueprint = Blueprint("desk_wrong_numbers", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@blueprint.post("/<public_id>/number-is-right")
@acts_on(patient_now)
def lift(public_id: str) -> ResponseReturnValue:
    patient = patients.by_public_id(db.session(), public_id)
    lift_mark(db.session(), patient_id=patient.id, now=clock.now(), actor=current_user.actor)
    flash(_("The number counts as the patient's again: it opens the record, and gets texts."))
    return redirect(url_for("desk_patients.show", public_id=public_id), 303)
