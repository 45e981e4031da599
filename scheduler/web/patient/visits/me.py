"""My visits: those to come and those past, of everybody who shares the number. Moving: move.py."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError

from scheduler import clock
from scheduler.domain.visits.appointment_status import StatusRefused
from scheduler.domain.visits.refusals import TooLateToChange, VersionConflict
from scheduler.extensions import clinic_settings, db
from scheduler.gateways import phone_numbers
from scheduler.queries.visits import appointments
from scheduler.usecases.booking.booking import cancel_appointment
from scheduler.usecases.patients.patients import renew_feed
from scheduler.web.access import declare
from scheduler.web.forms.fields import FormError, tidy
from scheduler.web.patient.booking.steps import expired, expired_words
from scheduler.web.patient.feeds import calendar_links
from scheduler.web.patient.patients import acting
from scheduler.web.patient.sign_in.door import patient_actor, require_sign_in, show_form_again, signed_in
from scheduler.web.patient.sign_in.session import now_local
from scheduler.web.patient.visits import move
from scheduler.web.patient.visits.shown import MyVisit, moved_since, my_visit, shown_all, shown_version
from scheduler.web.words.dates import day_and_time_words
from scheduler.web.words.refusals import Explained, explain

PAST_SHOWN, ALL_PAST = 5, 500
LONGEST_REASON = 500

blueprint = Blueprint("me", __name__)
declare(blueprint, "patient", guard=require_sign_in)
blueprint.register_error_handler(CSRFError, show_form_again)
move.add_routes(blueprint)
acting.add_routes(blueprint)


@blueprint.get("/me")
def visits() -> str:
    found, now = signed_in(), clock.now()
    limit = ALL_PAST if request.args.get("past") == "all" else PAST_SHOWN
    past = appointments.past(db.session(), found, now, limit=limit + 1)
    return render_template(
        "patient/visits/visits.html",
        ahead=shown_all(appointments.coming(db.session(), found, now), now),
        past=shown_all(past[:limit], now),
        more_past=len(past) > limit,
        person=found.person,
        family=found.patients,
        acting=acting.acting_shown(),
        may_end=acting.may_end,
        is_of_age=acting.is_of_age(),
        number=phone_numbers.display(found.account.number),
        local=now_local,
        shared=found.browser is not None and found.browser.shared,
    )


@blueprint.route("/me/visits/<public_id>/cancel", methods=["GET", "POST"])
def cancel(public_id: str) -> ResponseReturnValue:
    """GET asks, POST does it. Cancelling twice is cancelling once."""
    now = clock.now()
    visit = my_visit(public_id, now)
    if request.method == "GET":
        return _show_cancel(visit)
    if expired():
        return _show_cancel(visit, [FormError("", expired_words())], 400)
    reason = tidy(request.form.get("reason"))
    if len(reason) > LONGEST_REASON:
        return _show_cancel(visit, [FormError("reason", _("This is too long: at most 500 letters fit."))], 422)
    try:
        cancel_appointment(
            db.session(),
            clinic=clinic_settings(),
            public_id=public_id,
            reason=reason,
            now=now,
            actor=patient_actor(),
            expected_version=shown_version(),
        )
    except (VersionConflict, TooLateToChange, StatusRefused) as refusal:
        visit = my_visit(public_id, now)
        if visit.appointment.status != "cancelled":
            explained = explain(refusal)
            return _show_cancel(visit, [FormError("", _said(explained, visit))], explained.status)
    flash(_("Your visit on %(when)s is cancelled.", when=day_and_time_words(visit.starts_local)))
    return redirect(url_for(".visits"), 303)


@blueprint.get("/me/patients/<public_id>/calendar")
def calendar(public_id: str) -> str:
    patient = signed_in().patient(public_id)
    links = calendar_links(clinic_settings(), patient.feed_token)
    return render_template("patient/visits/calendar.html", patient=patient, calendar=links)


@blueprint.post("/me/patients/<public_id>/calendar/renew")
def renew_calendar(public_id: str) -> ResponseReturnValue:
    patient = signed_in().patient(public_id)
    renew_feed(db.session(), public_id=patient.public_id, now=clock.now(), actor=patient_actor())
    flash(_("The calendar has a new address; the old one no longer works."))
    return redirect(url_for(".calendar", public_id=public_id), 303)


def _said(explained: Explained, visit: MyVisit) -> str:
    return " ".join(words for words in (explained.title, moved_since(visit), explained.advice) if words)


def _show_cancel(visit: MyVisit, errors: list[FormError] | None = None, status: int = 200) -> ResponseReturnValue:
    typed = request.form.get("reason", "")[: LONGEST_REASON * 2]
    return render_template("patient/visits/cancel.html", visit=visit, errors=errors or [], typed=typed), status
