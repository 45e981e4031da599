"""The nearest free starts for one patient, and a series of visits a week apart, as the desk looks for them."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlalchemy import Connection

from scheduler import clock
from scheduler.domain.booking.availability import HiddenReason, Offer, OfferedStart
from scheduler.domain.booking.treatment_spacing import CountingVisit
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.timeslot import TimeSlot
from scheduler.queries.booking import slots
from scheduler.queries.booking.slots import Bounds, Wanted
from scheduler.queries.booking.visits_that_bear import PatientFacts
from scheduler.queries.clinic import reference

STRETCH = timedelta(days=14)
REACH = timedelta(days=120)
A_DAY_AT_MOST = 3  # starts shown of one day, so that a free morning does not hide the days after it
AROUND = timedelta(days=3)  # where the alternatives to a clash in a series are looked for

Fits = Callable[[datetime], bool]


@dataclass(frozen=True, slots=True)
class PlannedVisit:
    """One of a series. `reason` says why `wanted` cannot be had, then `alternatives` are the nearest that can."""

    wanted: datetime
    chosen: OfferedStart | None
    reason: HiddenReason | None
    alternatives: tuple[OfferedStart, ...]


def desk_bounds(clinic: ClinicSettings, now: datetime) -> Bounds:
    """The desk books from the next quarter of an hour on, without patients' lead time."""
    now_local = clock.to_local(now, clock.zone(clinic.zone)).replace(second=0, microsecond=0)
    return Bounds(now_local + timedelta(minutes=-now_local.minute % 15), now_local + timedelta(days=366))


def next_free(
    connection: Connection,
    wanted: Wanted,
    patient_id: int,
    *,
    clinic: ClinicSettings,
    now: datetime,
    count: int,
    fits: Fits,
) -> list[OfferedStart]:
    """From `wanted.first_day` on, one practitioner a start, a few starts a day; all that the patient may take."""
    bounds = desk_bounds(clinic, now)
    state = reference.state(connection)
    facts = slots.facts_for(
        connection, replace(wanted, last_day=wanted.first_day + REACH), patient_id, now=now, zone=clinic.zone
    )
    found: list[OfferedStart] = []
    for first_day, last_day in _stretches(wanted.first_day):
        part = replace(wanted, first_day=first_day, last_day=last_day)
        offered = slots.find_slots(connection, part, clinic=clinic, now=now, known=state, bounds=bounds)
        offer = slots.narrowed(offered, facts, wanted.treatment, clinic=clinic, now=now).offer
        found += _spread(offer, fits, count - len(found))
        if len(found) == count:
            break
    return found


def plan_series(
    connection: Connection,
    wanted: Wanted,
    patient_id: int,
    *,
    starts: list[datetime],
    clinic: ClinicSettings,
    now: datetime,
) -> list[PlannedVisit]:
    """Each of `starts` or, where it cannot be had, the nearest that can; those before it in the series count for it."""
    bounds = desk_bounds(clinic, now)
    state = reference.state(connection)
    reach = replace(wanted, first_day=min(starts).date() - AROUND, last_day=max(starts).date() + AROUND)
    facts = slots.facts_for(connection, reach, patient_id, now=now, zone=clinic.zone)
    planned = []
    for start in starts:
        around = replace(wanted, first_day=start.date() - AROUND, last_day=start.date() + AROUND)
        offered = slots.find_slots(connection, around, clinic=clinic, now=now, known=state, bounds=bounds)
        offer = slots.narrowed(offered, facts, wanted.treatment, clinic=clinic, now=now).offer
        visit = _one_of_series(offer, start)
        planned.append(visit)
        if visit.chosen is not None:
            facts = _with(facts, visit.chosen.starts_local, wanted)
    return planned


def _one_of_series(offer: Offer, start: datetime) -> PlannedVisit:
    here = next((offered for offered in offer.of_day(start.date()) if offered.starts_local == start), None)
    if here is not None:
        return PlannedVisit(start, here, None, ())
    reasons = [offer.why_hidden(start, practitioner) for practitioner in offer.practitioners]
    telling = max(
        (reason for reason in reasons if reason), key=list(HiddenReason).index, default=HiddenReason.OUTSIDE_HOURS
    )
    nearest = slots.nearest(offer, start)
    first = min(nearest, key=lambda near: abs(near.starts_local - start), default=None)
    return PlannedVisit(start, first, telling, nearest)


def _with(facts: PatientFacts, start: datetime, wanted: Wanted) -> PatientFacts:
    counting = (*facts.counting, CountingVisit(start)) if wanted.treatment.min_days else facts.counting
    visit = TimeSlot(start, start + timedelta(minutes=wanted.treatment.minutes))
    return replace(facts, counting=counting, visits=(*facts.visits, visit))


def _stretches(first_day: date) -> Iterator[tuple[date, date]]:
    day = first_day
    while day < first_day + REACH:
        yield day, day + STRETCH - timedelta(days=1)
        day += STRETCH


def _spread(offer: Offer, fits: Fits, count: int) -> list[OfferedStart]:
    found: list[OfferedStart] = []
    for day in offer.days():
        of_day: dict[datetime, OfferedStart] = {}
        for start in offer.of_day(day):
            if fits(start.starts_local):
                of_day.setdefault(start.starts_local, start)
        found += _across(list(of_day.values()))
        if len(found) >= count:
            return found[:count]
    return found


def _across(starts: list[OfferedStart]) -> list[OfferedStart]:
    """The first of the day, and others well after it."""
    chosen: list[OfferedStart] = []
    for start in starts:
        if not chosen or start.starts_local - chosen[-1].starts_local >= timedelta(hours=2):
            chosen.append(start)
    return chosen[:A_DAY_AT_MOST]
