"""Dates and times as a person says them, in the language of the request, on the clinic's wall clock."""

from datetime import date, datetime, time

from babel.dates import format_date, format_time
from flask_babel import get_locale

DAY = {"en": "EEEE d MMMM", "fr": "EEEE d MMMM"}
TIME = {"en": "h:mm a", "fr": "H 'h' mm"}


def day_words(local: date) -> str:
    """ "Tuesday 8 December", "mardi 8 décembre", "dimanche 1er novembre"; takes a date or a datetime."""
    language = _language()
    words = format_date(local, DAY[language], locale=language)
    return words.replace(" 1 ", " 1er ") if language == "fr" else words


def time_words(local: time | datetime) -> str:
    """ "5:30 pm", "17 h 30"."""
    language = _language()
    words = format_time(local if isinstance(local, time) else local.time(), TIME[language], locale=language)
    return words.lower()


def _language() -> str:
    locale = get_locale()
    return locale.language if locale is not None and locale.language in DAY else "en"
