"""The pages of a booking that ask who is there: mobile number, code, and for whom the visit is."""

from dataclasses import dataclass

from flask import Blueprint, current_app, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from scheduler.domain.booking.availability import OfferedStart
from scheduler.domain.booking.refusals import BookingRefused, PatientBusy
from scheduler.domain.booking.steps import CODE, NUMBER, WHO
from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon
from scheduler.domain.errors import TooManyTries
from scheduler.domain.sign_in.refusals import CodeGone, CodeWrong
from scheduler.extensions import db
from scheduler.gateways import phone_numbers
from scheduler.models import Patient
from scheduler.usecases.sign_in import sign_in
from scheduler.usecases.sign_in.code_limits import CodeLimits
from scheduler.web.forms.fields import FormError
from scheduler.web.patient.booking.birth_date import settle_who_is_new
from scheduler.web.patient.booking.forms import CodeForm, NumberForm, as_formdata, typed_in
from scheduler.web.patient.booking.slot_times import nearest_starts, why_not
from scheduler.web.patient.booking.state import Booking, open_booking
from scheduler.web.patient.booking.steps import accepted, expired, go_on, page_of, show
from scheduler.web.patient.booking.time import look_after_start
from scheduler.web.patient.sign_in.code_words import sparing_words, too_often_words
from scheduler.web.patient.sign_in.session import start_session
from scheduler.web.patient.sign_in.typed_code import account_of_code
from scheduler.web.requests.language import template_variables
from scheduler.web.words.agreement import code_words


@dataclass(frozen=True, slots=True)
class TooSoonFor:
    patient: Patient
    refusal: BookingRefused
    nearest: tuple[OfferedStart, ...]


def add_routes(blueprint: Blueprint) -> None:
    both = ["GET", "POST"]
    blueprint.add_url_rule("/book/<token>/number", "give_number", give_number, methods=both)
    blueprint.add_url_rule("/book/<token>/code", "type_code", type_code, methods=both)
    blueprint.add_url_rule("/book/<token>/code/again", "send_again", send_again, methods=["POST"])
    blueprint.add_url_rule("/book/<token>/who", "say_who", say_who, methods=both)


@page_of(NUMBER)
def give_number(booking: Booking) -> ResponseReturnValue:
    form = NumberForm(request.form if request.method == "POST" else as_formdata(booking.typed("number")))
    if not accepted(form):
        return show(booking, NUMBER, "give_number", form, form=form)
    booking.keep(typed_number=typed_in(request.form))
    look_after_start(booking)
    if booking.lost_start:
        return go_on(booking)  # before a code is sent that nobody types
    refused = _send_code(booking, form.e164)
    if refused:
        more = [FormError("number", _too_often(booking, refused, form.e164))]
        return show(booking, NUMBER, "give_number", form, form=form, more=more, too_often=refused)
    return redirect(url_for("booking.type_code", token=booking.token), 303)


@page_of(CODE)
def type_code(booking: Booking) -> ResponseReturnValue:
    form = CodeForm()
    if not accepted(form):
        return _show_code(booking, form)
    try:
        account = account_of_code(
            challenge=str(booking.fields.get("challenge", "")),
            digits=form.digits,
            where="booking",
            now=booking.now,
        )
    except CodeWrong as wrong:
        tries = ngettext("You have %(num)d try left.", "You have %(num)d tries left.", wrong.tries_left)
        form.code.errors = [" ".join((_("This is not the code we sent."), tries))]
        return _show_code(booking, form)
    except CodeGone:
        form.code.errors = [_("This code can no longer be used. Ask for a new one below.")]
        return _show_code(booking, form)
    start_session(account)
    known = open_booking(booking.token or "")
    look_after_start(known)
    return go_on(known)


@page_of(CODE)
def send_again(booking: Booking) -> ResponseReturnValue:
    if expired():
        return _show_code(booking, CodeForm(None))
    refused = _send_code(booking, str(booking.fields.get("number", "")))
    if refused:
        return _show_code(booking, CodeForm(None), refused)
    return redirect(url_for("booking.type_code", token=booking.token, sent="again"), 303)


@page_of(WHO)
def say_who(booking: Booking) -> ResponseReturnValue:
    if request.method == "POST" and not expired():
        typed = typed_in(request.form)
        named = request.form.get("patient", "")
        booking.keep(patient=named if booking.knows(named) else booking.patient_choice, typed_who=typed)
        if booking.screening_with_who:
            booking.keep_screening(typed)
        booking = open_booking(booking.token or "")
    sent = typed_in(request.form) if request.method == "POST" else None
    who = booking.who_form(sent)
    screening = booking.screening_form(sent) if booking.screening_with_who else None
    forms = [form for form in (who, screening) if form is not None]
    if all([accepted(form) for form in forms]) and (not who.is_new or settle_who_is_new(booking, who)):
        booking = open_booking(booking.token or "")
        look_after_start(booking)
        return go_on(booking)
    return show(booking, WHO, "say_who", *forms, form=who, screening=screening, too_soon=_too_soon(booking))


def _send_code(booking: Booking, number: str) -> TooManyTries | None:
    """Queue a code and keep its challenge; or why none is sent."""
    try:
        challenge = sign_in.request_code(
            db.session(),
            number=number,
            address=request.remote_addr or "",
            language=template_variables()["language"],
            secret=current_app.config["SECRET_KEY"],
            clinic=booking.clinic,
            now=booking.now,
            limits=CodeLimits(per_day=current_app.config["CODES_PER_DAY"]),
            after=str(booking.fields.get("challenge") or booking.token),
        )
    except TooManyTries as refused:
        return refused
    booking.keep(challenge=challenge, number=number)
    return None


def _too_often(booking: Booking, refused: TooManyTries, number: str) -> str:
    return too_often_words(refused, challenge=booking.fields.get("challenge"), number=number)


def _show_code(booking: Booking, form: CodeForm, too_often: TooManyTries | None = None) -> ResponseReturnValue:
    number = str(booking.fields.get("number") or (booking.account.number if booking.account else ""))
    sent_to = phone_numbers.display(number) if number else ""
    return show(
        booking,
        CODE,
        "type_code",
        form,
        form=form,
        more=[FormError("", _too_often(booking, too_often, number))] if too_often else (),
        too_often=too_often,
        sent_to=sent_to,
        agreeing=code_words(),
        sparing=sparing_words(number) if number and not booking.account else "",
        sent_again="sent" in request.args,
    )


def _too_soon(booking: Booking) -> TooSoonFor | None:
    """Told right after the code: the time chosen cannot be had by the one patient known on this number."""
    if len(booking.patients) != 1 or booking.patient or booking.starts_local is None:
        return None
    known = booking.patients[0]
    refusal = why_not(booking.slot_question(None, known), booking.starts_local)
    if not isinstance(refusal, TreatmentTooSoon | PatientBusy):
        return None
    nearest = nearest_starts(booking.slot_question(booking.asked_practitioner, known), booking.starts_local)
    return TooSoonFor(known, refusal, nearest)
