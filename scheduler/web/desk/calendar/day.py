"""The day's plain list, practitioner by practitioner: all that the calendar shows, and cancelled visits too."""

from dataclasses import dataclass
from datetime import date, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import clinic_local, db
from scheduler.queries.calendar import desk_day
from scheduler.queries.calendar.desk_day import Absence, DeskVisit
from scheduler.queries.clinic import reference
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.calendar.presence import is_on, there_words
from scheduler.web.desk.looks import note_visits
from scheduler.web.desk.records.masked import visits_of_day
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.words.status import ims_sign, visit_sign

blueprint = Blueprint("desk_day", __name__)
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@dataclass(frozen=True, slots=True)
class Column:
    """One practitioner's day. `there`: the hours in words, or that and until when they are away."""

    name: str
    there: str
    visits: tuple[DeskVisit, ...]


@blueprint.get("/desk/list")
def show() -> ResponseReturnValue:
    """Today, or `?day=2026-12-08`."""
    now_local = clinic_local(clock.now())
    day = asked_day() or now_local.date()
    with db.reading.connect() as connection:
        visits = visits_of_day(connection, day)
        absences = desk_day.absences_of_day(connection, day)
        known = reference.current(connection)
    note_visits(Listing.DAY, [visit.public_id for visit in visits])
    return render_template(
        "desk/calendar/day.html",
        day=day,
        today=now_local.date(),
        yesterday=day - timedelta(days=1),
        tomorrow=day + timedelta(days=1),
        now_local=now_local,
        columns=_columns(visits, absences, known, day),
        closed=[absence.reason for absence in absences if absence.practitioner_id is None],
        counts=_counts(visits),
        sign=visit_sign,
        ims_sign=ims_sign,
    )


def asked_day() -> date | None:
    """None too when it is no day, or so far away that its neighbours are none."""
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None


def _columns(visits: list[DeskVisit], absences: list[Absence], known: reference.Reference, day: date) -> list[Column]:
    """Whoever works that day or has a visit then; in the clinic's own order, but for who is signed in."""
    columns = []
    own = known.practitioner_by_id(current_user.practitioner_id or 0)
    names = {own.id: own.full_name} if own else {}
    names |= {practitioner.id: practitioner.full_name for practitioner in known.practitioners}
    names |= {visit.practitioner_id: visit.practitioner for visit in visits if visit.practitioner_id not in names}
    for practitioner_id, name in names.items():
        theirs = tuple(visit for visit in visits if visit.practitioner_id == practitioner_id)
        hours = [hour for hour in known.hours if hour.practitioner_id == practitioner_id and is_on(hour, day)]
        away = [absence for absence in absences if absence.practitioner_id == practitioner_id]
        if theirs or hours:
            columns.append(Column(name, there_words(hours, away, day), theirs))
    return columns


def _counts(visits: list[DeskVisit]) -> dict[str, int]:
    on = [visit for visit in visits if not visit.is_off]
    return {
        "visits": len(on),
        "here": sum(visit.status == "arrived" for visit in on),
        "first": sum(visit.first_visit for visit in on),
        "flagged": sum(visit.flagged for visit in on),
        "calls": sum(visit.reminder_failed for visit in on),
    }
