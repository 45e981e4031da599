"""Clinics of 1,000 to 1,000,000 appointments whose next weeks are the same whatever their size.

Five practitioners work Monday to Saturday, 9:00 to 17:00, and a full day is eleven IMS visits. Everything beyond the
coming visits lies in the past; a past of more than a year is that of a bigger clinic, whose other practitioners have left.
"""

import random
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from itertools import count, islice

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings

CLINIC = ClinicSettings()
PRACTITIONERS, FORMER = 5, 45
WORKDAYS = 6  # as tests.factories.make_clinic has it
MINUTES, BUFFER, MIN_DAYS = 30, 15, 7
FIRST_VISIT, VISITS_A_DAY = 9 * 60, 11
FILLED = 0.7
YEAR_OF_FIVE = 10_000  # a past of more visits than this needs the former practitioners
COMING = 1_000
NEWCOMERS = 16_000  # patients without any visit, to book in the benchmarks
ORDINARY, FULL_14, FULL_90 = "ordinary", "14 days full", "90 days full"


@dataclass(frozen=True, slots=True)
class Visit:
    """`starts_at` in UTC, without saying so."""

    id: int
    patient_id: int
    practitioner_id: int
    starts_local: datetime
    starts_at: datetime
    status: str


@dataclass(frozen=True, slots=True)
class Size:
    """`visits`: how many appointments there are, past and coming."""

    visits: int

    @property
    def past(self) -> int:
        return max(self.visits - COMING, 0)

    @property
    def former(self) -> int:
        return FORMER if self.past > YEAR_OF_FIVE else 0

    @property
    def regulars(self) -> int:
        """Patients with visits, so many that two of one patient are at least ten days apart."""
        return max(600, self.visits // 10)

    @property
    def patients(self) -> int:
        return self.regulars + NEWCOMERS


def past(size: Size, today: date) -> Iterator[Visit]:
    """`size.past` visits, the latest first."""
    chance = random.Random(size.visits)
    places = _places(_workdays(today, -1), list(range(1, PRACTITIONERS + size.former + 1)), FILLED, chance)
    for number, (practitioner, local, at) in enumerate(islice(places, size.past)):
        status = chance.choices(("completed", "cancelled", "no_show"), (88, 8, 4))[0]
        yield Visit(number + 1, number % size.regulars + 1, practitioner, local, at, status)


def coming(size: Size, today: date, kind: str) -> Iterator[Visit]:
    """The same visits in every size: 1,000 at 70 % (or after 14 full days), or all that fit into 91 days."""
    chance = random.Random(kind)
    everybody = list(range(1, PRACTITIONERS + 1))
    yesterday, ninety = today - timedelta(days=1), today + timedelta(days=91)
    full_until = {ORDINARY: yesterday, FULL_14: today + timedelta(days=14), FULL_90: ninety}[kind]
    # Today, too: early in the day it would have the earliest start.
    full = _places((day for day in _workdays(yesterday, 1, ninety) if day <= full_until), everybody, 1, chance)
    rest = _places((day for day in _workdays(today, 1, ninety) if day > full_until), everybody, FILLED, chance)
    places = [*full]
    places += islice(rest, max(COMING - len(places), 0))
    for number, (practitioner, local, at) in enumerate(places):
        # Counted from the end, so that whoever came yesterday comes again last.
        patient = size.regulars - number % size.regulars
        yield Visit(size.past + number + 1, patient, practitioner, local, at, "booked")


def free_places(today: date, days: int) -> list[tuple[int, datetime]]:
    """Practitioner and start of places that `coming` leaves free: from the seventh week on, in a fair mixture."""
    begin = today + timedelta(days=45)
    everybody = list(range(1, PRACTITIONERS + 1))
    found = _places(_workdays(begin, 1, today + timedelta(days=days)), everybody, 1, random.Random(1))
    places = [(practitioner, local) for practitioner, local, _at in found]
    random.Random(2).shuffle(places)
    return places


def _places(
    days: Iterator[date], practitioners: list[int], filled: float, chance: random.Random
) -> Iterator[tuple[int, datetime, datetime]]:
    zone = clock.zone(CLINIC.zone)
    for day in days:
        midnight = datetime.combine(day, time.min)
        ahead = clock.to_utc(midnight + timedelta(minutes=FIRST_VISIT), zone).replace(tzinfo=None) - midnight
        starts = [FIRST_VISIT + (MINUTES + BUFFER) * place for place in range(VISITS_A_DAY)]
        for start in starts:
            local = midnight + timedelta(minutes=start)
            at = midnight + ahead + timedelta(minutes=start - FIRST_VISIT)
            for practitioner in practitioners:
                if filled == 1 or chance.random() < filled:
                    yield practitioner, local, at


def _workdays(after: date, step: int, until: date | None = None) -> Iterator[date]:
    for number in count(1):
        day = after + timedelta(days=step * number)
        if until is not None and day > until:
            return
        if day.weekday() < WORKDAYS:
            yield day


def today() -> date:
    return clock.to_local(datetime.now(UTC), clock.zone(CLINIC.zone)).date()
