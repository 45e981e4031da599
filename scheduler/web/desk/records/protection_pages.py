"""A patient's lock-box: placing and lifting it, opening it in an emergency, and what the owners are told of that."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.extensions import clinic_settings, db
from scheduler.queries.patients import patients, protection
from scheduler.usecases import audit
from scheduler.usecases.patients import protection as usecases
from scheduler.web import access
from scheduler.web.desk import query_fields
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_box
from scheduler.web.desk.patients.patients import local, seen
from scheduler.web.desk.records.protection import viewer
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff

blueprint = Blueprint("desk_protection", __name__, url_prefix="/desk")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)
boxes = Blueprint("desk_lock_box", __name__, url_prefix="/desk/patients")
access.declare(boxes, "staff", roles=("receptionist", "owner"), guard=require_staff)
told = Blueprint("desk_openings", __name__, url_prefix="/desk/protected")
access.declare(told, "staff", roles=("owner",), guard=require_staff)


@blueprint.get("/patients/<public_id>/protected")
def ask(public_id: str) -> ResponseReturnValue:
    """The reason of somebody whom the patient did not name."""
    return _ask(public_id)


@blueprint.post("/patients/<public_id>/protected")
def open_it(public_id: str) -> ResponseReturnValue:
    try:
        usecases.open_in_emergency(
            db.session(),
            public_id=public_id,
            viewer=viewer(),
            reason=query_fields.text("reason"),
            now=clock.now(),
            actor=current_user.actor,
        )
    except Invalid as refused:
        return _ask(public_id, _(next(iter(refused.errors.values())))), 422
    flash(_("The record is open to you for an hour. The owner is told."))
    return redirect(url_for("desk_patients.show", public_id=public_id), 303)


def _box_now(public_id: str) -> Facts:
    with db.reading.connect() as connection:
        patient = patients.row(connection, public_id)
        return of_box(f"{patient.family_name}, {patient.given_name}", protection.box_of(connection, patient.id))


@boxes.get("/<public_id>/lock-box")
def arrange(public_id: str) -> ResponseReturnValue:
    patient = seen(public_id, audit.VIEWED, "lock-box")
    return _arrange(patient.public_id)


@boxes.post("/<public_id>/lock-box")
@acts_on(_box_now)
def place(public_id: str) -> ResponseReturnValue:
    """`named`: ids of staff, once each; `words`: what the patient asked."""
    named = [int(value) for value in request.form.getlist("named") if value.isdecimal() and len(value) < 10]
    try:
        usecases.place_lock_box(
            db.session(),
            public_id=public_id,
            named=named,
            words=request.form.get("words", "").replace("\0", ""),
            now=clock.now(),
            actor=current_user.actor,
        )
    except Invalid as refused:
        return _arrange(public_id, _(next(iter(refused.errors.values())))), 422
    flash(_("The record is protected."))
    if current_user.role == "owner" or current_user.id in named:
        return redirect(url_for("desk_patients.show", public_id=public_id), 303)
    return redirect(url_for("desk_patients_search.page"), 303)


@boxes.post("/<public_id>/lock-box/lift")
@acts_on(_box_now)
def lift(public_id: str) -> ResponseReturnValue:
    usecases.lift_lock_box(db.session(), public_id=public_id, now=clock.now(), actor=current_user.actor)
    flash(_("The record is no longer protected."))
    return redirect(url_for("desk_patients.show", public_id=public_id), 303)


@told.get("")
def openings() -> ResponseReturnValue:
    with db.reading.connect() as connection:
        found = protection.openings(connection)
    return render_template("desk/records/protection_openings.html", openings=found, local=local)


@told.post("/seen")
def note_seen() -> ResponseReturnValue:
    """`up_to`: the newest that was on the page."""
    usecases.note_openings_seen(
        db.session(), up_to=query_fields.number("up_to") or 0, now=clock.now(), actor=current_user.actor
    )
    return redirect(url_for(".openings"), 303)


def _ask(public_id: str, problem: str = "") -> str:
    with db.reading.connect() as connection:
        patients.row(connection, public_id)
    typed = query_fields.text("reason")
    return render_template("desk/records/protection_ask.html", patient=public_id, problem=problem, typed=typed)


def _arrange(public_id: str, problem: str = "") -> str:
    with db.reading.connect() as connection:
        patient = patients.row(connection, public_id)
        box = protection.box_of(connection, patient.id)
        people = protection.who_can_be_named(connection)
    return render_template(
        "desk/records/protection.html",
        patient=patient,
        box=box,
        on=of_box(f"{patient.family_name}, {patient.given_name}", box),
        people=people,
        problem=problem,
        typed=request.form.get("words", box.words if box else ""),
        clinic=clinic_settings(),
    )
