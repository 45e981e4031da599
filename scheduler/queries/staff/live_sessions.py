"""Who is behind a session's id, while it lives. One SELECT, the one that reads the person anyway."""

import hashlib
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Engine, Integer, Text, bindparam, cast, select

from scheduler.models import LiveSession, StaffUser
from scheduler.models.base import Instant
from scheduler.queries.clinic.reference import DESK_STATE_COLUMNS, DeskState
from scheduler.queries.driver_statements import Plain, instant_of, text_of


class StaffRow(NamedTuple):
    """`has_second_step` and `password_temporary` are 0 or 1. `desk_state`: the calendar's, read along with the person."""

    id: int
    username: str
    display_name: str
    role: str
    practitioner_id: int | None
    has_second_step: int
    password_temporary: int
    second_step_due_at: datetime | None
    let_in_until: datetime | None
    desk_state: DeskState


_STAFF = Plain(
    select(
        StaffUser.id,
        StaffUser.username,
        StaffUser.display_name,
        StaffUser.role,
        StaffUser.practitioner_id,
        cast(StaffUser.totp_secret.is_not(None), Integer),
        cast(StaffUser.password_temporary, Integer),
        cast(StaffUser.second_step_due_at, Text),
        cast(StaffUser.let_in_until, Text),
        *DESK_STATE_COLUMNS,
    )
    .join(LiveSession, LiveSession.staff_user_id == StaffUser.id)
    .where(
        LiveSession.id_hash == bindparam("id_hash"),
        LiveSession.ends_at > bindparam("now", type_=Instant()),
        StaffUser.active,
    )
)


def id_hash(session_id: str) -> str:
    """Plain SHA-256: of 256 random bits nothing can be guessed."""
    return hashlib.sha256(session_id.encode()).hexdigest()


def staff_of(engine: Engine, session_id: str, *, now: datetime) -> StaffRow | None:
    """None once the session was ended or the person deactivated."""
    return staff_by_hash(engine, id_hash(session_id), now=now)


def staff_by_hash(engine: Engine, hashed: str, *, now: datetime) -> StaffRow | None:
    """By the shortest way: every open desk asks every few seconds."""
    row = _STAFF.first_alone(engine, id_hash=hashed, now=text_of(now))
    if row is None:
        return None
    instants = (instant_of(text) if text else None for text in row[7:9])
    return StaffRow._make((*row[:7], *instants, DeskState(row[9], row[10] or 0, row[11])))
