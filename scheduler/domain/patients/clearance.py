"""How long a practitioner's decision holds that a patient is a candidate for IMS."""

from calendar import monthrange
from dataclasses import dataclass
from datetime import date

from scheduler.domain.booking.refusals import NotCleared

LEAST_MONTHS, MOST_MONTHS = 3, 24


@dataclass(frozen=True, slots=True)
class Clearance:
    """`given`: the day of the decision, none when there is none. `last_ims`: the day of the last IMS that took place
    and counts, here or elsewhere. Days of the clinic's calendar."""

    given: date | None
    last_ims: date | None = None

    def lapses_on(self, months: int) -> date | None:
        """The first day on which it holds no longer: so many months after the last IMS, or after it was given."""
        if self.given is None:
            return None
        return months_after(max(self.given, self.last_ims or self.given), months)

    def has_lapsed(self, day: date, months: int) -> bool:
        """Was given, and holds no longer."""
        return self.given is not None and not is_cleared(self, day, months=months)


def is_cleared(clearance: Clearance, day: date, *, months: int) -> bool:
    """Whether the patient may have IMS on `day`: a visit is judged on the day on which it starts."""
    lapses_on = clearance.lapses_on(months)
    return lapses_on is not None and day < lapses_on


def was_cleared(clearance: Clearance, day: date, *, months: int) -> bool:
    """The same of a day gone by, when it had to have been given. `last_ims` is then the last one before that day."""
    return clearance.given is not None and clearance.given <= day and is_cleared(clearance, day, months=months)


def require_cleared(clearance: Clearance, day: date, *, months: int) -> None:
    if not is_cleared(clearance, day, months=months):
        raise NotCleared(clearance.lapses_on(months))


def months_after(day: date, months: int) -> date:
    """The same day of the month; its last day when the month is too short."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))
