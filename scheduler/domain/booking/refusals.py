"""A rule says no to a booking, with the facts that a person needs. Words and HTTP status are given in web/words/refusals.py."""

from datetime import date
from typing import ClassVar

from scheduler.domain.booking.offer import HiddenReason, OfferedStart


class BookingRefused(Exception):
    """A rule says no. The use case adds the nearest bookable starts as `alternatives`."""

    code: ClassVar[str]
    alternatives: tuple[OfferedStart, ...] = ()

    def __str__(self) -> str:
        return self.code


class SlotTaken(BookingRefused):
    """The practitioner or every room has another appointment then."""

    code = "slot-taken"


class RoomTaken(BookingRefused):
    """Another visit is in that room then."""

    code = "room-taken"


class SlotNotOffered(BookingRefused):
    """The start cannot be booked, and never was on offer for this search."""

    code = "slot-not-offered"

    def __init__(self, reason: HiddenReason | None = None) -> None:
        super().__init__(reason)
        self.reason = reason


class NotCleared(BookingRefused):
    """No practitioner has recorded this patient as a candidate for IMS, or that lapses before the visit (`lapsed_on`):
    offer the assessment."""

    code = "not-cleared"

    def __init__(self, lapsed_on: date | None = None) -> None:
        super().__init__()
        self.lapsed_on = lapsed_on


class PatientBusy(BookingRefused):
    """The patient has another visit at that time; `is_private`: one that is not shown to a parent."""

    code = "patient-busy"

    def __init__(self, *, is_private: bool = False) -> None:
        super().__init__()
        self.is_private = is_private


class PatientRestricted(BookingRefused):
    """The patient's record is restricted: it is used no further than the law asks."""

    code = "patient-restricted"


class PleaseCall(BookingRefused):
    """So many patients were registered online on one number that somebody should speak with whoever registers more."""

    code = "please-call"


class HoldGone(BookingRefused):
    """The slot was kept for some minutes, and those are over."""

    code = "hold-expired"
