"""A practitioner has decided whether a patient is a candidate for IMS."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.extensions import clinic_settings, db
from scheduler.usecases import audit
from scheduler.usecases.patients import patients
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.patients.deciders import decider
from scheduler.web.desk.patients.patients import patient_now, seen, shown
from scheduler.web.desk.sign_in.door import require_staff

blueprint = Blueprint("desk_clearance", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("practitioner", "owner"), guard=require_staff)


@blueprint.post("/<public_id>/clear")
@acts_on(patient_now)
def clear(public_id: str) -> ResponseReturnValue:
    """`cleared_by`: whose decision it is, when an owner enters it."""
    try:
        patients.clear_for_ims(
            db.session(),
            public_id=public_id,
            decider=decider(),
            clinic=clinic_settings(),
            now=clock.now(),
            actor=current_user.actor,
        )
    except Invalid as refused:
        sentence = next(iter(refused.errors.values()))
        problem = _(sentence)
        record = seen(public_id, audit.VIEWED)
        return render_template("desk/patients/show.html", **shown(record), problem=problem), 422
    flash(_("Cleared for IMS."))
    return redirect(url_for("desk_patients.show", public_id=public_id), 303)


@blueprint.post("/<public_id>/take-back-clearance")
@acts_on(patient_now)
def take_back(public_id: str) -> ResponseReturnValue:
    patients.take_back_clearance(db.session(), public_id=public_id, now=clock.now(), actor=current_user.actor)
    flash(_("The clearance is taken back. IMS visits booked already stand, for the physiotherapist to look at."))
    return redirect(url_for("desk_patients.show", public_id=public_id), 303)
