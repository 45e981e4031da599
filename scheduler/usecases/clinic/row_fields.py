"""What the settings of practitioners, rooms, treatments and spacing groups have in common: reading what was typed."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from scheduler.domain.errors import BookedVisit, StillBooked
from scheduler.domain.folding import words_of
from scheduler.models import Appointment, Practitioner, Treatment

OPEN = ("held", "booked", "confirmed", "arrived")
MOST_LISTED = 50

Typed = Mapping[str, str]


def read_text(typed: Typed, name: str, most: int, errors: dict[str, str], sentence: str) -> str:
    text = typed[name]
    if not 1 <= len(text) <= most:
        errors[name] = sentence
    return text


def read_number(typed: Typed, name: str, least: int, most: int, errors: dict[str, str], sentence: str) -> int:
    text = typed[name]
    if not (text.isdecimal() and len(text) <= 6 and least <= int(text) <= most):
        errors[name] = sentence
        return least
    return int(text)


def read_position(typed: Typed, errors: dict[str, str]) -> int:
    return read_number(typed, "position", 0, 999, errors, "Type a number from 0 to 999.")


def yes(value: bool) -> str:
    return "y" if value else ""


def require_none_booked(session: Session, which: ColumnElement[bool]) -> None:
    """Refuses with StillBooked."""
    found = session.execute(
        select(
            Appointment.starts_local,
            Treatment.name_en,
            Treatment.name_fr,
            Practitioner.family_name,
            func.count().over(),
        )
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .where(which, Appointment.status.in_(OPEN))
        .order_by(Appointment.starts_at)
        .limit(MOST_LISTED)
    ).all()
    if found:
        visits = tuple(BookedVisit(when, name_en, name_fr, who) for when, name_en, name_fr, who, _all in found)
        raise StillBooked(visits, in_all=found[0][-1])


def free_slug(session: Session, table: Any, name: str) -> str:
    stem = "-".join(words_of(name))[:36] or "new"
    taken = set(session.scalars(select(table.slug).where(table.slug.startswith(stem, autoescape=True))))
    if stem == "ims":
        taken.add(stem)  # the slug of needling alone; whoever makes that says so
    slugs = (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3)))
    return next(slug for slug in slugs if slug not in taken)
