"""A practitioner has decided whether a patient is a candidate for IMS."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import db
from scheduler.usecases import patients
from scheduler.web import access
from scheduler.web.reception.door import require_staff

blueprint = Blueprint("reception_clearance", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("practitioner", "owner"), guard=require_staff)


@blueprint.post("/<public_id>/clear")
def clear(public_id: str) -> ResponseReturnValue:
    patients.clear_for_ims(db.session(), public_id=public_id, now=clock.now(), actor=current_user.actor)
    flash(_("Cleared for IMS."))
    return redirect(url_for("reception_patients.show", public_id=public_id), 303)


@blueprint.post("/<public_id>/take-back-clearance")
def take_back(public_id: str) -> ResponseReturnValue:
    patients.take_back_clearance(db.session(), public_id=public_id, now=clock.now(), actor=current_user.actor)
    flash(_("The clearance is taken back. IMS visits booked already stand; look at the coming visits."))
    return redirect(url_for("reception_patients.show", public_id=public_id), 303)
