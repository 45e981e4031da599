"""Who may act for whom, at the desk: somebody on the same number or found by search, and how it was asked."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import Connection

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.domain.patients.search import LONGEST, criteria_of
from scheduler.extensions import db
from scheduler.gateways.phone_numbers import display
from scheduler.queries.patients import acting, page, search
from scheduler.queries.patients.acting import Acting
from scheduler.queries.patients.page import PatientRecord, Relative
from scheduler.usecases import audit
from scheduler.usecases.patients.acting import end_acting, let_act
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_acting
from scheduler.web.desk.patients.patients import local, seen
from scheduler.web.desk.records.protection import allowed
from scheduler.web.desk.sign_in.door import require_staff

ACTS, IS_ACTED_FOR = "acts", "acted-for"

blueprint = Blueprint("desk_acting", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


def _acting_now(public_id: str) -> Facts:
    with db.reading.connect() as connection:
        patient = page.record(connection, public_id)
        return of_acting(patient, _others(connection, patient))


def _others(connection: Connection, patient: PatientRecord) -> list[Acting]:
    return allowed(acting.acting_of(connection, patient.id, local(clock.now()).date()))


@blueprint.get("/<public_id>/acting")
def ask(public_id: str) -> ResponseReturnValue:
    """Whom? Those on the same number, or whom `?q=` finds."""
    return _show(seen(public_id, audit.VIEWED, "acting"))


@blueprint.post("/<public_id>/acting")
@acts_on(_acting_now)
def let(public_id: str) -> ResponseReturnValue:
    """`other`, `who` acts (the other) or acted-for, `how_asked`."""
    other, now = request.form.get("other", ""), clock.now()
    actor_id, patient = (public_id, other) if request.form.get("who") == IS_ACTED_FOR else (other, public_id)
    if not other or request.form.get("who") not in (ACTS, IS_ACTED_FOR):
        return _show(seen(public_id, audit.VIEWED, "acting"), _("Choose who acts for whom.")), 422
    try:
        let_act(
            db.session(),
            acting=actor_id,
            patient=patient,
            how_asked=request.form.get("how_asked", ""),
            now=now,
            today=local(now).date(),
            actor=current_user.actor,
        )
    except Invalid as refusal:
        problem = " ".join(_(words) for words in refusal.errors.values())
        return _show(seen(public_id, audit.VIEWED, "acting"), problem), 422
    flash(_("Noted: one may act for the other."))
    return _to_patient(public_id)


@blueprint.post("/<public_id>/acting/end")
@acts_on(_acting_now)
def end(public_id: str) -> ResponseReturnValue:
    """`other` and `who` as above."""
    other = request.form.get("other", "")
    actor_id, patient = (public_id, other) if request.form.get("who") == IS_ACTED_FOR else (other, public_id)
    closes = end_acting(db.session(), acting=actor_id, patient=patient, now=clock.now(), actor=current_user.actor)
    flash(_("Ended: one no longer acts for the other. The calendar address has changed as well."))
    if closes:
        flash(
            _(
                "They share a number: it no longer opens the child’s visits nor gets texts about them. Give the child another."
            )
        )
    return _to_patient(public_id)


def _show(patient: PatientRecord, problem: str = "") -> str:
    typed = request.values.get("q", "")[:LONGEST].replace("\0", " ")
    others: list[Relative] | list[search.FoundPatient] = []
    with db.reading.connect() as connection:
        acts = _others(connection, patient)
        if typed:
            others = search.find(connection, criteria_of(typed))
        elif patient.account_id:
            others = page.family(connection, patient.account_id, patient.id)
    return render_template(
        "desk/patients/acting.html",
        patient=patient,
        acting=acts,
        others=[other for other in allowed(others) if other.public_id != patient.public_id],
        typed=typed,
        problem=problem,
        chosen=request.form,
        display=display,
    )


def _to_patient(public_id: str) -> ResponseReturnValue:
    return redirect(url_for("desk_patients.show", public_id=public_id, _anchor="acting"), 303)
