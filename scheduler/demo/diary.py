"""Eight weeks of visits, four past and four to come, about 70 % of the time filled and the rule obeyed throughout.

Written day by day like a real diary: each practitioner takes the patient who is due. Nothing here depends on the time
of day, so that a day's demo is the same whenever it is begun.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from random import Random

from scheduler.demo.house import (
    ASSESSMENT,
    FOLLOW_UP,
    IMS,
    PRACTITIONERS,
    ROOMS,
    TREATMENTS,
    Away,
    DemoPractitioner,
    DemoTreatment,
    open_hours,
)
from scheduler.demo.people import ADA, AMELIE, CHIDI, ISLA, LUC, MARCO, NGOZI, TOUR, DemoPatient, Story, TourPatient

WEEKS = 4
TAKEN = 0.55  # how often a start that somebody could have is taken; it fills about 70 % of the minutes
GRID = timedelta(minutes=15)
WEEK = timedelta(days=7)
BY_SLUG = {treatment.slug: treatment for treatment in TREATMENTS}


@dataclass(frozen=True, slots=True)
class DemoVisit:
    """`fate`: how it ended or will: kept, cancelled, missed. `elsewhere` visits have neither practitioner nor room.

    `chance` (0 to 1) is a drawn number, for whatever else is decided about it: origin, confirmation, answers.
    """

    patient: int
    treatment: str
    starts_local: datetime
    booked_local: datetime
    practitioner: str = ""
    room: str = ""
    fate: str = "kept"
    cancelled_local: datetime | None = None
    chance: float = 0.5
    elsewhere: bool = False

    @property
    def busy_until(self) -> datetime:
        treatment = BY_SLUG[self.treatment]
        return self.starts_local + timedelta(minutes=treatment.minutes + treatment.buffer_minutes)


@dataclass(slots=True)
class Diary:
    today: date
    random: Random
    absences: tuple[Away, ...]
    visits: list[DemoVisit] = field(default_factory=list)
    _by_day: dict[date, list[DemoVisit]] = field(default_factory=dict)

    def write(self, people: list[DemoPatient]) -> list[DemoVisit]:
        for patient in people:
            _begin_story(patient, self.today, self.random)
        self._write_tour()
        self._write_earlier_assessments(people)
        waiting = [patient for patient in people if patient.story is not Story.TOUR]
        for offset in range(-7 * WEEKS, 7 * WEEKS):
            self._write_day(self.today + timedelta(days=offset), waiting)
        return self.visits

    def two_free_starts(self) -> tuple[DemoVisit, DemoVisit]:
        """Two starts, on two of the next days, that nobody has taken."""
        found: list[DemoVisit] = []
        day = self.today
        while len(found) < 2:
            day += timedelta(days=1)
            for practitioner, starts in self._starts(day, FOLLOW_UP):
                room = self._rooms(practitioner, starts, starts + timedelta(hours=1)).get(FOLLOW_UP.slug)
                if room is not None:
                    found.append(DemoVisit(0, FOLLOW_UP.slug, starts, starts, practitioner.slug, room))
                    break
        return found[0], found[1]

    def _write_day(self, day: date, waiting: list[DemoPatient]) -> None:
        due = [patient for patient in waiting if patient.due <= day]
        for practitioner in PRACTITIONERS:
            for opens, closes in open_hours(practitioner, day, self.absences):
                cursor = opens
                while cursor < closes:
                    rooms = self._rooms(practitioner, cursor, closes)
                    patient = _who_is_next(due, rooms, practitioner, cursor)
                    if patient is None or self.random.random() > TAKEN:
                        cursor += GRID
                        continue
                    visit = self._visit(patient, practitioner, rooms[patient.treatment], cursor)
                    due.remove(patient)
                    cursor = visit.busy_until

    def _rooms(self, practitioner: DemoPractitioner, starts: datetime, closes: datetime) -> dict[str, str]:
        """Treatments that the practitioner could begin then, with the room for each."""
        found = {}
        for treatment in TREATMENTS:
            ends = starts + timedelta(minutes=treatment.minutes)
            if _does(practitioner, treatment) and ends <= closes and not self._busy(practitioner, treatment, starts):
                room = self._free_room(treatment, starts, practitioner)
                if room is not None:
                    found[treatment.slug] = room
        return found

    def _visit(self, patient: DemoPatient, practitioner: DemoPractitioner, room: str, starts: datetime) -> DemoVisit:
        """One visit, and what follows from it for the patient."""
        fate = self.random.choices(("kept", "cancelled", "missed"), (90, 6, 4))[0]
        chance = self.random.random()
        booked = starts - timedelta(days=self.random.randint(1, 20), minutes=self.random.randint(30, 900))
        midnight = datetime.combine(self.today, time.min)
        if booked >= midnight:
            booked = midnight - timedelta(minutes=1 + self.random.randrange(20_000))
        if patient.released is not None:
            booked = max(booked, patient.released + timedelta(minutes=5))
        cancelled = None
        if fate == "cancelled":
            latest = min(starts - timedelta(hours=2), midnight)
            cancelled = booked + (latest - booked) * (0.2 + 0.7 * chance)
            cancelled = cancelled.replace(microsecond=0)
        if (cancelled is not None and cancelled <= booked) or (fate == "missed" and starts >= midnight):
            fate, cancelled = "kept", None
        visit = self._add(
            DemoVisit(patient.key, patient.treatment, starts, booked, practitioner.slug, room, fate, cancelled, chance)
        )
        _go_on(patient, visit, self.random)
        return visit

    def _add(self, visit: DemoVisit) -> DemoVisit:
        self.visits.append(visit)
        self._by_day.setdefault(visit.starts_local.date(), []).append(visit)
        return visit

    def _free_room(self, treatment: DemoTreatment, starts: datetime, practitioner: DemoPractitioner) -> str | None:
        """The practitioner's usual room, or another."""
        until = starts + timedelta(minutes=treatment.minutes + treatment.buffer_minutes)
        taken = {
            visit.room
            for visit in self._by_day.get(starts.date(), ())
            if visit.starts_local < until and visit.busy_until > starts
        }
        usual = PRACTITIONERS.index(practitioner) % len(ROOMS)
        return next((room for room in (*ROOMS[usual:], *ROOMS[:usual]) if room not in taken), None)

    def _write_earlier_assessments(self, people: list[DemoPatient]) -> None:
        """Everybody who is in the middle of something was assessed before the eight weeks."""
        for patient in people:
            if patient.story in (Story.IMS, Story.PHYSIO):
                self._somewhere(patient, ASSESSMENT, -self.random.randint(29, 110))

    def _write_tour(self) -> None:
        def visit(who: TourPatient, treatment: DemoTreatment, days: int) -> None:
            self._somewhere(TOUR.index(who), treatment, days)

        visit(AMELIE, ASSESSMENT, -24)
        visit(AMELIE, IMS, -14)
        visit(MARCO, ASSESSMENT, -26)
        visit(MARCO, IMS, -3)  # the latest first: what came before gives way
        visit(MARCO, IMS, -10)
        visit(ISLA, ASSESSMENT, -16)
        visit(ISLA, FOLLOW_UP, 4)
        for member in (NGOZI, CHIDI):
            visit(member, ASSESSMENT, -20)
            visit(member, IMS, 6)
        visit(ADA, FOLLOW_UP, 6)
        visit(LUC, ASSESSMENT, -22)
        visit(LUC, IMS, -8)
        yesterday = datetime.combine(self.today - timedelta(days=1), time.min)
        self._add(
            DemoVisit(TOUR.index(ISLA), IMS.slug, yesterday, datetime.combine(self.today, time.min), elsewhere=True)
        )

    def _somewhere(self, patient: DemoPatient | int, treatment: DemoTreatment, days: int) -> None:
        """A visit on that day; on a day when nobody is there, on the nearest one before."""
        key = patient if isinstance(patient, int) else patient.key
        for back in range(14):
            day = self.today + timedelta(days=days - back)
            for practitioner, starts in self._starts(day, treatment):
                room = self._free_room(treatment, starts, practitioner)
                if (
                    room is not None
                    and not self._busy(practitioner, treatment, starts)
                    and self._may(key, treatment, starts)
                ):
                    booked = min(starts, datetime.combine(self.today, time.min)) - timedelta(days=6, hours=4)
                    self._add(DemoVisit(key, treatment.slug, starts, booked, practitioner.slug, room))
                    return

    def _may(self, patient: int, treatment: DemoTreatment, starts: datetime) -> bool:
        """The seven days, for visits that are put on a day."""
        return not treatment.needling or all(
            abs(starts - visit.starts_local) >= WEEK
            for visit in self.visits
            if visit.patient == patient and visit.treatment == treatment.slug
        )

    def _starts(self, day: date, treatment: DemoTreatment) -> Iterable[tuple[DemoPractitioner, datetime]]:
        for practitioner in self.random.sample(PRACTITIONERS, len(PRACTITIONERS)):
            if _does(practitioner, treatment):
                for opens, closes in open_hours(practitioner, day, self.absences):
                    starts = opens
                    while starts + timedelta(minutes=treatment.minutes) <= closes:
                        yield practitioner, starts
                        starts += timedelta(minutes=30)

    def _busy(self, practitioner: DemoPractitioner, treatment: DemoTreatment, starts: datetime) -> bool:
        until = starts + timedelta(minutes=treatment.minutes + treatment.buffer_minutes)
        return any(
            visit.practitioner == practitioner.slug and visit.starts_local < until and visit.busy_until > starts
            for visit in self._by_day.get(starts.date(), ())
        )


def _who_is_next(
    due: list[DemoPatient], rooms: dict[str, str], practitioner: DemoPractitioner, starts: datetime
) -> DemoPatient | None:
    """Who prefers this practitioner, then who has waited longest."""
    fitting = [
        patient
        for patient in due
        if patient.treatment in rooms
        and not (patient.treatment == IMS.slug and patient.last_ims is not None and starts - patient.last_ims < WEEK)
    ]
    return min(
        fitting,
        key=lambda patient: (patient.prefers != practitioner.slug, patient.due, patient.key),
        default=None,
    )


def _does(practitioner: DemoPractitioner, treatment: DemoTreatment) -> bool:
    return practitioner.can_needle or not treatment.needling


def _begin_story(patient: DemoPatient, today: date, random: Random) -> None:
    first = today - timedelta(days=7 * WEEKS)
    patient.prefers = random.choice(PRACTITIONERS).slug
    match patient.story:
        case Story.IMS:
            patient.treatment, patient.cleared, patient.visits_left = IMS.slug, True, random.randint(4, 9)
            patient.due = first + timedelta(days=random.randint(0, 8))
        case Story.PHYSIO:
            patient.treatment, patient.visits_left = FOLLOW_UP.slug, random.randint(3, 7)
            patient.due = first + timedelta(days=random.randint(0, 14))
        case Story.NEW:
            patient.treatment, patient.visits_left = ASSESSMENT.slug, random.randint(3, 7)
            patient.due = first + timedelta(days=random.randint(0, 52))
        case Story.TOUR:
            patient.cleared = patient.key in (TOUR.index(one) for one in (AMELIE, MARCO, NGOZI, CHIDI, LUC, ISLA))


def _go_on(patient: DemoPatient, visit: DemoVisit, random: Random) -> None:
    """What comes after this visit: the same again when it was missed, else the next step of the story."""
    day = visit.starts_local.date()
    if visit.fate != "kept":
        patient.released = visit.cancelled_local or visit.starts_local + timedelta(hours=3)
        patient.due = day + timedelta(days=random.randint(1, 6))
        return
    patient.released = None
    patient.visits_left -= 1
    if visit.treatment == IMS.slug:
        patient.last_ims = visit.starts_local
    if visit.treatment == ASSESSMENT.slug:
        patient.cleared = random.random() < 0.75
        patient.treatment = IMS.slug if patient.cleared else FOLLOW_UP.slug
    if patient.visits_left == 1:
        patient.treatment = FOLLOW_UP.slug
    if patient.visits_left <= 0:
        patient.due = date.max
    else:
        patient.due = day + timedelta(days=7 if patient.treatment == IMS.slug else random.randint(7, 16))
