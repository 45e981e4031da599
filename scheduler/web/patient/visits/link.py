"""The page behind a link in a text: one visit, to confirm, move or cancel without signing in.

Whoever holds the telephone sees no more than the text said: clinic, day, time and practitioner; no patient, no treatment,
no other visit. GET changes nothing: telephones look at links by themselves.
"""

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.errors import NotFound
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.domain.visits.refusals import VersionConflict
from scheduler.extensions import clinic_settings, db
from scheduler.models import Appointment
from scheduler.usecases.booking.booking import cancel_appointment
from scheduler.usecases.visits.links import was_cancelled_by
from scheduler.usecases.visits.status import change_status
from scheduler.web.access import declare
from scheduler.web.forms.fields import FormError
from scheduler.web.patient.booking.steps import expired, expired_words, show_expired_form
from scheduler.web.patient.visits import link_move
from scheduler.web.patient.visits.link_door import gone, holder_of, is_changeable, open_visit, show_visit
from scheduler.web.patient.visits.shown import shown_version
from scheduler.web.words.dates import day_and_time_words

blueprint = Blueprint("visit_link", __name__, url_prefix="/m")
declare(blueprint, "public")
link_move.add_routes(blueprint)
blueprint.register_error_handler(CSRFError, show_expired_form)


@blueprint.get("/done")
def done() -> ResponseReturnValue:
    """What the link has moved, told once: it is over."""
    return render_template("patient/visits/link_done.html")


@blueprint.get("/cancelled")
def cancelled() -> ResponseReturnValue:
    return render_template("patient/visits/link_cancelled.html")


@blueprint.get("/<token>")
def show(token: str) -> ResponseReturnValue:
    now = clock.now()
    try:
        return show_visit(token, open_visit(token, now), now)
    except NotFound:
        return gone()


@blueprint.route("/<token>/confirm", methods=["GET", "POST"])
def confirm(token: str) -> ResponseReturnValue:
    """GET, as after a reload or a sign-in elsewhere, leads back to the visit."""
    now = clock.now()
    if request.method == "GET":
        return redirect(url_for(".show", token=token), 303)
    try:
        visit = open_visit(token, now)
        if expired():
            return show_visit(token, visit, now, expired_words(), 400)
        change_status(
            db.session(),
            clinic=clinic_settings(),
            public_id=visit.public_id,
            status=AppointmentStatus.CONFIRMED,
            now=now,
            actor=holder_of(visit),
            expected_version=shown_version(),
            why="by the link in a text",
        )
    except VersionConflict:
        return _changed_meanwhile(token, now)
    except (BookingRefused, NotFound):
        return gone()
    return redirect(url_for(".show", token=token), 303)


@blueprint.route("/<token>/cancel", methods=["GET", "POST"])
def cancel(token: str) -> ResponseReturnValue:
    """GET asks once more, POST cancels."""
    now = clock.now()
    try:
        visit = open_visit(token, now)
        if not is_changeable(visit, now):
            return show_visit(token, visit, now)
        if request.method == "GET":
            return _ask(token, visit)
        if expired():
            return _ask(token, visit, expired_words(), 400)
        when = day_and_time_words(visit.starts_local)
        cancel_appointment(
            db.session(),
            clinic=clinic_settings(),
            public_id=visit.public_id,
            reason="",
            now=now,
            actor=holder_of(visit),
            expected_version=shown_version(),
        )
    except VersionConflict:
        return _changed_meanwhile(token, now)
    except (BookingRefused, NotFound):
        if request.method == "POST" and was_cancelled_by(db.session(), token, now=now):
            return redirect(url_for(".cancelled"), 303)  # the second of two presses
        return gone()
    flash(_("Your visit on %(when)s is cancelled.", when=when))
    return redirect(url_for(".cancelled"), 303)


def _changed_meanwhile(token: str, now: datetime) -> ResponseReturnValue:
    """A double press finds done what it asked for."""
    db.session.rollback()
    try:
        visit = open_visit(token, now)
    except NotFound:
        if request.endpoint == "visit_link.cancel" and was_cancelled_by(db.session(), token, now=now):
            return redirect(url_for(".cancelled"), 303)
        return gone()
    if request.endpoint == "visit_link.confirm" and visit.status == AppointmentStatus.CONFIRMED:
        return redirect(url_for(".show", token=token), 303)
    return show_visit(
        token, visit, now, _("The visit has changed since this page was opened. This is how it is now."), 409
    )


def _ask(token: str, visit: Appointment, problem: str = "", status: int = 200) -> ResponseReturnValue:
    errors = [FormError("", problem)] if problem else []
    return render_template("patient/visits/link_cancel.html", token=token, visit=visit, errors=errors), status
