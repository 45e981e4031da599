"""Reception lifts the mark of a wrong number: the one thing that does."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import db
from scheduler.queries import patients
from scheduler.usecases.wrong_numbers import lift_mark
from scheduler.web import access
from scheduler.web.reception.acts_on import acts_on
from scheduler.web.reception.door import require_staff
from scheduler.web.reception.patients import patient_now

blueprint = Blueprint("reception_wrong_numbers", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@blueprint.post("/<public_id>/number-is-right")
@acts_on(patient_now)
def lift(public_id: str) -> ResponseReturnValue:
    patient = patients.by_public_id(db.session(), public_id)
    lift_mark(db.session(), patient_id=patient.id, now=clock.now(), actor=current_user.actor)
    flash(_("The number counts as the patient's again: it opens the record, and gets texts."))
    return redirect(url_for("reception_patients.show", public_id=public_id), 303)
