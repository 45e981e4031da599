"""The call list: visits of the next days that no text announces, or whose cancellation none has told."""

from collections.abc import Callable
from datetime import date, timedelta
from itertools import groupby

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from sqlalchemy import Connection

from scheduler import clock
from scheduler.domain.visits.refusals import VersionConflict
from scheduler.extensions import db
from scheduler.gateways.phone_numbers import display
from scheduler.queries.patients import page
from scheduler.queries.texts import calls as queries
from scheduler.queries.texts.calls import Call
from scheduler.usecases.staff.looks import Listing
from scheduler.usecases.texts import calls as usecases
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_call
from scheduler.web.desk.looks import note_patients
from scheduler.web.desk.patients.patients import local
from scheduler.web.desk.records import masked
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.words.actor import actor_words

AHEAD = timedelta(days=7)

blueprint = Blueprint("desk_calls", __name__, url_prefix="/desk/calls")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@blueprint.get("")
def show() -> ResponseReturnValue:
    with db.reading.connect() as connection:
        found = _due(connection)
        names = page.names_of_staff(connection, [call.called_by for call in found if call.called_by])
    note_patients(Listing.CALLS, [call.patient_id for call in found])
    return render_template(
        "desk/texts/calls.html",
        days=_by_day(found),
        to_call=sum(call.called_at is None for call in found),
        days_ahead=AHEAD.days,
        by=lambda actor: actor_words(actor, names),
        reason_words=reason_words,
        display=display,
        local=local,
    )


def _due(connection: Connection) -> list[Call]:
    now = clock.now()
    return masked.calls(queries.due(connection, from_at=now, to_at=now + AHEAD))


def _call_now(visit_id: str) -> Facts:
    with db.reading.connect() as connection:
        return of_call(next((call for call in _due(connection) if call.public_id == visit_id), None))


@blueprint.post("/<visit_id>")
@acts_on(_call_now)
def tick_off(visit_id: str) -> ResponseReturnValue:
    version = request.form.get("version", type=int) or 0
    try:
        usecases.tick_off(
            db.session(), public_id=visit_id, schedule_version=version, now=clock.now(), actor=current_user.actor
        )
    except VersionConflict:
        flash(_("This visit has been moved meanwhile: look at its new time."))
    return _back(visit_id)


@blueprint.post("/<visit_id>/take-back")
@acts_on(_call_now)
def take_back(visit_id: str) -> ResponseReturnValue:
    usecases.take_back(db.session(), public_id=visit_id, now=clock.now(), actor=current_user.actor)
    return _back(visit_id)


def reason_words(reason: str) -> str:
    return _REASONS[reason]()


def _back(visit_id: str) -> ResponseReturnValue:
    return redirect(url_for(".show", _anchor=f"visit-{visit_id}"), 303)


def _by_day(found: list[Call]) -> list[tuple[date, list[Call]]]:
    return [(day, list(calls)) for day, calls in groupby(found, key=lambda call: call.starts_local.date())]


_REASONS: dict[str, Callable[[], str]] = {
    "no number": lambda: _("No mobile number"),
    "opted out": lambda: _("Opted out of texts"),
    "number unreachable": lambda: _("Number cannot be reached"),
    "wrong number": lambda: _("Wrong number: ask for the right one"),
    "not shown to a parent": lambda: _("Not shown to a parent: speak to the patient alone"),
    "must move": lambda: _("Must move: no other time chosen yet"),
    "failed": lambda: _("The text failed"),
    "trying": lambda: _("The text has not gone through yet"),
    "budget": lambda: _("The month’s texts are used up"),
    "restricted": lambda: _("Record restricted"),
    "in doubt": lambda: _("It is not known whether the text arrived"),
}
