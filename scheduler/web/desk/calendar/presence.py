"""When a practitioner is in, in words and as stretches of the wall clock."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta

from flask_babel import gettext as _

from scheduler.domain.booking.availability import WeeklyHours
from scheduler.queries.calendar.desk_day import Absence
from scheduler.web.words.dates import time_words

Stretch = tuple[datetime, datetime]
A_DAY = timedelta(days=1)


def is_on(hour: WeeklyHours, day: date) -> bool:
    begun = hour.valid_from is None or hour.valid_from <= day
    return hour.weekday == day.weekday() and begun and (hour.valid_until is None or day <= hour.valid_until)


def there_words(hours: list[WeeklyHours], away: list[Absence], day: date) -> str:
    """The hours of that day, or that and until when they are away."""
    if not hours:
        return str(_("not in"))
    opens = min(hour.opens for hour in hours)
    closes = max(hours, key=lambda hour: (hour.closes <= hour.opens, hour.closes)).closes
    present = str(_("%(opens)s to %(closes)s", opens=time_words(opens), closes=time_words(closes)))
    if not away:
        return present
    midnight = datetime.combine(day, time.min)
    first = min(absence.starts_local for absence in away)
    last = max(absence.ends_local for absence in away)
    if first <= midnight and last >= midnight + A_DAY:
        return str(_("away"))
    begins, ends = time_words(max(first, midnight)), time_words(last)
    return str(_("%(present)s, away %(begins)s to %(ends)s", present=present, begins=begins, ends=ends))


def worked(hours: Iterable[WeeklyHours], day: date) -> list[Stretch]:
    """One practitioner's stretches that touch the day, cut at its midnights, in order; those that touch are one."""
    midnight = datetime.combine(day, time.min)
    found: list[Stretch] = []
    for begins, ends in sorted(_shifts(hours, day)):
        begins, ends = max(begins, midnight), min(ends, midnight + A_DAY)
        if begins < ends and found and begins <= found[-1][1]:
            found[-1] = found[-1][0], max(found[-1][1], ends)
        elif begins < ends:
            found.append((begins, ends))
    return found


def gaps(stretches: Iterable[Stretch], begins: datetime, ends: datetime) -> Iterator[Stretch]:
    """What lies between the stretches, from `begins` to `ends`."""
    for opens, closes in stretches:
        if begins < opens:
            yield begins, min(opens, ends)
        begins = max(begins, closes)
    if begins < ends:
        yield begins, ends


def _shifts(hours: Iterable[WeeklyHours], day: date) -> Iterator[Stretch]:
    """Of the day and, where a shift passes midnight, of the day before."""
    for hour in hours:
        for first in (day - A_DAY, day):
            if is_on(hour, first):
                opens = datetime.combine(first, hour.opens)
                closes = datetime.combine(first, hour.closes)
                yield opens, closes if closes > opens else closes + A_DAY
