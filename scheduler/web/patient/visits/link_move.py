"""Choosing another time behind a link in a text. It tells of no other visit, not even of one that stands in the way."""

from dataclasses import replace
from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler import clock
from scheduler.domain.booking.availability import OfferedStart
from scheduler.domain.booking.refusals import BookingRefused, SlotTaken
from scheduler.domain.errors import NotFound
from scheduler.extensions import clinic_settings, db
from scheduler.models import Appointment
from scheduler.usecases.booking.booking import move_appointment
from scheduler.usecases.visits.links import was_moved_by
from scheduler.web.forms.fields import FormError
from scheduler.web.patient.booking.steps import expired, expired_words
from scheduler.web.patient.visits.link_door import gone, holder_of, is_changeable, open_visit, show_visit
from scheduler.web.patient.visits.move_choice import times_for, unanswered_near, wanted_practitioner, wanted_start
from scheduler.web.patient.visits.shown import shown_version
from scheduler.web.words.dates import day_and_time_words
from scheduler.web.words.refusals import explain


def add_routes(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/<token>/move", "move", move, methods=["GET", "POST"])


def move(token: str) -> ResponseReturnValue:
    """GET shows the times, POST moves there."""
    now = clock.now()
    try:
        visit = open_visit(token, now)
    except NotFound:
        return _gone(token, now)
    if not is_changeable(visit, now):
        return show_visit(token, visit, now)
    if request.method == "GET":
        return _show(token, visit, now)
    if expired():
        return _show(token, visit, now, expired_words(), 400)
    wanted = wanted_start()
    if wanted is None:
        return _show(token, visit, now, _("Choose a time."), 422)
    return _move(token, visit, wanted, now)


def _move(token: str, visit: Appointment, wanted: datetime, now: datetime) -> ResponseReturnValue:
    try:
        moved = move_appointment(
            db.session(),
            clinic=clinic_settings(),
            public_id=visit.public_id,
            starts_local=wanted,
            practitioner=wanted_practitioner(),
            now=now,
            actor=holder_of(visit),
            expected_version=shown_version(),  # of two presses at once, one
        )
    except (BookingRefused, NotFound) as refusal:
        return _refused(token, refusal, now)
    flash(_("Your visit is now on %(when)s.", when=day_and_time_words(moved.starts_local)))
    if unanswered_near(moved):  # of which day is not told behind a link
        flash(_("If you had IMS in the week before it, this visit is too soon: please call us."))
    return redirect(url_for("visit_link.done"), 303)


def _refused(token: str, refusal: BookingRefused | NotFound, now: datetime) -> ResponseReturnValue:
    """Why is told only of a slot that somebody took: other reasons would tell of the patient's other visits."""
    try:
        visit = open_visit(token, now)
    except NotFound:
        return _gone(token, now)
    if isinstance(refusal, SlotTaken):
        explained = explain(refusal)
        return _show(token, visit, now, f"{explained.title} {explained.advice}", 409, refusal.alternatives)
    return _show(token, visit, now, _("This time cannot be booked. Choose one of the times on offer."), 409)


def _gone(token: str, now: datetime) -> ResponseReturnValue:
    wanted = wanted_start() if request.method == "POST" else None
    if wanted is not None and was_moved_by(db.session(), token, wanted, now=now):
        return redirect(url_for("visit_link.done"), 303)  # the second of two presses
    return gone()


def _show(
    token: str,
    visit: Appointment,
    now: datetime,
    problem: str = "",
    status: int = 200,
    nearest: tuple[OfferedStart, ...] = (),
) -> ResponseReturnValue:
    times = replace(times_for(visit, now), clash=None, allowed_from=None, why_empty=())
    html = render_template(
        "patient/visits/link_move.html",
        token=token,
        visit=visit,
        times=times,
        nearest=nearest,
        errors=[FormError("starts", problem)] if problem else [],
    )
    return html, status
