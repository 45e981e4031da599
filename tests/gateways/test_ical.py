import unicodedata
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import icalendar
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from ical.calendar import Calendar as IcalCalendar
from ical.calendar_stream import IcsCalendarStream

from scheduler import clock
from scheduler.gateways import ical
from scheduler.gateways.ical import CalendarVisit, calendar_bytes, event_bytes

GOLDEN = Path(__file__).parent / "golden"
ZONES = [
    "America/Toronto",
    "America/Vancouver",
    "America/Edmonton",
    "America/Regina",
    "America/St_Johns",
    "America/Winnipeg",
]


def make_visit(**changes: Any) -> CalendarVisit:
    visit = CalendarVisit(
        uid="5f1d1c6c4f0e4a3b9d0f6a4d2f0e9c11@clinic.example",
        sequence=0,
        changed_at=datetime(2026, 11, 22, 14, 5, 6, tzinfo=UTC),
        starts_local=datetime(2026, 12, 1, 17, 30),
        minutes=30,
        zone="America/Toronto",
        summary="Appointment, Maple Physiotherapy",
        location="12 Érable Street; Suite 2, Ottawa",
        url="https://clinic.example/me",
    )
    return replace(visit, **changes)


def make_feed(*visits: CalendarVisit, name: str = "Maple Physiotherapy", zone: str = "America/Toronto") -> bytes:
    return calendar_bytes(visits, name=name, zone=zone)


FRENCH = make_visit(
    uid="0b9b3b2c6b1e4c57a7d3f2a0c4c8de22@clinic.example",
    sequence=2,
    starts_local=datetime(2026, 12, 8, 9, 0),
    minutes=60,
    language="fr",
    summary="Rendez-vous, Physiothérapie de l’Érable",
    description="À apporter : des vêtements amples, une bouteille d’eau et la liste de vos médicaments.\nÀ bientôt!",
    location="12, rue de l’Érable, bureau 2, Ottawa",
    url="https://clinic.example/me/visits/Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6cXV4?from=calendar",
    cancelled=True,
)


@pytest.mark.parametrize(
    ("file", "content"),
    [
        ("feed.ics", lambda: make_feed(make_visit(), FRENCH)),
        ("empty_feed.ics", lambda: make_feed()),
        ("one_visit.ics", lambda: event_bytes(make_visit())),
        ("vancouver.ics", lambda: event_bytes(make_visit(zone="America/Vancouver"))),
    ],
)
def test_the_file_is_what_was_agreed(file: str, content: Any) -> None:
    """After a change that is meant, delete the golden file, run once, and read the difference."""
    golden = GOLDEN / file
    if not golden.exists():
        golden.write_bytes(content())
        pytest.fail(f"{file} written: read it, then run again")
    assert content() == golden.read_bytes()


def test_the_same_visits_give_the_same_bytes_also_when_nothing_is_kept() -> None:
    first = make_feed(make_visit(), FRENCH)
    for kept in (ical._event, ical._timezone, ical._feed_head, ical._head, ical._visit_lines, ical._status_lines):
        kept.cache_clear()
    assert make_feed(make_visit(), FRENCH) == first


@pytest.mark.parametrize(
    "change",
    [
        {"uid": "other"},
        {"sequence": 1},
        {"changed_at": datetime(2026, 11, 22, 14, 5, 7, tzinfo=UTC)},
        {"starts_local": datetime(2026, 12, 1, 17, 45)},
        {"minutes": 45},
        {"zone": "America/Winnipeg"},
        {"summary": "Other"},
        {"location": "Other"},
        {"description": "Other"},
        {"url": "https://other.example"},
        {"language": "fr"},
        {"cancelled": True},
    ],
)
def test_a_visit_that_changed_is_never_served_as_it_was(change: dict[str, object]) -> None:
    before = make_feed(make_visit())
    assert make_feed(make_visit(**change)) != before


def test_lines_end_in_crlf_are_at_most_75_octets_and_valid_utf8() -> None:
    content = make_feed(make_visit(), FRENCH, make_visit(description="é" * 500, summary="漢字🙂" * 40))
    assert content.endswith(b"END:VCALENDAR\r\n")
    assert content.count(b"\n") == content.count(b"\r\n") == content.count(b"\r")
    for line in content.split(b"\r\n"):
        assert len(line) <= 75
        line.decode()


def test_what_a_feed_leaves_out() -> None:
    content = make_feed(make_visit(), FRENCH)
    for unwanted in (b"METHOD", b"VALARM", b"ORGANIZER", b"ATTENDEE", b"RDATE"):
        assert unwanted not in content


def test_a_feed_says_its_name_and_how_often_to_look() -> None:
    content = calendar_bytes([], name="Érable, physio", zone="UTC", refresh=timedelta(hours=3))
    feed = icalendar.Calendar.from_ical(content)
    assert "\r\nNAME:Érable\\, physio\r\nX-WR-CALNAME:Érable\\, physio\r\n" in content.decode()
    assert feed["REFRESH-INTERVAL"].dt == timedelta(hours=3)
    assert feed["X-PUBLISHED-TTL"] == "PT3H"


def test_a_single_visit_is_the_same_event_as_in_the_feed() -> None:
    def event(content: bytes) -> bytes:
        return content[content.index(b"BEGIN:VEVENT") : content.index(b"END:VEVENT")]

    assert event(event_bytes(FRENCH)) == event(make_feed(FRENCH))
    assert b"REFRESH-INTERVAL" not in event_bytes(FRENCH)


def events(content: bytes) -> list[Any]:
    return list(icalendar.Calendar.from_ical(content).walk("VEVENT"))


def ical_calendar(content: bytes) -> IcalCalendar:
    return IcsCalendarStream.calendar_from_ics(content.decode())


def test_both_readers_read_what_was_written() -> None:
    content = make_feed(make_visit(), FRENCH)
    toronto = ZoneInfo("America/Toronto")
    visit, french = events(content)
    other_visit, other_french = ical_calendar(content).events

    assert visit["SUMMARY"] == other_visit.summary == "Appointment, Maple Physiotherapy"
    assert french["DESCRIPTION"] == other_french.description == FRENCH.description
    assert french["LOCATION"] == other_french.location == FRENCH.location
    assert french["SUMMARY"].params["LANGUAGE"] == "fr"
    assert (french["SEQUENCE"], other_french.sequence) == (2, 2)
    assert (visit["STATUS"], french["STATUS"], other_french.status) == ("CONFIRMED", "CANCELLED", "CANCELLED")
    assert (visit["TRANSP"], french["TRANSP"]) == ("OPAQUE", "TRANSPARENT")
    assert visit["CLASS"] == "PRIVATE"
    assert str(french["URL"]) == FRENCH.url
    assert visit["UID"] == other_visit.uid == make_visit().uid
    assert visit["DTSTAMP"].dt == visit["LAST-MODIFIED"].dt == other_visit.dtstamp == make_visit().changed_at
    assert visit["DTSTART"].dt == other_visit.dtstart == datetime(2026, 12, 1, 17, 30, tzinfo=toronto)
    assert french["DTEND"].dt == other_french.dtend == datetime(2026, 12, 8, 10, 0, tzinfo=toronto)


@settings(max_examples=60, deadline=None)
@given(
    summary=st.text(min_size=1, max_size=120),
    location=st.text(max_size=200),
    language=st.sampled_from(["en", "fr"]),
)
def test_any_text_comes_back_and_breaks_nothing(summary: str, location: str, language: str) -> None:
    assume("\r" not in summary + location)
    content = make_feed(make_visit(summary=summary, location=location, language=language), make_visit())
    first, second = events(content)

    assert first["SUMMARY"] == as_shown(summary)
    assert first.get("LOCATION", "") == as_shown(location)
    assert second["SUMMARY"] == make_visit().summary
    assert len(ical_calendar(content).events) == 2


def as_shown(text: str) -> str:
    """Control characters, which no reader shows, are spaces."""
    return "".join(" " if is_control(character) else character for character in text)


def is_control(character: str) -> bool:
    return character != "\n" and unicodedata.category(character) in ("Cc", "Zl", "Zp")


def with_zone_nobody_knows(content: bytes, zone: str, name: str) -> str:
    """So that a reader has to believe the VTIMEZONE. One name for one zone: icalendar remembers them."""
    feed = content.decode().replace(f"TZID:{zone}", f"TZID:{name}").replace(f"TZID={zone}", f"TZID={name}")
    assert feed.count(name) == 3
    return feed


@lru_cache
def feed_with_unknown_zone(zone: str) -> str:
    visit = make_visit(zone=zone, url="", location="")
    return with_zone_nobody_knows(event_bytes(visit), zone, f"Clinic-of-{zone}")


def with_start(zone: str, starts_local: datetime) -> str:
    feed = feed_with_unknown_zone(zone)
    ends_local = starts_local + timedelta(minutes=1)
    return feed.replace("20261201T173000", f"{starts_local:%Y%m%dT%H%M%S}").replace(
        "20261201T180000", f"{ends_local:%Y%m%dT%H%M%S}"
    )


def instants_read(zone: str, starts_local: datetime) -> Iterator[datetime]:
    content = with_start(zone, starts_local)
    yield events(content.encode())[0]["DTSTART"].dt.astimezone(UTC)
    yield ical_calendar(content.encode()).events[0].dtstart.astimezone(UTC)


def near_clock_changes() -> list[tuple[str, datetime]]:
    """A quarter of an hour and a minute on either side of every change of three years, and some days around."""
    cases = []
    for zone in ZONES:
        for change in clock.clock_changes(datetime(2025, 9, 1).date(), datetime(2028, 12, 31).date(), ZoneInfo(zone)):
            for edge in (change.start, change.end):
                for minutes in (-1440, -15, -1, 0, 1, 15, 1440):
                    cases.append((zone, edge + timedelta(minutes=minutes)))
    return [(zone, local) for zone, local in cases if exists_once(zone, local)]


def exists_once(zone: str, local: datetime) -> bool:
    try:
        clock.to_utc(local, ZoneInfo(zone))
    except clock.ClockChangeTime:
        return False
    return True


def test_around_every_clock_change_both_readers_find_the_instant_we_mean() -> None:
    cases = near_clock_changes()
    assert len(cases) > 150
    for zone, local in cases:
        meant = clock.to_utc(local, ZoneInfo(zone))
        assert list(instants_read(zone, local)) == [meant, meant], (zone, local)


@settings(max_examples=60, deadline=None)
@given(
    zone=st.sampled_from(ZONES),
    starts_local=st.datetimes(datetime(2025, 9, 1), datetime(2028, 12, 31)).map(
        lambda local: local.replace(second=0, microsecond=0)
    ),
)
def test_at_any_time_both_readers_find_the_instant_we_mean(zone: str, starts_local: datetime) -> None:
    assume(exists_once(zone, starts_local))
    meant = clock.to_utc(starts_local, ZoneInfo(zone))
    assert list(instants_read(zone, starts_local)) == [meant, meant]


@pytest.mark.parametrize("zone", [*ZONES, "America/Halifax", "Europe/Paris", "Africa/Casablanca"])
@pytest.mark.parametrize("day", [datetime(2021, 7, 1, 9), datetime(2023, 1, 2, 9), datetime(2031, 7, 1, 9)])
def test_a_visit_long_ago_or_far_ahead_widens_what_the_zone_covers(zone: str, day: datetime) -> None:
    content = event_bytes(make_visit(zone=zone, starts_local=day))
    renamed = with_zone_nobody_knows(content, zone, f"Clinic-{day.year}-of-{zone}")
    assert events(renamed.encode())[0]["DTSTART"].dt.astimezone(UTC) == clock.to_utc(day, ZoneInfo(zone))


def test_a_visit_over_a_clock_change_lasts_its_minutes() -> None:
    night = make_visit(starts_local=datetime(2026, 3, 8, 1, 30), minutes=60)
    long_night = make_visit(starts_local=datetime(2026, 11, 1, 0, 30), minutes=120)
    assert ends_local(night) == datetime(2026, 3, 8, 3, 30)
    assert ends_local(long_night) == datetime(2026, 11, 1, 1, 30)


def ends_local(visit: CalendarVisit) -> datetime:
    [event] = events(event_bytes(visit))
    read: datetime = event["DTEND"].dt
    return read.replace(tzinfo=None)


def test_british_columbia_keeps_its_summer_time_from_2026() -> None:
    content = event_bytes(make_visit(zone="America/Vancouver", starts_local=datetime(2027, 1, 12, 9)))
    assert events(content)[0]["DTSTART"].dt.astimezone(UTC) == datetime(2027, 1, 12, 16, tzinfo=UTC)


def test_a_clinic_at_utc_has_no_zone_parameter() -> None:
    content = event_bytes(make_visit(zone="UTC"))
    assert events(content)[0]["DTSTART"].dt == datetime(2026, 12, 1, 17, 30, tzinfo=UTC)
    assert ical_calendar(content).events[0].dtstart == datetime(2026, 12, 1, 17, 30, tzinfo=UTC)


def test_wall_clock_and_instant_cannot_be_confused() -> None:
    with pytest.raises(ValueError, match="wall clock"):
        make_visit(starts_local=datetime(2026, 12, 1, tzinfo=UTC))
    with pytest.raises(ValueError, match="instant"):
        make_visit(changed_at=datetime(2026, 12, 1))


def test_visits_in_two_zones_bring_both_zones() -> None:
    content = make_feed(make_visit(zone="America/Winnipeg"))
    assert [str(zone["TZID"]) for zone in icalendar.Calendar.from_ical(content).walk("VTIMEZONE")] == [
        "America/Toronto",
        "America/Winnipeg",
    ]
