"""Booking by telephone, in the panel beside the calendar: who, what, when, save. Each step is an address of its own."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.booking.treatment_spacing import CountingVisit, earliest_allowed, last_before
from scheduler.domain.clinic.treatment_kind import TreatmentKind
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.patients.search import LONGEST, criteria_of
from scheduler.extensions import clinic_local, clinic_settings, db
from scheduler.gateways.phone_numbers import BadPhoneNumber, display, parse
from scheduler.queries.booking import slots
from scheduler.queries.booking.slots import Wanted
from scheduler.queries.calendar import desk_calendar
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import Reference, TreatmentInfo
from scheduler.queries.patients import desk_line, duplicates, patients, search
from scheduler.queries.patients.clearances import cleared_today
from scheduler.queries.patients.desk_line import PastAndComing
from scheduler.queries.patients.patients import PatientRow
from scheduler.queries.visits import ims_given
from scheduler.queries.visits.ims_given import GivenVisit
from scheduler.usecases.booking.booking import book_slot
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.patients.patients import register_patient
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.booking.health import health_of
from scheduler.web.desk.looks import note_patients, note_search, note_seen
from scheduler.web.desk.panel import page
from scheduler.web.desk.patients.search import patient_lines
from scheduler.web.desk.query_fields import day as asked_day
from scheduler.web.desk.query_fields import moment, number, place, text
from scheduler.web.desk.records.protection import allowed, hidden
from scheduler.web.desk.refusals import Refused, Sought, refused
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.desk.visits.visit import booked
from scheduler.web.requests.language import template_variables
from scheduler.web.words.agreement import at_desk, desk_words
from scheduler.web.words.dates import weekday_words
from scheduler.web.words.phone import no_mobile_number

blueprint = Blueprint("desk_booking", __name__)
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)

CARRIED = ("starts", "day", "practitioner", "room", "treatment")  # from step to step, until the visit is saved


@dataclass(frozen=True, slots=True)
class Line:
    """What the telephone wants to know of a patient at one glance."""

    patient: PatientRow
    number: str | None
    cleared: bool
    visits: PastAndComing
    last_treatment: str | None
    next_treatment: str | None
    clash: CountingVisit | None
    next_ims: datetime | None


@blueprint.get("/desk/book")
def begin() -> ResponseReturnValue:
    """Without `patient`: the search. With one: treatment and time, ready to save."""
    if text("patient"):
        with db.reading.connect() as connection:
            note_seen(patients.row(connection, text("patient")).id, "booking")
        return time_page()
    return page("desk/booking/who.html", carried=_carried(), starts=moment("starts"), found=None, q="")


@blueprint.get("/desk/book/patients")
def find() -> ResponseReturnValue:
    q = text("q")[:LONGEST]
    with db.reading.connect() as connection:
        criteria = criteria_of(q)
        found = allowed(search.find(connection, criteria))
        lines = patient_lines(connection, found) if found else []
    note_search(criteria, [patient.public_id for patient in found])
    in_place = request.headers.get("HX-Target") == "found"
    template = "desk/booking/found.html" if in_place else "desk/booking/who.html"
    return page(template, carried=_carried(), starts=moment("starts"), found=lines, q=q, link=_link)


@blueprint.get("/desk/book/new-patient")
def new_patient() -> ResponseReturnValue:
    given, _space, family = text("q").strip().partition(" ")
    if family == "" and any(map(str.isdigit, given)):
        given = ""
    return _new_patient_page(
        {"given_name": given.title(), "family_name": family.title(), "phone": "", "birth_date": ""}
    )


@blueprint.post("/desk/book/new-patient")
def register() -> ResponseReturnValue:
    """Who may be the same person is shown first; with `new` they are not."""
    typed = {
        name: text(name) for name in ("given_name", "family_name", "birth_date", "phone", "language", "agrees_to_texts")
    }
    now = clock.now()
    today = clinic_local(now).date()
    errors: dict[str, str] = {}
    birth_date, number = None, None
    try:
        birth_date = date.fromisoformat(typed["birth_date"]) if typed["birth_date"] else None
    except ValueError:
        errors["birth_date"] = _("Enter the birth date as year, month and day.")
    try:
        number = parse(typed["phone"]) if typed["phone"] else None
    except BadPhoneNumber:
        errors["phone"] = no_mobile_number()
    if errors:
        return _new_patient_page(typed, errors, status=422)
    if not text("new"):
        names = typed["given_name"], typed["family_name"]
        alike = duplicates.likely_duplicates(db.session(), *names, birth_date, number)
        if alike:
            note_patients(Listing.SAME_PERSON, [patient.public_id for patient in alike])
            return _new_patient_page(typed, alike=alike)
    try:
        patient = register_patient(
            db.session(),
            given_name=typed["given_name"],
            family_name=typed["family_name"],
            birth_date=birth_date,
            phone=number,
            texts=at_desk(agrees=typed["agrees_to_texts"] == "yes"),
            language=typed["language"] or "en",
            actor=current_user.actor,
            now=now,
            today=today,
        )
    except Invalid as refusal:
        return _new_patient_page(typed, {field: _(words) for field, words in refusal.errors.items()}, status=422)
    return redirect(_link(patient.public_id), 303)


@blueprint.post("/desk/book")
def save() -> ResponseReturnValue:
    """With a `count` of weekly visits to their dates: also Enter in that field presses this button."""
    if text("count") and not text("at"):
        return to_dates()
    clinic, now = clinic_settings(), clock.now()
    with db.reading.connect() as connection:
        patient_id = patients.row(connection, text("patient")).id
    starts, practitioner = place()
    if starts is None:
        return time_page(problem=_("Choose a day and a time."), status=422)
    health = health_of(patient_id)
    if health.errors:
        return time_page(status=422)
    insists = text("insists") == "yes"
    unanswered = [] if text("unanswered") == "yes" else _unanswered(patient_id, starts)
    if unanswered:
        return time_page(unanswered=unanswered, status=409)
    try:
        made = book_slot(
            db.session(),
            BookingRequest(
                clinic=clinic,
                patient=patient_id,
                treatment=text("treatment"),
                practitioner=practitioner,
                starts_local=starts,
                now=now,
                actor=current_user.actor,
                origin="desk",
                screening=health.form.answers,
                insists=insists,
                room=None if text("at") else number("room"),  # a nearest free time is free in some room
            ),
        )
    except (BookingRefused, NotFound) as refusal:
        return time_page(refusal=refused(refusal, sought(patient_id, starts, practitioner), insisted=insists))
    return booked(made.public_id)


def _unanswered(patient_id: int, starts: datetime) -> list[GivenVisit]:
    """Visits so near to wanted IMS that it could not be booked if IMS was given there, which nobody has said yet."""
    with db.reading.connect() as connection:
        treatment = next((t for t in reference.current(connection).treatments if t.slug == text("treatment")), None)
        if treatment is None or not treatment.needling:
            return []
        return ims_given.open_near(connection, patient_id, starts, treatment.min_days or 0)


def to_dates() -> ResponseReturnValue:
    """To the plan of a weekly series, at an address of its own."""
    names = ("patient", "treatment", "practitioner", "starts_day", "starts_time", "count")
    asked: dict[str, Any] = {name: text(name) for name in names if text(name)}
    return redirect(url_for("desk_booking_series.plan", **asked), 303)


def sought(patient_id: int, starts: datetime, practitioner: str | None) -> Sought:
    """What was asked for, so that a refusal can name what stands in its way."""
    db.session.rollback()
    connection = db.session.connection()
    known = reference.current(connection)
    treatment = next((one for one in known.treatments if one.slug == text("treatment")), None)
    return Sought(
        patient_id=patient_id,
        name=patients.row(connection, text("patient")).given_name,
        starts_local=starts,
        minutes=treatment.minutes + treatment.buffer_minutes if treatment else 0,
        practitioner_id=next((who.id for who in known.practitioners if who.slug == practitioner), None),
        room_id=None if text("at") else number("room"),
    )


def time_page(
    *,
    problem: str = "",
    refusal: Refused | None = None,
    unanswered: Sequence[GivenVisit] = (),
    status: int = 200,
) -> Response:
    now = clock.now()
    now_local = clinic_local(now)
    language = template_variables()["language"]
    db.session.rollback()
    with db.reading.connect() as connection:
        known = reference.current(connection)
        line = _line(connection, patients.row(connection, text("patient")), known, now, language)
        rooms = desk_calendar.rooms(connection) if text("room") else []
    treatment = next((t for t in known.treatments if t.slug == text("treatment")), None) or _usual(line, known)
    return page(
        "desk/booking/time.html",
        status=refusal.status if refusal else status,
        line=line,
        health=health_of(line.patient.id),
        display=display,
        known=known,
        language=language,
        treatment=treatment,
        practitioner=text("practitioner"),
        room=number("room"),
        rooms=rooms,
        starts=moment("starts"),
        day=asked_day("day") or now_local.date(),
        weekdays=weekday_words(),
        count=number("count"),
        problem=problem,
        refusal=refusal,
        unanswered=unanswered,
    )


def _line(connection: Any, patient: PatientRow, known: Reference, now: datetime, language: str) -> Line:
    clinic = clinic_settings()
    now_local = clinic_local(now)
    visits = desk_line.past_and_coming(connection, patient.id, now_local)
    names = {treatment.id: treatment.name(language) for treatment in known.treatments}
    clash, next_ims = None, None
    cleared = patient.id in cleared_today(connection, [patient.id], clinic=clinic, now=now)
    ims = next((treatment for treatment in known.treatments if treatment.needling), None)
    if ims is not None and ims.min_days and cleared:
        wanted = Wanted(ims, now_local.date(), now_local.date() + timedelta(days=clinic.horizon_days))
        counting = slots.facts_for(connection, wanted, patient.id, now=now, zone=clinic.zone).counting
        on_clock = clock.on(clock.zone(clinic.zone))
        next_ims = earliest_allowed(now_local, counting, min_days=ims.min_days, on_clock=on_clock)
        if next_ims > now_local:
            clash = last_before(next_ims, counting, min_days=ims.min_days)
    return Line(
        patient=patient,
        number=patient.number,
        cleared=cleared,
        visits=visits,
        last_treatment=names.get(visits.last_treatment_id or 0),
        next_treatment=names.get(visits.next_treatment_id or 0),
        clash=clash,
        next_ims=next_ims,
    )


def _usual(line: Line, known: Reference) -> TreatmentInfo | None:
    """What is most likely wanted: IMS for who is cleared, else an assessment."""
    kind = TreatmentKind.IMS if line.cleared else TreatmentKind.ASSESSMENT
    return next((treatment for treatment in known.treatments if treatment.kind is kind), None)


def _new_patient_page(
    typed: dict[str, str], errors: dict[str, str] | None = None, *, alike: Any = (), status: int = 200
) -> Response:
    return page(
        "desk/booking/new_patient.html",
        status=status,
        typed=typed,
        errors=errors or {},
        read_out=desk_words(),
        alike=[one for one in alike if one.public_id not in hidden().patients],
        protected=[one.public_id for one in alike if one.public_id in hidden().patients],
        carried=_carried(),
        display=display,
        link=_link,
    )


def _carried() -> dict[str, str]:
    return {name: text(name) for name in CARRIED if text(name)}


def _link(patient: str) -> str:
    return f"{url_for('desk_booking.begin')}?{urlencode({**_carried(), 'patient': patient})}"
