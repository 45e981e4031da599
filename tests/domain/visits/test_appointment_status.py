import pytest

from scheduler.domain.visits import appointment_status
from scheduler.domain.visits.appointment_status import (
    ACTIVE,
    AppointmentStatus,
    StatusRefused,
    can_change,
    require_change,
)


@pytest.mark.parametrize(
    ("from_status", "to_status"),
    [
        ("held", "booked"),
        ("held", "expired"),
        ("booked", "confirmed"),
        ("booked", "arrived"),
        ("confirmed", "arrived"),
        ("arrived", "completed"),
        ("booked", "cancelled"),
        ("confirmed", "no_show"),
        ("cancelled", "booked"),
        ("no_show", "arrived"),
    ],
)
def test_ordinary_changes_and_their_undoing_are_allowed(from_status, to_status):
    assert require_change(AppointmentStatus(from_status), AppointmentStatus(to_status)) == to_status


@pytest.mark.parametrize(
    ("from_status", "to_status"),
    [
        ("held", "completed"),
        ("held", "no_show"),
        ("booked", "held"),
        ("booked", "booked"),
        ("booked", "expired"),
        ("completed", "booked"),
        ("completed", "cancelled"),  # a visit that took place counts for the seven days
        ("cancelled", "arrived"),
        ("cancelled", "cancelled"),
        ("expired", "booked"),
    ],
)
def test_other_changes_are_refused_with_both_statuses(from_status, to_status):
    with pytest.raises(StatusRefused) as refused:
        require_change(AppointmentStatus(from_status), AppointmentStatus(to_status))
    assert (refused.value.from_status, refused.value.to_status) == (from_status, to_status)


def test_only_active_appointments_occupy_time():
    assert set(AppointmentStatus) - ACTIVE == {"cancelled", "no_show", "expired"}


def test_the_documented_table_is_the_one_obeyed():
    rows = [
        [cell.strip() for cell in line.split("|")[1:3]]
        for line in (appointment_status.__doc__ or "").splitlines()
        if line.startswith("|")
    ][2:]
    documented = {status: set(after.split(", ")) - {"(nothing)"} for status, after in rows}
    assert documented == {
        before: {after for after in AppointmentStatus if can_change(before, after)} for before in AppointmentStatus
    }
