"""Refusals, with the facts a person needs. Words and HTTP status are given in web/errors.py."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

if TYPE_CHECKING:
    from datetime import date, datetime

    from scheduler.domain.booking.availability import HiddenReason, OfferedStart
    from scheduler.domain.booking.treatment_spacing import CountingVisit
    from scheduler.domain.visits.appointment_status import AppointmentStatus


@dataclass(frozen=True, slots=True)
class MergeConflict:
    """Two visits that one person cannot both have: closer than `min_days`, or, with none, at the same time."""

    first_local: datetime
    second_local: datetime
    min_days: int | None


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


class TreatmentTooSoon(BookingRefused):
    """The seven-day rule, or another group's spacing.

    `clash` is the counting visit nearest to the wanted start. `earliest` is the first allowed start after the
    wanted one; `latest_before` the last allowed one before it, None when that is already past.
    """

    code = "treatment-too-soon"

    def __init__(
        self,
        *,
        wanted_local: datetime,
        clash: CountingVisit,
        earliest: datetime,
        latest_before: datetime | None,
        min_days: int,
    ) -> None:
        super().__init__(wanted_local, clash, earliest, latest_before, min_days)
        self.wanted_local = wanted_local
        self.clash = clash
        self.earliest = earliest
        self.latest_before = latest_before
        self.min_days = min_days


class VisitMustMove(TreatmentTooSoon):
    """IMS elsewhere cannot be recorded: a visit booked already (`wanted_local`) is too near to it."""

    is_private = False
    """That visit is not shown to a parent."""


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


class PatientChanged(VersionConflict):
    """The patient's details have been changed since the caller read them."""


class PatientRestricted(BookingRefused):
    """The patient's record is restricted: it is used no further than the law asks."""

    code = "patient-restricted"


class PleaseCall(BookingRefused):
    """So many patients were registered online on one number that somebody should speak with whoever registers more."""

    code = "please-call"


class MergeRefused(BookingRefused):
    """Together the visits of the two records would break a rule; `conflict` names two of them, where it is known."""

    code = "merge-refused"

    def __init__(self, conflict: MergeConflict | None) -> None:
        super().__init__(conflict)
        self.conflict = conflict


class HoldGone(BookingRefused):
    """The slot was kept for some minutes, and those are over."""

    code = "hold-expired"


class StatusRefused(BookingRefused):
    """The appointment cannot go from the one status to the other."""

    code = "status-refused"

    def __init__(self, *, from_status: AppointmentStatus, to_status: AppointmentStatus) -> None:
        super().__init__(from_status, to_status)
        self.from_status = from_status
        self.to_status = to_status


class TooManyTries(Exception):
    """Asked for too often; `again_at` is when it may be tried again."""

    code: ClassVar[str] = "too-many-tries"

    def __init__(self, again_at: datetime) -> None:
        super().__init__(again_at)
        self.again_at = again_at


class TooManyWrong(TooManyTries):
    """So many `wrong` codes one after the other that the pauses grow."""

    def __init__(self, again_at: datetime, *, wrong: int) -> None:
        super().__init__(again_at)
        self.wrong = wrong


class Busy(Exception):
    """Somebody else is writing for so long (an import, say) that nobody should wait for it before a blank page."""

    code: ClassVar[str] = "busy"


class NotTextable(Exception):
    """The number gets no texts: it has opted out, or cannot be reached."""

    code: ClassVar[str] = "not-textable"


class AnsweredMeanwhile(Exception):
    """A colleague has answered this number since the thread was shown."""

    code: ClassVar[str] = "answered-meanwhile"


class WroteMeanwhile(Exception):
    """Another text has come from this number since the thread was shown."""

    code: ClassVar[str] = "wrote-meanwhile"


class CodeWrong(Exception):
    """Not the code that was sent; it may be typed `tries_left` more times."""

    code: ClassVar[str] = "code-wrong"

    def __init__(self, tries_left: int) -> None:
        super().__init__(tries_left)
        self.tries_left = tries_left


class CodeGone(Exception):
    """The code was used, is too old, or was mistyped too often: a new one is needed."""

    code: ClassVar[str] = "code-gone"


class NotFound(Exception):
    """There is no such thing, or it belongs to somebody else: the two look alike on purpose."""

    code: ClassVar[str] = "not-found"


class ChangedMeanwhile(Exception):
    """Somebody else has changed it since the form was shown; `now` is what stands there."""

    code: ClassVar[str] = "changed-meanwhile"

    def __init__(self, now: dict[str, str]) -> None:
        super().__init__(now)
        self.now = now


@dataclass(frozen=True, slots=True)
class BookedVisit:
    """For a list of what stands in the way: when, what, with whom; not whose."""

    starts_local: datetime
    name_en: str
    name_fr: str
    practitioner: str


class StillBooked(Exception):
    """It cannot be taken away: visits hang on it, `in_all` of them; `visits` are the first."""

    code: ClassVar[str] = "still-booked"

    def __init__(self, visits: tuple[BookedVisit, ...], *, in_all: int) -> None:
        super().__init__(visits, in_all)
        self.visits, self.in_all = visits, in_all


class Invalid(Exception):
    """Input that cannot be right: `errors` maps each field to an English sentence, a gettext message id."""

    code: ClassVar[str] = "invalid"

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(errors)
        self.errors = errors
