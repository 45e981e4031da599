"""The review and its confirmation: everything once more, then one press that books, however often it is pressed."""

from collections.abc import Sequence
from datetime import datetime

from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused, PatientRestricted, PleaseCall
from scheduler.domain.booking.screening import ScreeningAnswers
from scheduler.domain.booking.steps import REVIEW
from scheduler.domain.booking.treatment_spacing import VisitMustMove
from scheduler.domain.booking.visit_reference import reference_of
from scheduler.extensions import db
from scheduler.gateways import phone_numbers
from scheduler.models import Appointment
from scheduler.queries.booking.drafts import texts_to_come, visit_at
from scheduler.queries.texts.no_texts import why_none_about
from scheduler.queries.visits import appointments, ims_given
from scheduler.usecases.booking import booking as booking_usecases
from scheduler.usecases.booking.drafts import finish_draft
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.patients.online_registration import register_online
from scheduler.web.feeds import visit_key
from scheduler.web.forms.fields import FormError
from scheduler.web.forms.screening import ScreeningForm
from scheduler.web.patient.booking.forms import typed_in
from scheduler.web.patient.booking.settle import take_back_what_was_corrected, to_settling
from scheduler.web.patient.booking.shown import booked_otherwise, changed_since, shown_now
from scheduler.web.patient.booking.state import Booking
from scheduler.web.patient.booking.steps import accepted, actor_of, expired, go_on, show
from scheduler.web.patient.feeds import calendar_links
from scheduler.web.patient.sign_in.session import browser_id, know
from scheduler.web.requests.language import template_variables
from scheduler.web.words.refusals import explain
from scheduler.web.words.screening import answer_words


def review(booking: Booking) -> ResponseReturnValue:
    """GET shows; POST books and leads to the last page."""
    form = _screening_form(booking)
    if not accepted(form):
        return _show_review(booking, form, [form] if request.method == "POST" else [])
    assert form.answers  # noqa: S101 - accepted
    changed = changed_since(booking)
    if changed:
        return _show_review(booking, form, [], [FormError("", changed)], status=409)
    try:
        patient_id = _patient_id(booking)
    except PleaseCall as refusal:
        db.session.rollback()
        return _show_refusal(booking, form, refusal)
    take_back_what_was_corrected(booking, patient_id, form.answers)
    try:
        booked = _book(booking, patient_id, form.answers)
    except BookingRefused as refusal:
        assert booking.starts_local  # noqa: S101 - a page before this one
        there = visit_at(db.session(), patient_id, booking.starts_local)
        if there is None:
            return _refused(booking, patient_id, refusal, form)
        booked = there
    return _finished(booking, booked)


def done(booking: Booking) -> ResponseReturnValue:
    """What was booked, as it is now, and what comes next. For who booked it, while they are signed in."""
    appointment = appointments.by_public_id(db.session(), booking.booked or "")
    assert appointment.patient  # noqa: S101 - it is booked
    if appointment.patient not in booking.patients:
        return redirect(url_for("sign_in.give_number", next=request.path), 303)
    is_open = booking.opened is not None and appointment.patient.id in booking.opened.ids
    zone = clock.zone(booking.clinic.zone)
    planned = (
        [] if why_none_about(db.session(), appointment.id, booking.now) else texts_to_come(db.session(), appointment.id)
    )
    texts = [(kind, clock.to_local(due_at, zone)) for kind, due_at in planned]
    return render_template(
        "patient/booking/done.html",
        booking=booking,
        appointment=appointment,
        treatment=booking.reference.treatment_by_id(appointment.treatment_id),
        booked_otherwise=booked_otherwise(appointment.starts_local, request.args.get("pressed")),
        over=appointment.status not in ("booked", "confirmed", "arrived", "completed"),
        reference=reference_of(appointment.id),
        changeable=booking.now < booking.clinic.changeable_until(appointment.starts_at),
        texts=texts,
        ics=url_for("feeds.visit", public_id=appointment.public_id, key=visit_key(appointment)),
        calendar=calendar_links(booking.clinic, appointment.patient.feed_token) if is_open else None,
    )


def _unanswered(booking: Booking) -> list[datetime]:
    """When the patient was here so near to wanted IMS that it is too soon if IMS was given, which nobody has noted yet."""
    treatment = booking.treatment
    if booking.patient is None or booking.starts_local is None or treatment is None or not treatment.needling:
        return []
    min_days = treatment.min_days or 0
    near = ims_given.open_near(
        db.session().connection(), booking.patient.id, booking.starts_local, min_days, to_a_patient=True
    )
    return [visit.starts_local for visit in near]


def _screening_form(booking: Booking) -> ScreeningForm:
    """Asked here of whoever did not answer on an earlier page; what is ticked was ticked in this booking."""
    if booking.screening_with_who:
        answered = booking.screening_form()
        answered.validate()
        return answered
    if request.method == "POST":
        typed = typed_in(request.form)
        if not expired():
            booking.keep_screening(typed)
        return booking.screening_form(typed)
    return booking.screening_form()


def _show_review(
    booking: Booking,
    form: ScreeningForm,
    checked: list[ScreeningForm],
    more: Sequence[FormError] = (),
    status: int | None = None,
) -> ResponseReturnValue:
    assert booking.account  # noqa: S101 - a page before this one
    return show(
        booking,
        REVIEW,
        "review",
        *checked,
        more=more,
        status=status,
        shown=shown_now(booking).fields,
        screening=form,
        screening_words=answer_words(form.answers) if form.answers else [],
        earlier_words=answer_words(form.earlier.answers) if form.earlier else [],
        number=phone_numbers.display(booking.account.number),
        unanswered=_unanswered(booking),
    )


def _patient_id(booking: Booking) -> int:
    """Registers a new patient, whom this browser knows from then on; one of 16 or over whom somebody else registers is
    opened by nobody but themselves."""
    if booking.patient:
        return booking.patient.id
    who = booking.who_form()
    opened = booking.opened
    assert who.validate() and opened and booking.token and who.birth_date.data  # noqa: S101 - pages before this one
    patient = register_online(
        db.session(),
        draft=booking.token,
        browser=browser_id(),
        account_id=opened.account.id,
        registered_by=opened.person.id if opened.person else None,
        given_name=who.given_name.data,
        family_name=who.family_name.data,
        birth_date=who.birth_date.data,
        language=template_variables()["language"],
        now=booking.now,
        today=booking.today,
        actor=actor_of(booking),
    )
    patient_id = patient.id
    if opened.person is None:
        know(opened.account, [patient_id], shared=bool(booking.fields.get("shared")))
    return patient_id


def _book(booking: Booking, patient_id: int, answers: ScreeningAnswers) -> Appointment:
    """With the practitioner whom the page named. A hold that ran out is passed over: the time may still be free."""
    assert booking.treatment and booking.starts_local  # noqa: S101 - pages before this one
    return booking_usecases.book_slot(
        db.session(),
        BookingRequest(
            clinic=booking.clinic,
            patient=patient_id,
            treatment=booking.treatment.slug,
            practitioner=booking.practitioner.slug if booking.practitioner else None,
            starts_local=booking.starts_local,
            now=booking.now,
            actor=actor_of(booking),
            origin="online",
            hold=booking.fields.get("hold"),
            held_for=booking.token,
            screening=answers,
        ),
    )


def _refused(booking: Booking, patient_id: int, refusal: BookingRefused, form: ScreeningForm) -> ResponseReturnValue:
    """To the page where it can be mended: another time, or an assessment; everything typed is kept."""
    chosen = booking.starts_local
    if isinstance(refusal, PatientRestricted):
        return _show_refusal(booking, form, refusal)
    if isinstance(refusal, VisitMustMove) and form.answers:  # no time chosen here mends that
        return to_settling(booking, patient_id, form.answers)
    if chosen and refusal.code != "not-cleared":
        booking.keep(starts_local="", lost_start=chosen.isoformat(), lost_with=booking.fields.get("with", ""))
    return go_on(booking)


def _show_refusal(booking: Booking, form: ScreeningForm, refusal: BookingRefused) -> ResponseReturnValue:
    explained = explain(refusal)
    return _show_review(booking, form, [], [FormError("", f"{explained.title} {explained.advice}")], explained.status)


def _finished(booking: Booking, booked: Appointment) -> ResponseReturnValue:
    assert booking.token  # noqa: S101 - a review has a draft
    finish_draft(db.session(), token=booking.token, browser=browser_id(), appointment_id=booked.id, now=booking.now)
    return redirect(url_for("booking.done", token=booking.token), 303)
