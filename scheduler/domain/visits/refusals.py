"""A visit that stands cannot be changed so, or not any more."""

from datetime import datetime

from scheduler.domain.booking.refusals import BookingRefused


class TooLateToChange(BookingRefused):
    """Patients change a visit themselves until the deadline, and telephone after it."""

    code = "too-late-to-change"

    def __init__(self, deadline_local: datetime) -> None:
        super().__init__(deadline_local)
        self.deadline_local = deadline_local


class VersionConflict(BookingRefused):
    """The appointment has been changed since the caller read it."""

    code = "version-conflict"

    def __init__(self, current_version: int) -> None:
        super().__init__(current_version)
        self.current_version = current_version
