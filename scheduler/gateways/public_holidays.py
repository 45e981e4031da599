"""Public holidays of a Canadian province or territory; the only importer of the holidays library.

Which is imported when somebody asks for holidays, once or twice a year: it takes 11 MB.
"""

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class PublicHoliday:
    day: date
    name: str


def between(first: date, last: date, *, province: str, language: str) -> list[PublicHoliday]:
    """In order of time, both days included; days off in lieu as well."""
    import holidays

    found = holidays.country_holidays(
        "CA", subdiv=province, years=range(first.year, last.year + 1), language="fr" if language == "fr" else "en_CA"
    )
    return [PublicHoliday(day, name) for day, name in sorted(found.items()) if first <= day <= last]
