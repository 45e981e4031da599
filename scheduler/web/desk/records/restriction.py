"""Restriction instead of deletion: the owner's alone, and reversible."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import db
from scheduler.usecases import audit
from scheduler.usecases.patients.patients import restrict_patient
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.patients.patients import patient_now, seen
from scheduler.web.desk.sign_in.door import require_staff

blueprint = Blueprint("desk_restriction", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)


@blueprint.get("/<public_id>/restrict")
def ask(public_id: str) -> ResponseReturnValue:
    return render_template("desk/patients/restrict.html", patient=seen(public_id, audit.VIEWED, "restriction"))


@blueprint.post("/<public_id>/restrict")
@acts_on(patient_now)
def restrict(public_id: str) -> ResponseReturnValue:
    return _set(public_id, restricted=True, words=_("The record is restricted."))


@blueprint.post("/<public_id>/release")
@acts_on(patient_now)
def release(public_id: str) -> ResponseReturnValue:
    return _set(public_id, restricted=False, words=_("The record is no longer restricted."))


def _set(public_id: str, *, restricted: bool, words: str) -> ResponseReturnValue:
    restrict_patient(
        db.session(), public_id=public_id, restricted=restricted, now=clock.now(), actor=current_user.actor
    )
    flash(words)
    return redirect(url_for("desk_patients.show", public_id=public_id), 303)
