"""What a cell says: dates, times, yes or no, status, language, in English and French."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from functools import lru_cache
from typing import Literal

from scheduler.domain.folding import fold
from scheduler.domain.moving_in.problems import BadValue
from scheduler.domain.patients.search import MONTH_OF

DateOrder = Literal["dmy", "mdy"]

_YEAR_FIRST = re.compile(r"(\d{4})[-/. ](\d{1,2})[-/. ](\d{1,2})$|(\d{4})(\d{2})(\d{2})$")
_YEAR_LAST = re.compile(r"(\d{1,2})[-/. ](\d{1,2})[-/. ](\d{4})$")
_SHORT_YEAR = re.compile(r"\d{1,2}[-/. ]\d{1,2}[-/. ]\d{2}$")
_TIME = re.compile(
    r"(?P<hour>\d{1,2})(?:\s*[:h.]\s*(?P<minute>\d{2})?(?::\d{2}(?:\.\d+)?)?)?\s*(?P<half>[ap])?\.?(?:m\.?)?$"
)
_BARE_TIME = re.compile(r"(\d{2})(\d{2})$")
_START = re.compile(
    r"(?P<day>.*?\d{4}|\d{4}\D\d{1,2}\D\d{1,2}|\d{8})(?:\s*[T,]\s*|\s+(?:at |a )?)(?P<time>\d.*)$", re.IGNORECASE
)
_MIDNIGHT = re.compile(
    r"(?:[ t]|, ?)(?:(?:00|0):00(?::00(?:\.0+)?)?(?: ?(?:z|utc|[+-]\d\d:?\d\d))?|12:00(?::00)? ?a\.? ?m\.?)$"
)
_OFFSET = re.compile(
    r"\d{1,2}:\d{2}(?P<seconds>:\d{2}(?:\.\d+)?)?(?:\s*[ap]\.?m\.?)?\s*"
    r"(?P<offset>Z|UTC|GMT|(?P<sign>[+-])(?P<hours>\d{2})(?P<colon>:?)(?P<minutes>\d{2})?)$",
    re.IGNORECASE,
)
_ISO = re.compile(r"\dT\d", re.IGNORECASE)
_CLOCK = r"\d{1,2}(?:\s*[:h.]\s*(?:\d{2})?(?::\d{2})?)?\s*(?:[ap]\.?\s?m\.?)?"
_SPAN = re.compile(rf"(?P<begins>{_CLOCK})\s*(?:-|‐|–|—|−|to|until|a|jusqu'a)\s*(?P<ends>{_CLOCK})")
_HALF = re.compile(r"([ap])\.?\s?m\.?$")
SHORTEST_MINUTES, LONGEST_MINUTES = 5, 480

_YES = frozenset("yes y true t 1 x oui o vrai v ok".split())
_NO = frozenset("no n false f 0 non faux".split())
_LANGUAGES = {"en": "en", "english": "en", "anglais": "en", "e": "en", "a": "en", "eng": "en"} | {
    "fr": "fr",
    "french": "fr",
    "francais": "fr",
    "f": "fr",
    "fra": "fr",
    "fre": "fr",
}
_STATUS = {
    "completed": "completed complete done arrived attended seen kept show fulfilled checkedout checkedin paid honore honoree"
    " termine terminee completee present presente venu venue effectue effectuee",
    "cancelled": "cancelled canceled cancel latecancel latecancellation annule annulee",
    "no_show": "noshow missed dna didnotattend absent absente nonpresente nepasvenu manque manquee",
    "confirmed": "confirmed confirme confirmee",
    "booked": "booked scheduled planned active pending upcoming prevu prevue planifie planifiee reserve reservee",
}
_STATUS_OF = {word: status for status, words in _STATUS.items() for word in words.split()}


@lru_cache(maxsize=100_000)
def parse_date(text: str, order: DateOrder | None = None) -> date:
    """ "2026-03-14", "14/03/2026", "March 14, 1986", "14-mars-1986". Refuses 03/04/2026 unless `order` tells."""
    folded = _MIDNIGHT.sub("", fold(text).strip())  # how databases and spreadsheets write a day
    if found := _YEAR_FIRST.match(folded):
        year, month, day = (part for part in found.groups() if part is not None)
        return _date(year, month, day, text)
    if found := _YEAR_LAST.match(folded):
        return _date(found[3], *_month_and_day(found[1], found[2], order, text), text)
    if _SHORT_YEAR.match(folded):
        raise BadValue("short_year", text)
    return _date_in_words(folded, text)


def _month_and_day(first: str, second: str, order: DateOrder | None, text: str) -> tuple[str, str]:
    day_first, month_first = int(first) <= 31 and int(second) <= 12, int(first) <= 12 and int(second) <= 31
    if order is None and day_first and month_first and int(first) != int(second):
        raise BadValue("ambiguous_date", text)
    if order == "dmy" or (order is None and day_first):
        day_first_fits, month, day = day_first, second, first
    else:
        day_first_fits, month, day = month_first, first, second
    if not day_first_fits:
        raise BadValue("against_date_order" if order and (day_first or month_first) else "bad_date", text)
    return month, day


def _date_in_words(folded: str, text: str) -> date:
    words = re.findall(r"[a-z]+|\d+", folded)
    months = [MONTH_OF[word] for word in words if word in MONTH_OF]
    numbers = [word for word in words if word.isdigit()]
    if len(months) != 1 or len(numbers) != 2:
        raise BadValue("bad_date", text)
    day, year = sorted(numbers, key=len)
    if len(year) == 2:
        raise BadValue("short_year", text)
    return _date(year, str(months[0]), day, text)


def _date(year: str, month: str, day: str, text: str) -> date:
    try:
        return date(int(year), int(month), int(day))
    except ValueError:
        raise BadValue("bad_date", text) from None


@lru_cache(maxsize=5_000)
def parse_time(text: str) -> time:
    """ "9:30", "9 h 30", "2:30 pm", "14.30", "1430"; seconds are dropped."""
    folded = fold(text).strip()
    found = _BARE_TIME.match(folded)
    hour, minute, half = (int(found[1]), int(found[2]), None) if found else _clock_parts(folded, text)
    if half is not None:
        if not 1 <= hour <= 12:
            raise BadValue("bad_time", text)
        hour = hour % 12 + (12 if half == "p" else 0)
    try:
        return time(hour, minute)
    except ValueError:
        raise BadValue("bad_time", text) from None


def _clock_parts(folded: str, text: str) -> tuple[int, int, str | None]:
    found = _TIME.match(folded)
    if not found or (found["half"] is None and folded.isdigit()):  # a bare 9 may be anything
        raise BadValue("bad_time" if text else "no_time", text)
    return int(found["hour"]), int(found["minute"] or 0), found["half"]


def parse_span(text: str) -> tuple[time, int | None]:
    """A time of day; or two, "9:00 AM - 9:45 AM", and the minutes between them."""
    found = _SPAN.fullmatch(fold(text).strip())
    if not found:
        return parse_time(text), None
    begins, ends = found["begins"], parse_time(found["ends"])
    half = _HALF.search(found["ends"])
    halves = ("",) if half is None or _HALF.search(begins) else (half[0], "am" if half[1] == "p" else "pm")
    for guessed in halves:  # "9:00 - 9:45 AM", "11:30 - 12:15 PM"
        starts = parse_time(f"{begins} {guessed}".strip())
        minutes = (ends.hour - starts.hour) * 60 + ends.minute - starts.minute
        if SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
            return starts, minutes
    raise BadValue("bad_time", text)


def parse_start(text: str, order: DateOrder | None = None) -> tuple[datetime, int | None]:
    """Date and time in one cell, and minutes where it says until when. Naive on the clinic's wall clock; aware when the
    cell names an offset. Midnight is no time: so a database writes a day."""
    text = text.strip()
    bare, offset = _without_offset(text)
    found = _START.match(bare)
    if not found:
        raise BadValue("no_time" if text else "no_date", text)
    starts, minutes = parse_span(found["time"])
    if starts == time(0) and offset is None:
        raise BadValue("no_time", text)
    return datetime.combine(parse_date(found["day"], order), starts, offset), minutes


def parse_day_and_time(day: str, text: str, order: DateOrder | None = None) -> tuple[datetime, int | None]:
    """The same of two cells."""
    bare, offset = _without_offset(text.strip())
    starts, minutes = parse_span(bare)
    return datetime.combine(parse_date(day, order), starts, offset), minutes


def _without_offset(text: str) -> tuple[str, timezone | None]:
    """ "09:00-09:45" is from nine to a quarter to ten, "09:00:00-04:00" and "09:00 -0400" are of a time zone."""
    found = _OFFSET.search(text)
    if not found:
        return text, None
    rest = text[: found.start("offset")].rstrip()
    if not found["sign"]:
        return rest, UTC
    is_until = found["sign"] == "-" and (found["colon"] or not found["minutes"])
    if is_until and not found["seconds"] and not _ISO.search(text):
        return text, None
    shift = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
    if shift > timedelta(hours=14):
        raise BadValue("bad_time", text)
    return rest, timezone(-shift if found["sign"] == "-" else shift)


def parse_yes_no(text: str) -> bool:
    """A date means yes, on that day."""
    word = fold(text).strip()
    if word in _YES:
        return True
    if word in _NO or not word:
        return False
    try:
        parse_date(text, "dmy")
    except BadValue as bad:
        if bad.kind != "against_date_order":
            raise BadValue("bad_yes_no", text) from None
    return True


def parse_language(text: str) -> str:
    word = re.split(r"[-_ (]", fold(text).strip())[0]
    if word not in _LANGUAGES:
        raise BadValue("bad_language", text)
    return _LANGUAGES[word]


def parse_status(text: str) -> str:
    """completed, cancelled, no_show, confirmed or booked."""
    word = "".join(sign for sign in fold(text) if sign.isalpha())
    if word not in _STATUS_OF:
        raise BadValue("bad_status", text)
    return _STATUS_OF[word]


def parse_minutes(text: str) -> int:
    found = re.match(r"(\d{1,4})(?:[.,]0+)?\s*(?:min\w*\.?|m)?$|(\d{1,2})[:h](\d{2})$", fold(text).strip())
    minutes = 0 if not found else int(found[1]) if found[1] else int(found[2]) * 60 + int(found[3])
    if not SHORTEST_MINUTES <= minutes <= LONGEST_MINUTES:
        raise BadValue("bad_minutes", text)
    return minutes


def parse_full_name(text: str) -> tuple[str, str]:
    """Given and family name of "Lévesque, Amélie" or, in two words, "Amélie Lévesque"."""
    family, comma, given = (part.strip() for part in text.partition(","))
    if comma and family and given:
        return given, family
    words = text.split()
    if len(words) != 2 or comma:
        raise BadValue("one_word_name" if text else "no_name", text)
    return words[0], words[1]
