"""What patients' calendars say of the clinic, and when that last changed: calendars believe only what has risen.

Kept among the settings, so that every process learns of it with them.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.models import Setting
from scheduler.usecases.transaction import begin_write, retry_deadlocks

_DIGEST, _CHANGED_AT, _CHANGES = NAMES = ("calendar.digest", "calendar.changed_at", "calendar.changes")


def with_calendar_face(clinic: ClinicSettings, kept: Mapping[str, str]) -> ClinicSettings:
    changed_at = kept.get(_CHANGED_AT)
    return replace(
        clinic,
        calendar_changed_at=datetime.fromisoformat(changed_at) if changed_at else None,
        calendar_changes=int(kept.get(_CHANGES, "0")),
    )


@retry_deadlocks
def notice_calendar_face(session: Session, *, clinic: ClinicSettings, now: datetime) -> None:
    """At a start: the environment may say something else than before."""
    kept = session.scalar(select(Setting.value).where(Setting.name == _DIGEST))
    session.rollback()
    if kept == _digest(clinic):
        return
    begin_write(session)
    try:
        keep_calendar_face(session, before=clinic, after=clinic, now=now)
        session.commit()
    except IntegrityError:  # another process starts at this moment, and has noticed as well
        session.rollback()


def keep_calendar_face(session: Session, *, before: ClinicSettings, after: ClinicSettings, now: datetime) -> None:
    """In the transaction of a change of the settings; commits nothing."""
    kept = {row.name: row.value for row in session.scalars(select(Setting).where(Setting.name.in_(NAMES)))}
    said, says = kept.get(_DIGEST, _digest(before)), _digest(after)
    changes = int(kept.get(_CHANGES, "0"))
    new = {_DIGEST: says}
    if said != says:
        new |= {_CHANGED_AT: now.isoformat(), _CHANGES: str(changes + 1)}
    session.execute(delete(Setting).where(Setting.name.in_(list(new))))
    session.add_all(Setting(name=name, value=value) for name, value in new.items())
    session.flush()


def _digest(clinic: ClinicSettings) -> str:
    said = (clinic.name, clinic.address, clinic.phone, clinic.public_url)
    return hashlib.sha256("\x1f".join(said).encode()).hexdigest()[:32]
