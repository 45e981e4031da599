"""What counts for the rule beside the visits that an import brings, and again when they are taken back."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Connection, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.moving_in.diary import DiaryVisit
from scheduler.models import Appointment
from scheduler.queries.visits.ims_given import took_place
from scheduler.usecases.moving_in.staging import batches
from scheduler.usecases.visits.ims_counting import recount, stop_counting

SELECTED = 500


def make_way(connection: Connection, stopped: Sequence[DiaryVisit], *, now: datetime, actor: Actor) -> None:
    """These visits that are here count no longer: later ones of the file count instead."""
    with Session(bind=connection) as session:
        for batch in batches((visit.key for visit in stopped), SELECTED):
            rows = session.scalars(
                select(Appointment)
                .where(Appointment.id.in_(batch), Appointment.active, Appointment.spacing_group_id.is_not(None))
                .where((Appointment.status == "completed") | (Appointment.ends_at <= now))
                .with_for_update(key_share=True, of=Appointment)
            ).all()
            stop_counting(session, rows, now=now, actor=actor)


def count_anew(connection: Connection, stopped: Sequence[DiaryVisit], *, now: datetime, actor: Actor) -> None:
    """After `make_way` and the new visits: what those had kept from counting may count again."""
    around: defaultdict[int, list[datetime]] = defaultdict(list)
    for visit in stopped:
        around[visit.patient].append(visit.counted_from)
    recount_all(connection, around, now=now, actor=actor)


def kept_from_counting(connection: Connection, visits: Sequence[int]) -> dict[int, list[datetime]]:
    """Patient's id → the moments of these of their visits, of those who have IMS besides that took place and counts not."""
    around: defaultdict[int, list[datetime]] = defaultdict(list)
    for batch in batches(visits, SELECTED):
        not_counting = (
            select(Appointment.patient_id)
            .where(Appointment.active, Appointment.spacing_group_id.is_(None), took_place())
            .where(Appointment.id.not_in(batch))
        )
        rows = connection.execute(
            select(Appointment.patient_id, Appointment.counts_from_local)
            .where(Appointment.id.in_(batch), Appointment.spacing_group_id.is_not(None))
            .where(Appointment.patient_id.in_(not_counting))
        )
        for patient_id, moment in rows:
            around[patient_id or 0].append(moment)
    return around


def recount_all(connection: Connection, around: dict[int, list[datetime]], *, now: datetime, actor: Actor) -> None:
    with Session(bind=connection) as session:
        for patient_id, moments in sorted(around.items()):
            recount(session, patient_id=patient_id, around=moments, now=now, actor=actor)
        session.flush()
