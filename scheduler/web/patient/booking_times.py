"""The times to choose from: available dates only, ten a page, one of them open with its times."""

from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby

from scheduler.domain.availability import HiddenReason, OfferedStart
from scheduler.domain.errors import BookingRefused, PatientBusy, SlotNotOffered, SlotTaken, TreatmentTooSoon
from scheduler.domain.treatment_spacing import CountingVisit, require_spacing
from scheduler.extensions import db
from scheduler.models import Patient
from scheduler.queries import reference, slots
from scheduler.queries.reference import PractitionerInfo, TreatmentInfo
from scheduler.queries.slots import FoundForPatient, Wanted
from scheduler.queries.visits import PatientFacts
from scheduler.web.patient.booking_state import Booking

DATES = 10
FIRST_LOOK = timedelta(days=20)  # ten working days and a holiday; further only when that is not enough
NOON, EVENING = time(12), time(17)


@dataclass(frozen=True, slots=True)
class DayOfTimes:
    day: date
    count: int


@dataclass(frozen=True, slots=True)
class PartOfDay:
    """`name`: morning, afternoon or evening."""

    name: str
    starts: tuple[datetime, ...]


@dataclass(frozen=True, slots=True)
class TimesOnOffer:
    """`open_day` is one of `days`, or none. `later_from`: where the next ten begin. `clash`, `allowed_from`: what the
    spacing rule says about this patient. `nearest`: starts near the one that was lost. `why_empty`: most telling first."""

    days: tuple[DayOfTimes, ...]
    open_day: date | None
    parts: tuple[PartOfDay, ...]
    later_from: date | None
    has_earlier: bool
    practitioners: tuple[PractitionerInfo, ...]
    practitioner: PractitionerInfo | None
    clash: CountingVisit | None
    allowed_from: datetime | None
    nearest: tuple[OfferedStart, ...]
    why_empty: tuple[HiddenReason, ...]


@dataclass(frozen=True, slots=True)
class TooSoonFor:
    patient: Patient
    refusal: BookingRefused
    nearest: tuple[OfferedStart, ...]


def times_on_offer(
    booking: Booking,
    treatment: TreatmentInfo,
    *,
    practitioner: PractitionerInfo | None,
    from_day: date | None,
    open_day: date | None,
) -> TimesOnOffer:
    """At most 5 SELECTs, the calendar's state included."""
    last = booking.today + timedelta(days=booking.clinic.horizon_days)
    first = min(max(from_day or booking.today, booking.today), last)
    found = _look(booking, treatment, practitioner, first, min(first + FIRST_LOOK, last))
    days = found.offer.days()
    if len(days) <= DATES and first + FIRST_LOOK < last:
        found = _look(booking, treatment, practitioner, first, last)
        days = found.offer.days()
    shown = [DayOfTimes(day, count) for day, count in list(days.items())[:DATES]]
    opened = _opened(booking, shown, open_day)
    lost = booking.lost_start
    return TimesOnOffer(
        days=tuple(shown),
        open_day=opened,
        parts=_parts(found.offer.of_day(opened)) if opened else (),
        later_from=list(days)[DATES] if len(days) > DATES else None,
        has_earlier=first > booking.today,
        practitioners=booking.reference.practitioners_for(treatment),
        practitioner=practitioner,
        clash=found.clash,
        allowed_from=found.earliest_allowed,
        nearest=slots.nearest(found.offer, lost) if lost else (),
        why_empty=tuple(found.offer.why_empty()),
    )


def why_not(
    booking: Booking, treatment: TreatmentInfo, practitioner: PractitionerInfo | None, starts_local: datetime
) -> BookingRefused | None:
    """What forbids this start to this patient; none when it is on offer."""
    day = starts_local.date()
    if not booking.today <= day <= booking.today + timedelta(days=booking.clinic.horizon_days):
        return SlotNotOffered(HiddenReason.TOO_LATE_TO_BOOK if day < booking.today else HiddenReason.BEYOND_HORIZON)
    found = _look(booking, treatment, practitioner, day, day)
    reasons = [found.offer.why_hidden(starts_local, candidate) for candidate in found.offer.practitioners]
    if None in reasons:
        return None
    return _refusal(found, treatment, starts_local, {reason for reason in reasons if reason})


def too_soon_for(booking: Booking, patient: Patient) -> TooSoonFor | None:
    """None when the patient may have the time chosen."""
    treatment, chosen = booking.treatment, booking.starts_local
    refusal = why_not(booking, treatment, None, chosen) if treatment and chosen else None
    if treatment is None or chosen is None or not isinstance(refusal, TreatmentTooSoon | PatientBusy):
        return None
    last = booking.today + timedelta(days=booking.clinic.horizon_days)
    around = max(chosen.date() - FIRST_LOOK, booking.today), min(chosen.date() + FIRST_LOOK, last)
    found = _look(booking, treatment, booking.asked_practitioner, *around)
    return TooSoonFor(patient, refusal, slots.nearest(found.offer, chosen))


def _look(
    booking: Booking, treatment: TreatmentInfo, practitioner: PractitionerInfo | None, first: date, last: date
) -> FoundForPatient:
    connection = db.session.connection()
    # The slot kept for this visitor is no obstacle to them.
    wanted = Wanted(treatment, first, last, practitioner, booking.fields.get("hold_id"))
    state = reference.state(connection)
    found = slots.find_slots(connection, wanted, clinic=booking.clinic, now=booking.now, known=state)
    facts = PatientFacts(0, True, (), ())
    if booking.patient:
        facts = slots.facts_for(connection, wanted, booking.patient.id, now=booking.now, zone=booking.clinic.zone)
    elsewhere = booking.visit_elsewhere
    if elsewhere:
        facts = replace(facts, counting=(*facts.counting, elsewhere))
    return slots.narrowed(found, facts, treatment, clinic=booking.clinic, now=booking.now)


def _opened(booking: Booking, shown: list[DayOfTimes], asked: date | None) -> date | None:
    """The day asked for; without one the day chosen before, else the first."""
    days = [row.day for row in shown]
    chosen = booking.starts_local.date() if booking.starts_local else None
    return next((day for day in (asked, chosen, *days[:1]) if day in days), None)


def _parts(offered: list[OfferedStart]) -> tuple[PartOfDay, ...]:
    starts = sorted({start.starts_local for start in offered})
    return tuple(PartOfDay(name, tuple(group)) for name, group in groupby(starts, key=_part_of))


def _part_of(starts_local: datetime) -> str:
    moment = starts_local.time()
    return "morning" if moment < NOON else "afternoon" if moment < EVENING else "evening"


def _refusal(
    found: FoundForPatient, treatment: TreatmentInfo, starts_local: datetime, reasons: set[HiddenReason]
) -> BookingRefused:
    if HiddenReason.TOO_SOON in reasons and treatment.min_days:
        try:
            require_spacing(starts_local, found.facts.counting, min_days=treatment.min_days)
        except TreatmentTooSoon as refusal:
            return refusal
    if HiddenReason.PATIENT_BUSY in reasons:
        return PatientBusy()
    if reasons & {HiddenReason.PRACTITIONER_BUSY, HiddenReason.NO_ROOM}:
        return SlotTaken()
    return SlotNotOffered(next(iter(reasons), None))
