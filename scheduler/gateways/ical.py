"""Visits as a calendar file: the patient's subscription, and a single visit to download.

Times are the clinic's wall clock with its zone, so that a phone with old zone rules still shows the promised
time. Nothing here knows what time it is: the same visits give the same bytes, which is what an ETag needs.

icalendar writes every value, name, parameter and fold. Its Component is left out for visits, because adding and
sorting properties takes most of its time; lines that many visits share are kept, and so are whole visits.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache

import tzdata  # type: ignore[import-untyped]  # ships no types
from icalendar import (
    Calendar,
    Timezone,
    TimezoneDaylight,
    TimezoneStandard,
    vDatetime,
    vDuration,
    vInt,
    vRecur,
    vText,
    vUri,
)
from icalendar.parser import Contentline, Parameters

from scheduler import clock
from scheduler.gateways.zone_rules import Onset, YearlyOnset, zone_rules

_Value = vDatetime | vDuration | vInt | vText | vUri

PRODID = "-//Clinic appointments//EN"
REFRESH = timedelta(hours=1)

# A VTIMEZONE covers at least these years, so that it seldom changes, and every visit's year besides.
_RULES_YEAR = int(tzdata.IANA_VERSION[:4])
_YEARS_BACK, _YEARS_AHEAD = 2, 2


@dataclass(frozen=True, slots=True, kw_only=True)
class CalendarVisit:
    """One visit as its owner's calendar shows it. Keep `summary` neutral: calendars are seen by others."""

    uid: str  # random, and the same for the visit's whole life
    sequence: int  # rises with each change of time, place or status
    changed_at: datetime  # aware; the last change of the row
    starts_local: datetime
    minutes: int
    zone: str
    summary: str
    location: str = ""
    description: str = ""
    url: str = ""
    language: str = "en"
    cancelled: bool = False

    def __post_init__(self) -> None:
        if self.starts_local.tzinfo is not None or self.changed_at.tzinfo is None:
            raise ValueError("starts_local is a wall clock, changed_at an instant")


def calendar_bytes(visits: Sequence[CalendarVisit], *, name: str, zone: str, refresh: timedelta = REFRESH) -> bytes:
    """A feed to subscribe to, visits in the order given. `refresh` is how often a client is asked to look."""
    return _calendar(visits, zone, _feed_head(name, refresh))


def event_bytes(visit: CalendarVisit) -> bytes:
    """One visit as a file to download: the same VEVENT the feed carries, so that a client sees one visit."""
    return _calendar([visit], visit.zone, _head())


def _calendar(visits: Sequence[CalendarVisit], zone: str, head: bytes) -> bytes:
    # The clinic's zone is there even with no visit: a calendar must hold at least one component.
    zones = sorted({zone, *(visit.zone for visit in visits)})
    first_year, last_year = _years(visits)
    timezones = (_timezone(each, first_year, last_year) for each in zones)
    return b"".join((head, *timezones, *map(_event, visits), _line("END", vText("VCALENDAR"))))


def _years(visits: Sequence[CalendarVisit]) -> tuple[int, int]:
    years = {visit.starts_local.year for visit in visits} | {_RULES_YEAR}
    return min(min(years), _RULES_YEAR - _YEARS_BACK), max(max(years), _RULES_YEAR + _YEARS_AHEAD)


@lru_cache(maxsize=64)
def _feed_head(name: str, refresh: timedelta) -> bytes:
    return _head() + b"".join(
        (
            _text("NAME", name),
            _text("X-WR-CALNAME", name),
            _line("REFRESH-INTERVAL", vDuration(refresh)),
            _line("X-PUBLISHED-TTL", vDuration(refresh)),
        )
    )


@lru_cache(maxsize=1)
def _head() -> bytes:
    calendar = Calendar()
    calendar.add("version", "2.0")
    calendar.add("prodid", PRODID)
    calendar.add("calscale", "GREGORIAN")
    content: bytes = calendar.to_ical()
    return content.removesuffix(_line("END", vText("VCALENDAR")))


@lru_cache(maxsize=64)
def _timezone(zone: str, first_year: int, last_year: int) -> bytes:
    rules = zone_rules(zone, first_year=first_year, last_year=last_year)
    timezone = Timezone()
    timezone.add("tzid", zone)
    for onset in rules.singly:
        # COUNT=1 says no more than DTSTART does, but some readers look at recurrences alone.
        timezone.add_component(_observance(onset, vRecur(FREQ="YEARLY", COUNT=1)))
    for rule in rules.yearly:
        timezone.add_component(_yearly_observance(rule))
    content: bytes = timezone.to_ical()
    return content


def _yearly_observance(rule: YearlyOnset) -> TimezoneStandard | TimezoneDaylight:
    weekday = ("SU", "MO", "TU", "WE", "TH", "FR", "SA")[rule.weekday]
    return _observance(rule.first, vRecur(FREQ="YEARLY", BYDAY=f"{rule.week}{weekday}", BYMONTH=rule.month))


def _observance(onset: Onset, recurrence: vRecur) -> TimezoneStandard | TimezoneDaylight:
    observance = TimezoneDaylight() if onset.is_daylight else TimezoneStandard()
    observance.add("dtstart", onset.starts_local)
    observance.add("rrule", recurrence)
    observance.add("tzoffsetfrom", onset.offset_from)
    observance.add("tzoffsetto", onset.offset_to)
    observance.add("tzname", onset.name)
    return observance


@lru_cache(maxsize=2048)  # the visits of some hundred feeds, about 1 kB each
def _event(visit: CalendarVisit) -> bytes:
    changed = _written(vDatetime(visit.changed_at.astimezone(UTC)))
    return b"".join(
        (
            *_visit_lines(visit.language, visit.summary, visit.location, visit.description),
            *_status_lines(visit.cancelled),
            _line("UID", vText(visit.uid)),
            _sequence(visit.sequence),
            _folded("DTSTAMP", changed),
            _folded("LAST-MODIFIED", changed),
            _wall_clock("DTSTART", visit.starts_local, visit.zone),
            _wall_clock("DTEND", _ends_local(visit), visit.zone),
            _url(visit.url),
            _END_OF_VISIT,
        )
    )


def _ends_local(visit: CalendarVisit) -> datetime:
    """The wall clock when the minutes have passed, should the clocks change meanwhile."""
    zone, ends_local = clock.zone(visit.zone), visit.starts_local + timedelta(minutes=visit.minutes)
    if zone.utcoffset(visit.starts_local) == zone.utcoffset(ends_local.replace(fold=1)):
        return ends_local
    starts_at = clock.to_utc_or_near(visit.starts_local, zone)
    return clock.to_local(starts_at + timedelta(minutes=visit.minutes), zone)


def _wall_clock(name: str, local: datetime, zone: str) -> bytes:
    if zone == "UTC":  # has a form of its own; TZID=UTC is not allowed
        return _line(name, vDatetime(local.replace(tzinfo=UTC)))
    return _line(name, vDatetime(local), zone=zone)


@lru_cache(maxsize=256)
def _visit_lines(language: str, summary: str, location: str, description: str) -> tuple[bytes, ...]:
    """What many visits share: the clinic's words and place."""
    return (
        _line("BEGIN", vText("VEVENT")),
        _text("SUMMARY", summary, language),
        *([_text("LOCATION", location, language)] if location else ()),
        *([_text("DESCRIPTION", description, language)] if description else ()),
    )


@lru_cache(maxsize=2)
def _status_lines(cancelled: bool) -> tuple[bytes, ...]:
    return (
        _line("STATUS", vText("CANCELLED" if cancelled else "CONFIRMED")),
        _line("TRANSP", vText("TRANSPARENT" if cancelled else "OPAQUE")),
        _line("CLASS", vText("PRIVATE")),
    )


@lru_cache(maxsize=64)
def _sequence(number: int) -> bytes:
    return _line("SEQUENCE", vInt(number))


@lru_cache(maxsize=256)
def _url(url: str) -> bytes:
    return _line("URL", vUri(url)) if url else b""


# A line break of any other kind would end the property for readers that split lines as Unicode does.
_UNWANTED = dict.fromkeys({*range(32), *range(0x7F, 0xA0), 0x2028, 0x2029} - {ord("\n")}, " ")


def _text(name: str, text: str, language: str | None = None) -> bytes:
    return _line(name, vText(text.replace("\r\n", "\n").translate(_UNWANTED)), language=language)


_UNFOLDED = 74  # octets icalendar leaves on one line


def _line(name: str, value: _Value, *, zone: str | None = None, language: str | None = None) -> bytes:
    return _folded(name, _written(value), zone, language)


def _written(value: _Value) -> str:
    content: bytes = value.to_ical()
    return content.decode()


def _folded(name: str, value: str, zone: str | None = None, language: str | None = None) -> bytes:
    line = _opening(name, zone, language) + value
    # Folding walks through the characters one by one: only where there is something to fold.
    folded: bytes = line.encode() if len(line) <= _UNFOLDED and line.isascii() else Contentline(line).to_ical()  # type: ignore[no-untyped-call]
    return folded + b"\r\n"


@lru_cache(maxsize=256)
def _opening(name: str, zone: str | None, language: str | None) -> str:
    """A line up to its value; checking names and parameters takes longer than writing most values."""
    given = {"TZID": zone, "LANGUAGE": language, "VALUE": "DURATION" if name == "REFRESH-INTERVAL" else None}
    parameters = Parameters({key: value for key, value in given.items() if value})
    return str(Contentline.from_parts(name, parameters, vText("")))


_END_OF_VISIT = _line("END", vText("VEVENT"))
