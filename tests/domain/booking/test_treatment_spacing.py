"""Seven days, on the wall clock, both ways."""

from datetime import date, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.booking.treatment_spacing import (
    IMS_MIN_DAYS,
    CountingVisit,
    TreatmentTooSoon,
    earliest_allowed,
    end_of_day,
    forbidden,
    last_before,
    latest_allowed_before,
    require_min_days,
    require_spacing,
)
from scheduler.domain.errors import Invalid

WEEK = timedelta(days=7)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
MICROSECOND = timedelta(microseconds=1)
MONDAY_TEN = datetime(2026, 11, 30, 10)


def is_allowed(wanted: datetime, *taken: datetime, min_days: int = IMS_MIN_DAYS) -> bool:
    try:
        require_spacing(wanted, [CountingVisit(moment) for moment in taken], min_days=min_days)
    except TreatmentTooSoon:
        return False
    return True


@pytest.mark.parametrize(
    ("apart", "allowed"),
    [
        (-WEEK - MINUTE, True),
        (-WEEK, True),
        (-WEEK + MICROSECOND, False),
        (-WEEK + MINUTE, False),
        (-MINUTE, False),
        (timedelta(0), False),
        (MINUTE, False),
        (WEEK - MINUTE, False),
        (WEEK - MICROSECOND, False),
        (WEEK, True),
        (WEEK + MINUTE, True),
    ],
)
@pytest.mark.parametrize(
    "visit",
    [
        pytest.param(MONDAY_TEN, id="an ordinary Monday"),
        pytest.param(datetime(2027, 3, 8, 10), id="Toronto springs forward on 14 March 2027"),
        pytest.param(datetime(2027, 3, 14, 1, 30), id="half an hour before it does"),
        pytest.param(datetime(2026, 10, 26, 10), id="Toronto falls back on 1 November 2026"),
        pytest.param(datetime(2026, 11, 1, 0, 45), id="just before it does"),
        pytest.param(datetime(2026, 10, 28, 10), id="Vancouver no longer falls back"),
        pytest.param(datetime(2028, 2, 26, 10), id="over a leap day"),
        pytest.param(datetime(2028, 2, 29, 10), id="on a leap day"),
        pytest.param(datetime(2026, 12, 28, 10), id="over the year's end"),
    ],
)
def test_exactly_a_week_is_allowed_and_less_is_not_before_and_after(visit, apart, allowed):
    assert is_allowed(visit + apart, visit) is allowed


def test_a_refusal_carries_what_clashed_and_the_nearest_allowed_starts():
    visits = [CountingVisit(MONDAY_TEN), CountingVisit(MONDAY_TEN + 10 * DAY)]
    with pytest.raises(TreatmentTooSoon) as refused:
        require_spacing(MONDAY_TEN + 6 * DAY, visits, min_days=7)
    assert refused.value.clash == visits[1]
    assert refused.value.wanted_local == MONDAY_TEN + 6 * DAY
    assert refused.value.earliest == MONDAY_TEN + 17 * DAY  # day 7 to day 10 is too near to the later visit
    assert refused.value.latest_before == MONDAY_TEN - WEEK
    assert refused.value.min_days == 7
    assert isinstance(refused.value, BookingRefused)
    assert refused.value.code == "treatment-too-soon"
    assert refused.value.alternatives == ()


@pytest.mark.parametrize(("now", "latest"), [(-WEEK - MINUTE, -WEEK), (-WEEK, None), (DAY, None)])
def test_a_refusal_names_no_earlier_start_that_is_past(now, latest):
    with pytest.raises(TreatmentTooSoon) as refused:
        require_spacing(MONDAY_TEN + DAY, [CountingVisit(MONDAY_TEN)], min_days=7, now_local=MONDAY_TEN + now)
    assert refused.value.latest_before == (None if latest is None else MONDAY_TEN + latest)


def test_the_moment_between_two_visits_a_fortnight_apart_is_allowed():
    visits = [MONDAY_TEN, MONDAY_TEN + 2 * WEEK]
    assert is_allowed(MONDAY_TEN + WEEK, *visits)
    assert not is_allowed(MONDAY_TEN + WEEK + MINUTE, *visits)
    assert len(forbidden([CountingVisit(visit) for visit in visits], min_days=7)) == 2


def test_another_group_may_ask_for_90_days():
    assert is_allowed(MONDAY_TEN + 90 * DAY, MONDAY_TEN, min_days=90)
    assert not is_allowed(MONDAY_TEN + 90 * DAY - MINUTE, MONDAY_TEN, min_days=90)
    assert is_allowed(MONDAY_TEN - 90 * DAY, MONDAY_TEN, min_days=90)
    assert not is_allowed(MONDAY_TEN - 90 * DAY + MINUTE, MONDAY_TEN, min_days=90)


def test_a_visit_elsewhere_at_an_unknown_time_counts_from_the_end_of_its_day():
    elsewhere = CountingVisit(end_of_day(date(2026, 11, 30)), elsewhere=True, time_known=False)
    assert elsewhere.starts_local == datetime(2026, 12, 1)
    assert elsewhere.day == date(2026, 11, 30)
    assert earliest_allowed(MONDAY_TEN + DAY, [elsewhere], min_days=7) == datetime(2026, 12, 8)


def test_the_earliest_is_a_time_that_the_clock_shows_and_that_is_allowed():
    """The clocks skip 02:00 to 03:00; the hour after is too near the next visit."""
    change = datetime(2026, 3, 8, 2)

    def on_clock(moment: datetime) -> datetime:
        return change + timedelta(hours=1) if change <= moment < change + timedelta(hours=1) else moment

    before = CountingVisit(change + 15 * MINUTE - WEEK)
    assert earliest_allowed(change - DAY, [before], min_days=7, on_clock=on_clock) == change + timedelta(hours=1)
    after = CountingVisit(change + 30 * MINUTE + WEEK)
    found = earliest_allowed(change - DAY, [before, after], min_days=7, on_clock=on_clock)
    assert found == after.starts_local + WEEK
    assert last_before(found, [before, after], min_days=7) == after
    assert last_before(change, [before, after], min_days=7) is None


def test_a_visit_at_a_known_time_is_on_its_own_day():
    assert CountingVisit(datetime(2026, 12, 1), elsewhere=True).day == date(2026, 12, 1)


@pytest.mark.parametrize(("group", "min_days"), [("ims", 7), ("ims", 14), ("botox", 1), ("botox", 90)])
def test_a_group_may_have_more_days(group, min_days):
    assert require_min_days(group, min_days) == min_days


@pytest.mark.parametrize(("group", "min_days"), [("ims", 6), ("ims", 0), ("ims", -7), ("botox", 0)])
def test_ims_never_has_less_than_seven_days_and_no_group_less_than_one(group, min_days):
    with pytest.raises(Invalid) as refused:
        require_min_days(group, min_days)
    assert list(refused.value.errors) == ["min_days"]


# Five weeks in steps of six hours and a minute either side: many exact weeks, many near misses.
moments = st.builds(
    lambda quarter, minute: MONDAY_TEN + timedelta(hours=6 * quarter, minutes=minute),
    st.integers(0, 4 * 35),
    st.sampled_from([0, 0, -1, 1]),
)
spacings = st.sampled_from([1, 7, 9])


@given(st.lists(moments, max_size=25), spacings)
def test_accepted_in_any_order_no_two_are_too_near_and_nothing_allowed_is_refused(wanted, min_days):
    accepted: list[CountingVisit] = []
    for moment in wanted:
        far_enough = all(abs(visit.starts_local - moment) >= min_days * DAY for visit in accepted)
        try:
            require_spacing(moment, accepted, min_days=min_days)
        except TreatmentTooSoon as refused:
            assert not far_enough
            assert abs(refused.clash.starts_local - moment) < min_days * DAY
        else:
            assert far_enough
            accepted.append(CountingVisit(moment))


@given(st.lists(moments, max_size=8), moments, spacings)
def test_the_earliest_and_the_latest_are_allowed_and_nothing_nearer_is(taken, wanted, min_days):
    visits = [CountingVisit(moment) for moment in taken]
    earliest = earliest_allowed(wanted, visits, min_days=min_days)
    latest = latest_allowed_before(wanted, visits, min_days=min_days)
    assert latest <= wanted <= earliest
    assert is_allowed(earliest, *taken, min_days=min_days)
    assert is_allowed(latest, *taken, min_days=min_days)
    step = timedelta(minutes=1)
    between = latest + step
    while between < earliest:
        assert not is_allowed(between, *taken, min_days=min_days)
        between += step * 53


@given(st.lists(moments, max_size=8), moments, spacings)
def test_forbidden_ranges_are_merged_open_and_say_the_same_as_the_rule(taken, wanted, min_days):
    ranges = forbidden([CountingVisit(moment) for moment in taken], min_days=min_days)
    inside = any(after < wanted < before for after, before in ranges)
    assert inside is not is_allowed(wanted, *taken, min_days=min_days)
    assert all(one.before <= next_one.after for one, next_one in pairwise(ranges))
