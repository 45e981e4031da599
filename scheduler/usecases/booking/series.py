"""Booking a course of visits in one go: all of them or none."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.refusals import BookingRefused, SlotTaken
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import Invalid
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import Appointment
from scheduler.models.constraints import violated
from scheduler.queries.clinic import reference
from scheduler.queries.patients import patients
from scheduler.usecases.booking.locks import lock_patients, lock_rooms
from scheduler.usecases.booking.new_appointment import add_appointment
from scheduler.usecases.booking.placing import HoldsInTheWay, PlaceGone, find_place
from scheduler.usecases.booking.refusing import refusal_of, with_alternatives
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import RACES, expire_alone, gaining

LONGEST = 12  # visits


@dataclass(frozen=True, slots=True)
class SeriesStart:
    starts_local: datetime
    practitioner: str | None


@retry_deadlocks
def book_series(
    session: Session,
    *,
    clinic: ClinicSettings,
    patient_id: int,
    treatment: str,
    starts: list[SeriesStart],
    now: datetime,
    actor: Actor,
    origin: str,
) -> list[Appointment]:
    """Every start becomes a visit, in one transaction. The first that is refused refuses all, with its alternatives."""
    if not 1 <= len(starts) <= LONGEST:
        raise Invalid({"starts": "Choose 1 to 12 visits."})
    requests = [
        BookingRequest(
            clinic=clinic,
            treatment=treatment,
            practitioner=start.practitioner,
            starts_local=start.starts_local,
            now=now,
            actor=actor,
            patient=patient_id,
            origin=origin,
        )
        for start in sorted(starts, key=lambda one: one.starts_local)
    ]
    for _attempt in range(RACES):
        try:
            return _book_all(session, requests)
        except (PlaceGone, HoldsInTheWay) as gone:
            session.rollback()
            if isinstance(gone, HoldsInTheWay):
                expire_alone(session, gone, requests[0])
    raise with_alternatives(session, SlotTaken(), requests[0])


def _book_all(session: Session, requests: list[BookingRequest]) -> list[Appointment]:
    begin_write(session)
    _lock(session, requests)
    made: list[Appointment] = []
    for request in requests:
        try:
            place = find_place(session.connection(), request)
            visit = add_appointment(session, place, request, AppointmentStatus.BOOKED)
        except BookingRefused as refused:
            session.rollback()
            raise with_alternatives(session, refused, request) from None
        except IntegrityError as error:
            session.rollback()
            refusal = refusal_of(session, violated(error), request)
            if refusal is None:
                raise
            raise with_alternatives(session, refusal, request) from None
        made.append(visit)
    session.commit()
    return made


def _lock(session: Session, requests: list[BookingRequest]) -> None:
    """All that the visits will need, before the first is written: each alone would be in order, but not the next after it."""
    connection = session.connection()
    who = set().union(*(gaining(session, request) for request in requests))
    lock_patients(connection, {patients.looked_up(connection, requests[0].patient or 0)}, who)
    lock_rooms(connection, reference.current(connection).rooms)
