"""The search against plain examples, and against a slow model that asks about every start one by one."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from scheduler.domain.booking.availability import (
    Absence,
    Busy,
    HiddenReason,
    Offer,
    OfferedStart,
    SlotSearch,
    WeeklyHours,
    find_offer,
)
from scheduler.domain.booking.start_grid import wall_minute
from scheduler.domain.timeslot import OpenRange, TimeSlot

TUESDAY = date(2026, 12, 1)
ANA, BEN = 1, 2
ROOM_A, ROOM_B = 11, 12


def at(clock: str, day: date = TUESDAY) -> datetime:
    return datetime.combine(day, time.fromisoformat(clock))


def make_search(
    *,
    first_day: date = TUESDAY,
    last_day: date = TUESDAY,
    minutes: int = 30,
    buffer_minutes: int = 15,
    practitioners: tuple[int, ...] = (ANA,),
    rooms: tuple[int, ...] = (ROOM_A,),
    earliest_local: datetime = datetime(2026, 1, 1),
    latest_local: datetime = datetime(2028, 1, 1),
    grid_minutes: int = 15,
) -> SlotSearch:
    return SlotSearch(
        first_day,
        last_day,
        minutes,
        buffer_minutes,
        practitioners,
        rooms,
        earliest_local,
        latest_local,
        grid_minutes,
    )


def every_day(practitioner: int, opens: str, closes: str) -> list[WeeklyHours]:
    return [
        WeeklyHours(practitioner, weekday, time.fromisoformat(opens), time.fromisoformat(closes))
        for weekday in range(7)
    ]


def taken(practitioner: int | None, room: int | None, start: datetime, end: datetime) -> Busy:
    return Busy(practitioner, room, (end - start) // timedelta(minutes=1), [wall_minute(start)])


def slots_of(busy: Busy) -> list[TimeSlot]:
    starts = [datetime(1970, 1, 1) + timedelta(minutes=minute) for minute in busy.starts]
    return [TimeSlot(start, start + timedelta(minutes=busy.minutes)) for start in starts]


MORNING = every_day(ANA, "09:00", "10:30")


def clocks(offer: Offer) -> list[str]:
    return [f"{start.starts_local:%H:%M}" for start in offer]


def reasons(offer: Offer) -> dict[str, HiddenReason]:
    return {f"{hidden.starts_local:%H:%M}": hidden.reason for hidden in offer.hidden()}


def test_the_visit_ends_within_working_hours_and_its_buffer_need_not():
    offer = find_offer(make_search(), MORNING, [], [])
    assert clocks(offer) == ["09:00", "09:15", "09:30", "09:45", "10:00"]
    assert reasons(offer) == {"10:15": HiddenReason.OUTSIDE_HOURS}


@pytest.mark.parametrize(
    ("busy_from", "busy_to", "offered"),
    [
        ("07:00", "09:00", ["09:00", "09:15", "09:30", "09:45", "10:00"]),  # touching before
        ("07:00", "09:01", ["09:15", "09:30", "09:45", "10:00"]),
        ("09:45", "10:00", ["09:00", "10:00"]),  # 09:00 + 30 + 15 touches 09:45
        ("09:44", "10:00", ["10:00"]),
        ("09:59", "10:00", ["09:00", "10:00"]),
        (
            "10:45",
            "11:00",
            ["09:00", "09:15", "09:30", "09:45", "10:00"],
        ),  # touching the buffer after closing
        ("10:44", "11:00", ["09:00", "09:15", "09:30", "09:45"]),
        ("00:00", "23:59", []),
    ],
)
@pytest.mark.parametrize("whose", ["practitioner", "room"])
def test_an_appointment_forbids_starts_that_overlap_it_buffers_included(whose, busy_from, busy_to, offered):
    mine = (ANA, None) if whose == "practitioner" else (None, ROOM_A)
    offer = find_offer(make_search(), MORNING, [], [taken(*mine, at(busy_from), at(busy_to))])
    assert clocks(offer) == offered


def test_any_free_room_will_do_and_the_free_ones_are_named():
    search = make_search(rooms=(ROOM_A, ROOM_B))
    rooms = [taken(None, ROOM_A, at("09:00"), at("09:45")), taken(None, ROOM_B, at("09:30"), at("10:45"))]
    offer = find_offer(search, MORNING, [], rooms)
    assert clocks(offer) == ["09:45", "10:00"]
    assert offer.free_rooms(at("09:45")) == [ROOM_A]
    assert offer.free_rooms(at("09:30")) == []
    assert offer.free_rooms(at("11:00")) == [ROOM_A, ROOM_B]
    assert offer.free_rooms(at("09:46")) == []
    assert set(reasons(offer).values()) == {HiddenReason.NO_ROOM, HiddenReason.OUTSIDE_HOURS}


def test_a_clinic_without_rooms_offers_nothing():
    offer = find_offer(make_search(rooms=()), MORNING, [], [])
    assert offer.why_empty() == [HiddenReason.NO_ROOM, HiddenReason.OUTSIDE_HOURS]


def test_appointments_that_touch_may_be_handed_in_merged():
    apart = [taken(ANA, ROOM_A, at("08:00"), at("09:10")), taken(ANA, ROOM_A, at("09:10"), at("09:40"))]
    merged = [taken(ANA, None, at("08:00"), at("09:40")), taken(None, ROOM_A, at("08:00"), at("09:40"))]
    offers = [find_offer(make_search(), MORNING, [], busy) for busy in (apart, merged)]
    assert clocks(offers[0]) == clocks(offers[1]) == ["09:45", "10:00"]
    assert reasons(offers[0]) == reasons(offers[1])


def test_other_practitioners_appointments_and_rooms_do_not_matter():
    offer = find_offer(make_search(), MORNING, [], [taken(BEN, 99, at("00:00"), at("23:00"))])
    assert len(list(offer)) == 5


@pytest.mark.parametrize(("absent", "reason"), [(None, HiddenReason.CLOSED), (ANA, HiddenReason.PRACTITIONER_AWAY)])
def test_no_visit_touches_a_closure_or_time_off_and_its_buffer_may(absent, reason):
    offer = find_offer(make_search(), MORNING, [Absence(absent, at("09:45"), at("10:00"))], [])
    assert clocks(offer) == ["09:00", "09:15", "10:00"]
    assert reasons(offer)["09:30"] == reasons(offer)["09:45"] == reason


def test_somebody_elses_time_off_changes_nothing():
    offer = find_offer(make_search(), MORNING, [Absence(BEN, at("00:00"), at("23:00"))], [])
    assert len(list(offer)) == 5


def test_starts_before_the_lead_time_and_from_the_horizon_on_are_hidden():
    search = make_search(earliest_local=at("09:15"), latest_local=at("09:45"))
    offer = find_offer(search, MORNING, [], [])
    assert clocks(offer) == ["09:15", "09:30"]
    assert reasons(offer) == {
        "09:00": HiddenReason.TOO_LATE_TO_BOOK,
        "09:45": HiddenReason.BEYOND_HORIZON,
        "10:00": HiddenReason.BEYOND_HORIZON,
        "10:15": HiddenReason.BEYOND_HORIZON,
    }


def test_a_lead_time_between_two_starts_leaves_the_later():
    offer = find_offer(make_search(earliest_local=at("09:31")), MORNING, [], [])
    assert clocks(offer) == ["09:45", "10:00"]


def test_shifts_that_touch_are_one_and_shifts_apart_are_not():
    touching = every_day(ANA, "09:00", "09:15") + every_day(ANA, "09:15", "09:45")
    assert clocks(find_offer(make_search(), touching, [], [])) == ["09:00", "09:15"]
    apart = every_day(ANA, "09:00", "09:15") + every_day(ANA, "09:16", "09:45")
    assert clocks(find_offer(make_search(), apart, [], [])) == []


def test_a_shift_past_midnight_belongs_to_the_day_it_begins():
    night = [WeeklyHours(ANA, TUESDAY.weekday(), time(23), time(1), TUESDAY, TUESDAY)]
    search = make_search(last_day=TUESDAY + timedelta(days=7))
    offer = find_offer(search, night, [], [])
    assert [start.starts_local for start in offer.first(4)] == [
        at("23:00"),
        at("23:15"),
        at("23:30"),
        at("23:45"),
    ]
    assert offer.days() == {TUESDAY: 4, TUESDAY + timedelta(days=1): 3}
    wednesday = make_search(first_day=TUESDAY + timedelta(days=1), last_day=TUESDAY + timedelta(days=1))
    assert clocks(find_offer(wednesday, night, [], [])) == ["00:00", "00:15", "00:30"]


def test_closing_at_midnight_is_the_end_of_the_day():
    late = [WeeklyHours(ANA, TUESDAY.weekday(), time(23), time.min)]
    search = make_search(last_day=TUESDAY + timedelta(days=1))
    assert clocks(find_offer(search, late, [], [])) == ["23:00", "23:15", "23:30"]


def test_closing_at_the_hour_of_opening_is_a_whole_day():
    whole_day = [WeeklyHours(ANA, TUESDAY.weekday(), time(6), time(6))]
    offer = find_offer(make_search(last_day=TUESDAY + timedelta(days=1), grid_minutes=60), whole_day, [], [])
    assert offer.days() == {TUESDAY: 18, TUESDAY + timedelta(days=1): 6}


def test_a_visit_on_the_last_day_may_run_into_a_shift_of_the_day_after():
    wednesday = TUESDAY + timedelta(days=1)
    hours = [
        WeeklyHours(ANA, TUESDAY.weekday(), time(23), time.min),
        WeeklyHours(ANA, wednesday.weekday(), time.min, time(1)),
    ]
    assert clocks(find_offer(make_search(), hours, [], [])) == ["23:00", "23:15", "23:30", "23:45"]


def test_an_appointment_of_the_evening_before_may_forbid_the_first_start_alone():
    yesterday = TUESDAY - timedelta(days=1)
    busy = [taken(ANA, ROOM_A, at("23:00", yesterday), at("00:05"))]
    offer = find_offer(make_search(), every_day(ANA, "00:00", "01:00"), [], busy)
    assert clocks(offer) == ["00:15", "00:30"]


@pytest.mark.parametrize(
    ("valid_from", "valid_until", "tuesdays"),
    [
        (None, None, [1, 8, 15]),
        (date(2026, 12, 8), None, [8, 15]),
        (date(2026, 12, 9), None, [15]),
        (None, date(2026, 12, 8), [1, 8]),
        (None, date(2026, 12, 7), [1]),
        (date(2026, 12, 2), date(2026, 12, 7), []),
        (date(2027, 1, 1), None, []),
        (None, date(2026, 1, 1), []),
    ],
)
def test_working_hours_are_valid_from_and_until_a_day_both_included(valid_from, valid_until, tuesdays):
    hours = [WeeklyHours(ANA, TUESDAY.weekday(), time(9), time(10), valid_from, valid_until)]
    offer = find_offer(make_search(last_day=date(2026, 12, 20)), hours, [], [])
    assert [day.day for day in offer.days()] == tuesdays


def test_equal_starts_come_in_the_order_of_the_search():
    hours = MORNING + every_day(BEN, "09:15", "09:45")
    offer = find_offer(make_search(practitioners=(BEN, ANA)), hours, [], [])
    assert offer.first(3) == [(at("09:00"), ANA), (at("09:15"), BEN), (at("09:15"), ANA)]
    assert offer.days() == {TUESDAY: 5}  # distinct starts
    assert offer.of_day(TUESDAY) == list(offer)
    assert offer.of_day(date(2026, 12, 2)) == []


def test_no_visit_touches_a_wall_clock_hour_that_is_skipped_or_doubled():
    sunday = date(2027, 3, 14)
    change = TimeSlot(at("02:00", sunday), at("03:00", sunday))
    search = make_search(first_day=sunday, last_day=sunday)
    offer = find_offer(search, every_day(ANA, "01:00", "04:00"), [], [], [change])
    assert clocks(offer) == ["01:00", "01:15", "01:30", "03:00", "03:15", "03:30"]
    assert reasons(offer)["01:45"] == reasons(offer)["02:45"] == HiddenReason.CLOCK_CHANGE


def test_for_a_patient_the_ends_of_a_spacing_range_are_allowed_and_their_own_visits_are_left_out():
    offer = find_offer(make_search(), MORNING, [], [])
    patients = offer.for_patient(too_soon=[OpenRange(at("09:00"), at("09:30"))], visits=[])
    assert clocks(patients) == ["09:00", "09:30", "09:45", "10:00"]
    assert patients.why_hidden(at("09:15"), ANA) == HiddenReason.TOO_SOON
    busy = offer.for_patient(too_soon=[], visits=[TimeSlot(at("09:30"), at("09:45"))])
    assert clocks(busy) == ["09:00", "09:45", "10:00"]
    assert busy.why_hidden(at("09:15"), ANA) == HiddenReason.PATIENT_BUSY
    assert len(list(offer)) == 5  # the offer to anybody is as it was


def test_why_a_start_is_hidden_and_none_for_one_on_offer():
    offer = find_offer(make_search(), MORNING, [], [taken(ANA, ROOM_A, at("10:00"), at("10:30"))])
    assert offer.why_hidden(at("09:00"), ANA) is None
    assert offer.why_hidden(at("09:30"), ANA) == HiddenReason.PRACTITIONER_BUSY
    assert offer.why_hidden(at("09:07"), ANA) == HiddenReason.OFF_GRID
    assert offer.why_hidden(at("08:45"), ANA) == HiddenReason.OUTSIDE_HOURS
    assert offer.why_hidden(at("09:00"), BEN) == HiddenReason.OUTSIDE_HOURS
    assert offer.why_hidden(at("09:00", date(2026, 12, 2)), ANA) == HiddenReason.OUTSIDE_HOURS


def test_an_empty_offer_names_first_what_hid_the_starts_that_got_furthest():
    search = make_search()
    assert find_offer(search, [], [], []).why_empty() == [HiddenReason.OUTSIDE_HOURS]
    closed = find_offer(search, MORNING, [Absence(None, at("00:00"), at("23:59"))], [])
    assert closed.why_empty()[0] == HiddenReason.CLOSED
    full = find_offer(search, MORNING, [], [taken(ANA, ROOM_A, at("09:00"), at("10:30"))])
    assert full.why_empty()[0] == HiddenReason.PRACTITIONER_BUSY
    half_full = find_offer(search, MORNING, [], [taken(ANA, ROOM_A, at("09:00"), at("10:00"))])
    too_soon = half_full.for_patient(too_soon=[OpenRange(at("00:00"), at("12:00"))], visits=[])
    assert too_soon.why_empty() == [
        HiddenReason.TOO_SOON,
        HiddenReason.PRACTITIONER_BUSY,
        HiddenReason.OUTSIDE_HOURS,
    ]
    assert half_full.why_empty() == []


@pytest.mark.parametrize(
    "wrong",
    [{"last_day": date(2026, 11, 30)}, {"minutes": 0}, {"buffer_minutes": -1}, {"grid_minutes": 25}],
)
def test_a_search_that_makes_no_sense_is_refused(wrong):
    with pytest.raises(ValueError, match=r"must|need"):
        make_search(**wrong)


# --- against the slow model ---

DAYS = [TUESDAY + timedelta(days=number) for number in range(-1, 4)]
USUAL_HOURS = every_day(ANA, "08:00", "12:00") + every_day(BEN, "10:00", "14:30") + every_day(3, "22:00", "03:00")
clock_times = st.builds(lambda minute: (datetime.min + timedelta(minutes=minute)).time(), st.integers(0, 1439))
moments = st.builds(datetime.combine, st.sampled_from(DAYS), clock_times)
people = st.sampled_from([ANA, BEN, 3])


@st.composite
def intervals(draw: st.DrawFn, longest: int = 900) -> tuple[datetime, datetime]:
    start = draw(moments)
    return start, start + timedelta(minutes=draw(st.integers(1, longest)))


searches = st.builds(
    lambda first, days, earliest, latest, **rest: make_search(
        first_day=first,
        last_day=first + timedelta(days=days),
        earliest_local=earliest,
        latest_local=latest,
        **rest,
    ),
    first=st.sampled_from(DAYS[1:3]),
    days=st.integers(0, 1),
    earliest=st.just(datetime(2026, 1, 1)) | st.just(datetime(2026, 1, 1)) | moments,
    latest=st.just(datetime(2028, 1, 1)) | st.just(datetime(2028, 1, 1)) | moments,
    minutes=st.sampled_from([30, 5, 20, 60, 150]),
    buffer_minutes=st.sampled_from([0, 7, 15]),
    practitioners=st.sampled_from([(ANA,), (BEN, ANA), (3, ANA, BEN)]),
    rooms=st.sampled_from([(ROOM_A,), (ROOM_B, ROOM_A)]),
    grid_minutes=st.sampled_from([15, 5, 60]),
)
hours_rows = st.lists(
    st.builds(
        WeeklyHours,
        people,
        st.integers(0, 6),
        clock_times,
        clock_times | st.just(time.min),
        st.none() | st.sampled_from(DAYS),
        st.none() | st.sampled_from(DAYS),
    ),
    max_size=8,
).map(lambda rows: USUAL_HOURS + rows)
absence_rows = st.lists(
    st.builds(lambda who, part: Absence(who, *part), st.none() | people, intervals()),
    max_size=3,
)
busy_rows = st.lists(
    st.builds(
        lambda who, room, minutes, starts: Busy(who, room, minutes, [wall_minute(start) for start in starts]),
        people | st.none(),
        st.sampled_from([None, ROOM_A, ROOM_A, ROOM_B, 13]),
        st.integers(1, 200),
        st.lists(moments, min_size=1, max_size=3),
    ),
    min_size=2,
    max_size=9,
)
slots = st.lists(st.builds(lambda part: TimeSlot(*part), intervals(longest=400)), max_size=3)
ranges = st.lists(st.builds(lambda part: OpenRange(*part), intervals()), max_size=2)


@settings(max_examples=150, deadline=None)
@given(searches, hours_rows, absence_rows, busy_rows, slots, ranges, slots)
def test_the_offer_is_what_asking_about_every_start_one_by_one_gives(
    search, hours, absences, busy, clock_changes, too_soon, visits
):
    offer = find_offer(search, hours, absences, busy, clock_changes)
    offer = offer.for_patient(too_soon=too_soon, visits=visits)
    shifts = {person: shifts_by_hand(hours, person) for person in search.practitioners}
    answers = {
        (start, practitioner): reason_by_hand(
            search, shifts, absences, busy, clock_changes, too_soon, visits, start, practitioner
        )
        for start in starts_by_hand(search)
        for practitioner in search.practitioners
        if any(opens <= start < closes for opens, closes in shifts[practitioner])
    }
    offered = [OfferedStart(*key) for key, reason in answers.items() if reason is None]
    assert list(offer) == offered
    assert offer.first(3) == offered[:3]
    assert bool(offer) == bool(offered)
    assert list(offer.hidden()) == [(*key, reason) for key, reason in answers.items() if reason]
    assert all(offer.why_hidden(*key) == reason for key, reason in answers.items())
    days = {day: {start.starts_local for start in offered if start.starts_local.date() == day} for day in DAYS}
    assert offer.days() == {day: len(starts) for day, starts in days.items() if starts}
    assert all(offer.of_day(day) == [start for start in offered if start.starts_local.date() == day] for day in DAYS)
    each_once = {start.starts_local: start for start in reversed(offered)}.values()
    for wanted in (search.earliest_local, datetime.combine(TUESDAY, time(11, 7)), search.latest_local):
        nearest = sorted(each_once, key=lambda start: (abs(start.starts_local - wanted), start))[:3]
        assert offer.nearest(wanted, 3) == tuple(sorted(nearest))
    for start in offered:
        assert offer.free_rooms(start.starts_local) == rooms_by_hand(search, busy, start.starts_local)


def starts_by_hand(search: SlotSearch) -> Iterator[datetime]:
    start = datetime.combine(search.first_day, time.min)
    while start.date() <= search.last_day:
        yield start
        start += timedelta(minutes=search.grid_minutes)


def shifts_by_hand(hours: list[WeeklyHours], practitioner: int) -> list[tuple[datetime, datetime]]:
    shifts = []
    for row in hours:
        for day in [*DAYS, DAYS[-1] + timedelta(days=1)]:
            if row.practitioner_id != practitioner or row.weekday != day.weekday():
                continue
            if (row.valid_from and day < row.valid_from) or (row.valid_until and day > row.valid_until):
                continue
            closing_day = day + timedelta(days=row.closes <= row.opens)
            shifts.append((datetime.combine(day, row.opens), datetime.combine(closing_day, row.closes)))
    return shifts


def rooms_by_hand(search: SlotSearch, busy: list[Busy], start: datetime) -> list[int]:
    end = start + timedelta(minutes=search.minutes + search.buffer_minutes)
    taken_rooms = {row.room_id for row in busy if any(slot.overlaps(TimeSlot(start, end)) for slot in slots_of(row))}
    return [room for room in search.rooms if room not in taken_rooms]


def reason_by_hand(
    search, shifts, absences, busy, clock_changes, too_soon, visits, start, practitioner
) -> HiddenReason | None:
    visit = TimeSlot(start, start + timedelta(minutes=search.minutes))
    with_buffer = TimeSlot(start, visit.end + timedelta(minutes=search.buffer_minutes))
    near = [shift for shift in shifts[practitioner] if shift[0] < visit.end and start < shift[1]]
    worked = all(
        any(opens <= start + timedelta(minutes=minute) < closes for opens, closes in near)
        for minute in range(search.minutes)
    )

    def absent(who: int | None) -> bool:
        return any(
            row.practitioner_id == who and visit.overlaps(TimeSlot(row.start_local, row.end_local)) for row in absences
        )

    checks = [
        (start < search.earliest_local, HiddenReason.TOO_LATE_TO_BOOK),
        (start >= search.latest_local, HiddenReason.BEYOND_HORIZON),
        (not worked, HiddenReason.OUTSIDE_HOURS),
        (absent(None), HiddenReason.CLOSED),
        (absent(practitioner), HiddenReason.PRACTITIONER_AWAY),
        (any(visit.overlaps(change) for change in clock_changes), HiddenReason.CLOCK_CHANGE),
        (
            any(
                row.practitioner_id == practitioner and with_buffer.overlaps(slot)
                for row in busy
                for slot in slots_of(row)
            ),
            HiddenReason.PRACTITIONER_BUSY,
        ),
        (not rooms_by_hand(search, busy, start), HiddenReason.NO_ROOM),
        (any(after < start < before for after, before in too_soon), HiddenReason.TOO_SOON),
        (any(visit.overlaps(own) for own in visits), HiddenReason.PATIENT_BUSY),
    ]
    return next((reason for hides, reason in checks if hides), None)
