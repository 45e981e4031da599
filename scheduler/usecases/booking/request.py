"""What somebody wants booked: the one value that every way of booking hands down."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.booking.availability import HiddenReason
from scheduler.domain.booking.refusals import SlotNotOffered
from scheduler.domain.booking.screening import ScreeningAnswers
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.queries.booking import slots
from scheduler.queries.booking.slots import Bounds


@dataclass(frozen=True, slots=True, kw_only=True)
class BookingRequest:
    """`patient` is an id or a public id; a hold has none. `practitioner` is a slug; none: anyone who is free.

    `hold` (a public id) and `held_for`: the slot kept for this visitor becomes the appointment.
    `insists`: somebody at the desk was asked whether to book outside working hours or on a past day, and said yes.
    `leaving_out`: the id of the appointment that is being moved. `minutes`: of a visit that was given another length
    than its treatment's. `room`: the only room that will do, by id; none: any that is free.
    """

    clinic: ClinicSettings
    treatment: str
    practitioner: str | None
    starts_local: datetime
    now: datetime
    actor: Actor
    origin: str
    patient: int | str | None = None
    hold: str | None = None
    held_for: str | None = None
    screening: ScreeningAnswers | None = None
    needs_clearance: bool = True
    insists: bool = False
    leaving_out: int | None = None
    minutes: int | None = None
    room: int | None = None

    @property
    def now_local(self) -> datetime:
        return clock.to_local(self.now, clock.zone(self.clinic.zone))

    @property
    def starts_at(self) -> datetime:
        try:
            return clock.to_utc(self.starts_local, clock.zone(self.clinic.zone))
        except clock.ClockChangeTime:
            raise SlotNotOffered(HiddenReason.CLOCK_CHANGE) from None

    def bounds(self) -> Bounds:
        """Programs and patients keep to the offer; the desk books anything that is still to come."""
        online = slots.online_bounds(self.clinic, self.now)
        if self.actor.keeps_to_offer:
            return online
        earliest = self.now_local - timedelta(days=366) if self.bends_hours else self.now_local
        return Bounds(earliest, self.now_local + timedelta(days=366))

    @property
    def bends_hours(self) -> bool:
        """The spacing of treatments and double booking are never bent: `Offer.at_any_hour` leaves both as they are."""
        return self.insists and self.actor.kind == "staff"
