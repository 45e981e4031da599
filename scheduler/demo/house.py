"""What the demo clinic is: treatments, practitioners and their hours, rooms, days on which it is shut.

Never more than three practitioners are in at once, for there are three rooms.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from scheduler.domain.clinic.treatment_kind import TreatmentKind

Stretch = tuple[datetime, datetime]


@dataclass(frozen=True, slots=True)
class DemoTreatment:
    slug: str
    name_en: str
    name_fr: str
    minutes: int
    buffer_minutes: int = 0
    kind: TreatmentKind = TreatmentKind.OTHER

    @property
    def needling(self) -> bool:
        return self.kind is TreatmentKind.IMS


@dataclass(frozen=True, slots=True)
class DemoPractitioner:
    """`hours`: weekday (Monday 0) → stretches such as "9:00-12:00"."""

    slug: str
    given_name: str
    family_name: str
    hours: dict[int, str]
    can_needle: bool = True


@dataclass(frozen=True, slots=True)
class Away:
    """`practitioner` None: the whole clinic is shut."""

    practitioner: str | None
    starts_local: datetime
    ends_local: datetime
    reason: str


ASSESSMENT = DemoTreatment("ims-assessment", "Assessment", "Évaluation", 60, kind=TreatmentKind.ASSESSMENT)
IMS = DemoTreatment("ims", "IMS", "SIM", 30, buffer_minutes=15, kind=TreatmentKind.IMS)
FOLLOW_UP = DemoTreatment("follow-up", "Follow-up", "Suivi", 30)
TREATMENTS = (ASSESSMENT, IMS, FOLLOW_UP)

PRACTITIONERS = (
    DemoPractitioner("priya-nair", "Priya", "Nair", dict.fromkeys(range(5), "9:00-12:00 12:45-17:00")),
    DemoPractitioner("tom-bergeron", "Tom", "Bergeron", dict.fromkeys((0, 1, 3), "8:00-12:00 12:30-16:00")),
    DemoPractitioner("aline-roy", "Aline", "Roy", dict.fromkeys((1, 2, 3, 4), "10:00-14:00 14:30-18:00")),
    DemoPractitioner(
        "sam-kowalski",
        "Sam",
        "Kowalski",
        {
            0: "12:00-16:00 16:30-20:00",
            2: "12:00-16:00 16:30-20:00",
            4: "12:00-16:00 16:30-20:00",
            5: "9:00-13:00",
            6: "10:00-14:00",
        },
    ),
    DemoPractitioner(
        "emilie-cote",
        "Émilie",
        "Côté",
        {2: "8:00-12:00", 3: "16:00-20:00", 4: "8:00-12:00", 5: "9:00-13:00", 6: "10:00-14:00"},
        can_needle=False,
    ),
)
ROOMS = ("Room 1", "Room 2", "Room 3")


def away(today: date) -> tuple[Away, ...]:
    """A holiday for all on the second Friday from now, and practitioners' own days."""
    monday = today - timedelta(days=today.weekday())
    holiday = monday + timedelta(days=11 if today.weekday() < 4 else 18)
    return (
        _days(None, holiday, 1, "Clinic holiday"),
        _days("aline-roy", monday + timedelta(days=14), 5, "Holidays"),
        _days("tom-bergeron", monday - timedelta(days=14), 5, "Course"),
        Away(
            "priya-nair",
            datetime.combine(monday + timedelta(days=9), time(12)),
            datetime.combine(monday + timedelta(days=9), time(17)),
            "Dentist",
        ),
    )


def given_name(practitioner: str) -> str:
    return next(who.given_name for who in PRACTITIONERS if who.slug == practitioner)


def stretches(hours: str) -> list[tuple[time, time]]:
    """ "9:00-12:00 12:45-17:00" as times."""
    return [(_time(opens), _time(closes)) for opens, _, closes in (part.partition("-") for part in hours.split())]


def open_hours(practitioner: DemoPractitioner, day: date, absences: tuple[Away, ...]) -> Iterator[Stretch]:
    """When the practitioner is there on that day. Absences of this clinic begin and end with a stretch."""
    for opens, closes in stretches(practitioner.hours.get(day.weekday(), "")):
        stretch = datetime.combine(day, opens), datetime.combine(day, closes)
        if not any(
            absence.practitioner in (None, practitioner.slug)
            and absence.starts_local < stretch[1]
            and absence.ends_local > stretch[0]
            for absence in absences
        ):
            yield stretch


def _days(practitioner: str | None, first: date, days: int, reason: str) -> Away:
    begins = datetime.combine(first, time.min)
    return Away(practitioner, begins, begins + timedelta(days=days), reason)


def _time(text: str) -> time:
    hour, minute = text.split(":")
    return time(int(hour), int(minute))
