"""A record cannot be changed so, or two of them not merged."""

from dataclasses import dataclass
from datetime import datetime

from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.visits.refusals import VersionConflict


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """Two visits that one person cannot both have: closer than `min_days`, or, with none, at the same time."""

    first_local: datetime
    second_local: datetime
    min_days: int | None


class MergeRefused(BookingRefused):
    """Together the visits of the two records would break a rule; `conflict` names two of them, where it is known."""

    code = "merge-refused"

    def __init__(self, conflict: MergeConflict | None) -> None:
        super().__init__(conflict)
        self.conflict = conflict


class PatientChanged(VersionConflict):
    """The patient's details have been changed since the caller read them."""
