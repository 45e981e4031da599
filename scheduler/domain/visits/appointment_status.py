"""Where an appointment stands, and where it may go from there.

| from      | to                                               | because                                 |
|-----------|--------------------------------------------------|-----------------------------------------|
| held      | booked, cancelled, expired                       | the visitor finishes, gives up, is late |
| booked    | confirmed, arrived, completed, cancelled, no_show | confirming is optional, desks are busy |
| confirmed | arrived, completed, cancelled, no_show           |                                         |
| arrived   | booked, confirmed, completed, cancelled, no_show | ticked off by mistake, or left again    |
| completed | arrived, no_show                                 | ticked off by mistake                   |
| cancelled | booked                                           | undo, when the time is still free       |
| no_show   | booked, arrived                                  | they came after all                     |
| expired   | (nothing)                                        | the slot is searched and held anew      |
"""

from __future__ import annotations

from enum import StrEnum

from scheduler.domain.booking.refusals import BookingRefused


class AppointmentStatus(StrEnum):
    HELD = "held"
    BOOKED = "booked"
    CONFIRMED = "confirmed"
    ARRIVED = "arrived"
    COMPLETED = "completed"
    CANCELLED = "cancelled"
    NO_SHOW = "no_show"
    EXPIRED = "expired"


HELD, BOOKED, CONFIRMED, ARRIVED, COMPLETED, CANCELLED, NO_SHOW, EXPIRED = AppointmentStatus

ACTIVE = frozenset({HELD, BOOKED, CONFIRMED, ARRIVED, COMPLETED})
"""Those that occupy time and count for the spacing of treatments."""

_NEXT: dict[AppointmentStatus, frozenset[AppointmentStatus]] = {
    HELD: frozenset({BOOKED, CANCELLED, EXPIRED}),
    BOOKED: frozenset({CONFIRMED, ARRIVED, COMPLETED, CANCELLED, NO_SHOW}),
    CONFIRMED: frozenset({ARRIVED, COMPLETED, CANCELLED, NO_SHOW}),
    ARRIVED: frozenset({BOOKED, CONFIRMED, COMPLETED, CANCELLED, NO_SHOW}),
    COMPLETED: frozenset({ARRIVED, NO_SHOW}),
    CANCELLED: frozenset({BOOKED}),
    NO_SHOW: frozenset({BOOKED, ARRIVED}),
    EXPIRED: frozenset(),
}


class StatusRefused(BookingRefused):
    """The appointment cannot go from the one status to the other."""

    code = "status-refused"

    def __init__(self, *, from_status: AppointmentStatus, to_status: AppointmentStatus) -> None:
        super().__init__(from_status, to_status)
        self.from_status = from_status
        self.to_status = to_status


def can_change(from_status: AppointmentStatus, to_status: AppointmentStatus) -> bool:
    return to_status in _NEXT[from_status]


def require_change(from_status: AppointmentStatus, to_status: AppointmentStatus) -> AppointmentStatus:
    """The new status, or StatusRefused."""
    if not can_change(from_status, to_status):
        raise StatusRefused(from_status=from_status, to_status=to_status)
    return to_status
