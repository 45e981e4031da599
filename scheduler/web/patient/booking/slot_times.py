"""Times to choose from, as pages show them: available dates only, ten a page, one of them open with its times."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from itertools import groupby, islice

from scheduler import clock
from scheduler.domain.booking.availability import HiddenReason, OfferedStart
from scheduler.domain.booking.refusals import BookingRefused, PatientBusy, SlotNotOffered, SlotTaken
from scheduler.domain.booking.treatment_spacing import CountingVisit, TreatmentTooSoon, require_spacing
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.patients.clearance import Clearance
from scheduler.domain.timeslot import TimeSlot
from scheduler.extensions import db
from scheduler.queries.booking import slots
from scheduler.queries.booking.slots import FoundForPatient, Wanted
from scheduler.queries.booking.visits_that_bear import PatientFacts
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import PractitionerInfo, Reference, TreatmentInfo

DATES = 10
FIRST_LOOK = timedelta(days=20)  # ten working days and a holiday; further only when that is not enough
NOON, EVENING = time(12), time(17)


@dataclass(frozen=True, slots=True)
class SlotQuestion:
    """Which times are asked for. `patient_id` none: nobody known yet. `elsewhere`: IMS that is not recorded yet.

    `leaving_out`: id of the appointment that is no obstacle: the visitor's own hold, or the visit being moved.
    """

    clinic: ClinicSettings
    now: datetime
    reference: Reference
    treatment: TreatmentInfo
    practitioner: PractitionerInfo | None = None
    patient_id: int | None = None
    elsewhere: CountingVisit | None = None
    leaving_out: int | None = None

    @property
    def today(self) -> date:
        return clock.to_local(self.now, clock.zone(self.clinic.zone)).date()

    @property
    def last_day(self) -> date:
        return self.today + timedelta(days=self.clinic.horizon_days)


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
    """`open_day` is one of `days`, or none. `later_from`: where the next ten begin, `from_day`: where these did when
    they are not the first. `clash`, `allowed_from`: what the spacing rule says about this patient."""

    question: SlotQuestion
    days: tuple[DayOfTimes, ...]
    open_day: date | None
    parts: tuple[PartOfDay, ...]
    from_day: date | None
    later_from: date | None
    clash: CountingVisit | None
    allowed_from: datetime | None
    why_empty: tuple[HiddenReason, ...]

    @property
    def practitioner(self) -> PractitionerInfo | None:
        return self.question.practitioner

    @property
    def practitioners(self) -> tuple[PractitionerInfo, ...]:
        return self.question.reference.practitioners_for(self.question.treatment)


def times_on_offer(
    question: SlotQuestion,
    *,
    from_day: date | None = None,
    open_day: date | None = None,
    chosen: datetime | None = None,
) -> TimesOnOffer:
    """At most 5 SELECTs, the calendar's state included. The day asked for is open, else the chosen one, else the first."""
    first = min(max(from_day or question.today, question.today), question.last_day)
    found = _look(question, first, min(first + FIRST_LOOK, question.last_day))
    days = found.offer.days()
    if len(days) <= DATES and first + FIRST_LOOK < question.last_day:
        found = _look(question, first, question.last_day, found)
        days = found.offer.days()
    shown = list(days)[:DATES]
    wanted = (open_day, chosen.date() if chosen else None, *shown[:1])
    opened = next((day for day in wanted if day in shown), None)
    return TimesOnOffer(
        question=question,
        days=tuple(DayOfTimes(day, days[day]) for day in shown),
        open_day=opened,
        parts=_parts(found.offer.of_day(opened)) if opened else (),
        from_day=first if first > question.today else None,
        later_from=list(days)[DATES] if len(days) > DATES else None,
        clash=found.clash,
        allowed_from=found.earliest_allowed,
        why_empty=tuple(found.offer.why_empty()),
    )


def nearest_starts(question: SlotQuestion, wanted_local: datetime) -> tuple[OfferedStart, ...]:
    """Up to three, from three weeks before to three weeks after."""
    middle = min(max(wanted_local.date(), question.today), question.last_day)
    first, last = max(middle - FIRST_LOOK, question.today), min(middle + FIRST_LOOK, question.last_day)
    return slots.nearest(_look(question, first, last).offer, wanted_local)


def first_starts(
    question: SlotQuestion, from_local: datetime, *, fits: Callable[[datetime], bool], most: int = 12
) -> list[datetime]:
    """The first of each part of the day, so that there is a choice of days."""
    first = max(from_local.date(), question.today)
    offer = _look(question, first, min(first + FIRST_LOOK, question.last_day)).offer
    parts = (part for day in offer.days() for part in _parts(offer.of_day(day)))
    allowed = (next((s for s in part.starts if s >= from_local and fits(s)), None) for part in parts)
    return list(islice((starts_local for starts_local in allowed if starts_local), most))


def why_not(question: SlotQuestion, starts_local: datetime) -> BookingRefused | None:
    """What forbids this start to this patient; none when it is on offer."""
    day = starts_local.date()
    if not question.today <= day <= question.last_day:
        past = day < question.today
        return SlotNotOffered(HiddenReason.TOO_LATE_TO_BOOK if past else HiddenReason.BEYOND_HORIZON)
    found = _look(question, day, day)
    reasons = [found.offer.why_hidden(starts_local, candidate) for candidate in found.offer.practitioners]
    if None in reasons:
        return None
    return _refusal(found, question, starts_local, {reason for reason in reasons if reason})


def _look(question: SlotQuestion, first: date, last: date, before: FoundForPatient | None = None) -> FoundForPatient:
    """`before`: an earlier look of this request, which knows the calendar's state."""
    connection = db.session.connection()
    wanted = Wanted(question.treatment, first, last, question.practitioner, question.leaving_out)
    state = before.everybody.state if before else reference.state(connection)
    found = slots.find_slots(connection, wanted, clinic=question.clinic, now=question.now, known=state)
    facts = PatientFacts(0, Clearance(None), (), ())
    if question.patient_id is not None:
        facts = slots.facts_for(connection, wanted, question.patient_id, now=question.now, zone=question.clinic.zone)
    if question.elsewhere:
        facts = replace(facts, counting=(*facts.counting, question.elsewhere))
    return slots.narrowed(found, facts, question.treatment, clinic=question.clinic, now=question.now)


def _parts(offered: list[OfferedStart]) -> tuple[PartOfDay, ...]:
    starts = sorted({start.starts_local for start in offered})
    return tuple(PartOfDay(name, tuple(group)) for name, group in groupby(starts, key=_part_of))


def _part_of(starts_local: datetime) -> str:
    moment = starts_local.time()
    return "morning" if moment < NOON else "afternoon" if moment < EVENING else "evening"


def _refusal(
    found: FoundForPatient, question: SlotQuestion, starts_local: datetime, reasons: set[HiddenReason]
) -> BookingRefused:
    min_days = question.treatment.min_days
    if HiddenReason.TOO_SOON in reasons and min_days:
        try:
            on_clock = clock.on(clock.zone(question.clinic.zone))
            require_spacing(starts_local, found.facts.counting, min_days=min_days, on_clock=on_clock)
        except TreatmentTooSoon as refusal:
            return refusal
    if HiddenReason.PATIENT_BUSY in reasons:
        try:
            minutes = timedelta(minutes=question.treatment.minutes)
            found.facts.require_free(TimeSlot(starts_local, starts_local + minutes))
        except PatientBusy as refusal:
            return refusal
    if reasons & {HiddenReason.PRACTITIONER_BUSY, HiddenReason.NO_ROOM}:
        return SlotTaken()
    return SlotNotOffered(next(iter(reasons), None))
