"""Visits from a CSV file, past ones and those to come: all of them, or none and every reason why not."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ColumnElement, Connection, String, Table, case, func, insert, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.folding import typed_words
from scheduler.domain.moving_in import columns
from scheduler.domain.moving_in.diary import DiaryVisit, fit_together, give_rooms
from scheduler.domain.moving_in.problems import BadValue, Remark, Report, UnusableFile
from scheduler.domain.moving_in.values import parse_date, parse_minutes, parse_start, parse_status, parse_time
from scheduler.domain.reminder_plan import plan_reminders
from scheduler.models import Appointment, Patient, Practitioner, Reminder, Room
from scheduler.models.base import public_id
from scheduler.queries import reference
from scheduler.queries.reference import TreatmentInfo
from scheduler.usecases.importing import (
    ImportSettings,
    Opened,
    Progress,
    Row,
    kept_instead,
    merges,
    name_key,
    no_progress,
    note_imported,
    numbers_here,
)
from scheduler.usecases.importing_patients import SELECTED, names_in
from scheduler.usecases.staging import batches, begin_writing, give_up_writing, stage, staging
from scheduler.usecases.transaction import retry_deadlocks

APPOINTMENTS, REMINDERS = cast(Table, Appointment.__table__), cast(Table, Reminder.__table__)
PAST_YEARS, COMING_DAYS = 100, 730
COLUMNS = (
    *("public_id", "patient_id", "practitioner_id", "room_id", "treatment_id", "origin", "status", "starts_local"),
    *("zone", "minutes", "buffer_minutes", "starts_at", "ends_at", "busy_until", "spacing_group_id", "spacing_days"),
    *("counts_from_local", "time_known", "version", "schedule_version", "created_at", "changed_at", "changed_by"),
    "changed_why",
)
REMINDER_COLUMNS = ("version", "kind", "due_at", "next_attempt_at", "attempts", "status")
UNRECORDED = "Room not recorded "
TITLES = frozenset("dr dre mr mrs ms mme m mlle pt rpt physio".split())
BROUGHT = "brought from an earlier system"
COUNTS_NOT = "brought from an earlier system; a later visit too near counts instead"


@dataclass(slots=True)
class NewVisit:
    row: int
    patient_id: int
    practitioner_id: int
    treatment: TreatmentInfo
    status: str
    diary: DiaryVisit

    @property
    def identity(self) -> tuple[int, datetime, int, str]:
        return self.patient_id, self.diary.starts_local, self.treatment.id, self.status


@retry_deadlocks
def import_visits(
    session: Session, opened: Opened, *, settings: ImportSettings, progress: Progress = no_progress
) -> Report:
    """Nothing is written while the report has a problem, or on a dry run. What past visits may do: diary.py.

    Working hours and absences are not looked at, and nothing is texted but the reminders before a visit. All is read
    and prepared while others book; what they did meanwhile that stands in the way is found when it is written, and
    then all is prepared once more, with others waiting.
    """
    columns.require_needed("visits", opened.places)
    with staging(session) as connection:
        report = _imported(connection, opened, settings, progress)
        if report is None:
            give_up_writing(connection)
            begin_writing(connection)
            report = _imported(connection, opened, settings, progress, waited_for=True)
        if report is None:
            raise UnusableFile("changed_meanwhile")
    return report


def _imported(
    connection: Connection, opened: Opened, settings: ImportSettings, progress: Progress, *, waited_for: bool = False
) -> Report | None:
    """None when something changed meanwhile that matters."""
    report, before = Report(), _state(connection)
    visits = list(_Reader(connection, opened, settings, report, progress).read())
    plan = _fitted(connection, visits, settings, report)
    if not report.fits or settings.dry_run:
        return report
    staged = _stage(connection, plan, settings, progress)
    progress("placing", 0, 0)
    if not waited_for:
        begin_writing(connection)
        if _state(connection) != before:
            return None
    try:
        _write(connection, plan, staged, settings)
    except IntegrityError:  # only what was booked in between can refuse what was found to fit
        return None
    report.imported = len(plan.visits)
    connection.commit()
    return report


def _state(connection: Connection) -> tuple[int, ...]:
    """What no constraint watches: people, things and earlier imports that the file speaks of."""
    a = Appointment
    brought = connection.scalar(select(func.max(a.id)).where(a.origin == "import")) or 0
    return reference.state(connection).reference_version, merges(connection), brought


@dataclass(frozen=True, slots=True)
class _Plan:
    visits: list[NewVisit]
    rooms: "_Rooms"
    cleared: set[int]


def _fitted(connection: Connection, visits: list[NewVisit], settings: ImportSettings, report: Report) -> _Plan:
    here, known = _here(connection, visits, settings)
    visits = _without_doubles(visits, known, report)
    occupying = [visit for visit in visits if visit.status not in ("cancelled", "no_show")]
    fit_together([visit.diary for visit in occupying], here, report)
    rooms = _Rooms(connection)
    unrecorded = rooms.unrecorded_and_free(here)
    give_rooms([visit.diary for visit in occupying], here, report, rooms=rooms.active, unrecorded=unrecorded)
    for visit in visits:
        if visit.diary.room is None:  # it occupies none
            visit.diary.room = (*unrecorded, -1)[0]
    if settings.clear_for_ims:
        cleared = {v.patient_id for v in occupying if v.treatment.needs_clearance and v.diary.past}
    else:
        cleared = set()
    _require_clearance(connection, occupying, cleared, report)
    return _Plan(visits, rooms, cleared)


class _Reader:
    """Turns rows into visits; what cannot be read is a problem of the report."""

    def __init__(
        self, connection: Connection, opened: Opened, settings: ImportSettings, report: Report, progress: Progress
    ) -> None:
        self.opened, self.settings, self.report, self.progress = opened, settings, report, progress
        self.zone = clock.zone(settings.clinic.zone)
        self.numbers = numbers_here(connection) if "number" in opened.places else {}
        self.people = _people(connection)
        self.practitioners = _practitioners(connection)
        self.treatments = _treatments(reference.current(connection).treatments)
        rows = connection.execute(select(Room.name, Room.id))
        self.rooms = {_plain(name): room_id for name, room_id in rows}
        self.aliases = {_plain(theirs): _plain(ours) for theirs, ours in settings.aliases.items()}
        for ours in settings.aliases.values():
            if not any(_plain(ours) in names for names in (self.practitioners, self.treatments, self.rooms)):
                raise UnusableFile("no_such_name", ours)

    def read(self) -> Iterator[NewVisit]:
        for number, row in self.opened.rows():
            self.report.rows += 1
            if self.report.rows % 1_000 == 0:
                self.progress("reading", self.report.rows, 0)
            try:
                yield self._visit(number, row)
            except BadValue as bad:
                self.report.problems.append(Remark(number, bad.kind, bad.value))

    def _visit(self, number: int, row: Row) -> NewVisit:
        if row.is_too_long:
            raise BadValue("too_many_cells")
        starts_local, starts_at, past = self._starts(row)
        treatment = self._named(self.treatments, row["treatment"], "no_treatment")
        status = self._status(row["status"], past)
        minutes = parse_minutes(row["minutes"]) if row["minutes"] else treatment.minutes
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
            group=treatment.spacing_group_id,
            min_days=treatment.min_days or 0,
        )
        return NewVisit(number, patient_id, practitioner_id, treatment, status, diary)

    def _starts(self, row: Row) -> tuple[datetime, datetime, bool]:
        starts_local = self._starts_local(row)
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
        return starts_local, starts_at, past

    def _starts_local(self, row: Row) -> datetime:
        order = self.settings.date_order
        if row["date"] and (row["time"] or row["start"]):
            return datetime.combine(parse_date(row["date"], order), parse_time(row["time"] or row["start"]))
        starts = parse_start(row["start"] or row["date"], order)
        if starts.tzinfo is not None:
            starts = clock.to_local(starts, self.zone)
        return starts.replace(second=0, microsecond=0)

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


class _Rooms:
    def __init__(self, connection: Connection) -> None:
        rows = connection.execute(select(Room.id, Room.name, Room.active).order_by(Room.position, Room.id)).all()
        self.active = [row.id for row in rows if row.active]
        self.unrecorded = [row.id for row in rows if not row.active and row.name.startswith(UNRECORDED)]

    def unrecorded_and_free(self, here: Sequence[DiaryVisit]) -> list[int]:
        used = {visit.room for visit in here}
        return [room for room in self.unrecorded if room not in used]

    def make(self, connection: Connection, visits: list[NewVisit]) -> dict[int, int]:
        """Rooms that stand for "not recorded", for the numbers below nought that `give_rooms` gave out."""
        wanted = sorted({v.diary.room for v in visits if v.diary.room is not None and v.diary.room < 0}, reverse=True)
        made = {}
        for place, number in enumerate(wanted, len(self.unrecorded) + 1):
            key = connection.execute(insert(Room).values(name=f"{UNRECORDED}{place}", active=False, position=1_000))
            assert key.inserted_primary_key is not None  # noqa: S101 - one row was inserted
            made[number] = int(key.inserted_primary_key[0])
        return made


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


def _here(
    connection: Connection, visits: list[NewVisit], settings: ImportSettings
) -> tuple[list[DiaryVisit], set[tuple[int | None, datetime, int, str]]]:
    """The active visits here in the days of the file and a month around them; and what identifies all of those days."""
    if not visits:
        return [], set()
    starts = [visit.diary.starts_local for visit in visits]
    margin = timedelta(days=31)
    days = Appointment.starts_local.between(min(starts) - margin, max(starts) + margin)
    a = Appointment
    rows: Any = connection.execute(
        select(
            *(a.patient_id, a.practitioner_id, a.room_id, a.starts_local, a.starts_at, a.ends_at, a.busy_until),
            *(a.spacing_group_id, a.spacing_days, a.counts_from_local, a.treatment_id, a.status, a.active, a.origin),
        ).where(days)
    ).all()
    here = [
        DiaryVisit(
            row=0,
            patient=row.patient_id or 0,
            practitioner=None if row.origin == "elsewhere" else row.practitioner_id,
            room=None if row.origin == "elsewhere" else row.room_id,
            starts_local=row.starts_local,
            starts_at=row.starts_at,
            ends_at=row.starts_at if row.origin == "elsewhere" else row.ends_at,
            free_at=row.starts_at if row.origin == "elsewhere" else row.busy_until,
            past=row.starts_at <= settings.now,
            group=row.spacing_group_id,
            min_days=row.spacing_days or 0,
            counts_from=row.counts_from_local,
        )
        for row in rows
        if row.active
    ]
    return here, {(row.patient_id, row.starts_local, row.treatment_id, row.status) for row in rows}


def _without_doubles(
    visits: list[NewVisit], known: set[tuple[int | None, datetime, int, str]], report: Report
) -> list[NewVisit]:
    first: dict[tuple[int, datetime, int, str], int] = {}
    fresh = []
    for visit in visits:
        if visit.identity in known:
            report.left_out.append(Remark(visit.row, "already_here"))
        elif visit.identity in first:
            report.left_out.append(Remark(visit.row, "same_as_row", other=str(first[visit.identity])))
        else:
            first[visit.identity] = visit.row
            fresh.append(visit)
    return fresh


def _require_clearance(connection: Connection, visits: list[NewVisit], cleared: set[int], report: Report) -> None:
    asked = [visit for visit in visits if visit.treatment.needs_clearance and not visit.diary.past]
    ids = {visit.patient_id for visit in asked} - cleared
    for batch in batches(ids, SELECTED):
        is_cleared = Patient.cleared_for_ims_at.is_not(None)
        cleared = cleared | set(connection.scalars(select(Patient.id).where(Patient.id.in_(batch), is_cleared)))
    for visit in asked:
        if visit.patient_id not in cleared:
            report.problems.append(Remark(visit.row, "not_cleared"))


def _stage(connection: Connection, plan: _Plan, settings: ImportSettings, progress: Progress) -> tuple[Table, Table]:
    """Temporary tables of the visits and of their reminders, the latter by the visits' public ids."""
    visits, prepared = plan.visits, 0

    def done(more: int) -> None:
        nonlocal prepared
        prepared += more
        progress("writing", prepared, len(visits))

    coming = {public_id(): visit for visit in visits if not visit.diary.past and visit.status != "cancelled"}
    publics = {visit.row: public for public, visit in coming.items()}
    rows = (_columns(visit, publics.get(visit.row) or public_id(), settings) for visit in visits)
    appointments = stage(connection, APPOINTMENTS, COLUMNS, rows, done=done)
    reminders = stage(
        connection, REMINDERS, REMINDER_COLUMNS, _reminders(coming, settings), Column("public_id", String(32))
    )
    return appointments, reminders


def _write(connection: Connection, plan: _Plan, staged: tuple[Table, Table], settings: ImportSettings) -> None:
    appointments, reminders = staged
    made = plan.rooms.make(connection, plan.visits)
    values: dict[str, ColumnElement[Any]] = {name: appointments.c[name] for name in COLUMNS}
    if made:
        values["room_id"] = case(made, value=appointments.c.room_id, else_=appointments.c.room_id)
    in_order = select(*values.values()).order_by(appointments.c.starts_at)
    connection.execute(insert(APPOINTMENTS).from_select(COLUMNS, in_order))
    of_visit = select(APPOINTMENTS.c.id, *(reminders.c[name] for name in REMINDER_COLUMNS)).join_from(
        reminders, APPOINTMENTS, APPOINTMENTS.c.public_id == reminders.c.public_id
    )
    connection.execute(insert(REMINDERS).from_select(("appointment_id", *REMINDER_COLUMNS), of_visit))
    for batch in batches(plan.cleared, SELECTED):
        connection.execute(
            update(Patient)
            .where(Patient.id.in_(batch), Patient.cleared_for_ims_at.is_(None))
            .values(cleared_for_ims_at=settings.now, cleared_by=str(settings.actor), version=Patient.version + 1)
        )
    note_imported(connection, settings, f"{len(plan.visits)} visits")


def _columns(visit: NewVisit, public: str, settings: ImportSettings) -> dict[str, Any]:
    diary, treatment = visit.diary, visit.treatment
    assert diary.room is not None  # noqa: S101 - else there was a problem
    does_count = treatment.spacing_group_id is None or diary.group is not None
    return {
        "public_id": public,
        "patient_id": visit.patient_id,
        "practitioner_id": visit.practitioner_id,
        "room_id": diary.room,
        "treatment_id": treatment.id,
        "origin": "import",
        "status": visit.status,
        "starts_local": diary.starts_local,
        "zone": settings.clinic.zone,
        "minutes": int((diary.ends_at - diary.starts_at).total_seconds()) // 60,
        "buffer_minutes": int((diary.free_at - diary.ends_at).total_seconds()) // 60,
        "starts_at": diary.starts_at,
        "ends_at": diary.ends_at,
        "busy_until": diary.free_at,
        "spacing_group_id": diary.group,
        "spacing_days": None if diary.group is None else diary.min_days,
        "counts_from_local": diary.starts_local,
        "time_known": True,
        "version": 1,
        "schedule_version": 1,
        "created_at": settings.now,
        "changed_at": settings.now,
        "changed_by": str(settings.actor),
        "changed_why": BROUGHT if does_count else COUNTS_NOT,
    }


def _reminders(coming: dict[str, NewVisit], settings: ImportSettings) -> Iterator[dict[str, Any]]:
    """No confirmation: patients know of these visits."""
    zone: ZoneInfo = clock.zone(settings.clinic.zone)
    for public, visit in coming.items():
        for planned in plan_reminders(
            starts_local=visit.diary.starts_local,
            now_local=clock.to_local(settings.now, zone),
            lead_days=settings.clinic.reminder_days,
            grace_minutes=settings.clinic.grace_minutes,
            quiet_from=settings.clinic.quiet_from,
            quiet_until=settings.clinic.quiet_until,
        ):
            if planned.kind != "confirmation":
                due_at = clock.to_utc_or_near(planned.due_local, zone)
                yield {
                    "public_id": public,
                    "version": 1,
                    "kind": planned.kind,
                    "due_at": due_at,
                    "next_attempt_at": due_at,
                    "attempts": 0,
                    "status": "planned",
                }
