"""Visits from a CSV file, past ones and those to come: all of them, or none and every reason why not."""

from collections import defaultdict
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.moving_in.diary import DiaryVisit, fit_together, give_rooms
from scheduler.domain.moving_in.problems import Remark, Report, UnusableFile
from scheduler.domain.patients.clearance import Clearance, is_cleared
from scheduler.models import Appointment
from scheduler.queries.clinic import reference
from scheduler.queries.patients.clearances import clearances
from scheduler.usecases.moving_in.importing import ImportSettings, Opened, Progress, merges, no_progress
from scheduler.usecases.moving_in.ims import note_answers
from scheduler.usecases.moving_in.patients import SELECTED
from scheduler.usecases.moving_in.staging import batches, begin_writing, give_up_writing, staging
from scheduler.usecases.moving_in.visit_rows import NewVisit, VisitReader
from scheduler.usecases.moving_in.visit_writing import Plan, UnrecordedRooms, stage_visits, write_visits
from scheduler.usecases.transaction import retry_deadlocks

Known = dict[tuple[int | None, datetime, int, str], bool | None]
"""What identifies a visit that is here → whether IMS was given at it."""


@retry_deadlocks
def import_visits(
    session: Session, opened: Opened, *, settings: ImportSettings, progress: Progress = no_progress
) -> Report:
    """Nothing is written while the report has a problem, or on a dry run. What past visits may do: diary.py.

    Working hours and absences are not looked at, and nothing is texted but the reminders before a visit. All is read
    and prepared while others book; what they did meanwhile that stands in the way is found when it is written, and
    then all is prepared once more, with others waiting.
    """
    opened.require_columns()
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
    visits = list(VisitReader(connection, opened, settings, report, progress).read())
    plan = _fitted(connection, visits, settings, report)
    if not report.fits or settings.dry_run:
        return report
    staged = stage_visits(connection, plan, settings, progress)
    progress("placing", 0, 0)
    if not waited_for:
        begin_writing(connection)
        if _state(connection) != before:
            return None
    try:
        write_visits(connection, plan, staged, settings)
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


def _fitted(connection: Connection, visits: list[NewVisit], settings: ImportSettings, report: Report) -> Plan:
    here, known = _here(connection, visits, settings)
    visits = _without_doubles(visits, known, report)
    occupying = [visit for visit in visits if visit.status not in ("cancelled", "no_show")]
    stopped = fit_together([visit.diary for visit in occupying], here, report)
    rooms = UnrecordedRooms(connection)
    unrecorded = rooms.unrecorded_and_free(here)
    give_rooms([visit.diary for visit in occupying], here, report, rooms=rooms.active, unrecorded=unrecorded)
    for visit in visits:
        if visit.diary.room is None:  # it occupies none
            visit.diary.room = (*unrecorded, -1)[0]
    note_answers(connection, visits, settings)
    past = [visit for visit in occupying if visit.treatment.needs_clearance and visit.diary.past]
    last = {visit.patient_id: visit for visit in sorted(past, key=lambda visit: visit.diary.starts_at)}
    _require_clearance(connection, occupying, past, settings, report)
    return Plan(visits, rooms, last if settings.clear_for_ims else {}, stopped)


def _here(connection: Connection, visits: list[NewVisit], settings: ImportSettings) -> tuple[list[DiaryVisit], Known]:
    """The active visits here in the days of the file and a month around them; and what identifies all of those days."""
    if not visits:
        return [], {}
    starts = [visit.diary.starts_local for visit in visits]
    margin = timedelta(days=31)
    days = Appointment.starts_local.between(min(starts) - margin, max(starts) + margin)
    a = Appointment
    rows: Any = connection.execute(
        select(
            *(a.patient_id, a.practitioner_id, a.room_id, a.starts_local, a.starts_at, a.ends_at, a.busy_until),
            *(
                a.spacing_group_id,
                a.spacing_days,
                a.counts_from_local,
                a.treatment_id,
                a.status,
                a.active,
                a.origin,
                a.id,
                a.ims_given,
            ),
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
            key=row.id,
            over=row.status == "completed" or row.ends_at <= settings.now,
            group=row.spacing_group_id,
            min_days=row.spacing_days or 0,
            counts_from=row.counts_from_local,
        )
        for row in rows
        if row.active
    ]
    return here, {(row.patient_id, row.starts_local, row.treatment_id, row.status): row.ims_given for row in rows}


def _without_doubles(visits: list[NewVisit], known: Known, report: Report) -> list[NewVisit]:
    """One that is here already is left out; a problem when only the file says that IMS was given: it would count."""
    first: dict[tuple[int, datetime, int, str], NewVisit] = {}
    fresh = []
    for visit in visits:
        if visit.identity in known:
            given = known[visit.identity]
            if visit.ims_given and not (given or (given is None and visit.treatment.needling)):
                report.problems.append(Remark(visit.row, "here_without_ims"))
            else:
                report.left_out.append(Remark(visit.row, "already_here"))
        elif visit.identity in first:
            same = first[visit.identity]
            if visit.ims_given is same.ims_given:
                report.left_out.append(Remark(visit.row, "same_as_row", other=str(same.row)))
            else:
                report.problems.append(Remark(visit.row, "same_with_other_answer", other=str(same.row)))
        else:
            first[visit.identity] = visit
            fresh.append(visit)
    return fresh


def _require_clearance(
    connection: Connection, visits: list[NewVisit], past: list[NewVisit], settings: ImportSettings, report: Report
) -> None:
    """On the day of each visit to come. `past`: the IMS that took place and that the file brings."""
    asked = [visit for visit in visits if visit.treatment.needs_clearance and not visit.diary.past]
    found: dict[int, Clearance] = {}
    for batch in batches({visit.patient_id for visit in asked}, SELECTED):
        found |= clearances(connection, batch, clinic=settings.clinic, now=settings.now)
    brought: defaultdict[int, list[date]] = defaultdict(list)
    for visit in past:
        brought[visit.patient_id].append(visit.diary.starts_local.date())
    for visit in asked:
        clearance = found[visit.patient_id]
        if days := brought[visit.patient_id]:
            given = clearance.given or (max(days) if settings.clear_for_ims else None)
            clearance = Clearance(given, (*clearance.ims, *days))
        if not is_cleared(clearance, visit.diary.starts_local.date(), months=settings.clinic.clearance_months):
            report.problems.append(Remark(visit.row, "not_cleared"))
