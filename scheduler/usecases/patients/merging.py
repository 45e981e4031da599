"""Two records of one person become one. The database's own rules have the last word on their visits together."""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from itertools import pairwise

from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid
from scheduler.domain.patients.refusals import MergeConflict, MergeRefused
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import (
    Appointment,
    CorrectionRequest,
    Message,
    Patient,
    PatientMerge,
    PatientSearchWord,
    Practitioner,
    Screening,
)
from scheduler.models.constraints import violated
from scheduler.queries.patients import patients
from scheduler.queries.patients.duplicates import similar
from scheduler.queries.visits.ims_given import took_place
from scheduler.usecases import audit
from scheduler.usecases.booking.locks import lock_patients
from scheduler.usecases.feeds.addresses import end_calendar_addresses
from scheduler.usecases.patients.acting import follow_merge
from scheduler.usecases.patients.patients import LONGEST_NOTE, locked
from scheduler.usecases.sign_in.known_browsers import end_known
from scheduler.usecases.texts import wrong_numbers
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import touch
from scheduler.usecases.visits.ims_counting import count_again, ims_now, plan, stop_counting

WHY = "two records of one person were merged"


@retry_deadlocks
def merge_patients(
    session: Session, *, kept: str, merged: str, sure: bool, now: datetime, actor: Actor
) -> PatientMerge:
    """What belongs to `merged` (public ids) goes to `kept`; the record `merged` stays, empty and not to be found.

    Nothing of `kept` is overwritten: it takes over the number, the birth date and the clearance only where it has none.
    Refuses with Invalid when the two look like different people and nobody is `sure`, and with MergeRefused.
    """
    begin_write(session)
    lock_patients(session.connection(), {patients.looked_up(session.connection(), each) for each in (kept, merged)})
    in_order = {public_id: locked(session, public_id) for public_id in (kept, merged)}
    staying, going = in_order[kept], in_order[merged]
    _require_mergeable(session, staying, going, sure)
    visits = _visits_of(session, merged)  # as they are under the locks
    conflicts = conflicts_of(session, staying.id, going.id, now=now)
    try:
        merge = _merge(session, staying, going, visits, now, actor)
        session.flush()
    except IntegrityError as error:
        session.rollback()
        constraint = violated(error)
        if constraint not in ("treatment_spacing", "patient_not_double_booked"):
            raise
        raise MergeRefused(conflicts[0] if conflicts else None) from None
    session.commit()
    return merge


def look_alike(one: Patient, other: Patient) -> bool:
    """Similar names, and no two birth dates that differ."""
    dates = {date for date in (one.birth_date, other.birth_date) if date is not None}
    names = (one.given_name, one.family_name), (other.given_name, other.family_name)
    return len(dates) < 2 and similar(*names)


def conflicts_of(session: Session, one: int, other: int, *, now: datetime) -> list[MergeConflict]:
    """What the rules will refuse, found before asking: the reason to name. IMS that was given is no reason."""
    found: Sequence[Appointment] = session.scalars(
        select(Appointment)
        .where(Appointment.patient_id.in_((one, other)), Appointment.active)
        .order_by(Appointment.counts_from_local)
    ).all()
    conflicts: list[MergeConflict] = []
    ims = ims_now(session)
    groups = {visit.spacing_group_id for visit in found if visit.spacing_group_id is not None}
    for group in groups:
        is_ims = ims is not None and group == ims.spacing_group_id
        spaced = [visit for visit in found if visit.spacing_group_id == group]
        conflicts += _too_near([visit for visit in spaced if not (is_ims and _is_over(visit, now))])
    here = sorted((visit for visit in found if visit.origin != "elsewhere"), key=lambda visit: visit.starts_at)
    for first, second in pairwise(here):
        if second.starts_at < first.ends_at:
            conflicts.append(MergeConflict(first.starts_local, second.starts_local, None))
    return conflicts


def beside_each_other(session: Session, one: int, other: int, *, now: datetime) -> list[MergeConflict]:
    """IMS of the two records that was given too near to another: kept, flagged, and only the later one counts."""
    ims = ims_now(session)
    if ims is None:
        return []
    near = session.scalars(
        select(Appointment)
        .where(Appointment.patient_id.in_((one, other)), Appointment.active)
        .where((Appointment.spacing_group_id == ims.spacing_group_id) | took_place())
        .order_by(Appointment.counts_from_local)
    ).all()
    pairs = [(first, second) for first, second in pairwise(near) if first.patient_id != second.patient_id]
    return [
        found for first, second in pairs if _is_over(first, now) for found in _too_near([first, second], ims.min_days)
    ]


def _too_near(visits: Sequence[Appointment], min_days: int | None = 0) -> Iterator[MergeConflict]:
    for first, second in pairwise(visits):
        days = max(first.spacing_days or 0, second.spacing_days or 0, min_days or 0)
        if second.counts_from_local - first.counts_from_local < timedelta(days=days):
            yield MergeConflict(first.starts_local, second.starts_local, days)


def _is_over(visit: Appointment, now: datetime) -> bool:
    return visit.status == AppointmentStatus.COMPLETED or visit.ends_at <= now


def _visits_of(session: Session, public_id: str) -> list[Appointment]:
    return list(
        session.scalars(
            select(Appointment)
            .join(Appointment.patient)
            .where(Patient.public_id == public_id)
            .order_by(Appointment.starts_at)
            .execution_options(populate_existing=True)
        )
    )


def _require_mergeable(session: Session, kept: Patient, merged: Patient, sure: bool) -> None:
    if kept is merged:
        raise Invalid({"patient": "A record cannot be merged with itself."})
    ids = (kept.id, merged.id)
    if session.scalar(select(PatientMerge.id).where(PatientMerge.merged_patient_id.in_(ids))) is not None:
        raise Invalid({"patient": "One of the two has been merged already."})
    if not sure and not look_alike(kept, merged):
        raise Invalid({"sure": "Say that the two are one person."})


def _merge(
    session: Session, kept: Patient, merged: Patient, visits: list[Appointment], now: datetime, actor: Actor
) -> PatientMerge:
    took: list[str] = []
    if kept.phone_account_id is None and merged.phone_account_id is not None:
        kept.phone_account_id = merged.phone_account_id
        took.append("phone_account")
    if kept.birth_date is None and merged.birth_date is not None:
        kept.birth_date = merged.birth_date
        took.append("birth_date")
    if kept.cleared_for_ims_at is None and merged.cleared_for_ims_at is not None:
        kept.cleared_for_ims_at, kept.cleared_by = merged.cleared_for_ims_at, merged.cleared_by
        kept.clearing_practitioner_id = merged.clearing_practitioner_id
        took.append("cleared_for_ims")
        whose = session.get(Practitioner, kept.clearing_practitioner_id) if kept.clearing_practitioner_id else None
        details = whose.slug if whose else ""
        audit.note(session, what=audit.CLEARED, actor=actor, now=now, patient_id=kept.id, details=details)
    if merged.note:
        kept.note = "\n".join(part for part in (kept.note, merged.note) if part)[:LONGEST_NOTE]
        took.append("note")
    if merged.restricted_at is not None and kept.restricted_at is None:
        kept.restricted_at, kept.restricted_by = merged.restricted_at, merged.restricted_by
        took.append("restricted")
    kept.version += 1
    merged.version += 1
    merged.phone_account_id = None
    end_calendar_addresses([kept, merged])
    merged.restricted_at, merged.restricted_by = merged.restricted_at or now, merged.restricted_by or str(actor)
    _move_visits(session, kept, merged, visits, now, actor)
    end_known(session, patient_id=merged.id, why="merged", now=now)
    follow_merge(session, kept=kept, merged=merged, now=now, actor=actor)
    wrong_numbers.follow_merge(session, kept_id=kept.id, merged_id=merged.id)
    for table in (Screening, Message, CorrectionRequest):
        session.execute(update(table).where(table.patient_id == merged.id).values(patient_id=kept.id))
    session.execute(delete(PatientSearchWord).where(PatientSearchWord.patient_id == merged.id))
    merge = PatientMerge(
        merged_patient_id=merged.id,
        kept_patient_id=kept.id,
        merged_at=now,
        merged_by=str(actor),
        moved={"visits": [visit.id for visit in visits], "took_over": took},
    )
    session.add(merge)
    for patient in (kept, merged):
        details = "kept" if patient is kept else "merged into another"
        audit.note(session, what=audit.MERGED, actor=actor, now=now, patient_id=patient.id, details=details)
    return merge


def _move_visits(
    session: Session, kept: Patient, merged: Patient, visits: list[Appointment], now: datetime, actor: Actor
) -> None:
    """IMS given too near to IMS of the other record stops counting first; the database refuses what may not be."""
    around = [visit.counts_from_local for visit in visits]
    again = []
    if around and ims_now(session) is not None:
        planned = plan(session, patients=(kept.id, merged.id), around=around, now=now)
        stop_counting(session, planned.stopping, now=now, actor=actor)
        again = planned.again
    for visit in visits:
        visit.patient_id = kept.id
        touch(visit, now=now, actor=actor, why=WHY)
        session.flush()  # one after the other: each is checked against those moved before it
    count_again(session, again, now=now, actor=actor)
