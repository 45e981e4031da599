"""Saying no to a booking, with what the person can book instead."""

from dataclasses import replace
from datetime import timedelta

from sqlalchemy import Connection
from sqlalchemy.orm import Session

from scheduler.domain.booking.refusals import BookingRefused, NotCleared, PatientBusy, PatientRestricted, SlotTaken
from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon
from scheduler.models.engine import without_transactions
from scheduler.queries.booking import slots
from scheduler.queries.booking.slots import Found, Wanted
from scheduler.queries.booking.visits_that_bear import PatientFacts
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import TreatmentInfo
from scheduler.usecases.booking.placing import candidates, require_patient_may, wanted_of
from scheduler.usecases.booking.request import BookingRequest

ALTERNATIVES_WEEKS = 5  # from Monday of the week before: many refusals share one search
CONSTRAINT_REFUSALS: dict[str, type[BookingRefused]] = {
    "practitioner_not_double_booked": SlotTaken,
    "room_not_double_booked": SlotTaken,
    "patient_not_double_booked": PatientBusy,
    "treatment_spacing": TreatmentTooSoon,
    "merged_patient_has_no_visits": PatientRestricted,
    # The owner changed the spacing group at this very moment: worth another try.
    "spacing_days_of_group": SlotTaken,
    "spacing_follows_treatment": SlotTaken,
    "ims_only_for_cleared": NotCleared,
    # The practitioner was taken off IMS at this very moment.
    "ims_by_who_may_needle": SlotTaken,
}


def refusal_of(session: Session, constraint: str | None, request: BookingRequest) -> BookingRefused | None:
    """What to answer when the database refused: the constraint's refusal, with facts read now."""
    kind = CONSTRAINT_REFUSALS.get(constraint or "")
    if kind is None:
        return None
    if kind in (TreatmentTooSoon, NotCleared):
        try:
            connection = session.connection()
            require_patient_may(connection, request, wanted_of(request, reference.current(connection)))
        except BookingRefused as refusal:
            return refusal
        if kind is NotCleared:
            return kind()
        return SlotTaken()  # whoever was too near has gone again in the meantime: worth another try
    return kind()


def with_alternatives(session: Session, refusal: BookingRefused, request: BookingRequest) -> BookingRefused:
    """The three bookable starts nearest to the wanted one, for this patient, from now on."""
    with without_transactions(session.get_bind().engine).connect() as connection:
        current = reference.current(connection)
        try:
            wanted = wanted_of(request, current)
        except BookingRefused:
            wanted = wanted_of(replace(request, practitioner=None), current)
        if isinstance(refusal, NotCleared) or not candidates(wanted, current):
            return refusal
        around = _around(request, wanted)
        found = slots.find_slots(connection, around, clinic=request.clinic, now=request.now, bounds=request.bounds())
        facts = _facts_for(connection, around, request)
    return _with_nearest(refusal, request, wanted.treatment, found, facts)


def _around(request: BookingRequest, wanted: Wanted) -> Wanted:
    """The weeks in which alternatives are looked for."""
    bounds = request.bounds()
    middle = min(max(request.starts_local, bounds.earliest_local), bounds.latest_local).date()
    monday = middle - timedelta(days=middle.weekday())
    return replace(
        wanted,
        first_day=max(monday - timedelta(weeks=1), bounds.earliest_local.date()),
        last_day=min(monday + timedelta(weeks=ALTERNATIVES_WEEKS - 1, days=-1), bounds.latest_local.date()),
    )


def _facts_for(connection: Connection, around: Wanted, request: BookingRequest) -> PatientFacts | None:
    if request.patient is None:
        return None
    return slots.facts_for(connection, around, request.patient, now=request.now, zone=request.clinic.zone)


def _with_nearest(
    refusal: BookingRefused, request: BookingRequest, treatment: TreatmentInfo, found: Found, facts: PatientFacts | None
) -> BookingRefused:
    offer = found.offer
    if facts is not None:
        offer = slots.narrowed(found, facts, treatment, clinic=request.clinic, now=request.now).offer
    if not isinstance(refusal, NotCleared):
        refusal.alternatives = slots.nearest(offer, request.starts_local)
    return refusal
