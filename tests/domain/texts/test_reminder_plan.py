from datetime import datetime, time, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scheduler.domain.texts.reminder_plan import next_allowed_send, plan_cancellation, plan_reminders

BOOKED = datetime(2026, 12, 1, 12)


def plan(starts: datetime, now: datetime = BOOKED, **settings: object) -> dict[str, datetime]:
    planned = plan_reminders(starts_local=starts, now_local=now, **settings)
    return {reminder.kind: reminder.due_local for reminder in planned}


def test_a_confirmation_after_the_grace_and_reminders_three_days_and_one_day_before():
    assert plan(datetime(2026, 12, 10, 14, 30)) == {
        "confirmation": datetime(2026, 12, 1, 12, 3),
        "days_before_3": datetime(2026, 12, 7, 14, 30),
        "days_before_1": datetime(2026, 12, 9, 14, 30),
    }


@pytest.mark.parametrize(
    ("visit", "due"),
    [
        ("07:59", "08 20:30"),
        ("08:00", "09 08:00"),
        ("20:59", "09 20:59"),
        ("21:00", "09 20:30"),
        ("23:59", "09 20:30"),
        ("00:00", "08 20:30"),
    ],
)
def test_a_reminder_due_at_night_goes_out_the_evening_before(visit, due):
    starts = datetime.combine(datetime(2026, 12, 10), time.fromisoformat(visit))
    assert f"{plan(starts)['days_before_1']:%d %H:%M}" == due


@pytest.mark.parametrize(
    ("ahead", "kinds"),
    [
        (timedelta(days=3, minutes=1), ["confirmation", "days_before_3", "days_before_1"]),
        (timedelta(days=3), ["confirmation", "days_before_1"]),
        (timedelta(days=1, minutes=1), ["days_before_1", "confirmation"]),
        (timedelta(days=1), ["confirmation"]),
        (timedelta(minutes=4), ["confirmation"]),
        (timedelta(minutes=3), []),
    ],
)
def test_nothing_is_planned_for_a_time_already_past_nor_once_the_visit_has_begun(ahead, kinds):
    assert sorted(plan(BOOKED + ahead)) == sorted(kinds)


def test_the_evening_before_may_be_past_when_the_reminders_own_time_is_not():
    booked_at_night = datetime(2026, 12, 8, 22)
    assert list(plan(datetime(2026, 12, 10, 7), booked_at_night)) == ["confirmation"]


def test_a_confirmation_comes_at_night_too():
    assert plan(datetime(2026, 12, 10, 10), datetime(2026, 12, 1, 23, 58))["confirmation"] == datetime(
        2026, 12, 2, 0, 1
    )


def test_lead_days_grace_and_night_are_settings():
    planned = plan(
        datetime(2026, 12, 10, 0, 30),
        lead_days=(2,),
        grace_minutes=10,
        quiet_from=time(0),
        quiet_until=time(6),
    )
    assert planned == {
        "confirmation": datetime(2026, 12, 1, 12, 10),
        "days_before_2": datetime(2026, 12, 7, 23, 30),
    }


def test_equal_settings_mean_no_night():
    planned = plan(datetime(2026, 12, 10, 3), quiet_from=time(8), quiet_until=time(8))
    assert planned["days_before_1"] == datetime(2026, 12, 9, 3)


@pytest.mark.parametrize(
    ("found", "send"),
    [
        (datetime(2026, 12, 1, 20, 59), datetime(2026, 12, 1, 20, 59)),
        (datetime(2026, 12, 1, 21), datetime(2026, 12, 2, 8)),
        (datetime(2026, 12, 2, 7, 59), datetime(2026, 12, 2, 8)),
        (datetime(2026, 12, 2, 8), datetime(2026, 12, 2, 8)),
    ],
)
def test_a_reminder_found_overdue_at_night_waits_for_the_morning(found, send):
    assert next_allowed_send(found) == send


moments = st.datetimes(datetime(2026, 1, 1), datetime(2029, 1, 1))


@given(moments, moments)
def test_reminders_lie_between_now_and_the_visit_and_never_in_the_night(starts, now):
    planned = plan(starts, now)
    assert list(planned.values()) == sorted(planned.values())
    for kind, due in planned.items():
        assert now < due < starts
        if kind != "confirmation":
            assert time(8) <= due.time() < time(21)
            days = int(kind.removeprefix("days_before_"))
            assert timedelta(0) <= starts - due - timedelta(days=days) < timedelta(hours=12)


@pytest.mark.parametrize(
    ("now", "visit", "due"),
    [
        ("01 12:00", "10 14:30", "01 12:03"),
        ("01 12:00", "01 12:04", "01 12:03"),
        ("01 12:00", "01 12:03", None),  # it begins within the grace: the patient is there
        ("01 12:00", "01 11:00", None),
        ("01 20:57", "02 14:30", "02 08:00"),
        ("01 22:00", "02 10:00", "02 08:00"),
        ("01 22:00", "02 09:59", "01 22:03"),  # in the morning it would meet the patient on the way
        ("02 07:30", "02 09:00", "02 07:33"),
    ],
)
def test_a_cancellation_is_told_after_the_grace_and_by_day_if_that_is_in_time(now, visit, due):
    def moment(text: str) -> datetime:
        return datetime.strptime(f"2026-12-{text}", "%Y-%m-%d %H:%M")

    planned = plan_cancellation(starts_local=moment(visit), now_local=moment(now))
    assert (planned and planned.due_local) == (due and moment(due))
