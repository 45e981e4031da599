"""The page of a booking on which a time is chosen, and then kept for some minutes; and what becomes of it afterwards."""

from contextlib import suppress
from datetime import date, datetime

from flask import current_app, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused, PatientBusy, SlotNotOffered
from scheduler.domain.booking.steps import TIME
from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon
from scheduler.domain.errors import NotFound, TooManyTries
from scheduler.extensions import db
from scheduler.models import Appointment
from scheduler.queries.clinic.reference import PractitionerInfo
from scheduler.usecases.booking.holds import hold_slot
from scheduler.usecases.rate_limit import network_keys
from scheduler.web.forms.fields import FormError
from scheduler.web.patient.booking.slot_times import nearest_starts, times_on_offer, why_not
from scheduler.web.patient.booking.state import Booking, open_booking
from scheduler.web.patient.booking.steps import actor_of, expired, go_on, page_of, show
from scheduler.web.words.dates import time_words
from scheduler.web.words.refusals import explain


@page_of(TIME)
def choose_time(booking: Booking) -> ResponseReturnValue:
    practitioner = _practitioner_asked(booking)
    if request.method != "POST" or expired():
        return _show_times(booking, practitioner)
    chosen = _moment(request.form.get("starts"))
    if chosen is None:
        return _show_times(booking, practitioner, _("Choose a time."))
    if booking.treatment and request.form.get("treatment") != booking.treatment.slug:
        return _show_times(booking, practitioner, _another_treatment(booking))
    for_patient = request.form.get("patient")
    if for_patient and booking.knows(for_patient):
        booking.keep(patient=for_patient)
        booking = open_booking(booking.token or "")
    try:
        _hold(booking, practitioner, chosen)
    except BookingRefused as refusal:
        booking.keep(starts_local="", lost_start=chosen.isoformat(), lost_with="")
        return _show_times(booking, practitioner, explain(refusal).title)
    except TooManyTries as refusal:
        again = time_words(clock.to_local(refusal.again_at, clock.zone(booking.clinic.zone)))
        return _show_times(
            booking,
            practitioner,
            _("Too many times were chosen from here. Try again after %(time)s, or call us.", time=again),
            refusal,
        )
    return go_on(booking)


def _another_treatment(booking: Booking) -> str:
    """The times on that page were those of what had been chosen before."""
    assert booking.treatment  # noqa: S101 - the page before this one
    language = str(get_locale())
    was, now = request.form.get("treatment", ""), booking.treatment.name(language)
    with suppress(NotFound):
        was = booking.reference.treatment(was).name(language)
    return str(
        _(
            "These were times for “%(was)s”. In another tab you have chosen “%(now)s”: choose its time here.",
            was=was[:80],
            now=now,
        )
    )


def look_after_start(booking: Booking) -> None:
    """Called as each later page is sent. A time chosen before may be too soon for whom we know by now, or taken since
    it is no longer kept: then it is to be chosen anew. One that is still free is kept for some minutes more."""
    chosen = booking.starts_local
    if chosen is None or booking.treatment is None or booking.needs_assessment:
        return
    kept = booking.held_until_local is not None
    refusal = why_not(booking.slot_question(None), chosen)
    if isinstance(refusal, TreatmentTooSoon | PatientBusy) or (refusal and not kept):
        booking.keep(starts_local="", lost_start=chosen.isoformat(), lost_with="")
    elif not kept:
        _hold_again(booking, chosen)


def _hold_again(booking: Booking, chosen: datetime) -> None:
    try:
        held = _held(booking, booking.practitioner, chosen)
    except BookingRefused:
        booking.keep(starts_local="", lost_start=chosen.isoformat(), lost_with=booking.fields.get("with", ""))
    except TooManyTries:
        pass  # then it is booked at the end, if it is free by then
    else:
        _keep_hold(booking, booking.asked_practitioner, held)


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
    booking: Booking,
    practitioner: PractitionerInfo | None,
    mistake: str | None = None,
    too_often: TooManyTries | None = None,
) -> ResponseReturnValue:
    question = booking.slot_question(practitioner)
    times = times_on_offer(
        question,
        from_day=_day(request.args.get("from")),
        open_day=_day(request.args.get("day")),
        chosen=booking.starts_local,
    )
    lost = booking.lost_start
    return show(
        booking,
        TIME,
        "choose_time",
        more=[FormError("starts" if times.parts else "", mistake)] if mistake else (),
        too_often=too_often,
        times=times,
        lost=_why_lost(booking, lost) if lost else None,
        nearest=nearest_starts(question, lost) if lost else (),
    )


def _why_lost(booking: Booking, lost: datetime) -> str:
    """Why a time that was chosen before could not be had; worked out anew, in the language of this page."""
    refusal = why_not(booking.slot_question(booking.asked_practitioner), lost)
    if refusal:
        return explain(refusal).title
    kept_with = booking.lost_practitioner
    if kept_with:
        return str(_("It is no longer free with %(name)s, but with somebody else.", name=kept_with.given_name))
    return str(_("It was taken a moment ago, and is free again."))


def _hold(booking: Booking, practitioner: PractitionerInfo | None, chosen: datetime) -> None:
    """Keep the slot for some minutes."""
    refusal = why_not(booking.slot_question(practitioner), chosen)
    if refusal:
        raise refusal
    _keep_hold(booking, practitioner, _held(booking, practitioner, chosen))


def _held(booking: Booking, practitioner: PractitionerInfo | None, chosen: datetime) -> Appointment:
    assert booking.treatment and booking.token  # noqa: S101 - for the type: no time is chosen before a treatment is
    try:
        return hold_slot(
            db.session(),
            clinic=booking.clinic,
            treatment=booking.treatment.slug,
            practitioner=practitioner.slug if practitioner else None,
            starts_local=chosen,
            now=booking.now,
            actor=actor_of(booking),
            held_for=booking.token,
            network_keys=network_keys(current_app.config["SECRET_KEY"], "hold", address=request.remote_addr or ""),
        )
    except NotFound:
        raise SlotNotOffered from None


def _keep_hold(booking: Booking, practitioner: PractitionerInfo | None, held: Appointment) -> None:
    kept_with = booking.reference.practitioner_by_id(held.practitioner_id or 0)
    booking.keep(
        practitioner=practitioner.slug if practitioner else "",
        starts_local=held.starts_local.isoformat(),
        hold=held.public_id,
        hold_id=held.id,
        held_until=held.hold_until.isoformat() if held.hold_until else "",
        lost_start="",
        **{"with": kept_with.slug if kept_with else ""},
    )


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
