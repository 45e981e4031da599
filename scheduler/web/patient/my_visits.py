"""A visit as its patient's pages show it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from flask import current_app

from scheduler import clock
from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.extensions import db
from scheduler.models import Appointment
from scheduler.queries import appointments
from scheduler.web.feeds import visit_key
from scheduler.web.patient.door import signed_in
from scheduler.web.patient.visit_words import status_words

CHANGEABLE = ("booked", "confirmed")


@dataclass(frozen=True, slots=True)
class MyVisit:
    """`until_local`: the last moment at which patients change it themselves, and `is_open` whether that is to come.

    `is_ahead`: it still stands, so that it can be told what to do about it."""

    appointment: Appointment
    status: str
    until_local: datetime
    is_open: bool
    is_ahead: bool
    file_key: str

    @property
    def starts_local(self) -> datetime:
        return self.appointment.starts_local

    @property
    def public_id(self) -> str:
        return self.appointment.public_id


def my_visit(public_id: str, now: datetime) -> MyVisit:
    """NotFound when it is not of a patient who is open here."""
    return shown(appointments.opened_one(db.session(), public_id, signed_in()), now)


def shown_all(visits: Iterable[Appointment], now: datetime) -> list[MyVisit]:
    return [shown(visit, now) for visit in visits]


def shown(visit: Appointment, now: datetime) -> MyVisit:
    clinic: ClinicSettings = current_app.config["CLINIC"]
    until_at = clinic.changeable_until(visit.starts_at)
    is_ahead = visit.status in CHANGEABLE and visit.starts_at > now
    return MyVisit(
        appointment=visit,
        status=status_words(visit.status),
        until_local=clock.to_local(until_at, clock.zone(clinic.zone)),
        is_open=is_ahead and now <= until_at,
        is_ahead=is_ahead,
        file_key=visit_key(visit),
    )
