"""Refusals of every kind of thing. Those of one noun stand in its own folder; words and HTTP status, in web/words/refusals.py."""

from dataclasses import dataclass
from datetime import datetime
from typing import ClassVar


class NotFound(Exception):
    """There is no such thing, or it belongs to somebody else: the two look alike on purpose."""

    code: ClassVar[str] = "not-found"


class Invalid(Exception):
    """Input that cannot be right: `errors` maps each field to an English sentence, a gettext message id."""

    code: ClassVar[str] = "invalid"

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(errors)
        self.errors = errors


class ChangedMeanwhile(Exception):
    """Somebody else has changed it since the form was shown; `now` is what stands there."""

    code: ClassVar[str] = "changed-meanwhile"

    def __init__(self, now: dict[str, str]) -> None:
        super().__init__(now)
        self.now = now


class TooManyTries(Exception):
    """Asked for too often; `again_at` is when it may be tried again."""

    code: ClassVar[str] = "too-many-tries"

    def __init__(self, again_at: datetime) -> None:
        super().__init__(again_at)
        self.again_at = again_at


class Busy(Exception):
    """Somebody else is writing for so long (an import, say) that nobody should wait for it before a blank page."""

    code: ClassVar[str] = "busy"


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
