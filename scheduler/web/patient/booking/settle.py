"""IMS elsewhere, told in a booking, is too near to a visit that is booked already: what becomes of that visit.

What has happened is recorded together with the decision, and then the booking goes on where it was.
"""

from contextlib import suppress
from datetime import date, datetime, timedelta

from flask import flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.booking.screening import ScreeningAnswers
from scheduler.domain.booking.steps import REVIEW
from scheduler.domain.booking.treatment_spacing import VisitMustMove
from scheduler.domain.errors import NotFound
from scheduler.extensions import db
from scheduler.models import Appointment
from scheduler.usecases.patients.elsewhere import visit_in_the_way
from scheduler.usecases.patients.elsewhere_settling import Settlement, note_told, record_elsewhere_and_settle
from scheduler.usecases.patients.told_elsewhere import take_back_told
from scheduler.web.forms.fields import FormError
from scheduler.web.patient.booking.slot_times import SlotQuestion, first_starts
from scheduler.web.patient.booking.state import Booking, open_booking
from scheduler.web.patient.booking.steps import actor_of, expired, go_on, page_of, show
from scheduler.web.patient.booking.time import look_after_start
from scheduler.web.patient.visits.shown import shown
from scheduler.web.words.dates import day_and_time_words
from scheduler.web.words.refusals import explain

CANCEL = "cancel"


def to_settling(booking: Booking, patient_id: int, answers: ScreeningAnswers) -> ResponseReturnValue:
    """What the patient has told is noted on the visit in the way: whoever leaves here has told it all the same."""
    found = _in_the_way(booking, patient_id, answers.needled_on)
    if found is None:
        return go_on(booking)
    if found[1].is_private:
        return _call_us(booking, found[1])
    note_told(db.session(), public_id=found[0].public_id, answers=answers, now=booking.now)
    booking.keep(told=answers.needled_on.isoformat() if answers.needled_on else "")
    return redirect(url_for("booking.settle", token=booking.token), 303)


def take_back_what_was_corrected(booking: Booking, patient_id: int, answers: ScreeningAnswers) -> None:
    """The day that was noted on a visit in the way is now another one, or none."""
    told = booking.fields.get("told")
    if told and told != str(answers.needled_on):
        take_back_told(db.session(), patient_id=patient_id, day=date.fromisoformat(told), now=booking.now)


@page_of(REVIEW)
def settle(booking: Booking) -> ResponseReturnValue:
    """GET asks; POST with `settle` (cancel, or a start), `visit` and `version` does it."""
    answers, day = _answers(booking), _day(booking)
    found = _in_the_way(booking, booking.patient.id, day) if booking.patient else None
    if answers is None or day is None or found is None:
        return go_on(booking)  # settled in another tab, or at the desk
    visit, refusal = found
    if refusal.is_private:
        return _call_us(booking, refusal)
    if request.method != "POST" or expired():
        return _show(booking, visit, refusal)
    if request.form.get("day") != day.isoformat():
        return _show(
            booking, visit, refusal, _("The day of IMS elsewhere was changed in another tab: look at it again.")
        )
    settlement = _settlement(visit)
    if settlement is None:
        return _show(booking, visit, refusal, _("Choose what becomes of this visit."))
    try:
        _settle(booking, day, settlement, visit.starts_local)
    except (BookingRefused, NotFound) as problem:
        explained = explain(problem)
        again = _in_the_way(booking, visit.patient_id or 0, day)
        return _show(booking, *again, f"{explained.title} {explained.advice}") if again else go_on(booking)
    look_after_start(open_booking(booking.token or ""))
    return to_settling(booking, visit.patient_id or 0, answers)  # of two visits in the way, to the other one


def _call_us(booking: Booking, refusal: VisitMustMove) -> ResponseReturnValue:
    """The visit in the way is not to be seen nor changed here: whoever books may be a parent."""
    explained = explain(refusal)
    return show(booking, REVIEW, "call_us", more=[FormError("", f"{explained.title} {explained.advice}")])


def _in_the_way(booking: Booking, patient_id: int, day: date | None) -> tuple[Appointment, VisitMustMove] | None:
    return visit_in_the_way(db.session(), patient_id=patient_id, day=day, now=booking.now) if day else None


def _settle(booking: Booking, day: date, settlement: Settlement, was: datetime) -> None:
    assert booking.patient  # noqa: S101 - the caller has looked
    record_elsewhere_and_settle(
        db.session(),
        clinic=booking.clinic,
        patient_id=booking.patient.id,
        day=day,
        at=None,
        settlement=settlement,
        now=booking.now,
        actor=actor_of(booking),
    )
    if settlement.starts_local is None:
        flash(_("Your visit on %(when)s is cancelled.", when=day_and_time_words(was)))
    else:
        flash(_("Your visit is now on %(when)s.", when=day_and_time_words(settlement.starts_local)))


def _answers(booking: Booking) -> ScreeningAnswers | None:
    form = booking.screening_form()
    return form.answers if form.validate() else None


def _day(booking: Booking) -> date | None:
    answers = _answers(booking)
    return answers.needled_on if answers else None


def _settlement(visit: Appointment) -> Settlement | None:
    """None when nothing was chosen, or for a visit that is not the one shown now."""
    chosen, version = request.form.get("settle", ""), request.form.get("version", type=int)
    if request.form.get("visit") != visit.public_id or version is None:
        return None
    if chosen == CANCEL:
        return Settlement(visit.public_id, version)
    with suppress(ValueError):
        starts_local = datetime.fromisoformat(chosen)
        return None if starts_local.tzinfo else Settlement(visit.public_id, version, starts_local)
    return None


def _show(booking: Booking, visit: Appointment, refusal: VisitMustMove, problem: str = "") -> ResponseReturnValue:
    return show(
        booking,
        REVIEW,
        "settle",
        more=[FormError("settle", problem)] if problem else (),
        visit=shown(visit, booking.now),
        why=explain(refusal).title,
        starts=_starts_for(booking, visit, refusal),
        day=_day(booking),
        chosen=request.form.get("settle", ""),
        cancel=CANCEL,
    )


def _starts_for(booking: Booking, visit: Appointment, refusal: VisitMustMove) -> list[datetime]:
    """Those that leave room for the visit that is being booked as well."""
    wanted, booked = booking.starts_local, booking.treatment
    assert wanted and booked  # noqa: S101 - pages before this one
    treatment = booking.reference.treatment_by_id(visit.treatment_id)
    question = SlotQuestion(
        clinic=booking.clinic,
        now=booking.now,
        reference=booking.reference,
        treatment=treatment,
        patient_id=visit.patient_id,
        elsewhere=refusal.clash,
        leaving_out=visit.id,
    )
    earliest = max(refusal.earliest, clock.to_local(booking.now, clock.zone(booking.clinic.zone)))
    apart = booked.min_days if booked.spacing_group_id == treatment.spacing_group_id else None
    gap = timedelta(days=apart or 1)
    return first_starts(question, earliest, fits=lambda starts_local: abs(starts_local - wanted) >= gap)
