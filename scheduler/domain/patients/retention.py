"""For how long a patient's record is kept, and from when it may be blanked."""

from datetime import date

ADULT_AT = 18


def kept_until(last_on: date, birth_date: date | None, years: int) -> date:
    """The first day on which the record may be blanked: `years` after the last visit or entry, and for somebody who was
    under 18 then `years` after the 18th birthday."""
    counted_from = last_on
    if birth_date is not None:
        counted_from = max(last_on, years_later(birth_date, ADULT_AT))
    return years_later(counted_from, years)


def years_later(day: date, years: int) -> date:
    """29 February becomes 1 March where there is none: never a day too early."""
    try:
        return day.replace(year=day.year + years)
    except ValueError:
        return date(day.year + years, 3, 1)
