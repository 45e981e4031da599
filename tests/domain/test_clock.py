"""Zones from the pinned package, and wall clock times that exist once."""

import zoneinfo
from datetime import UTC, date, datetime, time, timedelta

import pytest
import tzdata
from hypothesis import given
from hypothesis import strategies as st

from scheduler import clock
from scheduler.domain.timeslot import TimeSlot

TORONTO = clock.zone("America/Toronto")
VANCOUVER = clock.zone("America/Vancouver")
SPRING = date(2027, 3, 14)
AUTUMN = date(2026, 11, 1)


def at(day: date, text: str) -> datetime:
    return datetime.combine(day, time.fromisoformat(text))


def test_now_is_an_aware_utc_instant():
    assert clock.now().tzinfo is UTC


def test_zones_come_from_the_package_alone():
    assert zoneinfo.TZPATH == ()


def test_the_installed_zone_data_will_do_and_an_older_release_will_not():
    clock.require_zone_data()
    assert tzdata.IANA_VERSION >= clock.MIN_TZDATA
    with pytest.raises(clock.ZoneDataTooOld, match="2025b is installed"):
        clock.require_zone_data("2025b")


@pytest.mark.parametrize("name", ["America/Nowhere", "", "America", "../etc/passwd", "/etc/localtime", "\0", "é"])
def test_an_unknown_zone_is_refused_in_words(name):
    with pytest.raises(clock.UnknownZone, match="is not a time zone"):
        clock.zone(name)


@pytest.mark.parametrize(
    ("local", "utc"),
    [
        (at(SPRING, "01:59"), datetime(2027, 3, 14, 6, 59)),
        (at(SPRING, "03:00"), datetime(2027, 3, 14, 7, 0)),
        (at(AUTUMN, "00:59"), datetime(2026, 11, 1, 4, 59)),
        (at(AUTUMN, "02:00"), datetime(2026, 11, 1, 7, 0)),
    ],
)
def test_local_times_around_the_changes_name_one_instant(local, utc):
    assert clock.to_utc(local, TORONTO) == utc.replace(tzinfo=UTC)
    assert clock.to_local(utc.replace(tzinfo=UTC), TORONTO) == local


@pytest.mark.parametrize("text", ["02:00", "02:30", "02:59"])
@pytest.mark.parametrize("fold", [0, 1])
def test_a_time_the_clocks_skip_is_refused(text, fold):
    with pytest.raises(clock.NonexistentTime, match="in America/Toronto"):
        clock.to_utc(at(SPRING, text).replace(fold=fold), TORONTO)


@pytest.mark.parametrize("text", ["01:00", "01:30", "01:59"])
@pytest.mark.parametrize("fold", [0, 1])
def test_a_time_that_comes_twice_is_refused(text, fold):
    with pytest.raises(clock.AmbiguousTime):
        clock.to_utc(at(AUTUMN, text).replace(fold=fold), TORONTO)


def test_a_time_beyond_what_can_be_told_is_refused():
    with pytest.raises(clock.NonexistentTime):
        clock.to_utc(datetime.max, TORONTO)


def test_a_due_time_in_a_clock_change_is_settled_without_refusal():
    skipped = clock.to_utc_or_near(at(SPRING, "02:01"), TORONTO)
    assert clock.to_local(skipped, TORONTO) == at(SPRING, "03:01")
    doubled = clock.to_utc_or_near(at(AUTUMN, "01:30"), TORONTO)
    assert doubled == datetime(2026, 11, 1, 5, 30, tzinfo=UTC)


def test_an_instant_needs_a_zone():
    with pytest.raises(ValueError, match="needs a zone"):
        clock.to_local(datetime(2026, 12, 1), TORONTO)


def test_a_local_time_carries_no_trace_of_the_doubled_hour():
    assert clock.to_local(datetime(2026, 11, 1, 6, 30, tzinfo=UTC), TORONTO).fold == 0


def test_clock_changes_are_the_wall_clock_hours_skipped_and_doubled():
    assert clock.clock_changes(date(2026, 10, 1), date(2027, 4, 1), TORONTO) == [
        TimeSlot(at(AUTUMN, "01:00"), at(AUTUMN, "02:00")),
        TimeSlot(at(SPRING, "02:00"), at(SPRING, "03:00")),
    ]
    assert clock.clock_changes(SPRING, SPRING, TORONTO) == [TimeSlot(at(SPRING, "02:00"), at(SPRING, "03:00"))]
    day = timedelta(days=1)
    assert clock.clock_changes(SPRING + day, SPRING + 90 * day, TORONTO) == []
    assert clock.clock_changes(SPRING - 90 * day, SPRING - day, TORONTO) == []


def test_british_columbia_stopped_changing_its_clocks_in_2026():
    assert clock.clock_changes(date(2026, 10, 1), date(2027, 12, 31), VANCOUVER) == []
    assert clock.to_utc(datetime(2026, 12, 1, 10), VANCOUVER) == datetime(2026, 12, 1, 17, tzinfo=UTC)
    assert len(clock.clock_changes(date(2025, 1, 1), date(2025, 12, 31), VANCOUVER)) == 2


@pytest.mark.parametrize(
    ("name", "day", "slot"),
    [
        ("America/St_Johns", SPRING, ("02:00", "03:00")),
        ("Australia/Lord_Howe", date(2026, 10, 4), ("02:00", "02:30")),
        ("America/Havana", date(2026, 3, 8), ("00:00", "01:00")),
    ],
)
def test_changes_of_other_zones(name, day, slot):
    changes = clock.clock_changes(day, day, clock.zone(name))
    assert changes == [TimeSlot(at(day, slot[0]), at(day, slot[1]))]


def test_an_hour_skipped_before_midnight_belongs_to_the_day_it_ends():
    saturday, sunday = date(2026, 3, 28), date(2026, 3, 29)
    nuuk = clock.zone("America/Nuuk")
    assert clock.clock_changes(saturday, saturday, nuuk) == [TimeSlot(at(saturday, "23:00"), at(sunday, "00:00"))]
    assert clock.clock_changes(sunday, sunday, nuuk) == []


def test_the_day_samoa_skipped_is_a_change_of_a_whole_day():
    skipped = date(2011, 12, 30)
    changes = clock.clock_changes(skipped, skipped, clock.zone("Pacific/Apia"))
    assert changes == [TimeSlot(at(skipped, "00:00"), at(skipped + timedelta(days=1), "00:00"))]


ZONES = ["America/Toronto", "America/Vancouver", "America/St_Johns", "Australia/Lord_Howe", "Europe/Dublin"]
anywhen = st.datetimes(datetime(2024, 1, 1), datetime(2030, 1, 1))
near_a_change = st.builds(
    lambda day, minute: at(day, "00:00") + timedelta(minutes=minute),
    st.sampled_from([SPRING, AUTUMN]),
    st.integers(0, 300),
)


@given(anywhen | near_a_change, st.sampled_from(ZONES))
def test_a_time_is_refused_exactly_when_a_clock_change_contains_it(local, name):
    zone = clock.zone(name)
    changes = clock.clock_changes(local.date(), local.date(), zone)
    try:
        instant = clock.to_utc(local, zone)
    except clock.ClockChangeTime:
        assert any(change.contains(local) for change in changes)
    else:
        assert not any(change.contains(local) for change in changes)
        assert clock.to_local(instant, zone) == local
