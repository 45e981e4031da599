"""Visits left where nobody is there any more: to be moved or cancelled one by one, or the patients asked by text."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import clinic_settings, db
from scheduler.gateways.phone_numbers import display
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import PractitionerInfo
from scheduler.queries.visits.must_move import DisplacedVisit
from scheduler.usecases.staff.looks import Listing
from scheduler.usecases.visits import must_move
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_displaced
from scheduler.web.desk.calendar.working_time import displaced_visits
from scheduler.web.desk.looks import note_patients
from scheduler.web.desk.query_fields import text
from scheduler.web.desk.sign_in.door import require_staff

blueprint = Blueprint("desk_displaced", __name__)
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@blueprint.get("/desk/displaced")
def show() -> ResponseReturnValue:
    """`?who=` a practitioner's slug: then theirs alone, and also those outside of their working hours."""
    practitioner, visits = _found()
    note_patients(Listing.MUST_MOVE, [visit.patient_id for visit in visits])
    now, clinic = clock.now(), clinic_settings()
    asked = [visit for visit in visits if must_move.can_choose(visit, clinic=clinic, now=now)]
    return render_template(
        "desk/visits/must_move.html",
        practitioner=practitioner,
        visits=visits,
        to_ask=len(asked),
        says=_says,
        display=display,
    )


def _displaced_now() -> Facts:
    return of_displaced(_found()[1])


@blueprint.post("/desk/displaced/text")
@acts_on(_displaced_now)
def ask_all() -> ResponseReturnValue:
    """`who` as above."""
    _practitioner, visits = _found()
    asked = must_move.text_displaced(
        db.session(), visits=visits, clinic=clinic_settings(), now=clock.now(), actor=current_user.actor
    )
    flash(
        ngettext(
            "%(num)d patient is being asked to choose another time.",
            "%(num)d patients are being asked to choose another time.",
            asked,
        )
    )
    return redirect(url_for("desk_displaced.show", who=text("who") or None), 303)


def _found() -> tuple[PractitionerInfo | None, list[DisplacedVisit]]:
    with db.reading.connect() as connection:
        who = text("who")
        practitioner = reference.current(connection).practitioner(who) if who else None
        return practitioner, displaced_visits(connection, practitioner)


def _says(visit: DisplacedVisit) -> str:
    """How it stands with the text."""
    if visit.texted in ("planned", "attempting", "in_doubt", "sent"):
        return str(_("Asked to choose another time"))
    if visit.texted is not None:
        return str(_("The text did not arrive: call"))
    if not must_move.can_choose(visit, clinic=clinic_settings(), now=clock.now()):
        return str(_("Cannot be asked by text: call"))
    return str(_("Not asked yet"))
