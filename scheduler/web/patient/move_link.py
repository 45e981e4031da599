"""The page behind a link that was texted: moves one visit without signing in, and tells no more than the text did.

Whoever holds the telephone sees day, time and practitioner; no patient, no treatment, no other visit. GET changes nothing:
telephones look at links by themselves.
"""

from dataclasses import replace
from datetime import datetime

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import refresh
from flask_wtf.csrf import CSRFError

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.availability import OfferedStart
from scheduler.domain.errors import BookingRefused, NotFound, SlotTaken
from scheduler.extensions import db
from scheduler.models import Appointment
from scheduler.usecases.booking import move_appointment
from scheduler.usecases.move_links import language_behind, visit_behind, was_moved_by
from scheduler.web.access import declare
from scheduler.web.dates import day_and_time_words
from scheduler.web.errors import explain
from scheduler.web.patient.booking_steps import expired, show_expired_form
from scheduler.web.patient.form_fields import FormError
from scheduler.web.patient.move_choice import times_for, wanted_practitioner, wanted_start

blueprint = Blueprint("move_link", __name__, url_prefix="/m")
declare(blueprint, "public")
blueprint.register_error_handler(CSRFError, show_expired_form)


@blueprint.get("/done")
def done() -> ResponseReturnValue:
    """What the link has done, told once."""
    return render_template("patient/move_link/done.html")


@blueprint.route("/<token>", methods=["GET", "POST"])
def move(token: str) -> ResponseReturnValue:
    now = clock.now()
    _speak_the_language_of(token)
    try:
        visit = visit_behind(db.session(), token, now=now)
    except NotFound:
        return _gone(token, now)
    if request.method == "GET":
        return _show(token, visit, now)
    if expired():
        return _show(
            token, visit, now, [_("This page had been open for too long. Please press the button once more.")], 400
        )
    wanted = wanted_start()
    if wanted is None:
        return _show(token, visit, now, [_("Choose a time.")], 422)
    return _move(token, visit, wanted, now)


def _move(token: str, visit: Appointment, wanted: datetime, now: datetime) -> ResponseReturnValue:
    account_id = visit.patient.phone_account_id if visit.patient else None
    try:
        moved = move_appointment(
            db.session(),
            clinic=current_app.config["CLINIC"],
            public_id=visit.public_id,
            starts_local=wanted,
            practitioner=wanted_practitioner(),
            now=now,
            actor=Actor("patient", str(account_id), request.remote_addr or ""),
            expected_version=visit.version,  # of two presses at once, one
        )
    except (BookingRefused, NotFound) as refusal:
        return _refused(token, refusal, now)
    flash(_("Your visit is now on %(when)s.", when=day_and_time_words(moved.starts_local)))
    return redirect(url_for(".done"), 303)


def _refused(token: str, refusal: BookingRefused | NotFound, now: datetime) -> ResponseReturnValue:
    """Why is told only of a slot that somebody took: other reasons would tell of the patient's other visits."""
    try:
        visit = visit_behind(db.session(), token, now=now)
    except NotFound:
        return _gone(token, now)
    if isinstance(refusal, SlotTaken):
        explained = explain(refusal)
        return _show(token, visit, now, [f"{explained.title} {explained.advice}"], 409, refusal.alternatives)
    return _show(token, visit, now, [_("This time cannot be booked. Choose one of the times on offer.")], 409)


def _gone(token: str, now: datetime) -> ResponseReturnValue:
    wanted = wanted_start() if request.method == "POST" else None
    if wanted is not None and was_moved_by(db.session(), token, wanted, now=now):
        return redirect(url_for(".done"), 303)  # the second of two presses
    return render_template("patient/move_link/gone.html"), 404


def _show(
    token: str,
    visit: Appointment,
    now: datetime,
    problems: list[str] | None = None,
    status: int = 200,
    nearest: tuple[OfferedStart, ...] = (),
) -> ResponseReturnValue:
    times = replace(times_for(visit, now), clash=None, allowed_from=None, why_empty=())
    html = render_template(
        "patient/move_link/move.html",
        token=token,
        visit=visit,
        times=times,
        nearest=nearest,
        errors=[FormError("starts", words) for words in problems or ()],
    )
    return html, status


def _speak_the_language_of(token: str) -> None:
    """The text's, also where the link works no more; unless this browser has said which it wants."""
    if "lang" not in session and (language := language_behind(db.session(), token)):
        session["lang"] = "fr" if language.startswith("fr") else "en"
        refresh()
