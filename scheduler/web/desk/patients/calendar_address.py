"""The desk gives a patient's calendar a new address: somebody sees it who no longer should."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import db
from scheduler.usecases.patients.patients import renew_feed
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.patients.patients import patient_now
from scheduler.web.desk.sign_in.door import require_staff

blueprint = Blueprint("desk_calendar_address", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@blueprint.post("/<public_id>/new-calendar-address")
@acts_on(patient_now)
def renew(public_id: str) -> ResponseReturnValue:
    renew_feed(db.session(), public_id=public_id, now=clock.now(), actor=current_user.actor)
    flash(_("The calendar has a new address, which the patient finds under “My visits”. The old one no longer works."))
    return redirect(url_for("desk_patients.show", public_id=public_id), 303)
