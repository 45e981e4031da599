"""Drafts of bookings: kept on the server, so that reloads, the back button and a second tab lose and mix nothing.

Housekeeping forgets them after a day: they hold what somebody said about their health.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.errors import NotFound
from scheduler.models import BookingDraft
from scheduler.models.base import public_id
from scheduler.usecases.rate_limit import NetworkKey, require_network_allowed
from scheduler.usecases.transaction import begin_write, retry_deadlocks

DRAFTS_OF_AN_ADDRESS, WINDOW = 60, timedelta(minutes=10)
"""More than a waiting room on the clinic's wifi begins; few enough to store for a day."""


@retry_deadlocks
def begin_draft(
    session: Session, *, browser: str, fields: Mapping[str, Any], now: datetime, network_keys: Sequence[NetworkKey] = ()
) -> str:
    """The token of a new draft, which only this browser can read.

    `network_keys` (rate_limit.network_keys of the visitor's address) bound how many one visitor begins: TooManyTries.
    """
    begin_write(session)
    require_network_allowed(session, keys=network_keys, limit=DRAFTS_OF_AN_ADDRESS, window=WINDOW, now=now)
    draft = BookingDraft(token=public_id(), browser=browser, fields=dict(fields), created_at=now, changed_at=now)
    session.add(draft)
    session.flush()
    token = draft.token
    session.commit()
    return token


@retry_deadlocks
def keep_in_draft(
    session: Session, *, token: str, browser: str, fields: Mapping[str, Any], now: datetime
) -> Mapping[str, Any]:
    """Replace these fields and leave the others alone; answers all of them. NotFound for another browser."""
    begin_write(session)
    draft = locked_draft(session, token, browser)
    draft.fields = {**draft.fields, **fields}
    draft.changed_at = now
    kept = draft.fields
    session.commit()
    return kept


@retry_deadlocks
def finish_draft(session: Session, *, token: str, browser: str, appointment_id: int, now: datetime) -> None:
    """The draft has become this appointment: sent again, it leads there."""
    begin_write(session)
    draft = locked_draft(session, token, browser)
    draft.appointment_id = appointment_id
    draft.changed_at = now
    session.commit()


def locked_draft(session: Session, token: str, browser: str) -> BookingDraft:
    """In the caller's transaction. NotFound for another browser."""
    draft = session.scalar(
        select(BookingDraft)
        .where(BookingDraft.token == token, BookingDraft.browser == browser)
        .with_for_update(key_share=True)
    )
    if draft is None:
        raise NotFound("booking")
    return draft
