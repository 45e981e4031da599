"""Finding a patient: the page, its results while typing, and the same as JSON for the desk's own scripts."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from sqlalchemy import Connection

from scheduler import clock
from scheduler.domain.booking.treatment_spacing import CountingVisit, earliest_allowed
from scheduler.domain.errors import NotFound
from scheduler.domain.patients.search import LONGEST, criteria_of
from scheduler.extensions import clinic_local, clinic_settings, clinic_zone, db
from scheduler.gateways.phone_numbers import display
from scheduler.queries.booking import visits_that_bear
from scheduler.queries.clinic import reference
from scheduler.queries.patients import search as patient_search
from scheduler.queries.patients.clearances import cleared_today
from scheduler.queries.patients.search import FoundPatient, VisitSummary
from scheduler.web import access
from scheduler.web.desk.looks import note_search
from scheduler.web.desk.panel import in_panel
from scheduler.web.desk.panel import page as desk_page
from scheduler.web.desk.records.protection import allowed
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.words import rfc3339

blueprint = Blueprint("desk_patients_search", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@dataclass(frozen=True, slots=True)
class PatientLine:
    """One result. `next_allowed`: the first start that the seven days allow; none when they forbid nothing now."""

    id: str
    name: str
    birth_date: date | None
    number: str | None
    cleared: bool
    next_allowed: datetime | None
    next_visit: datetime | None
    next_visit_id: str | None
    last_visit: datetime | None
    no_shows: int
    restricted: bool = False


@blueprint.get("")
def page() -> ResponseReturnValue:
    """The search page; with `?q=` also what it finds, for whoever has no JavaScript. In the panel: beside the calendar."""
    if request.headers.get("HX-Target") == "found" and in_panel():
        return render_template("desk/patients/found.html", **_found())
    if in_panel():
        return desk_page("desk/patients/find.html", typed=_typed())
    return render_template("desk/patients/search.html", typed=_typed(), **_found())


@blueprint.get("/search")
def search() -> ResponseReturnValue:
    """What `q` finds: a piece of the page, or JSON where that is what the caller accepts."""
    if request.accept_mimetypes.best_match(("text/html", "application/json")) != "application/json":
        return render_template("desk/patients/_results.html", typed=_typed(), **_found())
    zone = clinic_zone()

    def moment(local: datetime | None) -> str | None:
        return None if local is None else rfc3339.moment(local, zone)

    return jsonify(
        items=[
            {
                "id": line.id,
                "name": line.name,
                "birth_date": line.birth_date.isoformat() if line.birth_date else None,
                "phone_last4": line.number[-4:] if line.number else None,
                "next_allowed": moment(line.next_allowed),
                "cleared": line.cleared,
                "next_visit": moment(line.next_visit),
                "last_visit": moment(line.last_visit),
                "no_shows": line.no_shows,
                "restricted": line.restricted,
            }
            for line in _found()["lines"]
        ]
    )


def _typed() -> str:
    return request.args.get("q", "")[:LONGEST].replace("\0", " ")


def _found() -> dict[str, Any]:
    """By name, number or birth date; or the one whose visit has the reference that was typed."""
    criteria = criteria_of(_typed())
    with db.reading.connect() as connection:
        visit = patient_search.visit_of_reference(connection, _typed())
        found = allowed([visit.patient] if visit else patient_search.find(connection, criteria))
        lines = patient_lines(connection, found) if found else []
    note_search(criteria, [patient.public_id for patient in found])
    return {
        "lines": lines,
        "visit": visit if found else None,
        "asked": bool(criteria),
        "full": len(found) == patient_search.LIMIT,
    }


def patient_lines(connection: Connection, found: list[FoundPatient]) -> list[PatientLine]:
    """What the desk wants to know at a glance; five SELECTs however many there are."""
    now = clock.now()
    now_local = clinic_local(now)
    ids = [patient.id for patient in found]
    summaries = patient_search.summaries(connection, ids, now)
    following = patient_search.next_visits(connection, ids, now)
    allowed = _next_allowed(connection, ids, now_local)
    cleared = cleared_today(connection, ids, clinic=clinic_settings(), now=now)
    nothing = VisitSummary()
    return [
        PatientLine(
            id=patient.public_id,
            name=f"{patient.family_name}, {patient.given_name}",
            birth_date=patient.birth_date,
            number=display(patient.number) if patient.number else None,
            cleared=patient.id in cleared,
            next_allowed=allowed.get(patient.id),
            next_visit=(summary := summaries.get(patient.id, nothing)).next_visit,
            next_visit_id=following.get(patient.id),
            last_visit=summary.last_visit,
            no_shows=summary.no_shows,
            restricted=patient.restricted,
        )
        for patient in found
    ]


def _next_allowed(connection: Connection, ids: list[int], now_local: datetime) -> dict[int, datetime]:
    try:
        ims = reference.current(connection).needling
    except NotFound:
        return {}
    min_days = ims.min_days or 0
    counting = visits_that_bear.counting_of(connection, ids, now_local - timedelta(days=min_days))
    allowed = {
        patient_id: earliest_allowed(
            now_local,
            [CountingVisit(v.counts_from_local) for v in counted if v.spacing_group_id == ims.spacing_group_id],
            min_days=min_days,
            on_clock=clock.on(clinic_zone()),
        )
        for patient_id, counted in counting.items()
    }
    return {patient_id: start for patient_id, start in allowed.items() if start > now_local}
