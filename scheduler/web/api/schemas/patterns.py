"""Regular expressions that say in OpenAPI exactly what is taken, in the words that Python and JSON Schema share."""

from calendar import isleap
from datetime import date, timedelta

ID = "^[A-Za-z0-9_-]+$"
"""Of unguessable ids and of slugs. What has this shape and is not known is not found; anything else is invalid."""

KEPT_TEXT = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f\x7f]*$"
TIME_OF_DAY = "^([01][0-9]|2[0-3]):[0-5][0-9]$"

_MONTHS = {28: "02", 30: "(0[469]|11)", 31: "(0[13578]|1[02])"}
_DAYS = {28: "(0[1-9]|1[0-9]|2[0-8])", 30: "(0[1-9]|[12][0-9]|30)", 31: "(0[1-9]|[12][0-9]|3[01])"}
_ANY_DAY = "|".join(f"{_MONTHS[days]}-{_DAYS[days]}" for days in _MONTHS)


def days(first_year: int, last: date) -> str:
    """Every day from New Year of `first_year` to `last`, at least five years later, and nothing else."""
    years = range(first_year, last.year)
    alternatives = [
        f"({'|'.join(str(year) for year in years)})-({_ANY_DAY})",
        f"({'|'.join(str(year) for year in years if isleap(year))})-02-29",
        *(f"{month:%Y-%m}-({_up_to(month)})" for month in _month_ends(last)),
    ]
    return f"^({'|'.join(alternatives)})$"


def _month_ends(last: date) -> list[date]:
    """The last days of the year's months before that of `last`, and `last`."""
    firsts = [date(last.year, month, 1) for month in range(2, last.month + 1)]
    return [first - timedelta(days=1) for first in firsts] + [last]


def _up_to(last: date) -> str:
    return "|".join(f"{day:02}" for day in range(1, last.day + 1))
