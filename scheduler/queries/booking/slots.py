"""The starts on offer, to anybody and to one patient.

Three SELECTs at most, whatever the range and the number of practitioners: the calendar's state, what occupies
the range, and the patient's own visits. An offer to anybody is kept in memory while the state stands.
"""

from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from threading import Lock
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Engine

from scheduler import clock
from scheduler.domain.booking.availability import HiddenReason, Offer, OfferedStart, SlotSearch, find_offer
from scheduler.domain.booking.treatment_spacing import CountingVisit, earliest_allowed, forbidden, last_before
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.timeslot import OpenRange, TimeSlot
from scheduler.models.engine import Database, database_of
from scheduler.queries.booking.visits_that_bear import PatientFacts, facts_of
from scheduler.queries.calendar import occupied as calendar
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import PractitionerInfo, Reference, State, TreatmentInfo
from scheduler.queries.driver_statements import Plainly

STRETCHES = (7, 21)  # the days looked through: a week mostly has something, three weeks nearly always, then all
A_YEAR = timedelta(days=366)  # the desk books no further ahead
KEPT_OFFERS = 128  # of each database; one of 14 days and five practitioners takes about 100 kB


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is looked for. `practitioner` none: anyone who does it. Days are both included."""

    treatment: TreatmentInfo
    first_day: date
    last_day: date
    practitioner: PractitionerInfo | None = None
    leaving_out: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """`valid_until`: when a hold runs out that stood in the way, none when nothing but a change can alter the offer.

    `ran_out`: ids of holds that are over and still stand in the table.
    """

    offer: Offer
    reference: Reference
    state: State
    earliest_local: datetime
    valid_until: datetime | None
    ran_out: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FoundForPatient:
    """What `Found` says, less what the rule and the patient's other visits forbid.

    `clash` is the counting visit that forbids the nearest future, `earliest_allowed` when it stops doing so.
    """

    offer: Offer
    everybody: Found
    facts: PatientFacts
    clash: CountingVisit | None
    earliest_allowed: datetime | None


def find_slots(
    connection: Plainly,
    wanted: Wanted,
    *,
    clinic: ClinicSettings,
    now: datetime,
    known: State | None = None,
    bounds: "Bounds | None" = None,
) -> Found:
    """The offer to anybody, for reading. Without `bounds` within lead time and horizon, as patients book."""
    state = known or reference.state(connection)
    bounds = bounds or online_bounds(clinic, now)
    kept = _kept_of(connection.engine)
    key = (state, wanted, bounds)
    found = kept.get(key, now)
    if found is None:
        found = search(connection, wanted, clinic=clinic, now=now, state=state, bounds=bounds)
        kept.put(key, found)
    return found


def known_slots(engine: Engine, wanted: Wanted, *, state: State, bounds: "Bounds", now: datetime) -> Found | None:
    """What `find_slots` would find, when it is in memory."""
    return _kept_of(engine).get((state, wanted, bounds), now)


def find_slots_for_patient(
    connection: Plainly,
    wanted: Wanted,
    patient_id: int,
    *,
    clinic: ClinicSettings,
    now: datetime,
    known: State | None = None,
    bounds: "Bounds | None" = None,
) -> FoundForPatient:
    found = find_slots(connection, wanted, clinic=clinic, now=now, known=known, bounds=bounds)
    facts = facts_for(connection, wanted, patient_id, now=now, zone=clinic.zone)
    return narrowed(found, facts, wanted.treatment, clinic=clinic, now=now)


@dataclass(frozen=True, slots=True)
class First:
    """The first starts on offer in `found`'s days; when there are none, every reason met on the way."""

    starts: tuple[OfferedStart, ...]
    found: Found
    why_empty: tuple[HiddenReason, ...]
    facts: PatientFacts | None
    earliest_allowed: datetime | None


def first_slots(
    connection: Plainly,
    wanted: Wanted,
    *,
    clinic: ClinicSettings,
    now: datetime,
    count: int,
    patient_id: int | None = None,
    known: State | None = None,
) -> First:
    """The first `count` starts for anybody, or for the patient: "Earliest for me", over the whole of `wanted`.

    Looks through a few stretches of days, each longer than the one before, and reads none that is not needed: five
    SELECTs at most. The first stretch is the one in which the last answer to anybody was found: a calendar that was
    full a moment ago mostly still is.
    """
    state = known or reference.state(connection)
    reached = _kept_of(connection.engine).reached
    whose = (wanted.treatment.id, wanted.practitioner.id if wanted.practitioner else None)
    bounds = online_bounds(clinic, now)
    facts = facts_for(connection, wanted, patient_id, now=now, zone=clinic.zone) if patient_id is not None else None
    starts: list[OfferedStart] = []
    reasons: dict[HiddenReason, None] = {}
    allowed = None
    for first_day, last_day in _stretches(wanted, reached.get(whose, STRETCHES[0])):
        part = replace(wanted, first_day=first_day, last_day=last_day)
        found = find_slots(connection, part, clinic=clinic, now=now, known=state, bounds=bounds)
        offer = found.offer
        if facts is not None:
            narrow = narrowed(found, facts, wanted.treatment, clinic=clinic, now=now)
            offer, allowed = narrow.offer, narrow.earliest_allowed
        starts += offer.first(count - len(starts))
        if len(starts) == count:
            break
        reasons |= dict.fromkeys(offer.why_empty())
    if patient_id is None:
        reached[whose] = (last_day - wanted.first_day).days + 1
    why = () if starts else tuple(sorted(reasons, key=list(HiddenReason).index, reverse=True))
    return First(tuple(starts), found, why, facts, allowed)


def _stretches(wanted: Wanted, at_first: int) -> Iterator[tuple[date, date]]:
    """Together `wanted`'s days; the first are `at_first` or more."""
    first_day = wanted.first_day
    for days in (*(days for days in STRETCHES if days >= at_first), (wanted.last_day - wanted.first_day).days + 1):
        last_day = min(wanted.first_day + timedelta(days=days - 1), wanted.last_day)
        yield first_day, last_day
        if last_day == wanted.last_day:
            return
        first_day = last_day + timedelta(days=1)


def facts_for(
    connection: Plainly,
    wanted: Wanted,
    patient: int | str,
    *,
    now: datetime,
    zone: str,
) -> PatientFacts:
    """The patient's visits that bear on what is wanted, and all to come: they decide which start is the earliest allowed.

    `patient`: id or public id.
    """
    where = clock.zone(zone)
    today = clock.to_local(now, where).date()
    return facts_of(
        connection,
        patient,
        spacing_group_id=wanted.treatment.spacing_group_id,
        min_days=wanted.treatment.min_days,
        first_day=min(wanted.first_day, today),
        last_day=max(wanted.last_day, today + A_YEAR),
        needling=wanted.treatment.needling,
        now=now,
        zone=where,
        leaving_out=wanted.leaving_out,
    )


def narrowed(
    found: Found, facts: PatientFacts, treatment: TreatmentInfo, *, clinic: ClinicSettings, now: datetime
) -> FoundForPatient:
    too_soon = forbidden(facts.counting, min_days=treatment.min_days) if treatment.min_days else []
    offer = found.offer.for_patient(too_soon=too_soon, visits=facts.visits)
    lapses_on = facts.clearance.lapses_on(clinic.clearance_months) if treatment.needs_clearance else None
    if lapses_on is not None:
        lapses = datetime.combine(lapses_on, time.min)
        ever_after = OpenRange(lapses - timedelta(minutes=1), max(lapses, found.earliest_local) + 2 * A_YEAR)
        offer = offer.without([ever_after], HiddenReason.BEYOND_HORIZON)
    zone = clock.zone(clinic.zone)
    now_local, days = clock.to_local(now, zone), treatment.min_days or 1
    allowed = earliest_allowed(now_local, facts.counting, min_days=days, on_clock=clock.on(zone)) if too_soon else None
    if allowed is None or allowed <= now_local:
        return FoundForPatient(offer, found, facts, None, None)
    return FoundForPatient(offer, found, facts, last_before(allowed, facts.counting, min_days=days), allowed)


@dataclass(frozen=True, slots=True)
class Bounds:
    """Starts at or after `earliest_local` and before `latest_local`."""

    earliest_local: datetime
    latest_local: datetime


@lru_cache(maxsize=64)  # a booking asks several times about its one moment
def online_bounds(clinic: ClinicSettings, now: datetime) -> Bounds:
    """Lead time, rounded up to the grid so that the same offer serves for a while; horizon to the end of its day."""
    now_local = clock.to_local(now, clock.zone(clinic.zone))
    midnight = datetime.combine(now_local.date(), time.min)
    grid = timedelta(minutes=clinic.grid_minutes)
    earliest = midnight - (-(now_local + timedelta(minutes=clinic.lead_minutes) - midnight) // grid) * grid
    return Bounds(earliest, midnight + timedelta(days=clinic.horizon_days + 1))


def nearest(offer: Offer, wanted_local: datetime, count: int = 3) -> tuple[OfferedStart, ...]:
    return offer.nearest(wanted_local, count)


def search(
    connection: Plainly,
    wanted: Wanted,
    *,
    clinic: ClinicSettings,
    now: datetime,
    state: State,
    bounds: Bounds,
) -> Found:
    """The offer, read anew: for use cases, whose own changes are not committed yet and must not be remembered."""
    current = reference.current(connection, state.reference_version)
    treatment = wanted.treatment
    practitioners = (wanted.practitioner,) if wanted.practitioner else current.practitioners_for(treatment)
    able = tuple(p.id for p in practitioners if p.does(treatment))
    occupied = calendar.occupied(
        connection,
        first_day=wanted.first_day,
        last_day=wanted.last_day,
        now=now,
        leaving_out=wanted.leaving_out,
    )
    search = SlotSearch(
        first_day=wanted.first_day,
        last_day=wanted.last_day,
        minutes=treatment.minutes,
        buffer_minutes=treatment.buffer_minutes,
        practitioners=able,
        rooms=current.rooms,
        earliest_local=bounds.earliest_local,
        latest_local=bounds.latest_local,
        grid_minutes=clinic.grid_minutes,
    )
    changes = _clock_changes(wanted.first_day, wanted.last_day, clinic.zone)
    offer = find_offer(search, current.hours, occupied.absences, occupied.busy, changes)
    return Found(offer, current, state, bounds.earliest_local, occupied.next_run_out, tuple(occupied.ran_out))


@lru_cache(maxsize=512)
def _clock_changes(first_day: date, last_day: date, zone: str) -> tuple[TimeSlot, ...]:
    return tuple(clock.clock_changes(first_day, last_day + timedelta(days=1), clock.zone(zone)))


class _KeptOffers:
    """The last offers of one database; waitress asks from several threads."""

    def __init__(self) -> None:
        self.reached: dict[
            tuple[int, int | None], int
        ] = {}  # days until the last "earliest", by treatment and practitioner
        self._offers: OrderedDict[Any, Found] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Any, now: datetime) -> Found | None:
        with self._lock:
            found = self._offers.get(key)
            if found is None or (found.valid_until is not None and found.valid_until <= now):
                return None
            self._offers.move_to_end(key)
            return found

    def put(self, key: Any, found: Found) -> None:
        with self._lock:
            self._offers[key] = found
            while len(self._offers) > KEPT_OFFERS:
                self._offers.popitem(last=False)


_kept: "WeakKeyDictionary[Database, _KeptOffers]" = WeakKeyDictionary()


def _kept_of(engine: Engine) -> _KeptOffers:
    database = database_of(engine)
    return _kept.get(database) or _kept.setdefault(database, _KeptOffers())
