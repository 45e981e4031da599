"""Practitioners, rooms, treatments and spacing groups, as the owner changes them. What future visits hang on cannot be
taken away."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.models import Appointment, Practitioner, PractitionerTreatment, Room, SpacingGroup, Treatment
from scheduler.usecases import audit
from scheduler.usecases.booking.locks import lock_all_practitioners
from scheduler.usecases.clinic import spacing, treatments
from scheduler.usecases.clinic.row_fields import Typed, free_slug, read_position, read_text, require_none_booked, yes
from scheduler.usecases.clinic.settings import require_unchanged
from scheduler.usecases.transaction import begin_write, retry_deadlocks


@dataclass(frozen=True, slots=True)
class Kind:
    """`shown` gives a row as it would be typed; `apply` checks what was typed and puts it in."""

    table: Any
    shown: Callable[[Session, Any], dict[str, str]]
    apply: Callable[[Session, Any, Typed, Actor, datetime], None]


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
        if what.table is SpacingGroup:  # it changes visits, and every booking reads it once its own locks are taken
            lock_all_practitioners(session.connection())
        row = session.get(what.table, row_id, with_for_update=True)
        if row is None:
            raise NotFound(kind)
        before = what.shown(session, row)
        require_unchanged(before, seen)
    with session.no_autoflush:
        what.apply(session, row, typed, actor, now)
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
        "can_needle": yes(row.can_needle),
        "treatments": ",".join(str(each) for each in sorted(does)),
        "position": str(row.position or 0),
        "active": yes(row.active),
    }


def _apply_practitioner(session: Session, row: Practitioner, typed: Typed, _actor: Actor, _now: datetime) -> None:
    errors: dict[str, str] = {}
    names = {
        name: read_text(typed, name, 80, errors, "Give a name of 1 to 80 characters.")
        for name in ("given_name", "family_name")
    }
    position = read_position(typed, errors)
    known = {str(each): each for each in session.scalars(select(Treatment.id))}
    wanted = {known[each] for each in typed["treatments"].split(",") if each in known}
    if errors:
        raise Invalid(errors)
    if row.id is not None:
        _refuse_to_take_work_away(session, row, typed, wanted)
    needling = select(Treatment.id).where(Treatment.needling, Treatment.id.in_(wanted)).limit(1)
    if not typed["can_needle"] and session.scalar(needling) is not None:
        raise Invalid({"can_needle": "IMS is among the treatments: tick this as well, or take IMS away."})
    row.given_name, row.family_name, row.position = names["given_name"], names["family_name"], position
    row.can_needle, row.active = bool(typed["can_needle"]), bool(typed["active"])
    if row.id is None:
        row.slug = free_slug(session, Practitioner, row.full_name)
        session.add(row)
        session.flush()
    of_theirs = PractitionerTreatment.practitioner_id == row.id
    session.execute(delete(PractitionerTreatment).where(of_theirs, PractitionerTreatment.treatment_id.not_in(wanted)))
    added = wanted - set(session.scalars(select(PractitionerTreatment.treatment_id).where(of_theirs)))
    session.add_all(PractitionerTreatment(practitioner_id=row.id, treatment_id=each) for each in sorted(added))


def _refuse_to_take_work_away(session: Session, row: Practitioner, typed: Typed, wanted: set[int]) -> None:
    of_hers = Appointment.practitioner_id == row.id
    if not typed["active"]:
        require_none_booked(session, of_hers)
    require_none_booked(session, of_hers & Appointment.treatment_id.not_in(wanted))
    if not typed["can_needle"]:
        needling = select(Treatment.id).where(Treatment.needling)
        require_none_booked(session, of_hers & Appointment.treatment_id.in_(needling))


def _room_shown(_session: Session, row: Room) -> dict[str, str]:
    return {"name": row.name, "position": str(row.position or 0), "active": yes(row.active)}


def _apply_room(session: Session, row: Room, typed: Typed, _actor: Actor, _now: datetime) -> None:
    errors: dict[str, str] = {}
    name = read_text(typed, "name", 80, errors, "Give a name of 1 to 80 characters.")
    position = read_position(typed, errors)
    if name and session.scalar(select(Room.id).where(Room.name == name, Room.id != (row.id or 0))):
        errors["name"] = "There is a room of this name already."
    if errors:
        raise Invalid(errors)
    if row.id is not None and not typed["active"]:
        require_none_booked(session, Appointment.room_id == row.id)
    row.name, row.position, row.active = name, position, bool(typed["active"])
    session.add(row)


KINDS: Mapping[str, Kind] = {
    "practitioners": Kind(Practitioner, _practitioner_shown, _apply_practitioner),
    "rooms": Kind(Room, _room_shown, _apply_room),
    "treatments": Kind(Treatment, treatments.shown, treatments.apply),
    "spacing": Kind(SpacingGroup, spacing.shown, spacing.apply),
}
