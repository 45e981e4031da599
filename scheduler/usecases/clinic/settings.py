"""The clinic's settings: the environment's, with what the owner has set over them."""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import Connection, delete, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.clinic import setting_fields
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import ChangedMeanwhile, Invalid
from scheduler.domain.texts import wording
from scheduler.models import Setting, SmsText
from scheduler.usecases import audit
from scheduler.usecases.feeds.face import keep_calendar_face, with_calendar_face
from scheduler.usecases.transaction import begin_write, retry_deadlocks


def effective(connection: Connection, base: ClinicSettings) -> ClinicSettings:
    """What holds now; `base` comes from the environment."""
    kept = {row.name: row.value for row in connection.execute(select(Setting.name, Setting.value))}
    texts = {(row.kind, row.language): row.body for row in connection.execute(select(SmsText.__table__))}
    clinic = setting_fields.with_overrides(replace(base, texts=wording.still_good(texts)), kept)
    return with_calendar_face(clinic, kept)


def mark_of(values: Mapping[str, str]) -> str:
    """Another for other values: a form carries it, to say what its reader saw."""
    text = "\x1f".join(f"{name}={values[name]}" for name in sorted(values))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def require_unchanged(now: Mapping[str, str], seen: str) -> None:
    """Refuses (ChangedMeanwhile) when somebody else has changed it since the form was shown."""
    if mark_of(now) != seen:
        raise ChangedMeanwhile(dict(now))


@retry_deadlocks
def change_settings(
    session: Session, *, base: ClinicSettings, typed: Mapping[str, str], seen: str, actor: Actor, now: datetime
) -> ClinicSettings:
    """All or nothing; what equals the environment's is not kept. Refuses with Invalid and ChangedMeanwhile."""
    begin_write(session)
    before = effective(session.connection(), base)
    require_unchanged(setting_fields.shown(before), seen)
    values, errors = setting_fields.read_all(typed)
    if "zone" not in errors and not _is_zone(values["zone"]):
        errors["zone"] = "Choose a time zone like America/Toronto."
    if errors:
        raise Invalid(errors)
    fallback, was = setting_fields.shown(base), setting_fields.shown(before)
    wanted = {name: setting_fields.FIELDS[name].show(value) for name, value in values.items()}
    changed = [name for name in wanted if wanted[name] != was[name]]
    session.execute(delete(Setting).where(Setting.name.in_(changed)))
    session.add_all(Setting(name=name, value=wanted[name]) for name in changed if wanted[name] != fallback[name])
    after = setting_fields.with_overrides(before, wanted)
    keep_calendar_face(session, before=before, after=after, now=now)
    for name in changed:
        audit.note(session, what=audit.SETTINGS, actor=actor, now=now, details=f"{name}: {was[name]} → {wanted[name]}")
    session.commit()
    return after


def _is_zone(name: str) -> bool:
    try:
        clock.zone(name)
    except (ValueError, KeyError, OSError):
        return False
    return True
