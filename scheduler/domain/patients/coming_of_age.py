"""Birthdays that change who may see a patient's visits."""

from datetime import date

OF_AGE = 16
"""From this birthday on, only the patient's own press or the desk lets somebody else act for them."""
ADULT = 18
"""Who registers a child, and may act for it."""


def born_before_is(years: int, today: date) -> date:
    """Whoever was born on this day or earlier is `years` old today, or older."""
    try:
        return today.replace(year=today.year - years)
    except ValueError:  # 29 February
        return date(today.year - years, 2, 28)


def is_of(years: int, birth_date: date | None, today: date) -> bool:
    """False when the birth date is not known."""
    return birth_date is not None and birth_date <= born_before_is(years, today)


def birthday(birth_date: date, years: int) -> date:
    """The day on which somebody is that old."""
    try:
        return birth_date.replace(year=birth_date.year + years)
    except ValueError:
        return date(birth_date.year + years, 3, 1)
