"""Which starts can be booked. (The search itself lands next; these names are already fixed.)"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple


class HiddenReason(StrEnum):
    """Why a start is not offered."""

    OUTSIDE_HOURS = "outside-hours"
    OFF_GRID = "off-grid"
    TOO_LATE_TO_BOOK = "too-late-to-book"
    BEYOND_HORIZON = "beyond-horizon"
    CLOSED = "closed"
    PRACTITIONER_AWAY = "practitioner-away"
    CLOCK_CHANGE = "clock-change"
    PRACTITIONER_BUSY = "practitioner-busy"
    NO_ROOM = "no-room"
    TOO_SOON = "too-soon"
    PATIENT_BUSY = "patient-busy"


class OfferedStart(NamedTuple):
    """A tuple, not a dataclass: a page reads out thousands."""

    starts_local: datetime
    practitioner_id: int
