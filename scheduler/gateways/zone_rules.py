"""The onsets of a zone, from the pinned tzdata package, in the shape a calendar file needs them.

A VTIMEZONE wants a yearly rule where one holds and single onsets where none does: a zone whose law changed
(British Columbia, Alberta and Manitoba in 2026) has both, or only the latter.
"""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from importlib.resources import files
from itertools import takewhile
from zoneinfo import ZoneInfo

from scheduler import clock

_EARLIEST_YEAR = 2000
_PROBE = timedelta(days=7)  # no zone keeps a rule for less than the month of Ramadan


@dataclass(frozen=True, slots=True)
class Onset:
    """From `starts_local`, read on the clock before the change, another offset applies."""

    starts_local: datetime
    offset_from: timedelta
    offset_to: timedelta
    name: str
    is_daylight: bool


@dataclass(frozen=True, slots=True)
class YearlyOnset:
    """An onset that comes again every year: `week` 1 to 4 counts from the month's start, -1 is its last."""

    first: Onset
    month: int
    week: int
    weekday: int  # 0 is Sunday


@dataclass(frozen=True, slots=True)
class ZoneRules:
    singly: tuple[Onset, ...]
    yearly: tuple[YearlyOnset, ...]


@lru_cache(maxsize=64)
def zone_rules(zone: str, *, first_year: int, last_year: int) -> ZoneRules:
    """Onsets that give the right offset at every moment from `first_year` to the end of `last_year`."""
    onsets = _onsets(clock.zone(zone), last_year)
    yearly = _yearly(zone, onsets, last_year)
    if yearly and max(rule.first.starts_local.year for rule in yearly) < first_year:
        return ZoneRules((), yearly)
    repeated = {rule.first for rule in yearly}
    before = list(takewhile(lambda onset: onset not in repeated, onsets))
    return ZoneRules(_from_year(before, zone, first_year), yearly)


def _onsets(zone: ZoneInfo, last_year: int) -> list[Onset]:
    """Every change of offset or name, found by looking once a week and then halving."""
    onsets = []
    before = datetime(_EARLIEST_YEAR, 1, 1, tzinfo=UTC)
    end = datetime(last_year + 2, 1, 1, tzinfo=UTC)
    while before < end:
        after = before + _PROBE
        if _state(before, zone) != _state(after, zone):
            onsets.append(_onset_between(before, after, zone))
        before = after
    return onsets


def _state(at: datetime, zone: ZoneInfo) -> tuple[timedelta, str, bool]:
    local = at.astimezone(zone)
    return local.utcoffset() or timedelta(), local.tzname() or "", bool(local.dst())


def _onset_between(before: datetime, after: datetime, zone: ZoneInfo) -> Onset:
    old = _state(before, zone)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // timedelta(seconds=2) * timedelta(seconds=1)
        if _state(middle, zone) == old:
            before = middle
        else:
            after = middle
    offset_to, name, is_daylight = _state(after, zone)
    return Onset((after + old[0]).replace(tzinfo=None), old[0], offset_to, name, is_daylight)


def _from_year(onsets: list[Onset], zone: str, first_year: int) -> tuple[Onset, ...]:
    """The onsets from New Year of `first_year` on, led by one for the offset already in force then."""
    new_year = datetime(first_year, 1, 1)  # noqa: DTZ001 - clinic wall clock
    earlier = [onset for onset in onsets if onset.starts_local < new_year]
    offset, name, is_daylight = (
        (earlier[-1].offset_to, earlier[-1].name, earlier[-1].is_daylight)
        if earlier
        else _state(datetime(_EARLIEST_YEAR, 1, 1, tzinfo=UTC), clock.zone(zone))
    )
    return (Onset(new_year, offset, offset, name, is_daylight), *onsets[len(earlier) :])


# The last line of a zone file, as POSIX writes a TZ variable: EST5EDT,M3.2.0,M11.1.0
_NAME = r"(?:[A-Za-z]{3,}|<[^>]+>)"
_OFFSET = r"[+-]?\d+(?::\d+){0,2}"
_DATE = r"M(\d+)\.(\d)\.(\d)(?:/[^,]+)?"
_FOOTER = re.compile(rf"{_NAME}{_OFFSET}{_NAME}(?:{_OFFSET})?,{_DATE},{_DATE}")


def _yearly(zone: str, onsets: list[Onset], last_year: int) -> tuple[YearlyOnset, ...]:
    """The two rules of the zone file's footer, each with the first onset from which both have held."""
    footer = _FOOTER.fullmatch(_footer(zone))
    if footer is None:
        return ()
    first, second = (tuple(int(number) for number in footer.groups()[at : at + 3]) for at in (0, 3))
    by_year: dict[int, list[Onset]] = {}
    for onset in onsets:
        by_year.setdefault(onset.starts_local.year, []).append(onset)
    holding: list[Onset] = []
    for year in range(last_year + 1, _EARLIEST_YEAR - 1, -1):
        wanted = sorted([_day_of(year, *first), _day_of(year, *second)])
        found = by_year.get(year, [])
        if [onset.starts_local.date() for onset in found] != wanted or (
            holding and [_kind(onset) for onset in found] != [_kind(onset) for onset in holding]
        ):
            break
        holding = found
    return tuple(_rule(onset, first, second) for onset in holding)


def _kind(onset: Onset) -> tuple[object, ...]:
    return onset.starts_local.time(), onset.offset_from, onset.offset_to, onset.name


def _rule(onset: Onset, *rules: tuple[int, ...]) -> YearlyOnset:
    month, week, weekday = next(rule for rule in rules if rule[0] == onset.starts_local.month)
    return YearlyOnset(onset, month, -1 if week == 5 else week, weekday)


def _day_of(year: int, month: int, week: int, weekday: int) -> date:
    first = date(year, month, 1)
    day = first + timedelta(days=(weekday - first.isoweekday()) % 7 + 7 * (week - 1))
    return day if day.month == month else day - timedelta(days=7)  # week 5 means the last


def _footer(zone: str) -> str:
    content = files("tzdata").joinpath("zoneinfo", *zone.split("/")).read_bytes()
    return content.rstrip(b"\n").rpartition(b"\n")[2].decode("ascii")
