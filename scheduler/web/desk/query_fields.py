"""Reading what a page of the desk sends: anything that cannot be right reads as nothing."""

from contextlib import suppress
from datetime import date, datetime

from flask import request

LONGEST = 500
SHOWN_AGAIN = 5_000  # letters of a text that was typed, however many are too many


def text(name: str) -> str:
    """Stripped, at most 500 characters, without NULs (PostgreSQL takes none)."""
    return request.values.get(name, "")[:LONGEST].replace("\0", "").strip()


def number(name: str) -> int | None:
    asked = text(name)
    return int(asked) if asked.isascii() and asked.isdecimal() and len(asked) < 10 else None


def version() -> int:
    """Of the visit, as the page showed it; 0, which no visit has, where the form does not say it."""
    return number("version") or 0


def moment(name: str) -> datetime | None:
    """A minute of the wall clock: `name` as 2026-12-08T10:30, or its day and time in fields of their own."""
    day, at = text(f"{name}_day"), text(f"{name}_time")
    return _minute(f"{day}T{at}" if day and at else text(name))


def day(name: str) -> date | None:
    with suppress(ValueError):
        found = date.fromisoformat(text(name))
        return found if 2000 <= found.year <= 2999 else None
    return None


def place() -> tuple[datetime | None, str | None]:
    """Start and practitioner: those of a "nearest free" button (`at`), else those of the fields."""
    if text("at"):
        return place_of(text("at"))
    return moment("starts"), text("practitioner") or None


def place_of(at: str) -> tuple[datetime | None, str | None]:
    """ "2026-12-08T10:30 priya-nair", as buttons and menus of free times say it."""
    start, _space, practitioner = at.replace("\0", "").strip().partition(" ")
    return _minute(start), practitioner or None


def _minute(asked: str) -> datetime | None:
    with suppress(ValueError):
        found = datetime.fromisoformat(asked)
        if found.tzinfo is None and not found.second and not found.microsecond and 2000 <= found.year <= 2999:
            return found
    return None
