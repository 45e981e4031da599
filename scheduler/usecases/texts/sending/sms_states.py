"""The states of one SMS, and what the provider calls them. The whole machine is drawn in usecases/texts/sending/sending.py."""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlalchemy import ColumnElement, Connection, Engine, String, and_, case, literal, or_

from scheduler.gateways.outbox_sms import OutboxSms
from scheduler.gateways.sms import SmsGateway
from scheduler.models.engine import WRITING
from scheduler.models.texts.sms import Message
from scheduler.usecases.sign_in.sign_in import CODE_LIFE

CLOCKS_APART = timedelta(minutes=5)
"""Between our machines. What was written later than that from now was written before the clock was set back."""
UNSETTLED = ("attempting", "in_doubt")
NOT_THERE, GIVEN_BACK = "not-there", "given-back"
"""Message.error_code of a try that the provider has never seen: lost on the way, or not begun."""

# Receipts come in any order: a later one changes something only when it ranks higher, and final states stay.
RANK: Mapping[str, int] = MappingProxyType({"accepted": 1, "sent": 2, "delivered": 3, "undelivered": 3, "failed": 3})

_PROVIDERS_WORDS = MappingProxyType(
    {
        "accepted": "accepted",
        "scheduled": "accepted",
        "queued": "accepted",
        "sending": "accepted",
        "sent": "sent",
        "delivered": "delivered",
        "read": "delivered",
        "undelivered": "undelivered",
        "failed": "failed",
        "canceled": "failed",
    }
)


# Texts without a reminder, and how long after they were written they are still worth sending.
_LIVES = MappingProxyType(
    {"code": CODE_LIFE, "reply": timedelta(hours=1), "move-link": timedelta(hours=1), "desk": timedelta(days=1)}
)


def life_of(kind: str) -> timedelta:
    return _LIVES.get(kind, CODE_LIFE)


def is_past_its_life(now: datetime) -> ColumnElement[bool]:
    """Of a message: written too long ago to be sent."""
    known = [and_(Message.kind == kind, Message.created_at <= now - life) for kind, life in _LIVES.items()]
    return or_(*known, and_(Message.kind.not_in(tuple(_LIVES)), Message.created_at <= now - CODE_LIFE))


def our_status(word: str) -> str | None:
    """Ours for one of the provider's; None for a word it does not use for texts going out."""
    return _PROVIDERS_WORDS.get(word.lower())


def status_when_accepted(word: str) -> str:
    """The first status in an answer that has a sid: accepted at least, whatever the word."""
    return our_status(word) or "accepted"


def gateway_name(gateway: SmsGateway) -> str:
    """What stands in Message.gateway."""
    return "outbox" if isinstance(gateway, OutboxSms) else "twilio"


def body_after_sending() -> ColumnElement[str]:
    """A code is blanked as soon as it is out; the outbox keeps it, because there it is the only place to read it."""
    is_spent = and_(Message.kind == "code", Message.gateway != "outbox")
    return case((is_spent, literal("", String)), else_=Message.body)


def body_when_expired() -> ColumnElement[str]:
    """Only what a person wrote is of any use once it was not sent."""
    return case((Message.kind == "desk", Message.body), else_=literal("", String))


def writing(engine: Engine) -> AbstractContextManager[Connection]:
    """A short transaction that writes: taken at once on SQLite, committed at the end of the block."""
    return engine.execution_options(**WRITING).begin()
