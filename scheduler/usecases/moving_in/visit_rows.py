"""The rows of a file of visits, read: whose, when, what and with whom, or why that cannot be told."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, select

from scheduler import clock
from scheduler.domain.folding import typed_words
from scheduler.domain.moving_in.diary import DiaryVisit
from scheduler.domain.moving_in.problems import BadValue, Remark, Report, UnusableFile
from scheduler.domain.moving_in.values import (
    parse_date,
    parse_day_and_time,
    parse_minutes,
    parse_start,
    parse_status,
    parse_yes_no,
)
from scheduler.models import Patient, Practitioner, Room
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import TreatmentInfo
from scheduler.usecases.moving_in.importing import (
    ImportSettings,
    Opened,
    Progress,
    Row,
    kept_instead,
    name_key,
    numbers_here,
)
from scheduler.usecases.moving_in.patients import names_in

PAST_YEARS, COMING_DAYS = 100, 730
TITLES = frozenset("dr dre mr mrs ms mme m mlle pt rpt physio".split())


@dataclass(slots=True)
class NewVisit:
    row: int
    patient_id: int
    practitioner_id: int
    treatment: TreatmentInfo
    status: str
    diary: DiaryVisit
    ims_given: bool | None = None
    ims_open: bool = False
    ims_concerns: str = ""

    @property
    def identity(self) -> tuple[int, datetime, int, str]:
        return self.patient_id, self.diary.starts_local, self.treatment.id, self.status


class VisitReader:
    """Turns rows into visits; what cannot be read is a problem of the report."""

    def __init__(
        self, connection: Connection, opened: Opened, settings: ImportSettings, report: Report, progress: Progress
    ) -> None:
        self.opened, self.settings, self.report, self.progress = opened, settings, report, progress
        self.zone = clock.zone(settings.clinic.zone)
        self.numbers = numbers_here(connection) if "number" in opened.places else {}
        self.people = _people(connection)
        self.practitioners = _practitioners(connection)
        self.ims = next((each for each in reference.current(connection).treatments if each.needling), None)
        self.treatments = _treatments(reference.current(connection).treatments)
        rows = connection.execute(select(Room.name, Room.id))
        self.rooms = {_plain(name): room_id for name, room_id in rows}
        self.aliases = {_plain(theirs): _plain(ours) for theirs, ours in settings.aliases.items()}
        for ours in settings.aliases.values():
            if not any(_plain(ours) in names for names in (self.practitioners, self.treatments, self.rooms)):
                raise UnusableFile("no_such_name", ours)

    def read(self) -> Iterator[NewVisit]:
        for number, row in self.opened.rows(self.report):
            if self.report.rows % 1_000 == 0:
                self.progress("reading", self.report.rows, 0)
            try:
                yield self._visit(number, row)
            except BadValue as bad:
                self.report.problems.append(Remark(number, bad.kind, bad.value))

    def _visit(self, number: int, row: Row) -> NewVisit:
        if row.is_too_long:
            raise BadValue("too_many_cells")
        starts_local, starts_at, past, told_minutes = self._starts(row)
        treatment = self._named(self.treatments, row["treatment"], "no_treatment")
        status = self._status(row["status"], past)
        minutes = parse_minutes(row["minutes"]) if row["minutes"] else told_minutes or treatment.minutes
        given = parse_yes_no(row["ims_given"]) if row["ims_given"] and status == "completed" else None
        ends_at = starts_at + timedelta(minutes=minutes)
        practitioner_id = self._named(self.practitioners, row["practitioner"], "no_practitioner")
        patient_id = self._patient(row)
        diary = DiaryVisit(
            row=number,
            patient=patient_id,
            practitioner=practitioner_id,
            room=self._named(self.rooms, row["room"], "no_room") if row["room"] else None,
            room_name=row["room"],
            starts_local=starts_local,
            starts_at=starts_at,
            ends_at=ends_at,
            free_at=ends_at if past else ends_at + timedelta(minutes=treatment.buffer_minutes),
            past=past,
        )
        counts_as = self._counts_as(treatment, given)
        if counts_as is not None:
            diary.group, diary.min_days = counts_as.spacing_group_id, counts_as.min_days or 0
        return NewVisit(number, patient_id, practitioner_id, treatment, status, diary, given)

    def _counts_as(self, treatment: TreatmentInfo, given: bool | None) -> TreatmentInfo | None:
        """What happened counts: IMS in whatever visit, and none where it was not given."""
        if given and not treatment.needling:
            return self.ims or treatment
        return None if given is False and treatment.needling else treatment

    def _starts(self, row: Row) -> tuple[datetime, datetime, bool, int | None]:
        """On the clinic's clock and as an instant, whether that is past, and minutes if a span was given."""
        starts_local, minutes = self._starts_local(row)
        today = self.settings.today
        if not date(today.year - PAST_YEARS, 1, 1) <= starts_local.date() <= today + timedelta(days=COMING_DAYS):
            raise BadValue("too_far", f"{starts_local:%Y-%m-%d}")
        starts_at = clock.to_utc_or_near(starts_local, self.zone)
        past = starts_at <= self.settings.now
        if not past:
            try:
                clock.to_utc(starts_local, self.zone)
            except clock.ClockChangeTime:
                raise BadValue("clock_change") from None
        return starts_local, starts_at, past, minutes

    def _starts_local(self, row: Row) -> tuple[datetime, int | None]:
        order, time_of_day = self.settings.date_order, row["time"] or row["start"]
        if row["date"] and time_of_day:
            starts, minutes = parse_day_and_time(row["date"], time_of_day, order)
        else:
            starts, minutes = parse_start(row["start"] or row["date"], order)
        if starts.tzinfo is not None:
            starts = clock.to_local(starts, self.zone)
        return starts.replace(second=0, microsecond=0), minutes

    def _status(self, text: str, past: bool) -> str:
        """A past visit that nobody ticked off took place."""
        status = parse_status(text) if text else "booked"
        if past and status in ("booked", "confirmed"):
            return "completed"
        if not past and status in ("completed", "no_show"):
            raise BadValue("done_in_future")
        return status

    def _named(self, things: dict[str, Any], text: str, kind: str) -> Any:
        name = _plain(text)
        name = self.aliases.get(name, name)
        if name not in things:
            raise BadValue(kind, text)
        return things[name]

    def _patient(self, row: Row) -> int:
        if row["number"]:
            if row["number"] not in self.numbers:
                raise BadValue("no_patient", row["number"])
            return self.numbers[row["number"]]
        given_name, family_name = names_in(row)
        born = parse_date(row["birth_date"], self.settings.date_order) if row["birth_date"] else None
        found = [
            patient_id
            for patient_id, birth_date in self.people[name_key(given_name, family_name)]
            if born is None or birth_date == born
        ]
        if len(found) != 1:
            raise BadValue("several_patients" if found else "no_patient", f"{given_name} {family_name}")
        return found[0]


def _people(connection: Connection) -> defaultdict[str, list[tuple[int, date | None]]]:
    found: defaultdict[str, list[tuple[int, date | None]]] = defaultdict(list)
    rows = connection.execute(select(Patient.id, Patient.given_name, Patient.family_name, Patient.birth_date))
    merged = kept_instead(connection)
    for patient_id, given_name, family_name, birth_date in rows:
        if patient_id in merged:
            continue
        found[name_key(given_name, family_name)].append((patient_id, birth_date))
    return found


def _practitioners(connection: Connection) -> dict[str, int]:
    """By slug, by both names in either order, and by a family name that only one of them has."""
    rows: Any = connection.execute(
        select(Practitioner.id, Practitioner.slug, Practitioner.given_name, Practitioner.family_name)
    ).all()
    families = [_plain(family_name) for *_rest, family_name in rows]
    found: dict[str, int] = {}
    for row, family in zip(rows, families, strict=True):
        if families.count(family) == 1:
            found[family] = row.id
    for practitioner_id, slug, given_name, family_name in rows:
        names = (slug, f"{given_name} {family_name}", f"{family_name} {given_name}")
        found |= {_plain(name): practitioner_id for name in names}
    return found


def _treatments(treatments: Sequence[TreatmentInfo]) -> dict[str, TreatmentInfo]:
    return {_plain(name): t for t in treatments for name in (t.name_en, t.name_fr, t.slug)}


def _plain(name: str) -> str:
    """Without titles, accents, case and punctuation."""
    words = typed_words(name.replace("-", " "))
    return " ".join(word for word in words if word not in TITLES) or " ".join(words)
