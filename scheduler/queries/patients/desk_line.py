"""A patient's line beside a booking: visits that were, that come, and that were missed."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, select

from scheduler.models import Appointment, Treatment


@dataclass(frozen=True, slots=True)
class PastAndComing:
    """A patient's last visit, next visit and missed ones; treatments by their id."""

    last: datetime | None
    last_treatment_id: int | None
    next: datetime | None
    next_treatment_id: int | None
    no_shows: int


def past_and_coming(connection: Connection, patient_id: int, now_local: datetime) -> PastAndComing:
    """One SELECT of the patient's visits here."""
    rows = connection.execute(
        select(Appointment.starts_local, Appointment.status, Appointment.treatment_id)
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .where(Appointment.patient_id == patient_id, Appointment.origin != "elsewhere")
        .order_by(Appointment.starts_at)
    ).all()
    past = [row for row in rows if row.starts_local <= now_local and row.status in ("arrived", "completed", "booked")]
    coming = [row for row in rows if row.starts_local > now_local and row.status in ("booked", "confirmed", "arrived")]
    return PastAndComing(
        last=past[-1].starts_local if past else None,
        last_treatment_id=past[-1].treatment_id if past else None,
        next=coming[0].starts_local if coming else None,
        next_treatment_id=coming[0].treatment_id if coming else None,
        no_shows=sum(row.status == "no_show" for row in rows),
    )
