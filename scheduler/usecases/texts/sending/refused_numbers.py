"""What a refusal says about a number is remembered, so that it is not texted again in vain."""

from datetime import datetime

from sqlalchemy import Connection, exists, or_, update

from scheduler.domain.phone import InboundWord
from scheduler.gateways.sms import RefusalReason, SmsRefused
from scheduler.models.patients.patient import PhoneAccount
from scheduler.models.texts.sms import Message
from scheduler.usecases.texts.agreements import Said, record


def remember(
    connection: Connection, *, number: str, refusal: SmsRefused, tried_at: datetime | None, now: datetime
) -> None:
    """Opted out, which START clears as well, or unreachable; both are cleared when the number is verified again. What is
    said of a text tried before that comes too late to count."""
    code, tried_at = str(refusal.error_code), tried_at or now
    account = update(PhoneAccount).where(
        PhoneAccount.number == number, or_(PhoneAccount.verified_at.is_(None), PhoneAccount.verified_at <= tried_at)
    )
    if refusal.reason is RefusalReason.OPTED_OUT:
        has_opted_in_since = exists().where(
            Message.number == number,
            Message.direction == "in",
            Message.opt_word == InboundWord.START,
            Message.created_at > tried_at,
        )
        opted_out = connection.scalars(
            account.where(PhoneAccount.opted_out_at.is_(None), ~has_opted_in_since)
            .values(opted_out_at=now, opted_out_by=code)
            .returning(PhoneAccount.id)
        ).all()
        for account_id in opted_out:
            record(connection, Said(False, "provider", words=code), account_id=account_id, by="provider", now=now)
    elif refusal.reason is RefusalReason.BAD_NUMBER:
        connection.execute(
            account.where(PhoneAccount.unreachable_at.is_(None)).values(unreachable_at=now, unreachable_why=code)
        )
