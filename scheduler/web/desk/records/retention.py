"""Once a year: whose record is kept for longer than the clinic has to, held with a reason or blanked by the owner."""

from datetime import date

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.extensions import clinic_local, clinic_settings, db
from scheduler.queries.patients.retention import DueRecord, due_records
from scheduler.usecases.patients.retention import blank_record, hold_record, lift_hold
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_due
from scheduler.web.desk.looks import note_patients
from scheduler.web.desk.query_fields import text
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.forms.fields import FormError

blueprint = Blueprint("desk_retention", __name__, url_prefix="/desk/retention")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)


@blueprint.get("")
def show() -> str:
    return _page()


@blueprint.post("/look")
def look() -> ResponseReturnValue:
    """The ticked records once more, before they are blanked."""
    chosen = set(request.form.getlist("patient"))
    records = [record for record in _due() if record.public_id in chosen and record.hold is None]
    if not records:
        return _page([FormError("patients", _("Tick the records that are to be blanked."))]), 422
    return render_template("desk/records/retention_confirm.html", records=records)


def _chosen_now() -> Facts:
    chosen = set(request.form.getlist("patient"))
    return of_due(record for record in _due() if record.public_id in chosen)


def _record_now(public_id: str) -> Facts:
    return of_due(record for record in _due() if record.public_id == public_id)


def _held_now(hold_id: int) -> Facts:
    return of_due(record for record in _due() if record.hold_id == hold_id)


@blueprint.post("/blank")
@acts_on(_chosen_now)
def blank() -> ResponseReturnValue:
    """`patient`: each record that its reader saw on the page before."""
    if "sure" not in request.form:
        return look()
    clinic = clinic_settings()
    blanked = sum(
        blank_record(
            db.session(),
            public_id=public_id,
            today=_today(),
            years=clinic.retention_years,
            actor=current_user.actor,
            now=clock.now(),
        )
        for public_id in dict.fromkeys(request.form.getlist("patient"))
    )
    flash(ngettext("%(num)d record was blanked.", "%(num)d records were blanked.", blanked))
    return redirect(url_for(".show"), 303)


@blueprint.post("/<public_id>/hold")
@acts_on(_record_now)
def hold(public_id: str) -> ResponseReturnValue:
    try:
        hold_record(
            db.session(),
            public_id=public_id,
            reason=request.form.get("reason", "").replace("\0", ""),
            actor=current_user.actor,
            now=clock.now(),
        )
    except Invalid as refused:
        sentence = refused.errors["reason"]
        return _page([FormError(f"reason-{public_id}", _(sentence))]), 422
    flash(_("The record is kept."))
    return redirect(url_for(".show"), 303)


@blueprint.post("/holds/<int:hold_id>/lift")
@acts_on(_held_now)
def lift(hold_id: int) -> ResponseReturnValue:
    lift_hold(db.session(), hold_id=hold_id, actor=current_user.actor, now=clock.now())
    flash(_("The record is no longer held."))
    return redirect(url_for(".show"), 303)


def _page(errors: list[FormError] | None = None) -> str:
    records = _due()
    note_patients(Listing.OLD_RECORDS, [record.public_id for record in records])
    return render_template(
        "desk/records/retention.html",
        records=records,
        years=clinic_settings().retention_years,
        errors=errors or [],
        reason=text("reason"),
    )


def _due() -> list[DueRecord]:
    with db.reading.connect() as connection:
        return due_records(connection, today=_today(), years=clinic_settings().retention_years)


def _today() -> date:
    return clinic_local(clock.now()).date()
