"""Treatments, as the owner changes them: what each is called, of what kind it is, how long it takes."""

from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.clinic.treatment_kind import TreatmentKind, sounds_like_ims
from scheduler.domain.errors import Invalid
from scheduler.models import Appointment, Practitioner, PractitionerTreatment, SpacingGroup, Treatment
from scheduler.usecases.clinic import spacing
from scheduler.usecases.clinic.row_fields import (
    Typed,
    free_slug,
    read_number,
    read_position,
    read_text,
    require_none_booked,
    yes,
)

IMS_SLUG = "ims"


def shown(_session: Session, row: Treatment) -> dict[str, str]:
    return {
        "name_en": row.name_en,
        "name_fr": row.name_fr,
        "kind": row.kind,
        "named_so_on_purpose": yes(row.named_so_on_purpose),
        "minutes": str(row.minutes),
        "buffer_minutes": str(row.buffer_minutes),
        "group": "" if row.kind == TreatmentKind.IMS else str(row.spacing_group_id or ""),
        "needs_clearance": yes(row.needs_clearance),
        "online": yes(row.online),
        "position": str(row.position or 0),
    }


def apply(session: Session, row: Treatment, typed: Typed, _actor: Actor, _now: datetime) -> None:
    errors: dict[str, str] = {}
    names = {
        name: read_text(typed, name, 80, errors, "Give a name of 1 to 80 characters.")
        for name in ("name_en", "name_fr")
    }
    minutes = read_number(typed, "minutes", 5, 480, errors, "Type a number of minutes from 5 to 480.")
    buffer = read_number(typed, "buffer_minutes", 0, 120, errors, "Type a number of minutes from 0 to 120.")
    position = read_position(typed, errors)
    kind = _kind(typed, errors)
    group = _group(session, typed, kind, errors)
    on_purpose = (
        bool(typed["named_so_on_purpose"]) and kind is not TreatmentKind.IMS and sounds_like_ims(*names.values())
    )
    _require_name_of_its_kind(names, kind, on_purpose, errors)
    if errors:
        raise Invalid(errors)
    if kind is TreatmentKind.IMS:
        group = spacing.ims_group(session)
    _change_kind(session, row, kind, group)
    row.name_en, row.name_fr, row.minutes, row.buffer_minutes = names["name_en"], names["name_fr"], minutes, buffer
    row.needs_clearance = kind is TreatmentKind.IMS or bool(typed["needs_clearance"])
    row.named_so_on_purpose, row.online, row.position = on_purpose, bool(typed["online"]), position
    if row.id is None:
        row.slug = _slug(session, row)
        session.add(row)


def _kind(typed: Typed, errors: dict[str, str]) -> TreatmentKind | None:
    try:
        return TreatmentKind(typed["kind"])
    except ValueError:
        errors["kind"] = "Choose what kind of treatment this is."
        return None


def _group(session: Session, typed: Typed, kind: TreatmentKind | None, errors: dict[str, str]) -> SpacingGroup | None:
    """That of another treatment than IMS, which has its own."""
    if kind is TreatmentKind.IMS or not typed["group"]:
        return None
    found = {str(each.id): each for each in session.scalars(select(SpacingGroup))}.get(typed["group"])
    if found is None:
        errors["group"] = "Choose a group, or that any day will do."
    elif found.needling:
        errors["group"] = "Only treatments of the kind IMS are in this group."
    return found


def _require_name_of_its_kind(
    names: dict[str, str], kind: TreatmentKind | None, on_purpose: bool, errors: dict[str, str]
) -> None:
    if kind not in (None, TreatmentKind.IMS) and not on_purpose and sounds_like_ims(*names.values()):
        errors["named_so_on_purpose"] = (
            "This name sounds like IMS. Choose the kind IMS, so that the seven days hold, or say that no needles are used."
        )


def _change_kind(session: Session, row: Treatment, kind: TreatmentKind | None, group: SpacingGroup | None) -> None:
    """Refuses with StillBooked what would count otherwise than it was booked for."""
    assert kind is not None  # noqa: S101 - or there are errors
    group_id = group.id if group else None
    if row.slug == IMS_SLUG and kind is not TreatmentKind.IMS:
        raise Invalid({"kind": "This is the treatment that other programs know as IMS: it stays of this kind."})
    if row.id is not None and (row.spacing_group_id, row.kind == TreatmentKind.IMS) != (
        group_id,
        kind is TreatmentKind.IMS,
    ):
        require_none_booked(session, Appointment.treatment_id == row.id)
    if row.id is not None and kind is TreatmentKind.IMS and session.scalar(_done_by_others(row.id)) is not None:
        raise Invalid({"kind": "Somebody who is not authorised for IMS does this treatment. Change that first."})
    row.kind, row.spacing_group_id = kind, group_id


def _done_by_others(treatment_id: int) -> Select[int]:
    return (
        select(Practitioner.id)
        .join(PractitionerTreatment, PractitionerTreatment.practitioner_id == Practitioner.id)
        .where(PractitionerTreatment.treatment_id == treatment_id, ~Practitioner.can_needle)
        .limit(1)
    )


def _slug(session: Session, row: Treatment) -> str:
    """The first treatment of IMS is known as such by other programs."""
    if row.kind == TreatmentKind.IMS and session.scalar(select(Treatment.id).where(Treatment.slug == IMS_SLUG)) is None:
        return IMS_SLUG
    return free_slug(session, Treatment, row.name_en)
