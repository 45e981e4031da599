"""How long a practitioner's decision holds that a patient is a candidate for IMS."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from scheduler.domain.booking.refusals import NotCleared

LEAST_MONTHS, MOST_MONTHS = 3, 24


@dataclass(frozen=True, slots=True)
class Clearance:
    """`given`: the day of the decision, none when there is none. `ims`: the days of IMS that took place and counts, here or
    elsewhere, in any order. Days of the clinic's calendar."""

    given: date | None
    ims: tuple[date, ...] = ()

    def lapses_on(self, months: int) -> date | None:
        """The first day on which it holds no longer: so many months after the last IMS, or after it was given.

        IMS from that day on does not revive it: that takes a practitioner's decision.
        """
        if self.given is None:
            return None
        lapses = months_after(self.given, months)
        for day in sorted(self.ims):
            if self.given <= day < lapses:
                lapses = months_after(day, months)
        return lapses

    def has_lapsed(self, day: date, months: int) -> bool:
        """Was given, and holds no longer."""
        return self.given is not None and not is_cleared(self, day, months=months)


def is_cleared(clearance: Clearance, day: date, *, months: int) -> bool:
    """Whether the patient may have IMS on `day`: a visit is judged on the day on which it starts."""
    lapses_on = clearance.lapses_on(months)
    return lapses_on is not None and day < lapses_on


def was_cleared(clearance: Clearance, day: date, *, months: int) -> bool:
    """The same of a day gone by, when it had to have been given. `ims` are then those before that day."""
    return clearance.given is not None and clearance.given <= day and is_cleared(clearance, day, months=months)


def require_cleared(clearance: Clearance, day: date, *, months: int) -> None:
    if not is_cleared(clearance, day, months=months):
        raise NotCleared(clearance.lapses_on(months))


def months_after(day: date, months: int) -> date:
    """The same day of the month; its last day when the month is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
