from datetime import datetime

import pytest

from scheduler.domain.timeslot import TimeSlot

TEN = datetime(2026, 12, 1, 10)


def slot(start: int, end: int) -> TimeSlot:
    return TimeSlot(TEN.replace(hour=start), TEN.replace(hour=end))


@pytest.mark.parametrize(
    ("other", "overlaps"),
    [
        (slot(8, 9), False),
        (slot(9, 10), False),
        (slot(9, 11), True),
        (slot(10, 12), True),
        (slot(11, 12), True),
        (slot(9, 14), True),
        (slot(12, 13), False),
    ],
)
def test_slots_that_touch_do_not_overlap(other, overlaps):
    assert slot(10, 12).overlaps(other) is overlaps
    assert other.overlaps(slot(10, 12)) is overlaps


@pytest.mark.parametrize(("hour", "inside"), [(9, False), (10, True), (11, True), (12, False)])
def test_a_slot_contains_its_start_and_not_its_end(hour, inside):
    assert slot(10, 12).contains(TEN.replace(hour=hour)) is inside


@pytest.mark.parametrize("end", [9, 10])
def test_a_slot_ends_after_it_starts(end):
    with pytest.raises(ValueError, match="must end after it starts"):
        slot(10, end)
