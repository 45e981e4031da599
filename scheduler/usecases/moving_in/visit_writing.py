"""Visits that were read and found to fit, written: prepared in temporary tables first, while others go on."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Column, ColumnElement, Connection, String, Table, bindparam, case, insert, select, update

from scheduler import clock
from scheduler.domain.moving_in.diary import DiaryVisit
from scheduler.domain.texts.reminder_plan import plan_reminders
from scheduler.models import Appointment, Patient, Practitioner, Reminder, Room
from scheduler.models.base import public_id
from scheduler.usecases.booking.locks import lock_all_practitioners
from scheduler.usecases.moving_in.import_runs import begin_run, note_rows
from scheduler.usecases.moving_in.importing import ImportSettings, Progress, note_imported
from scheduler.usecases.moving_in.ims_counting import count_anew, make_way
from scheduler.usecases.moving_in.patients import SELECTED
from scheduler.usecases.moving_in.staging import batches, stage
from scheduler.usecases.moving_in.visit_rows import NewVisit

APPOINTMENTS, REMINDERS = cast(Table, Appointment.__table__), cast(Table, Reminder.__table__)
PATIENTS = cast(Table, Patient.__table__)
COLUMNS = (
    *("public_id", "patient_id", "practitioner_id", "room_id", "treatment_id", "origin", "status", "starts_local"),
    *("zone", "minutes", "buffer_minutes", "starts_at", "ends_at", "busy_until", "spacing_group_id", "spacing_days"),
    *("counts_from_local", "time_known", "version", "schedule_version", "created_at", "changed_at", "changed_by"),
    "changed_why",
    *("ims_given", "ims_open", "ims_concerns"),
)
REMINDER_COLUMNS = ("version", "kind", "due_at", "next_attempt_at", "attempts", "status")
UNRECORDED = "Room not recorded "
BROUGHT = "brought from an earlier system"
COUNTS_NOT = "brought from an earlier system; a later visit too near counts instead"


class UnrecordedRooms:
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


@dataclass(frozen=True, slots=True)
class Plan:
    visits: list[NewVisit]
    rooms: UnrecordedRooms
    cleared: dict[int, NewVisit]
    stopped: Sequence[DiaryVisit] = ()
    """Visits that are here and for which some of these count instead."""


def stage_visits(
    connection: Connection, plan: Plan, settings: ImportSettings, progress: Progress
) -> tuple[Table, Table]:
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


def write_visits(connection: Connection, plan: Plan, staged: tuple[Table, Table], settings: ImportSettings) -> None:
    appointments, reminders = staged
    lock_all_practitioners(connection)
    made = plan.rooms.make(connection, plan.visits)
    values: dict[str, ColumnElement[Any]] = {name: appointments.c[name] for name in COLUMNS}
    if made:
        values["room_id"] = case(made, value=appointments.c.room_id, else_=appointments.c.room_id)
    run_id = begin_run(connection, settings, what="visits", rows=len(plan.visits))
    _clear(connection, run_id, plan, settings)  # first: visits to come need it
    make_way(connection, plan.stopped, now=settings.now, actor=settings.actor)
    in_order = select(*values.values()).order_by(appointments.c.starts_at)
    connection.execute(insert(APPOINTMENTS).from_select(COLUMNS, in_order))
    count_anew(connection, plan.stopped, now=settings.now, actor=settings.actor)
    of_visit = select(APPOINTMENTS.c.id, *(reminders.c[name] for name in REMINDER_COLUMNS)).join_from(
        reminders, APPOINTMENTS, APPOINTMENTS.c.public_id == reminders.c.public_id
    )
    connection.execute(insert(REMINDERS).from_select(("appointment_id", *REMINDER_COLUMNS), of_visit))
    written = select(APPOINTMENTS.c.id).join_from(
        appointments, APPOINTMENTS, APPOINTMENTS.c.public_id == appointments.c.public_id
    )
    note_rows(connection, run_id, "visit", written)
    note_imported(connection, settings, f"{len(plan.visits)} visits")


def _clear(connection: Connection, run_id: int, plan: Plan, settings: ImportSettings) -> None:
    """Whoever had IMS was cleared for it: since the last one, on the word of who gave it. Who is cleared here stays so."""
    if not plan.cleared:
        return
    for batch in batches(plan.cleared, SELECTED):
        uncleared = select(Patient.id).where(Patient.id.in_(batch), Patient.cleared_for_ims_at.is_(None))
        note_rows(connection, run_id, "cleared", uncleared)
    who_gave = (
        select(Practitioner.id).where(Practitioner.id == bindparam("whose"), Practitioner.can_needle).scalar_subquery()
    )
    connection.execute(
        update(PATIENTS)
        .where(Patient.id == bindparam("who"), Patient.cleared_for_ims_at.is_(None))
        .values(
            cleared_for_ims_at=bindparam("given"),
            cleared_by=str(settings.actor),
            clearing_practitioner_id=who_gave,
            version=Patient.version + 1,
        ),
        [
            {"who": patient, "whose": visit.practitioner_id, "given": visit.diary.starts_at}
            for patient, visit in plan.cleared.items()
        ],
    )


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
        "changed_why": BROUGHT if does_count or visit.ims_given is False else COUNTS_NOT,
        "ims_given": visit.ims_given,
        "ims_open": visit.ims_open,
        "ims_concerns": visit.ims_concerns,
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
