"""The day on paper, and on a practitioner's telephone: who comes, when, for what."""

from dataclasses import dataclass
from datetime import timedelta

from flask import Blueprint, render_template
from flask.typing import ResponseReturnValue
from flask_login import current_user

from scheduler.extensions import db, now_at_the_clinic
from scheduler.gateways.phone_numbers import display
from scheduler.queries.calendar import desk_day
from scheduler.queries.calendar.desk_day import DeskVisit
from scheduler.queries.clinic import reference
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.calendar.presence import is_on, there_words
from scheduler.web.desk.looks import note_visits
from scheduler.web.desk.query_fields import day, text
from scheduler.web.desk.records.masked import visits_of_day
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.words.status import ims_sign, visit_sign

blueprint = Blueprint("desk_sheet", __name__)
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)

ALL = "all"


@dataclass(frozen=True, slots=True)
class Sheet:
    """One practitioner's; cancelled visits are not on it."""

    name: str
    there: str
    visits: tuple[DeskVisit, ...]


@blueprint.get("/desk/sheet")
def show() -> ResponseReturnValue:
    """`?day=` or today; `?who=` a practitioner's slug, or all. A practitioner sees their own unless they ask otherwise."""
    now_local = now_at_the_clinic()[1]
    asked = day("day") or now_local.date()
    with db.reading.connect() as connection:
        known = reference.current(connection)
        visits = [visit for visit in visits_of_day(connection, asked) if visit.status != "cancelled"]
        absences = desk_day.absences_of_day(connection, asked)
    who = text("who")
    own = known.practitioner_by_id(current_user.practitioner_id) if current_user.practitioner_id else None
    if who and who != ALL:
        own = known.practitioner(who)
    names = {practitioner.id: practitioner.full_name for practitioner in known.practitioners}
    names |= {visit.practitioner_id: visit.practitioner for visit in visits}
    if own is not None and who != ALL:
        names = {own.id: own.full_name}
    sheets = []
    for practitioner_id, name in names.items():
        hours = [hour for hour in known.hours if hour.practitioner_id == practitioner_id and is_on(hour, asked)]
        away = [absence for absence in absences if absence.practitioner_id == practitioner_id]
        theirs = tuple(visit for visit in visits if visit.practitioner_id == practitioner_id)
        if theirs or hours or len(names) == 1:
            sheets.append(Sheet(name, there_words(hours, away, asked), theirs))
    note_visits(Listing.SHEET, [visit.public_id for sheet in sheets for visit in sheet.visits])
    return render_template(
        "desk/calendar/sheet.html",
        day=asked,
        today=now_local.date(),
        yesterday=asked - timedelta(days=1),
        tomorrow=asked + timedelta(days=1),
        now_local=now_local,
        sheets=sheets,
        who=who or (own.slug if own else ALL),
        practitioners=known.practitioners,
        closed=[absence.reason for absence in absences if absence.practitioner_id is None],
        sign=visit_sign,
        ims_sign=ims_sign,
        display=display,
    )
