"""The calendar: the page that reception has open all day, and the data it draws."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from threading import Lock
from typing import Any

from flask import Blueprint, Response, current_app, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.extensions import clinic_local, db
from scheduler.models.engine import database_of
from scheduler.queries.calendar import desk_calendar
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import DeskState, PractitionerInfo, Reference
from scheduler.queries.driver_statements import Lent
from scheduler.queries.staff.live_sessions import id_hash
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.calendar.answer import CalendarDays, View, answer_of
from scheduler.web.desk.calendar.day import asked_day
from scheduler.web.desk.calendar.words import calendar_words
from scheduler.web.desk.looks import note_visits
from scheduler.web.desk.query_fields import text
from scheduler.web.desk.records.masked import calendar_visits
from scheduler.web.desk.records.protection import hidden
from scheduler.web.desk.sign_in.door import EVERYBODY, SESSION_ID, desk_state, require_staff, unattended
from scheduler.web.requests.language import template_variables
from scheduler.web.requests.unchanged import Unchanged, is_known

VIEWS: tuple[View, ...] = ("day", "week", "rooms")
KEPT = 32  # answers; one of 360 visits takes about 100 kB

blueprint = Blueprint("desk_calendar", __name__)
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("/desk")
def show() -> ResponseReturnValue:
    """`?day=2026-12-08&view=day|week|rooms&practitioner=slug`; today, by practitioners, unless asked otherwise.

    `&visit=` is opened in the panel beside it. A practitioner's own column comes first, and on a phone alone.
    """
    now_local = _now_local()
    with db.reading.connect() as connection:
        known = reference.current(connection)
    view, day = _asked_view(known), asked_day() or now_local.date()
    whose = _whose(known, view)
    return render_template(
        "desk/calendar/calendar.html",
        view=view,
        day=day,
        first_day=_first_day(view, day),
        step=7 if view == "week" else 1,
        today=now_local.date(),
        timedelta=timedelta,
        whose=whose,
        practitioners=known.practitioners,
        words=calendar_words(),
        watched=id_hash(session[SESSION_ID]),
        visit=text("visit"),
        own=known.practitioner_by_id(current_user.practitioner_id or 0),
        missing=_missing(known),
        details_missing=current_user.role == "owner" and _shows_the_demo(current_app.config),
    )


@blueprint.get("/desk/calendar.json")
@unattended
def days() -> ResponseReturnValue:
    """The same days as data. 304 while nothing has changed: for a minute at most, since the line for now moves on."""
    now = clock.now()
    now_local = clinic_local(now).replace(second=0, microsecond=0)
    language = template_variables()["language"]
    state = desk_state()
    known = reference.current_at(db.engine, state.reference_version)
    view, day = _asked_view(known), asked_day() or now_local.date()
    etag = f"{state.reference_version}.{state.calendar_version}.{state.card_version}-{now_local:%H%M}-{day}-{view}-{language}"
    if kept_from := hidden().mark:
        etag = f"{etag}-{kept_from}"
    if is_known(etag):
        return Unchanged(etag, {"Cache-Control": "no-cache, private"})
    whose = _whose(known, view)
    key = (database_of(db.engine), etag, whose.id if whose else None)
    answer = _kept.get(key)
    if answer is None:
        answer = _kept.put(key, _answer(state, view, day, whose, now_local, now, language))
    note_visits(Listing.CALENDAR, answer.visits)
    response = Response(answer.body, mimetype="application/json")
    response.headers["ETag"] = f'"{etag}"'
    response.headers["Cache-Control"] = "no-cache, private"
    return response


@dataclass(frozen=True, slots=True)
class _Answer:
    """`visits`: those that name a patient, by public id."""

    body: bytes
    visits: frozenset[str]


def _answer(
    state: DeskState,
    view: View,
    day: date,
    whose: PractitionerInfo | None,
    now_local: datetime,
    now: datetime,
    language: str,
) -> _Answer:
    first_day, count = _first_day(view, day), 7 if view == "week" else 1
    with Lent(db.engine) as connection:
        known = reference.current(connection, state.reference_version)
        visits = desk_calendar.visits(connection, first_day, count, now)
        shown = CalendarDays(
            view=view,
            first_day=first_day,
            days=count,
            whose=whose,
            known=known,
            absences=tuple(desk_calendar.absences(connection, first_day, count)),
            rooms=tuple(desk_calendar.rooms(connection)) if view == "rooms" else (),
            language=language,
        )
    seen = frozenset(
        visit.public_id
        for visit in visits
        if visit.status != "held" and (whose is None or visit.practitioner_id == whose.id)
    )
    return _Answer(answer_of(shown, calendar_visits(visits), now_local), seen)


class _KeptAnswers:
    """The last answers: when a visit changes, every desk that shows its day asks for the same at the same moment."""

    def __init__(self) -> None:
        self._answers: OrderedDict[Any, _Answer] = OrderedDict()
        self._lock = Lock()

    def get(self, key: Any) -> _Answer | None:
        with self._lock:
            return self._answers.get(key)

    def put(self, key: Any, answer: _Answer) -> _Answer:
        with self._lock:
            self._answers[key] = answer
            while len(self._answers) > KEPT:
                self._answers.popitem(last=False)
        return answer


_kept = _KeptAnswers()


def _now_local() -> datetime:
    return clinic_local(clock.now())


def _asked_view(known: Reference) -> View:
    asked = request.args.get("view")
    if asked == "week" and not known.practitioners:
        return "day"  # nobody's week
    return next((view for view in VIEWS if view == asked), "day")


def _missing(known: Reference) -> list[str]:
    """What the clinic needs before anything can be booked, in the order to set it up."""
    needed = {
        "treatments": known.treatments,
        "rooms": known.rooms,
        "practitioners": [person for person in known.practitioners if person.treatment_ids],
        "hours": known.hours,
    }
    return [name for name, there in needed.items() if not there]


def _shows_the_demo(config: Mapping[str, Any]) -> bool:
    """Whether patients of a real clinic are told the telephone number or the address that only the demo has."""
    clinic, demo = config["CLINIC"], ClinicSettings()
    return not config.get("DEMO") and (clinic.phone == demo.phone or clinic.address == demo.address)


def _first_day(view: View, day: date) -> date:
    return day - timedelta(days=day.weekday()) if view == "week" else day


def _whose(known: Reference, view: View) -> PractitionerInfo | None:
    """A week is one practitioner's: the one asked for, whoever is signed in, or the clinic's first."""
    if view != "week":
        return None
    asked = request.args.get("practitioner")
    own = [who for who in known.practitioners if who.id == current_user.practitioner_id]
    return next((who for who in known.practitioners if who.slug == asked), (*own, *known.practitioners)[0])
