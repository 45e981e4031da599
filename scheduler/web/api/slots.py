"""GET slots: the starts on offer. Asked more than anything else, so written by hand: the calendar's state is one
SELECT, an unchanged answer is a 304 after it, and slots are put together as text (documents.slot says the same)."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import lru_cache, partial
from zlib import crc32
from zoneinfo import ZoneInfo

from flask import Response, request

from scheduler import clock
from scheduler.domain.booking.availability import HiddenReason, Offer
from scheduler.domain.booking.start_grid import wall_minute
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.patients.clearance import is_cleared
from scheduler.extensions import clinic_settings, clinic_zone, db
from scheduler.queries.booking import slots
from scheduler.queries.booking.slots import Bounds, Wanted
from scheduler.queries.booking.visits_that_bear import PatientFacts
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import Reference, State, TreatmentInfo
from scheduler.queries.driver_statements import Lent, Plainly
from scheduler.queries.patients import patients
from scheduler.web import access
from scheduler.web.api import bearer, openapi
from scheduler.web.api.part import Part
from scheduler.web.api.query_fields import Asked
from scheduler.web.api.schemas import SlotsShown, documents
from scheduler.web.requests.unchanged import Unchanged, known_tags
from scheduler.web.words import rfc3339

MOST_FIRST = 50
NOT_CLEARED, NO_DAYS = "not-cleared", "no-days"

blueprint = Part("api_slots", __name__, url_prefix="/api/v1")
access.declare(blueprint, "public")  # but for `patient`


@blueprint.address("GET", "/slots", answers=SlotsShown, **openapi.SLOTS)
def find() -> Response:
    """The slots on offer from one day to another, both included."""
    clinic = clinic_settings()
    now = clock.now()
    bounds = slots.online_bounds(clinic, now)
    if "patient" in request.args:
        bearer.require_token()
        with Lent(db.engine) as connection:
            return _for_patient(connection, reference.state(connection), bounds, clinic, now)
    state = reference.state_now(db.engine)
    for tag in known_tags() if "HTTP_IF_NONE_MATCH" in request.environ else ():
        if _still_so(tag, state, bounds, now):
            return Unchanged(tag, {})
    return _for_anybody(state, bounds, clinic, now)


@blueprint.address("GET", "/slots/earliest", answers=SlotsShown, **openapi.EARLIEST)
def earliest() -> Response:
    """The first slots on offer, over the whole time that can be booked."""
    clinic = clinic_settings()
    now = clock.now()
    bounds = slots.online_bounds(clinic, now)
    if "patient" in request.args:
        bearer.require_token()
    with Lent(db.engine) as connection:
        state = reference.state(connection)
        current = reference.current(connection, state.reference_version)
        asked = Asked(request.args)
        treatment = asked.treatment(current)
        practitioner = asked.practitioner(current, treatment)
        count = asked.number("limit", 3, MOST_FIRST)
        from_day = asked.day("from") or bounds.earliest_local.date()
        patient_id = asked.id_of("patient", partial(patients.id_of, connection))
        asked.done()
        assert treatment is not None  # noqa: S101 - done() has refused
        wanted = _within(Wanted(treatment, from_day, date.max, practitioner), bounds)
        if wanted is None:
            return _json([], [HiddenReason.BEYOND_HORIZON], patient_id, None)
        first = slots.first_slots(
            connection, wanted, clinic=clinic, now=now, count=count, patient_id=patient_id, known=state
        )
    if first.facts is not None and _is_not_cleared(treatment, first.facts, from_day, clinic):
        return _json([], [NOT_CLEARED], patient_id, first.earliest_allowed)
    zone = clock.zone(clinic.zone)
    texts = [json.dumps(documents.slot(start, treatment, current, zone)) for start in first.starts]
    return _json(texts, list(first.why_empty), patient_id, first.earliest_allowed)


def _for_anybody(state: State, bounds: Bounds, clinic: ClinicSettings, now: datetime) -> Response:
    """With an ETag, which says what was asked, too. What is in memory needs no connection."""
    current = reference.current_at(db.engine, state.reference_version)
    asked = Asked(request.args)
    wanted = _wanted(asked, current)
    asked.done()
    assert wanted is not None  # noqa: S101 - done() has refused
    within = _within(wanted, bounds)
    if within is None:
        response = _json([], [_out_of_reach(wanted, bounds)], None, None)
        valid_until = None
    else:
        found = slots.known_slots(db.engine, within, state=state, bounds=bounds, now=now)
        if found is None:
            with Lent(db.engine) as connection:
                found = slots.find_slots(connection, within, clinic=clinic, now=now, known=state, bounds=bounds)
        valid_until = found.valid_until
        texts = slot_texts(found.offer, within.treatment, current, clock.zone(clinic.zone))
        response = _json(texts, found.offer.why_empty() if not texts else [], None, None)
    response.headers["ETag"] = _tag(state, bounds, valid_until)
    return response


def _for_patient(connection: Plainly, state: State, bounds: Bounds, clinic: ClinicSettings, now: datetime) -> Response:
    current = reference.current(connection, state.reference_version)
    asked = Asked(request.args)
    wanted, patient_id = _wanted(asked, current), asked.id_of("patient", partial(patients.id_of, connection))
    asked.done()
    assert wanted is not None and patient_id is not None  # noqa: S101 - done() has refused
    within = _within(wanted, bounds)
    if within is None:
        return _json([], [_out_of_reach(wanted, bounds)], patient_id, None)
    found = slots.find_slots_for_patient(
        connection, within, patient_id, clinic=clinic, now=now, known=state, bounds=bounds
    )
    if _is_not_cleared(wanted.treatment, found.facts, within.first_day, clinic):
        return _json([], [NOT_CLEARED], patient_id, found.earliest_allowed)
    texts = slot_texts(found.offer, within.treatment, current, clock.zone(clinic.zone))
    return _json(texts, found.offer.why_empty() if not texts else [], patient_id, found.earliest_allowed)


def _is_not_cleared(treatment: TreatmentInfo, facts: PatientFacts, first_day: date, clinic: ClinicSettings) -> bool:
    return treatment.needs_clearance and not is_cleared(facts.clearance, first_day, months=clinic.clearance_months)


def slot_texts(offer: Offer, treatment: TreatmentInfo, current: Reference, zone: ZoneInfo) -> list[str]:
    """Each slot as JSON."""
    names = {who.id: f"{json.dumps(who.slug)}}}" for who in current.practitioners}

    def starts(day: date) -> tuple[str, ...]:
        return _starts_of(day, offer.grid.grid_minutes, treatment.minutes, treatment.slug, zone)

    return list(offer.read_out(starts, [names[who] for who in offer.practitioners]))


@lru_cache(maxsize=400)
def _starts_of(day: date, grid_minutes: int, minutes: int, treatment: str, zone: ZoneInfo) -> tuple[str, ...]:
    """The beginning of a slot's JSON, up to its practitioner, for each start of the day."""
    midnight = datetime(day.year, day.month, day.day)  # noqa: DTZ001 - clinic wall clock
    starts = [midnight + timedelta(minutes=minute) for minute in range(0, 24 * 60, grid_minutes)]
    return tuple(
        f'{{"starts_at": "{rfc3339.moment(start, zone)}", "ends_at": "{rfc3339.moment_after(start, minutes, zone)}", '
        f'"treatment": {json.dumps(treatment)}, "practitioner": '
        for start in starts
    )


def _wanted(asked: Asked, current: Reference) -> Wanted | None:
    treatment = asked.treatment(current)
    practitioner = asked.practitioner(current, treatment)
    first, last = asked.day("from", needed=True), asked.day("to", needed=True)
    if treatment is None or first is None or last is None:
        return None
    return Wanted(treatment, first, last, practitioner)


def _within(wanted: Wanted, bounds: Bounds) -> Wanted | None:
    """The wanted days that can be booked at all: nothing is read of the others, however many they are."""
    first = max(wanted.first_day, bounds.earliest_local.date())
    last = min(wanted.last_day, (bounds.latest_local - timedelta(days=1)).date())
    return replace(wanted, first_day=first, last_day=last) if first <= last else None


def _out_of_reach(wanted: Wanted, bounds: Bounds) -> str:
    if wanted.last_day < wanted.first_day:
        return NO_DAYS
    past = wanted.last_day < bounds.earliest_local.date()
    return HiddenReason.TOO_LATE_TO_BOOK if past else HiddenReason.BEYOND_HORIZON


def _json(texts: list[str], why_empty: Sequence[str], patient_id: int | None, allowed: datetime | None) -> Response:
    rest = f'], "empty_because": {json.dumps(why_empty)}'
    if patient_id is not None:
        zone = clinic_zone()
        rest += f', "earliest_allowed": {json.dumps(rfc3339.moment(allowed, zone) if allowed else None)}'
    response = Response('{"slots": [' + ", ".join(texts) + rest + "}", mimetype="application/json")
    if patient_id is not None:
        response.headers["Cache-Control"] = "no-store"
    return response


def _tag(state: State, bounds: Bounds, valid_until: datetime | None) -> str:
    """Says by itself what the answer hangs on: the calendar, the moment, and the question."""
    until = int(valid_until.timestamp()) if valid_until else 0
    return f'"{_now_and_asked(state, bounds)}.{until:x}"'


def _still_so(tag: str, state: State, bounds: Bounds, now: datetime) -> bool:
    known, _dot, until = tag.rpartition(".")
    if known != _now_and_asked(state, bounds):
        return False
    try:
        return until == "0" or now.timestamp() < int(until, 16)
    except ValueError:
        return False


def _now_and_asked(state: State, bounds: Bounds) -> str:
    earliest, latest = wall_minute(bounds.earliest_local), wall_minute(bounds.latest_local)
    asked = crc32(request.environ["QUERY_STRING"].encode(), _clinics_mark(clinic_settings()))
    return f"{state.reference_version:x}.{state.calendar_version:x}.{earliest:x}.{latest:x}.{asked:x}"


@lru_cache(maxsize=8)
def _clinics_mark(clinic: ClinicSettings) -> int:
    """Another after a change of settings that the answer hangs on."""
    return crc32(f"{clinic.zone} {clinic.grid_minutes}".encode())
