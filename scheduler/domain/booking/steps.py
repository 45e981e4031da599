"""The pages of a booking, in the order in which each kind of visitor goes through them.

A first-time visitor chooses a time before saying who they are; somebody known says so first, because the
seven-day rule decides which times they are shown.
"""

from __future__ import annotations

from collections.abc import Collection
from enum import StrEnum


class BookingPath(StrEnum):
    """How the visitor began."""

    FIRST_TIME = "first-time"
    BEEN_BEFORE = "been-before"
    SIGNED_IN = "signed-in"


class BookingStep(StrEnum):
    """`BEGIN` asks for the treatment, and a signed-in visitor for whom it is. `BIRTH` shows who has the number."""

    BEGIN = "begin"
    TIME = "time"
    NUMBER = "number"
    CODE = "code"
    BIRTH = "birth-date"
    WHO = "who"
    REVIEW = "review"


BEGIN, TIME, NUMBER, CODE, BIRTH, WHO, REVIEW = BookingStep

_ORDER: dict[BookingPath, tuple[BookingStep, ...]] = {
    BookingPath.FIRST_TIME: (BEGIN, TIME, NUMBER, CODE, BIRTH, WHO, REVIEW),
    BookingPath.BEEN_BEFORE: (BEGIN, NUMBER, CODE, BIRTH, WHO, TIME, REVIEW),
    BookingPath.SIGNED_IN: (BEGIN, NUMBER, CODE, BIRTH, TIME, WHO, REVIEW),
}


def steps_of(path: BookingPath, skipped: Collection[BookingStep] = ()) -> tuple[BookingStep, ...]:
    """`skipped`: what this visitor need not be asked, such as the number of somebody signed in."""
    return tuple(step for step in _ORDER[path] if step not in skipped)


def next_step(path: BookingPath, done: Collection[BookingStep]) -> BookingStep:
    """The first page not done yet. The review is never done: it ends in an appointment."""
    return next(step for step in _ORDER[path] if step is REVIEW or step not in done)


def must_come_first(path: BookingPath, step: BookingStep, done: Collection[BookingStep]) -> BookingStep | None:
    """The page to go to instead of `step`, when an earlier one is not done yet."""
    wanted = next_step(path, done)
    order = _ORDER[path]
    return wanted if order.index(wanted) < order.index(step) else None
