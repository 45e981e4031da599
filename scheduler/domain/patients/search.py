"""What a receptionist types to find a patient: parts of names, part of a telephone number, a birth date."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import date

from scheduler.domain.folding import fold, typed_words

LONGEST = 200  # characters looked at
MOST_CRITERIA = 6
FEWEST_DIGITS = 3
THIS_CENTURY, LAST_CENTURY = 2000, 1900

_MONTHS = (
    "january jan janvier janv",
    "february feb fevrier fevr fev",
    "march mar mars",
    "april apr avril avr",
    "may mai",
    "june jun juin",
    "july jul juillet juil",
    "august aug aout",
    "september sept sep septembre",
    "october oct octobre",
    "november nov novembre",
    "december dec decembre",
)
MONTH_OF = {word: number for number, words in enumerate(_MONTHS, 1) for word in words.split()}
_MONTH = rf"({'|'.join(sorted(MONTH_OF, key=len, reverse=True))})\.?"
_DAY, _YEAR = r"(\d{1,2})(?:st|nd|rd|th|er|e)?", r"(\d{4}|\d{2})"
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?!\d)")
_YEAR_LAST = re.compile(rf"(?<!\d)(\d{{1,2}})([-/. ])(\d{{1,2}})\2{_YEAR}(?![\d/.-])(?! \d)")
_DAY_MONTH = re.compile(rf"(?<!\w){_DAY}(?: of| de)?[ -]{_MONTH},?[ -]{_YEAR}(?!\w)")
_MONTH_DAY = re.compile(rf"(?<!\w){_MONTH} {_DAY},? {_YEAR}(?!\w)")
_NUMBER = re.compile(r"\+?\(?\d[\d\s().\-‐‒–—−·/]*")  # `fold` makes U+2011 U+2010


@dataclass(frozen=True, slots=True)
class Criterion:
    """One thing a patient must match: the beginning of a word of the name; or else the digits, or a birth date.

    `born` holds ranges of days, both ends included.
    """

    word: str = ""
    digits: str = ""
    born: tuple[tuple[date, date], ...] = ()


def criteria_of(typed: str) -> list[Criterion]:
    """All of them must match. Empty when nothing was typed that can be looked for yet."""
    rest = " ".join(fold(typed[:LONGEST]).split())
    found: list[Criterion] = []
    for pattern, days in (
        (_YEAR_FIRST, _of_year_first),
        (_DAY_MONTH, _of_day_month),
        (_MONTH_DAY, _of_month_day),
        (_YEAR_LAST, _of_year_last),
    ):
        for match in list(pattern.finditer(rest)):
            born = tuple((day, day) for day in dict.fromkeys(days(match)))
            if born:
                found.append(Criterion(born=born))
                rest = rest.replace(match[0], " ", 1)
    for match in list(_NUMBER.finditer(rest)):
        if not _ends_inside_a_word(rest, match):
            found += _of_digits("".join(str(int(sign)) for sign in match[0] if sign.isdecimal()))
            rest = rest.replace(match[0], " ", 1)
    found += [Criterion(word=word) for word in dict.fromkeys(typed_words(rest))]
    return found[:MOST_CRITERIA]


def _of_digits(digits: str) -> Iterator[Criterion]:
    """Part of a number; four can also be a year of birth, eight a whole birth date."""
    if len(digits) < FEWEST_DIGITS:
        return
    born: tuple[tuple[date, date], ...] = ()
    if len(digits) == 4 and LAST_CENTURY <= int(digits) < LAST_CENTURY + 200:
        born = ((date(int(digits), 1, 1), date(int(digits), 12, 31)),)
    elif len(digits) == 8:
        born = tuple((day, day) for day in _days(digits[:4], digits[4:6], digits[6:]))
    yield Criterion(digits=digits[:15], born=born)


def _of_year_first(match: re.Match[str]) -> Iterator[date]:
    return _days(match[1], match[3], match[4])


def _of_year_last(match: re.Match[str]) -> Iterator[date]:
    """03/04/1980: the third of April, or the fourth of March."""
    yield from _days(match[4], match[3], match[1])
    yield from _days(match[4], match[1], match[3])


def _of_day_month(match: re.Match[str]) -> Iterator[date]:
    return _days(match[3], str(MONTH_OF[match[2]]), match[1])


def _of_month_day(match: re.Match[str]) -> Iterator[date]:
    return _days(match[3], str(MONTH_OF[match[1]]), match[2])


def _days(year: str, month: str, day: str) -> Iterator[date]:
    """None when there is no such day; two for a year of two digits."""
    years = [int(year)] if len(year) == 4 else [LAST_CENTURY + int(year), THIS_CENTURY + int(year)]
    for number in years:
        with suppress(ValueError):
            yield date(number, int(month), int(day))


def _ends_inside_a_word(text: str, match: re.Match[str]) -> bool:
    """ "3rd", "x2": part of a word, not of a number."""
    begins, ends = match.span()
    before = text[begins - 1 : begins]
    return before.isalpha() or (text[ends - 1].isdecimal() and text[ends : ends + 1].isalpha())
