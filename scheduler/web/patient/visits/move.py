"""A patient moves a visit: the same times to choose from as in a booking, and one press that does it."""

from datetime import datetime

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler import clock
from scheduler.domain.booking.availability import OfferedStart
from scheduler.domain.booking.refusals import BookingRefused, SlotNotOffered
from scheduler.domain.errors import NotFound
from scheduler.domain.visits.refusals import VersionConflict
from scheduler.extensions import clinic_settings, db
from scheduler.usecases.booking.booking import move_appointment
from scheduler.web.forms.fields import FormError
from scheduler.web.patient.booking.steps import expired, expired_words
from scheduler.web.patient.sign_in.door import patient_actor
from scheduler.web.patient.visits.move_choice import times_for, unanswered_near, wanted_practitioner, wanted_start
from scheduler.web.patient.visits.shown import MyVisit, moved_since, my_visit, shown_version
from scheduler.web.words.dates import day_and_time_words, day_words
from scheduler.web.words.refusals import explain


def add_routes(blueprint: Blueprint) -> None:
    blueprint.add_url_rule("/me/visits/<public_id>/move", "move", move, methods=["GET", "POST"])


def move(public_id: str) -> ResponseReturnValue:
    """GET shows the times, POST moves there. What cannot be had is said above the times that can."""
    now = clock.now()
    visit = my_visit(public_id, now)
    if request.method == "GET" or not visit.is_open:
        return _show(visit, now)
    if expired():
        return _show(visit, now, [expired_words()], 400)
    wanted = wanted_start()
    if wanted is None:
        return _show(visit, now, [_("Choose a time.")], 422)
    try:
        moved = move_appointment(
            db.session(),
            clinic=clinic_settings(),
            public_id=public_id,
            starts_local=wanted,
            practitioner=wanted_practitioner(),
            now=now,
            actor=patient_actor(),
            expected_version=shown_version(),
        )
    except (BookingRefused, NotFound) as refusal:
        return _refused(public_id, wanted, refusal, now)
    flash(_("Your visit is now on %(when)s.", when=day_and_time_words(moved.starts_local)))
    for was in unanswered_near(moved):
        flash(
            _(
                "We have not noted yet whether you had IMS on %(day)s. If you did, this visit is too soon: please choose a "
                "later time, or call us.",
                day=day_words(was.date()),
            )
        )
    return redirect(url_for("me.visits"), 303)


def _refused(
    public_id: str, wanted: datetime, refusal: BookingRefused | NotFound, now: datetime
) -> ResponseReturnValue:
    visit = my_visit(public_id, now)
    if isinstance(refusal, VersionConflict) and visit.is_ahead and visit.starts_local == wanted:
        return redirect(url_for("me.visits"), 303)  # a double click: it is there already
    explained = explain(SlotNotOffered() if isinstance(refusal, NotFound) else refusal)
    nearest = refusal.alternatives if isinstance(refusal, BookingRefused) else ()
    said = " ".join(words for words in (explained.title, moved_since(visit), explained.advice) if words)
    return _show(visit, now, [said], explained.status, nearest)


def _show(
    visit: MyVisit,
    now: datetime,
    problems: list[str] | None = None,
    status: int = 200,
    nearest: tuple[OfferedStart, ...] = (),
) -> ResponseReturnValue:
    errors = [FormError("starts", words) for words in problems or ()]
    if not visit.is_open:
        return render_template("patient/visits/too_late.html", visit=visit, errors=errors), status
    times = times_for(visit.appointment, now)
    html = render_template(
        "patient/visits/move.html",
        visit=visit,
        times=times,
        nearest=nearest,
        errors=errors,
        now_local=clock.to_local(now, clock.zone(times.question.clinic.zone)),
    )
    return html, status
