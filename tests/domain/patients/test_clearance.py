"""When a clearance for IMS lapses: one table."""

from datetime import date

import pytest

from scheduler.domain.patients.clearance import Clearance, is_cleared, months_after

GIVEN = date(2025, 3, 10)
CASES = [  # given, days of IMS, day of the visit, months → cleared?
    (None, (), GIVEN, 12, False),
    (None, (date(2025, 3, 1),), GIVEN, 12, False),
    (GIVEN, (), GIVEN, 12, True),
    (GIVEN, (), date(2026, 3, 9), 12, True),
    (GIVEN, (), date(2026, 3, 10), 12, False),
    (GIVEN, (date(2025, 9, 1),), date(2026, 8, 31), 12, True),
    (GIVEN, (date(2025, 9, 1),), date(2026, 9, 1), 12, False),
    (GIVEN, (date(2024, 1, 1),), date(2026, 3, 9), 12, True),  # IMS of before it was given again shortens nothing
    (GIVEN, (), date(2025, 6, 9), 3, True),
    (GIVEN, (), date(2025, 6, 10), 3, False),
    (GIVEN, (), date(2027, 3, 9), 24, True),
    (GIVEN, (), date(2027, 3, 10), 24, False),
    # Each IMS carries it on, if it still held on that day; what came later revives nothing.
    (GIVEN, (date(2026, 12, 1), date(2026, 3, 9)), date(2027, 11, 30), 12, True),
    (GIVEN, (date(2026, 3, 10),), date(2026, 3, 17), 12, False),
    (GIVEN, (date(2025, 9, 1), date(2026, 9, 1)), date(2026, 9, 8), 12, False),
]


@pytest.mark.parametrize(("given", "ims", "day", "months", "expected"), CASES)
def test_it_lapses_so_many_months_after_the_last_ims_or_after_it_was_given(
    given: date | None, ims: tuple[date, ...], day: date, months: int, expected: bool
):
    clearance = Clearance(given, ims)
    assert is_cleared(clearance, day, months=months) is expected
    assert clearance.has_lapsed(day, months) is (given is not None and not expected)


@pytest.mark.parametrize(
    ("day", "months", "after"),
    [
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2025, 8, 31), 6, date(2026, 2, 28)),
        (date(2025, 12, 31), 3, date(2026, 3, 31)),
        (date(2025, 1, 31), 24, date(2027, 1, 31)),
    ],
)
def test_months_end_where_the_month_does(day: date, months: int, after: date):
    assert months_after(day, months) == after
