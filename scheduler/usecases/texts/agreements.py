"""Agreement to texts: what somebody said, kept with its words, and what follows for the number.

A no, in whatever way it was given, ends reminders and answers to the number for everybody on it; sign-in codes still go
to whoever asks for one, unless it was a STOP, after which the provider lets nothing through.
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Select, insert, literal, select, true
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.models import Patient, PhoneAccount, TextAgreement
from scheduler.models.base import Instant
from scheduler.models.texts.wrong_number import is_marked
from scheduler.queries.texts.agreements import latest

TOLD_US = "told us"
"""In `opted_out_by`, where else the word stands that was texted: the provider knows nothing of it."""


@dataclass(frozen=True, slots=True)
class Said:
    """`how` of models/texts/text_agreement.py; `words` as they were shown, in `language`."""

    agrees: bool
    how: str
    words: str = ""
    language: str = "en"


def record(
    connection: Connection, said: Said, *, account_id: int, by: str, now: datetime, patient_id: int | None = None
) -> None:
    """The one way to add a line, in the caller's transaction. What was said last already is not said again."""
    last = latest(connection, account_id)
    if last is not None and (last.agrees, last.how, last.words, last.language) == (
        said.agrees,
        said.how,
        said.words,
        said.language,
    ):
        return
    connection.execute(
        insert(TextAgreement).values(
            phone_account_id=account_id,
            patient_id=patient_id,
            agrees=said.agrees,
            said_at=now,
            words=said.words[:400],
            language=said.language,
            how=said.how,
            said_by=by[:80],
        )
    )


def brought(connection: Connection, accounts: Select[int], *, by: str, now: datetime) -> None:
    """For numbers that an import has brought, which has their patients' word from the former system."""
    ids = accounts.subquery()
    values = {
        "agrees": true(),
        "said_at": literal(now, Instant),
        "words": literal(""),
        "language": literal("en"),
        "how": literal("import"),
        "said_by": literal(by[:80]),
    }
    connection.execute(
        insert(TextAgreement).from_select(["phone_account_id", *values], select(ids.c.id, *values.values()))
    )


def agree_by_code(session: Session, account: PhoneAccount, said: Said, *, now: datetime) -> None:
    """In the transaction that takes the code. A no that was said before stands: the page says so too."""
    if account.opted_out_at is None:
        record(session.connection(), said, account_id=account.id, by=f"patient:{account.id}", now=now)


def say_of_new_number(
    session: Session, said: Said, *, account: PhoneAccount, patient: Patient, actor: Actor, now: datetime
) -> None:
    """For a number that a record has just been given. In the caller's transaction.

    A no on a number that is somebody else's too changes nothing for them: what its holder said stands.
    """
    session.flush()
    if not said.agrees and _is_others_too(session, account, patient):
        return
    say(session, said, account=account, patient=patient, actor=actor, now=now)


def say(session: Session, said: Said, *, account: PhoneAccount, patient: Patient, actor: Actor, now: datetime) -> None:
    """A yes or no to texts to the number, by whoever has it. In the caller's transaction."""
    if said.agrees and account.opted_out_by == TOLD_US:
        account.opted_out_at = account.opted_out_by = None
    elif not said.agrees and account.opted_out_at is None:
        account.opted_out_at, account.opted_out_by = now, TOLD_US
    session.flush()
    record(session.connection(), said, account_id=account.id, by=str(actor), now=now, patient_id=patient.id)


def _is_others_too(session: Session, account: PhoneAccount, patient: Patient) -> bool:
    others = select(Patient.id).where(Patient.phone_account_id == account.id, Patient.id != patient.id, ~is_marked())
    return session.scalar(others.limit(1)) is not None
