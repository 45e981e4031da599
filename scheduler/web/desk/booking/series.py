"""A course of weekly visits in one go: what can be had and what cannot is shown before anything is saved."""

from collections.abc import Callable
from datetime import datetime, timedelta

from flask import Blueprint, Response, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from sqlalchemy import Connection

from scheduler import clock
from scheduler.domain.booking.availability import HiddenReason
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.errors import Invalid
from scheduler.extensions import clinic_settings, db
from scheduler.queries.booking import desk_free
from scheduler.queries.booking.slots import Wanted
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import Reference
from scheduler.queries.patients import patients
from scheduler.queries.visits import ims_given
from scheduler.queries.visits.ims_given import GivenVisit
from scheduler.usecases.booking.series import LONGEST, SeriesStart, book_series
from scheduler.web import access
from scheduler.web.desk.booking.booking import sought, time_page, to_dates
from scheduler.web.desk.panel import page
from scheduler.web.desk.query_fields import moment, number, place_of, text
from scheduler.web.desk.refusals import Refused, refused
from scheduler.web.desk.sign_in.door import require_staff

blueprint = Blueprint("desk_booking_series", __name__)
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@blueprint.get("/desk/book/series")
def plan() -> ResponseReturnValue:
    """`patient`, `treatment`, `practitioner`, `starts` of the first, `count` of visits a week apart."""
    return _plan_page()


@blueprint.post("/desk/book/series/dates")
def dates() -> ResponseReturnValue:
    """Of a booking on a page of its own, beside no calendar."""
    return to_dates()


@blueprint.post("/desk/book/series")
def save() -> ResponseReturnValue:
    """`at`, once for each visit: its start and practitioner; empty for a week that is left out."""
    chosen = [place_of(at) for at in request.form.getlist("at")[: LONGEST + 1] if at.strip()]
    starts = [SeriesStart(start, practitioner) for start, practitioner in chosen if start is not None]
    with db.reading.connect() as connection:
        patient = patients.row(connection, text("patient"))
    if len(starts) != len(chosen) or not starts:
        raise Invalid({"starts": "Choose 1 to 12 visits."})
    try:
        made = book_series(
            db.session(),
            clinic=clinic_settings(),
            patient_id=patient.id,
            treatment=text("treatment"),
            starts=starts,
            now=clock.now(),
            actor=current_user.actor,
            origin="desk",
        )
    except BookingRefused as refusal:
        return _plan_page(refusal=refused(refusal, sought(patient.id, starts[0].starts_local, None), insisted=True))
    return page(
        "desk/booking/series_done.html",
        changed=True,
        patient=patient,
        made=sorted(made, key=lambda visit: visit.starts_local),
        done=ngettext("%(num)d visit booked", "%(num)d visits booked", len(made)),
    )


def _plan_page(*, refusal: Refused | None = None) -> Response:
    first = moment("starts")
    count = min(max(number("count") or 6, 2), LONGEST)
    if first is None:
        return time_page(problem=_("Choose the day and the time of the first visit."), status=422)
    now, clinic = clock.now(), clinic_settings()
    db.session.rollback()
    with db.reading.connect() as connection:
        known = reference.current(connection)
        patient = patients.row(connection, text("patient"))
        practitioner = known.practitioner(text("practitioner")) if text("practitioner") else None
        wanted = Wanted(known.treatment(text("treatment")), first.date(), first.date(), practitioner)
        planned = desk_free.plan_series(
            connection,
            wanted,
            patient.id,
            starts=[first + timedelta(weeks=week) for week in range(count)],
            clinic=clinic,
            now=now,
        )
        unanswered = _unanswered(
            connection, wanted, patient.id, [visit.chosen.starts_local for visit in planned if visit.chosen]
        )
    return page(
        "desk/booking/series.html",
        unanswered=unanswered,
        status=refusal.status if refusal else 200,
        patient=patient,
        treatment=wanted.treatment,
        practitioner=text("practitioner"),
        first=first,
        count=count,
        planned=planned,
        clashes=sum(visit.reason is not None for visit in planned),
        whom=_names(known),
        why=_why,
        refusal=refusal,
    )


def _unanswered(connection: Connection, wanted: Wanted, patient_id: int, starts: list[datetime]) -> list[GivenVisit]:
    """Visits too near to IMS of the series if IMS was given there, which nobody has said yet."""
    treatment = wanted.treatment
    if not treatment.needling:
        return []
    near = (ims_given.open_near(connection, patient_id, start, treatment.min_days or 0) for start in starts)
    return list({visit.public_id: visit for visits in near for visit in visits}.values())


def _names(known: Reference) -> Callable[[int], tuple[str, str]]:
    people = {who.id: (who.slug, who.given_name) for who in known.practitioners}
    return lambda practitioner_id: people[practitioner_id]


def _why(reason: HiddenReason) -> str:
    words = _WHY.get(reason)
    return words() if words else str(_("There is another visit at that time."))


_WHY: dict[HiddenReason, Callable[[], str]] = {
    HiddenReason.OUTSIDE_HOURS: lambda: _("Nobody works at that time."),
    HiddenReason.CLOSED: lambda: _("The clinic is closed then."),
    HiddenReason.PRACTITIONER_AWAY: lambda: _("The practitioner is away then."),
    HiddenReason.NO_ROOM: lambda: _("No room is free then."),
    HiddenReason.TOO_SOON: lambda: _("Too close to another visit of this patient."),
    HiddenReason.PATIENT_BUSY: lambda: _("This patient has another visit at that time."),
    HiddenReason.TOO_LATE_TO_BOOK: lambda: _("This time is already past."),
    HiddenReason.OFF_GRID: lambda: _("Visits do not start at that minute."),
}
