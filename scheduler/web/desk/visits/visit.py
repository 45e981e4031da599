"""One visit at the desk: what is known of it, and what becomes of it on the day."""

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.errors import Invalid
from scheduler.domain.visits.appointment_status import ACTIVE, AppointmentStatus, can_change
from scheduler.extensions import clinic_settings, db
from scheduler.gateways.phone_numbers import display
from scheduler.models import Appointment, PrivateVisit
from scheduler.queries.clinic import reference
from scheduler.queries.patients import page as patient_page
from scheduler.queries.patients.clearances import cleared_today
from scheduler.queries.texts.no_texts import why_none_about
from scheduler.queries.visits import appointments, desk_visit, ims_reviews
from scheduler.usecases.visits.status import change_status
from scheduler.web import access
from scheduler.web.desk.booking.health import health_of, is_unasked, when_to_ask
from scheduler.web.desk.looks import note_seen
from scheduler.web.desk.panel import page
from scheduler.web.desk.query_fields import moment, number, place, text, version
from scheduler.web.desk.records.protection import hidden, protected_words
from scheduler.web.desk.refusals import Refused, Sought, refused
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.desk.visits.ims_words import ANSWERS, asks, ims_of, require_may_take_back
from scheduler.web.desk.visits.words import conflict_words, history_words, planned_words
from scheduler.web.requests.language import template_variables
from scheduler.web.words.actor import actor_words
from scheduler.web.words.status import visit_sign

MOVABLE = ("booked", "confirmed")

blueprint = Blueprint("desk_visit", __name__)
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("/desk/visits/<public_id>")
def show(public_id: str) -> ResponseReturnValue:
    """`?ask=complete|cancel|move` opens that form; `back` and `who` as in `from_list`."""
    if public_id in hidden().visits:
        return visit_page(public_id)
    seen_patient = appointments.by_public_id(db.session(), public_id).patient_id
    if seen_patient is not None:
        note_seen(seen_patient, "visit")
    return visit_page(public_id, ask=text("ask"))


@blueprint.post("/desk/visits/<public_id>/status")
def set_status(public_id: str) -> ResponseReturnValue:
    """`status`, `version`, and at completion `ims_given` yes, no or later: where that is asked and not said, it is asked."""
    try:
        status = AppointmentStatus(text("status"))
    except ValueError:
        raise Invalid({"status": "Choose one of the steps shown."}) from None
    said = text("ims_given")
    if status == AppointmentStatus.COMPLETED and said not in ANSWERS and asks(public_id):
        return visit_page(public_id, ask="complete")
    require_may_take_back(public_id)
    try:
        change_status(
            db.session(),
            clinic=clinic_settings(),
            public_id=public_id,
            status=status,
            now=clock.now(),
            actor=current_user.actor,
            expected_version=version(),
            ims_given=ANSWERS.get(said),
        )
    except BookingRefused as refusal:
        return refused_page(public_id, refusal)
    return visit_page(public_id, done=visit_sign(status).words, changed=True)


def refused_page(public_id: str, refusal: BookingRefused, *, ask: str = "", insisted: bool = False) -> Response:
    """The visit as it is now, with what was refused above it; after a conflict also as it was when it was read."""
    words = refused(refusal, sought_at(public_id), insisted=insisted)
    seen = conflict_words(public_id, version()) if words.code == "version-conflict" else ()
    return visit_page(public_id, ask=ask, refusal=words, seen=seen)


def sought_at(public_id: str) -> Sought:
    """What was asked of this visit: the place that was sent, else where it is, or was before it was called off."""
    session = db.session()
    session.rollback()
    visit = appointments.by_public_id(session, public_id)
    starts, slug = place()
    asked = next((who for who in reference.current(session.connection()).practitioners if who.slug == slug), None)
    return Sought(
        patient_id=visit.patient_id,
        name=_name(visit),
        starts_local=starts or visit.starts_local,
        minutes=(number("minutes") or visit.minutes) + visit.buffer_minutes,
        practitioner_id=asked.id if asked else visit.practitioner_id,
        room_id=number("room") or (None if starts else visit.room_id),
        leaving_out=visit.id,
        takes_back=AppointmentStatus(visit.status) not in ACTIVE,
    )


def _name(visit: Appointment) -> str:
    if visit.public_id in hidden().visits:
        return protected_words()
    return visit.patient.given_name if visit.patient else ""


def from_list() -> dict[str, str]:
    """What a visit's page keeps in its address and forms when the list of visits to move led there: `back` is displaced,
    `who` that list's practitioner."""
    if text("back") != "displaced":
        return {}
    return {"back": "displaced", **({"who": text("who")} if text("who") else {})}


def visit_page(
    public_id: str,
    *,
    ask: str = "",
    done: str = "",
    undo: dict[str, Any] | None = None,
    refusal: Refused | None = None,
    seen: tuple[str, ...] = (),
    changed: bool = False,
    status: int = 200,
) -> Response:
    now = clock.now()
    clinic = clinic_settings()
    zone = clock.zone(clinic.zone)
    now_local = clock.to_local(now, zone)
    session = db.session()
    session.rollback()
    found = appointments.by_public_id(session, public_id)
    connection = session.connection()
    known = reference.current(connection)
    if public_id in hidden().visits:
        return _protected(found, known, done=done, undo=undo, refusal=refusal, changed=changed)
    stands = AppointmentStatus(found.status)
    treatment = known.treatment_by_id(found.treatment_id)
    history = desk_visit.history(connection, found.id)
    names = patient_page.names_of_staff(connection, [line.by for line in history])
    may_book = current_user.role in ("receptionist", "owner")
    screening = desk_visit.screening(session, found.id)
    movable = may_book and found.status in MOVABLE and found.origin != "elsewhere"
    # A form that the visit as it is now does not have takes its refusal with it: that is then said above the visit.
    if (ask in ("move", "cancel") and not movable) or (
        ask == "length" and not (may_book and found.status in _LENGTHENED)
    ):
        ask = ""
    return page(
        "desk/visits/visit.html",
        status=refusal.status if refusal else status,
        changed=changed or refusal is not None,
        visit=found,
        number=display(found.patient.phone_account.number) if found.patient and found.patient.phone_account else None,
        is_private=session.get(PrivateVisit, found.id) is not None,
        no_texts=why_none_about(session, found.id, now),
        treatment=treatment,
        cleared=found.patient_id in cleared_today(connection, [found.patient_id or 0], clinic=clinic, now=now),
        language=template_variables()["language"],
        known=known,
        rooms=desk_visit.rooms(session),
        sign=visit_sign(found.status),
        ims=ims_of(found, known, now),
        reviewed=ims_reviews.open_for(connection, found.patient_id, now) if found.patient_id else {},
        steps=[step for step in _STEPS if can_change(stands, step) and _is_time_for(step, found, now_local)],
        step_words=_step_words(stands),
        movable=movable,
        lengthened=found.status in _LENGTHENED,
        may_book=may_book,
        booked_by=actor_words(history[0].by, names) if history else "",
        booked_at=clock.to_local(found.created_at, zone),
        texts=[planned_words(planned, clinic, now) for planned in desk_visit.texts(connection, found)],
        notes=desk_visit.notes(session, found.id),
        screening=screening,
        health=health_of(found.patient_id or 0) if is_unasked(found, screening) else None,
        to_ask=when_to_ask(found, now_local),
        history=[history_words(line, zone, names) for line in reversed(history)],
        ask=ask,
        from_list=from_list(),
        asked_starts=moment("starts") if refusal else None,
        asked_minutes=number("minutes") if refusal else None,
        asked_practitioner=place()[1] if refusal else None,
        asked_cancel=(text("by"), text("reason"), text("text")) if refusal else ("", "", "yes"),
        asked_note=request.form.get("note") if refusal else None,
        done=done,
        undo=undo,
        refusal=refusal,
        seen=seen,
    )


def _protected(
    visit: Appointment,
    known: reference.Reference,
    *,
    done: str,
    undo: dict[str, Any] | None,
    refusal: Refused | None,
    changed: bool,
) -> Response:
    """All that somebody sees whom the patient did not name: when, with whom, and how to move it."""
    may_book = current_user.role in ("receptionist", "owner")
    return page(
        "desk/visits/protected.html",
        status=refusal.status if refusal else 200,
        changed=changed or refusal is not None,
        visit=visit,
        movable=may_book and visit.status in MOVABLE and visit.origin != "elsewhere",
        practitioners=known.practitioners_for(known.treatment_by_id(visit.treatment_id)),
        asked_starts=moment("starts") if refusal else None,
        asked_practitioner=place()[1] if refusal else None,
        done=done,
        undo=undo,
        refusal=refusal,
    )


def booked(public_id: str) -> Response:
    """After a booking: what goes out when, and ten seconds to think again."""
    return visit_page(public_id, done=_("Booked"), undo={"kind": "booking"}, changed=True)


_LENGTHENED = (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED, AppointmentStatus.ARRIVED)
_STEPS = (
    AppointmentStatus.BOOKED,
    AppointmentStatus.ARRIVED,
    AppointmentStatus.COMPLETED,
    AppointmentStatus.NO_SHOW,
)


def _is_time_for(step: AppointmentStatus, visit: Appointment, now_local: datetime) -> bool:
    """What the use case would refuse before its day is not offered."""
    if step == AppointmentStatus.NO_SHOW:
        return now_local >= visit.starts_local
    return step == AppointmentStatus.BOOKED or now_local.date() >= visit.starts_local.date()


def _step_words(status: AppointmentStatus) -> dict[str, str]:
    undo = {
        AppointmentStatus.CANCELLED: _("Undo the cancellation"),
        AppointmentStatus.NO_SHOW: _("Undo the no-show"),
    }.get(status, _("Not here yet"))
    return {
        "booked": undo,
        "arrived": _("Arrived") if status != AppointmentStatus.COMPLETED else _("Not completed yet"),
        "completed": _("Complete"),
        "no_show": _("No-show"),
    }
