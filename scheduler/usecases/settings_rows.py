"""Practitioners, rooms and treatments, as the owner changes them. What future visits hang on cannot be taken away."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, delete, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import BookedVisit, Invalid, NotFound, StillBooked
from scheduler.domain.folding import words_of
from scheduler.models import Appointment, Practitioner, PractitionerTreatment, Room, SpacingGroup, Treatment
from scheduler.usecases import audit
from scheduler.usecases.settings import require_unchanged
from scheduler.usecases.transaction import begin_write, retry_deadlocks

OPEN = ("held", "booked", "confirmed", "arrived")
MOST_LISTED = 50
IMS_DAYS = 7

Typed = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Kind:
    """`shown` gives a row as it would be typed; `apply` checks what was typed and puts it in."""

    table: Any
    shown: Callable[[Session, Any], dict[str, str]]
    apply: Callable[[Session, Any, Typed], None]


@retry_deadlocks
def save(
    session: Session, *, kind: str, row_id: int | None, typed: Typed, seen: str, actor: Actor, now: datetime
) -> int:
    """A new row when `row_id` is none. Refuses with Invalid, NotFound, ChangedMeanwhile and StillBooked."""
    begin_write(session)
    what = KINDS[kind]
    if row_id is None:
        row, before = what.table(), {}
    else:
        row = session.get(what.table, row_id, with_for_update=True)
        if row is None:
            raise NotFound(kind)
        before = what.shown(session, row)
        require_unchanged(before, seen)
    with session.no_autoflush:
        what.apply(session, row, typed)
    session.flush()
    after = what.shown(session, row)
    changed = [
        f"{name}: {before.get(name) or '–'} → {value}" for name, value in after.items() if before.get(name) != value
    ]
    if changed:
        audit.note(session, what=audit.SETTINGS, actor=actor, now=now, details=f"{kind} {row.id}: {'; '.join(changed)}")
    session.commit()
    return int(row.id)


def read(session: Session, kind: str, row_id: int) -> dict[str, str]:
    row = session.get(KINDS[kind].table, row_id)
    if row is None:
        raise NotFound(kind)
    return KINDS[kind].shown(session, row)


def _practitioner_shown(session: Session, row: Practitioner) -> dict[str, str]:
    does = session.scalars(
        select(PractitionerTreatment.treatment_id).where(PractitionerTreatment.practitioner_id == row.id)
    )
    return {
        "given_name": row.given_name,
        "family_name": row.family_name,
        "can_needle": _yes(row.can_needle),
        "treatments": ",".join(str(each) for each in sorted(does)),
        "position": str(row.position or 0),
        "active": _yes(row.active),
    }


def _apply_practitioner(session: Session, row: Practitioner, typed: Typed) -> None:
    errors: dict[str, str] = {}
    names = {
        name: _text(typed, name, 80, errors, "Give a name of 1 to 80 characters.")
        for name in ("given_name", "family_name")
    }
    position = _position(typed, errors)
    known = {str(each): each for each in session.scalars(select(Treatment.id))}
    wanted = {known[each] for each in typed["treatments"].split(",") if each in known}
    if errors:
        raise Invalid(errors)
    if row.id is not None:
        _refuse_to_take_work_away(session, row, typed, wanted)
    row.given_name, row.family_name, row.position = names["given_name"], names["family_name"], position
    row.can_needle, row.active = bool(typed["can_needle"]), bool(typed["active"])
    if row.id is None:
        row.slug = _free_slug(session, Practitioner, row.full_name)
        session.add(row)
        session.flush()
    session.execute(delete(PractitionerTreatment).where(PractitionerTreatment.practitioner_id == row.id))
    session.add_all(PractitionerTreatment(practitioner_id=row.id, treatment_id=each) for each in sorted(wanted))


def _refuse_to_take_work_away(session: Session, row: Practitioner, typed: Typed, wanted: set[int]) -> None:
    of_hers = Appointment.practitioner_id == row.id
    if not typed["active"]:
        _require_none_booked(session, of_hers)
    _require_none_booked(session, of_hers & Appointment.treatment_id.not_in(wanted))
    if not typed["can_needle"]:
        needling = select(Treatment.id).where(Treatment.needling)
        _require_none_booked(session, of_hers & Appointment.treatment_id.in_(needling))


def _room_shown(_session: Session, row: Room) -> dict[str, str]:
    return {"name": row.name, "position": str(row.position or 0), "active": _yes(row.active)}


def _apply_room(session: Session, row: Room, typed: Typed) -> None:
    errors: dict[str, str] = {}
    name = _text(typed, "name", 80, errors, "Give a name of 1 to 80 characters.")
    position = _position(typed, errors)
    if name and session.scalar(select(Room.id).where(Room.name == name, Room.id != (row.id or 0))):
        errors["name"] = "There is a room of this name already."
    if errors:
        raise Invalid(errors)
    if row.id is not None and not typed["active"]:
        _require_none_booked(session, Appointment.room_id == row.id)
    row.name, row.position, row.active = name, position, bool(typed["active"])
    session.add(row)


def _treatment_shown(session: Session, row: Treatment) -> dict[str, str]:
    group = session.get(SpacingGroup, row.spacing_group_id) if row.spacing_group_id else None
    return {
        "name_en": row.name_en,
        "name_fr": row.name_fr,
        "minutes": str(row.minutes),
        "buffer_minutes": str(row.buffer_minutes),
        "min_days": str(group.min_days) if group else "",
        "needs_clearance": _yes(row.needs_clearance),
        "online": _yes(row.online),
        "position": str(row.position or 0),
    }


def _apply_treatment(session: Session, row: Treatment, typed: Typed) -> None:
    errors: dict[str, str] = {}
    names = {
        name: _text(typed, name, 80, errors, "Give a name of 1 to 80 characters.") for name in ("name_en", "name_fr")
    }
    minutes = _number(typed, "minutes", 5, 480, errors, "Type a number of minutes from 5 to 480.")
    buffer = _number(typed, "buffer_minutes", 0, 120, errors, "Type a number of minutes from 0 to 120.")
    position = _position(typed, errors)
    group = session.get(SpacingGroup, row.spacing_group_id) if row.spacing_group_id else None
    if group is not None:
        days = _number(typed, "min_days", 0, 365, errors, "Type a number of days from 0 to 365.")
        if group.needling and "min_days" not in errors and days < IMS_DAYS:
            errors["min_days"] = "IMS visits are never less than 7 days apart."
    if errors:
        raise Invalid(errors)
    if group is not None and days != group.min_days:
        # Visits carry the days they were booked under, and must agree with the group when they are touched again.
        _require_none_booked(session, Appointment.spacing_group_id == group.id)
        group.min_days = days
    row.name_en, row.name_fr, row.minutes, row.buffer_minutes = names["name_en"], names["name_fr"], minutes, buffer
    row.needs_clearance, row.online, row.position = bool(typed["needs_clearance"]), bool(typed["online"]), position
    if row.id is None:
        row.slug = _free_slug(session, Treatment, row.name_en)
        session.add(row)


def _require_none_booked(session: Session, which: ColumnElement[bool]) -> None:
    found = session.execute(
        select(Appointment.starts_local, Treatment.name_en, Treatment.name_fr, Practitioner.family_name)
        .join(Treatment, Treatment.id == Appointment.treatment_id)
        .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .where(which, Appointment.status.in_(OPEN))
        .order_by(Appointment.starts_at)
        .limit(MOST_LISTED)
    ).all()
    if found:
        raise StillBooked(tuple(BookedVisit(*visit) for visit in found))


def _free_slug(session: Session, table: Any, name: str) -> str:
    stem = "-".join(words_of(name))[:50] or "new"
    taken = set(session.scalars(select(table.slug).where(table.slug.startswith(stem, autoescape=True))))
    slugs = (stem, *(f"{stem}-{number}" for number in range(2, len(taken) + 3)))
    return next(slug for slug in slugs if slug not in taken)


def _text(typed: Typed, name: str, most: int, errors: dict[str, str], sentence: str) -> str:
    text = typed[name]
    if not 1 <= len(text) <= most:
        errors[name] = sentence
    return text


def _number(typed: Typed, name: str, least: int, most: int, errors: dict[str, str], sentence: str) -> int:
    text = typed[name]
    if not (text.isdecimal() and len(text) <= 6 and least <= int(text) <= most):
        errors[name] = sentence
        return least
    return int(text)


def _position(typed: Typed, errors: dict[str, str]) -> int:
    return _number(typed, "position", 0, 999, errors, "Type a number from 0 to 999.")


def _yes(value: bool) -> str:
    return "y" if value else ""


KINDS: Mapping[str, Kind] = {
    "practitioners": Kind(Practitioner, _practitioner_shown, _apply_practitioner),
    "rooms": Kind(Room, _room_shown, _apply_room),
    "treatments": Kind(Treatment, _treatment_shown, _apply_treatment),
}
