"""The times that the rule or a patient's other visits forbid, for the calendar to grey while a visit is placed."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, datetime, time, timedelta

from flask import Blueprint, jsonify
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy import Connection

from scheduler import clock
from scheduler.domain.booking.treatment_spacing import CountingVisit, forbidden
from scheduler.domain.errors import NotFound
from scheduler.domain.timeslot import TimeSlot
from scheduler.extensions import clinic_local, clinic_settings, db
from scheduler.queries.booking import slots
from scheduler.queries.booking.slots import Wanted
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import TreatmentInfo
from scheduler.queries.patients import patients
from scheduler.queries.visits import appointments
from scheduler.web import access
from scheduler.web.desk.query_fields import day as asked_day
from scheduler.web.desk.query_fields import number, text
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.words.dates import day_words, from_words

A_WEEK = 7

blueprint = Blueprint("desk_calendar_forbidden", __name__)
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("/desk/forbidden.json")
def ranges() -> ResponseReturnValue:
    """For `patient` and `treatment`, or for the `visit` being moved: `days` days from `first` on."""
    now = clock.now()
    clinic = clinic_settings()
    today = clinic_local(now).date()
    first = asked_day("first") or today
    last = first + timedelta(days=min(max(number("days") or 1, 1), A_WEEK) - 1)
    with db.reading.connect() as connection:
        patient_id, wanted = _asked(connection)
        if patient_id is None:
            return jsonify([])
        wanted = replace(wanted, first_day=first, last_day=last)
        facts = slots.facts_for(connection, wanted, patient_id, now=now, zone=clinic.zone)
    begins, ends = datetime.combine(first, time.min), datetime.combine(last, time.min) + timedelta(days=1)
    found = [*_too_soon(wanted.treatment, facts.counting), *_other_visits(facts.visits)]
    return jsonify(
        [
            {
                "starts": max(after, begins).isoformat(timespec="minutes"),
                "ends": min(before, ends).isoformat(timespec="minutes"),
                "words": words,
            }
            for after, before, words in found
            if after < ends and before > begins
        ]
    )


def _asked(connection: Connection) -> tuple[int | None, Wanted]:
    known = reference.current(connection)
    some_day = date.min
    if not text("visit"):
        patient = patients.row(connection, text("patient"))
        return patient.id, Wanted(known.treatment(text("treatment")), some_day, some_day)
    row = appointments.row(connection, text("visit"))
    if row.patient is None:
        raise NotFound("patient")
    treatment = known.treatment(row.treatment)
    return patients.row(connection, row.patient).id, Wanted(treatment, some_day, some_day, leaving_out=row.id)


def _too_soon(
    treatment: TreatmentInfo, counting: tuple[CountingVisit, ...]
) -> Iterator[tuple[datetime, datetime, str]]:
    """Starts strictly between the two moments."""
    if not treatment.min_days:
        return
    gap = timedelta(days=treatment.min_days)
    for after, before in forbidden(counting, min_days=treatment.min_days):
        visit = next((one for one in counting if after < one.starts_local < before), None)
        if visit is None:
            continue
        allowed = from_words(before)
        words = _("Too close to %(day)s: allowed from %(allowed)s", day=day_words(visit.day), allowed=allowed)
        if before - after > 2 * gap:  # several visits in a row
            words = _("Too close to other visits: allowed from %(allowed)s", allowed=allowed)
        yield after, before, words


def _other_visits(visits: tuple[TimeSlot, ...]) -> Iterator[tuple[datetime, datetime, str]]:
    for visit in visits:
        yield visit.start, visit.end, _("This patient has another visit then")
