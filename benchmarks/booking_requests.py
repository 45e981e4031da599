"""Bookings over the API by a program with a bearer token."""

import json
from collections.abc import Iterator
from datetime import UTC, date, datetime

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from benchmarks import load
from benchmarks.clinics import CLINIC, NEWCOMERS, Size
from scheduler import clock
from scheduler.models import Appointment
from scheduler.usecases.staff.tokens import create_token

APPOINTMENTS = "/api/v1/appointments"
HORIZON_DAYS = 366  # so that there are enough free slots for all rounds


class BookingRequests:
    """Requests for one clinic; each patient is asked for only once, so that no rule but the slot's own refuses."""

    def __init__(self, engine: Engine, size: Size) -> None:
        with Session(engine) as session:
            self._token = create_token(session, name="benchmark", role="owner", now=datetime.now(UTC))
        first = size.regulars + 1
        self._newcomers = iter(f"patient-{n:08}" for n in range(first, first + NEWCOMERS))

    def next_patient(self) -> str:
        return next(self._newcomers)

    def book(self, practitioner: int, starts_local: datetime, patient: str | None = None) -> bytes:
        """IMS, for the next patient when none is given."""
        zone = clock.zone(CLINIC.zone)
        body = {
            "patient": patient or self.next_patient(),
            "treatment": "ims",
            "practitioner": f"p{practitioner}",
            "starts_at": starts_local.replace(tzinfo=zone).isoformat(),
        }
        return load.post(APPOINTMENTS, json.dumps(body).encode(), Authorization=f"Bearer {self._token}")

    def each(self, places: Iterator[tuple[int, datetime]]) -> Iterator[bytes]:
        return (self.book(practitioner, starts_local) for practitioner, starts_local in places)


def taken_places(engine: Engine, after: date) -> list[tuple[int, datetime]]:
    """Practitioner and start of visits already booked."""
    with engine.connect() as connection:
        rows = connection.execute(
            select(Appointment.practitioner_id, Appointment.starts_local)
            .where(Appointment.active, Appointment.starts_local > datetime.combine(after, datetime.max.time()))
            .order_by(Appointment.starts_local)
        )
        return [(row.practitioner_id, row.starts_local) for row in rows if row.practitioner_id]
