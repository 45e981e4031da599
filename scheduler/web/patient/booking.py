"""A patient books: what, when, and the review that ends in an appointment. Signing in and who: booking_sign_in.py."""

from contextlib import suppress
from datetime import date, datetime

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from wtforms.fields.choices import SelectChoice

from scheduler.domain.booking_steps import BEGIN, REVIEW, TIME, BookingPath
from scheduler.domain.errors import BookingRefused, NotFound, SlotNotOffered
from scheduler.extensions import db
from scheduler.queries.reference import PractitionerInfo
from scheduler.usecases.booking_drafts import begin_draft
from scheduler.usecases.holds import hold_slot
from scheduler.usecases.rate_limit import rate_key
from scheduler.web.access import declare
from scheduler.web.errors import explain
from scheduler.web.patient import booking_confirm, booking_sign_in
from scheduler.web.patient.booking_state import Booking, new_booking, open_booking
from scheduler.web.patient.booking_steps import accepted, actor_of, expired, go_on, page_of, show, show_expired_form
from scheduler.web.patient.form_fields import FormError
from scheduler.web.patient.forms import NEW_PATIENT, BeginForm, patient_choices
from scheduler.web.patient.session import browser_id
from scheduler.web.patient.slot_times import nearest_starts, times_on_offer, why_not

blueprint = Blueprint("booking", __name__)
declare(blueprint, "public")
blueprint.register_error_handler(CSRFError, show_expired_form)
booking_sign_in.add_routes(blueprint)


@blueprint.route("/book", methods=["GET", "POST"])
def begin() -> ResponseReturnValue:
    booking = new_booking()
    form = _begin_form(booking)
    if not accepted(form):
        return _show_begin(booking, form)
    booking.token = begin_draft(
        db.session(), browser=browser_id(), fields=_begin_fields(booking, form), now=booking.now
    )
    return go_on(booking)


@blueprint.route("/book/<token>", methods=["GET", "POST"])
@page_of(BEGIN)
def change(booking: Booking) -> ResponseReturnValue:
    """The first page again: for another treatment, or because this one needs an assessment first."""
    form = _begin_form(booking)
    if not accepted(form):
        return _show_begin(booking, form)
    fields = _begin_fields(booking, form)
    if fields["treatment"] != booking.fields.get("treatment"):
        fields |= {"starts_local": "", "lost_start": "", "lost_why": ""}
    booking.keep(**fields)
    return go_on(booking)


@blueprint.route("/book/<token>/time", methods=["GET", "POST"])
@page_of(TIME)
def choose_time(booking: Booking) -> ResponseReturnValue:
    practitioner = _practitioner_asked(booking)
    if request.method != "POST" or expired():
        return _show_times(booking, practitioner)
    chosen = _moment(request.form.get("starts"))
    if chosen is None:
        return _show_times(booking, practitioner, [FormError("starts", _("Choose a time."))])
    if request.form.get("patient"):
        booking.keep(patient=request.form["patient"])
        booking = open_booking(booking.token or "")
    refusal = _hold(booking, practitioner, chosen)
    if refusal:
        booking.keep(starts_local="", lost_start=chosen.isoformat(), lost_why=refusal.code)
        return _show_times(booking, practitioner, [FormError("starts", explain(refusal).title)])
    return go_on(booking)


@blueprint.route("/book/<token>/review", methods=["GET", "POST"])
@page_of(REVIEW)
def review(booking: Booking) -> ResponseReturnValue:
    return booking_confirm.review(booking)


@blueprint.get("/book/<token>/done")
def done(token: str) -> ResponseReturnValue:
    try:
        booking = open_booking(token)
    except NotFound:
        return render_template("patient/booking/gone.html"), 404
    return booking_confirm.done(booking) if booking.booked else go_on(booking)


def _begin_form(booking: Booking) -> BeginForm:
    language = str(get_locale())
    sent = request.method == "POST"
    form = BeginForm(
        request.form if sent else None,
        been_before=booking.fields.get("been_before"),
        treatment=booking.fields.get("treatment"),
        patient=booking.patient_choice,
    )
    form.treatment.choices = [SelectChoice(t.slug, t.name(language)) for t in booking.treatments]
    if booking.account:
        del form.been_before
        form.patient.choices = patient_choices([(p.public_id, p.full_name) for p in booking.patients])
    if not booking.patients:
        del form.patient
    return form


def _begin_fields(booking: Booking, form: BeginForm) -> dict[str, object]:
    fields: dict[str, object] = {
        "treatment": form.treatment.data,
        "says_cleared": bool(request.form.get("says_cleared")),
    }
    if booking.account:
        patient = form.patient.data if booking.patients else NEW_PATIENT
        return {**fields, "path": booking.fields.get("path", BookingPath.SIGNED_IN), "patient": patient}
    path = BookingPath.BEEN_BEFORE if form.been_before.data == "yes" else BookingPath.FIRST_TIME
    return {**fields, "path": path, "been_before": form.been_before.data}


def _show_begin(booking: Booking, form: BeginForm) -> ResponseReturnValue:
    return show(booking, BEGIN, "begin", form, form=form)


def _practitioner_asked(booking: Booking) -> PractitionerInfo | None:
    asked = request.values.get("practitioner")
    if asked is None:
        return booking.asked_practitioner
    with suppress(NotFound):
        found = booking.reference.practitioner(asked)
        if booking.treatment and found.does(booking.treatment):
            return found
    return None


def _show_times(
    booking: Booking, practitioner: PractitionerInfo | None, errors: list[FormError] | None = None
) -> ResponseReturnValue:
    question = booking.slot_question(practitioner)
    times = times_on_offer(
        question,
        from_day=_day(request.args.get("from")),
        open_day=_day(request.args.get("day")),
        chosen=booking.starts_local,
    )
    lost, words = booking.lost_start, _lost_words(booking)
    nearest = nearest_starts(question, lost) if lost and words else ()
    return show(booking, TIME, "choose_time", more=errors or (), times=times, lost=words, nearest=nearest)


def _lost_words(booking: Booking) -> str | None:
    """Why a time that was chosen before is not to be had; worked out anew, in the language of this page."""
    lost = booking.lost_start
    if lost is None:
        return None
    refusal = why_not(booking.slot_question(booking.asked_practitioner), lost)
    return explain(refusal).title if refusal else None


def _hold(booking: Booking, practitioner: PractitionerInfo | None, chosen: datetime) -> BookingRefused | None:
    """Keep the slot for some minutes; or why not."""
    assert booking.treatment and booking.token  # noqa: S101 - the page before asks for it
    refusal = why_not(booking.slot_question(practitioner), chosen)
    if refusal:
        return refusal
    try:
        held = hold_slot(
            db.session(),
            clinic=booking.clinic,
            treatment=booking.treatment.slug,
            practitioner=practitioner.slug if practitioner else None,
            starts_local=chosen,
            now=booking.now,
            actor=actor_of(booking),
            held_for=booking.token,
            address_key=rate_key(current_app.config["SECRET_KEY"], "hold", request.remote_addr or ""),
        )
    except BookingRefused as refused:
        return refused
    except NotFound:
        return SlotNotOffered()
    kept_with = booking.reference.practitioner_by_id(held.practitioner_id or 0)
    booking.keep(
        practitioner=practitioner.slug if practitioner else "",
        starts_local=chosen.isoformat(),
        hold=held.public_id,
        hold_id=held.id,
        held_until=held.hold_until.isoformat() if held.hold_until else "",
        lost_start="",
        **{"with": kept_with.slug if kept_with else ""},
    )
    return None


def _day(text: str | None) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text) if text else None
    return None


def _moment(text: str | None) -> datetime | None:
    """A naive wall clock minute; anything else is no choice."""
    with suppress(ValueError):
        moment = datetime.fromisoformat(text) if text else None
        return moment if moment and moment.tzinfo is None else None
    return None
