"""One press puts a new number into a record; and whom to ask for the birth date at the next arrival."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import clinic_zone, db
from scheduler.gateways.phone_numbers import display
from scheduler.queries.patients import identity
from scheduler.usecases.patients.number_requests import give_new_number, refuse_new_number
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_request
from scheduler.web.desk.looks import note_patients
from scheduler.web.desk.records import masked
from scheduler.web.desk.sign_in.door import require_staff

blueprint = Blueprint("desk_identity", __name__, url_prefix="/desk/who-is-who")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@blueprint.get("")
def show() -> str:
    zone = clinic_zone()
    with db.reading.connect() as connection:
        asked = masked.numbers_asked_for(identity.numbers_asked_for(connection))
        undated = masked.without_birth_date(identity.without_birth_date(connection))
    candidates = [somebody.public_id for one in asked for somebody in one.candidates]
    note_patients(Listing.WHO_IS_WHO, [*candidates, *(one.public_id for one in undated)])
    return render_template(
        "desk/patients/identity.html",
        asked=asked,
        undated=undated,
        display=display,
        local=lambda moment: clock.to_local(moment, zone),
    )


def _request_now(request_id: int) -> Facts:
    with db.reading.connect() as connection:
        asked = masked.numbers_asked_for(identity.numbers_asked_for(connection))
    return of_request(next((one for one in asked if one.id == request_id), None))


@blueprint.post("/<int(max=2147483647):request_id>/give")
@acts_on(_request_now)
def give(request_id: int) -> ResponseReturnValue:
    patient = give_new_number(
        db.session(),
        request_id=request_id,
        patient_id=request.form.get("patient", ""),
        now=clock.now(),
        actor=current_user.actor,
    )
    flash(_("The new number is in the record of %(name)s.", name=patient.full_name))
    return redirect(url_for(".show"), 303)


@blueprint.post("/<int(max=2147483647):request_id>/refuse")
@acts_on(_request_now)
def refuse(request_id: int) -> ResponseReturnValue:
    refuse_new_number(db.session(), request_id=request_id, now=clock.now(), actor=current_user.actor)
    flash(_("The request is closed; nothing has changed."))
    return redirect(url_for(".show"), 303)
