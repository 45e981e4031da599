"""A patient books: what, when, and the review that ends in an appointment. Signing in and who: sign_in.py."""

from flask import Blueprint, current_app, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from wtforms.fields.choices import SelectChoice

from scheduler import clock
from scheduler.domain.booking.steps import BEGIN, REVIEW, BookingPath
from scheduler.domain.errors import NotFound, TooManyTries
from scheduler.extensions import db
from scheduler.usecases.booking.drafts import begin_draft
from scheduler.usecases.rate_limit import network_keys
from scheduler.web.access import declare
from scheduler.web.forms.fields import FormError
from scheduler.web.patient.booking import birth_date, confirm, settle, sign_in, time
from scheduler.web.patient.booking.forms import NEW_PATIENT, BeginForm, patient_choices
from scheduler.web.patient.booking.state import Booking, new_booking, open_booking
from scheduler.web.patient.booking.steps import accepted, go_on, page_of, show, show_expired_form
from scheduler.web.patient.sign_in.session import browser_id
from scheduler.web.words.dates import time_words

blueprint = Blueprint("booking", __name__)
declare(blueprint, "public")
blueprint.register_error_handler(CSRFError, show_expired_form)
sign_in.add_routes(blueprint)
birth_date.add_routes(blueprint)
blueprint.add_url_rule("/book/<token>/earlier-visit", "settle", settle.settle, methods=["GET", "POST"])
blueprint.add_url_rule("/book/<token>/time", "choose_time", time.choose_time, methods=["GET", "POST"])


@blueprint.route("/book", methods=["GET", "POST"])
def begin() -> ResponseReturnValue:
    booking = new_booking()
    form = _begin_form(booking)
    if not accepted(form):
        return _show_begin(booking, form)
    try:
        booking.token = begin_draft(
            db.session(),
            browser=browser_id(),
            fields=_begin_fields(booking, form),
            now=booking.now,
            network_keys=network_keys(current_app.config["SECRET_KEY"], "draft", address=request.remote_addr or ""),
        )
    except TooManyTries as refusal:
        return _too_often(booking, form, refusal)
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
        fields |= {"starts_local": "", "lost_start": ""}
    booking.keep(**fields)
    time.look_after_start(open_booking(booking.token or ""))
    return go_on(booking)


@blueprint.route("/book/<token>/review", methods=["GET", "POST"])
@page_of(REVIEW)
def review(booking: Booking) -> ResponseReturnValue:
    return confirm.review(booking)


@blueprint.get("/book/<token>/done")
def done(token: str) -> ResponseReturnValue:
    try:
        booking = open_booking(token)
    except NotFound:
        return render_template("patient/booking/gone.html"), 404
    return confirm.done(booking) if booking.booked else go_on(booking)


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
        patient = form.patient.data if booking.patients else NEW_PATIENT if booking.is_known else ""
        return {**fields, "path": booking.fields.get("path", BookingPath.SIGNED_IN), "patient": patient}
    path = BookingPath.BEEN_BEFORE if form.been_before.data == "yes" else BookingPath.FIRST_TIME
    return {**fields, "path": path, "been_before": form.been_before.data}


def _show_begin(booking: Booking, form: BeginForm) -> ResponseReturnValue:
    return show(booking, BEGIN, "begin", form, form=form)


def _too_often(booking: Booking, form: BeginForm, refusal: TooManyTries) -> ResponseReturnValue:
    again = time_words(clock.to_local(refusal.again_at, clock.zone(booking.clinic.zone)))
    words = _("Too many bookings were begun from here. Try again after %(time)s, or call us.", time=again)
    return show(booking, BEGIN, "begin", form, form=form, more=[FormError("", words)], too_often=refusal)
