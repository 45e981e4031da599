"""From when a record may be blanked."""

from datetime import date

import pytest

from scheduler.domain.patients.retention import kept_until


@pytest.mark.parametrize(
    ("last_on", "birth_date", "until"),
    [
        (date(2016, 11, 30), None, date(2026, 11, 30)),
        (date(2016, 11, 30), date(1986, 3, 14), date(2026, 11, 30)),
        (date(2016, 11, 30), date(2004, 3, 14), date(2032, 3, 14)),
        (date(2016, 11, 30), date(1998, 11, 30), date(2026, 11, 30)),
        (date(2016, 2, 29), None, date(2026, 3, 1)),
        (date(2012, 5, 1), date(2008, 2, 29), date(2036, 3, 1)),
    ],
)
def test_ten_years_after_the_last_entry_or_the_18th_birthday(
    last_on: date, birth_date: date | None, until: date
) -> None:
    assert kept_until(last_on, birth_date, 10) == until
