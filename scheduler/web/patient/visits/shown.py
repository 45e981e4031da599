"""A visit as its patient's pages show it."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime

from flask import request
from flask_babel import gettext as _

from scheduler import clock
from scheduler.extensions import clinic_settings, db
from scheduler.models import Appointment
from scheduler.queries.visits import appointments
from scheduler.web.feeds import visit_key
from scheduler.web.patient.sign_in.door import signed_in
from scheduler.web.patient.visits.words import status_words
from scheduler.web.words.dates import day_and_time_words

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
    clinic = clinic_settings()
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


def shown_version() -> int:
    """Of the visit as the form shows it. A form that does not say acts on nothing: 0 is no version."""
    return request.form.get("version", type=int) or 0


def moved_since(visit: MyVisit) -> str:
    """When the page said another time than the visit has now: both."""
    with suppress(ValueError):
        was = datetime.fromisoformat(request.form.get("shown_starts", ""))
        if was.tzinfo is None and was != visit.starts_local:
            said, now = day_and_time_words(was), day_and_time_words(visit.starts_local)
            return str(_("Your page showed it on %(said)s; it is now on %(now)s.", said=said, now=now))
    return ""
