"""Days and times as a person says them: "Tuesday 8 December", "5:30 pm"; "mardi 8 décembre", "17 h 30".

Always of the clinic's wall clock and always rendered here: phones have stale zone files too.
"""

from datetime import date, datetime, time

from babel.dates import format_date, get_day_names
from flask_babel import get_locale

NBSP = "\u00a0"


def day_words(day: date) -> str:
    """ "Tuesday 8 December", "mardi 1er décembre"; takes a date or a datetime."""
    return _spoken(day, "EEEE d MMMM")


def weekday_name(day: date) -> str:
    """ "Monday", "lundi"."""
    return _spoken(day, "EEEE")


def day_with_year_words(day: date) -> str:
    """ "14 March 1986"; for birth dates."""
    return _spoken(day, "d MMMM y")


def day_and_year_words(day: date, today: date) -> str:
    """ "Sunday 15 November"; "Sunday 15 November 2025" in another year."""
    return day_words(day) if day.year == today.year else _spoken(day, "EEEE d MMMM y")


def month_words(day: date) -> str:
    """ "November 2026", "novembre 2026"."""
    return _spoken(day, "MMMM y")


def time_words(moment: time | datetime) -> str:
    """ "5:30 pm", "17 h 30"; French full hours are "17 h"."""
    if _language() == "fr":
        return f"{moment.hour}{NBSP}h" + (f"{NBSP}{moment.minute:02}" if moment.minute else "")
    return f"{moment.hour % 12 or 12}:{moment.minute:02} {'am' if moment.hour < 12 else 'pm'}"


def day_and_time_words(local: datetime) -> str:
    """ "Tuesday 8 December, 5:30 pm"; "mardi 8 décembre à 17 h 30"."""
    joint = " à " if _language() == "fr" else ", "
    return f"{day_words(local)}{joint}{time_words(local)}"


def from_words(moment: datetime) -> str:
    """The day alone where it is allowed from its midnight on."""
    return day_words(moment) if moment.time() == time.min else day_and_time_words(moment)


def weekday_words() -> list[str]:
    """From Monday on."""
    names = get_day_names("wide", locale=_language())
    return [names[weekday] for weekday in range(7)]


def _spoken(day: date, pattern: str) -> str:
    words = format_date(day, pattern, locale=_language())
    return words.replace("1 ", "1er ", 1) if _language() == "fr" and day.day == 1 else words


def _language() -> str:
    locale = get_locale()
    return locale.language if locale is not None and locale.language == "fr" else "en"
