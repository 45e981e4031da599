"""Finding the place for a wanted start: practitioner, room, and whether rules and calendar allow it.

A booking takes its locks (locks.py) just before it writes (new_appointment.py), so that bookings wait for each other
no longer than that. What was committed since the search is caught by the constraints, and `refusing.refusal_of` says
the same as the search would have.
"""

from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection, bindparam, func, select, update

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.booking.availability import HiddenReason, Offer
from scheduler.domain.booking.refusals import PatientRestricted, RoomTaken, SlotNotOffered, SlotTaken
from scheduler.domain.booking.treatment_spacing import require_spacing
from scheduler.domain.errors import NotFound
from scheduler.domain.patients.clearance import require_cleared
from scheduler.domain.timeslot import TimeSlot
from scheduler.models import Appointment, Room
from scheduler.queries.booking import slots
from scheduler.queries.booking.slots import Wanted
from scheduler.queries.booking.visits_that_bear import PatientFacts
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import PractitionerInfo, Reference, TreatmentInfo
from scheduler.usecases.booking.locks import lock_practitioners
from scheduler.usecases.booking.request import BookingRequest

_A_ROOM = (
    select(Room.id)
    .where(Room.id.in_(bindparam("free_rooms", expanding=True)), Room.active)
    .order_by(Room.position, Room.id)
    .limit(1)
)
# PostgreSQL: locks one of the rooms, rather one that no other booking is taking at this moment.
_LOCK_ROOM = select(
    func.coalesce(
        _A_ROOM.with_for_update(key_share=True, skip_locked=True).scalar_subquery(),
        _A_ROOM.with_for_update(key_share=True).scalar_subquery(),
    )
)


@dataclass(frozen=True, slots=True)
class Place:
    """`free_rooms` in the clinic's order: whoever writes takes one of them."""

    patient_id: int | None
    treatment: TreatmentInfo
    practitioner_id: int
    free_rooms: list[int]
    starts_at: datetime


class PlaceGone(Exception):
    """Between the look and the write the practitioner has left or no longer does this treatment, or the room was closed:
    look again."""


class HoldsInTheWay(Exception):
    """These ran out, but the constraints still see their rows. Their practitioners can't be locked any more, for that would
    be out of order: they are marked in a transaction of their own, and then we look again."""

    def __init__(self, holds: Collection[int]) -> None:
        super().__init__()
        self.holds = holds


def find_place(connection: Connection, request: BookingRequest) -> Place:
    """The place for the request, or the refusal, or HoldsInTheWay. Locks nothing: whoever writes does."""
    _require_reach(request)
    state = reference.state(connection)
    current = reference.current(connection, state.reference_version)
    wanted = wanted_of(request, current)
    patient_id = require_patient_may(connection, request, wanted)
    found = slots.search(
        connection,
        wanted,
        clinic=request.clinic,
        now=request.now,
        state=state,
        bounds=request.bounds(),
    )
    starts_at = request.starts_at
    offer = found.offer.at_any_hour() if request.bends_hours else found.offer
    practitioner_id = choose_practitioner(offer, request.starts_local)
    rooms = _rooms(offer.free_rooms(request.starts_local), request, current)
    place = Place(patient_id, wanted.treatment, practitioner_id, rooms, starts_at)
    if found.ran_out:
        _require_none_in_the_way(connection, found.ran_out, place)
    return place


def _rooms(free: list[int], request: BookingRequest, current: Reference) -> list[int]:
    if request.room is None:
        return free
    if request.room not in current.rooms:
        raise NotFound("room")
    if request.room not in free:
        raise RoomTaken
    return [request.room]


def require_patient_may(connection: Connection, request: BookingRequest, wanted: Wanted) -> int | None:
    """What the patient's own record says: cleared, not too soon, not elsewhere in the clinic at that time.

    Answers the patient's id.
    """
    if request.patient is None:
        return None
    facts = slots.facts_for(connection, wanted, request.patient, now=request.now, zone=request.clinic.zone)
    _require_facts_allow(request, wanted.treatment, facts)
    return facts.patient_id


def _require_facts_allow(request: BookingRequest, treatment: TreatmentInfo, facts: PatientFacts) -> None:
    if facts.restricted and request.actor.keeps_to_offer:
        raise PatientRestricted
    starts = request.starts_local
    months = request.clinic.clearance_months
    if treatment.needs_clearance and request.needs_clearance:
        require_cleared(facts.clearance, starts.date(), months=months)
    if treatment.min_days:
        on_clock = clock.on(clock.zone(request.clinic.zone))
        require_spacing(
            starts, facts.counting, min_days=treatment.min_days, now_local=request.now_local, on_clock=on_clock
        )
    facts.require_free(TimeSlot(starts, starts + timedelta(minutes=treatment.minutes)))


def lock_room(connection: Connection, place: Place, rather: int | None = None) -> int:
    """The room that a visit gets: `rather` the one it is in, when that is free then."""
    rooms = [rather] if rather in place.free_rooms else place.free_rooms
    if connection.dialect.name != "postgresql":
        return rooms[0]
    room_id: int | None = connection.scalar(_LOCK_ROOM, {"free_rooms": rooms})
    if room_id is None:
        raise PlaceGone
    return room_id


def put(appointment: Appointment, request: BookingRequest, place: Place, room_id: int) -> None:
    """Write the place into the row, as local time and zone and all that is derived from them."""
    treatment = place.treatment
    appointment.practitioner_id = place.practitioner_id
    appointment.room_id = room_id
    appointment.starts_local = appointment.counts_from_local = request.starts_local
    appointment.zone = request.clinic.zone
    appointment.minutes = treatment.minutes
    appointment.buffer_minutes = treatment.buffer_minutes
    appointment.starts_at = place.starts_at
    appointment.ends_at = place.starts_at + timedelta(minutes=treatment.minutes)
    appointment.busy_until = appointment.ends_at + timedelta(minutes=treatment.buffer_minutes)


def expire(connection: Connection, holds: Collection[int], now: datetime) -> int:
    """Mark those of the holds, by id, that have run out; answers how many."""
    these = Appointment.id.in_(holds)
    lock_practitioners(connection, set(connection.scalars(select(Appointment.practitioner_id).where(these))))
    return connection.execute(
        update(Appointment)
        .where(these, Appointment.status == "held", Appointment.hold_until <= now)
        .values(
            status="expired",
            version=Appointment.version + 1,
            changed_at=now,
            changed_by=str(Actor("system", "holds")),
            changed_why="ran out",
        )
    ).rowcount


def wanted_of(request: BookingRequest, current: Reference) -> Wanted:
    treatment = current.treatment(request.treatment)
    if request.minutes is not None:
        treatment = replace(treatment, minutes=request.minutes)
    practitioner: PractitionerInfo | None = None
    if request.practitioner is not None:
        practitioner = current.practitioner(request.practitioner)
        if not practitioner.does(treatment):
            raise SlotNotOffered(HiddenReason.PRACTITIONER_AWAY)
    if request.actor.kind == "patient" and not treatment.online:
        raise NotFound("treatment")
    day = request.starts_local.date()
    return Wanted(treatment, day, day, practitioner, request.leaving_out)


def candidates(wanted: Wanted, current: Reference) -> tuple[PractitionerInfo, ...]:
    if wanted.practitioner is not None:
        return (wanted.practitioner,)
    return current.practitioners_for(wanted.treatment)


def _require_reach(request: BookingRequest) -> None:
    """Before anything is read: a start in another century is refused like one beyond the horizon."""
    bounds = request.bounds()
    if request.starts_local >= bounds.latest_local:
        raise SlotNotOffered(HiddenReason.BEYOND_HORIZON)
    if request.starts_local < bounds.earliest_local:
        raise SlotNotOffered(HiddenReason.TOO_LATE_TO_BOOK)


def choose_practitioner(offer: Offer, starts_local: datetime) -> int:
    """For "anyone" the one with most left to offer that day, so that work is spread."""
    reasons = [offer.why_hidden(starts_local, practitioner) for practitioner in offer.practitioners]
    offering = [who for who, reason in zip(offer.practitioners, reasons, strict=True) if reason is None]
    if len(offering) == 1:
        return offering[0]
    if offering:
        free = [start.practitioner_id for start in offer.of_day(starts_local.date())]
        return max(offering, key=free.count)
    if HiddenReason.PRACTITIONER_BUSY in reasons or HiddenReason.NO_ROOM in reasons:
        raise SlotTaken
    raise SlotNotOffered(next((reason for reason in reasons if reason), HiddenReason.OUTSIDE_HOURS))


def _require_none_in_the_way(connection: Connection, ran_out: tuple[int, ...], place: Place) -> None:
    """A hold that is over blocks nobody, even if no job has run."""
    until = place.starts_at + timedelta(minutes=place.treatment.minutes + place.treatment.buffer_minutes)
    in_the_way = connection.scalars(
        select(Appointment.id)
        .where(Appointment.id.in_(ran_out), Appointment.status == "held")
        .where(Appointment.starts_at < until, Appointment.busy_until > place.starts_at)
        .where((Appointment.practitioner_id == place.practitioner_id) | Appointment.room_id.in_(place.free_rooms))
    ).all()
    if in_the_way:
        raise HoldsInTheWay(in_the_way)
