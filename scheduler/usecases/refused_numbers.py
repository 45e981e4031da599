"""What a refusal says about a number is remembered, so that it is not texted again in vain."""

from datetime import datetime

from sqlalchemy import Connection, update

from scheduler.gateways.sms import RefusalReason, SmsRefused
from scheduler.models.patient import PhoneAccount


def remember(connection: Connection, *, number: str, refusal: SmsRefused, now: datetime) -> None:
    """Opted out, which START clears as well, or unreachable; both are cleared when the number is verified again."""
    code = str(refusal.error_code)
    if refusal.reason is RefusalReason.OPTED_OUT:
        connection.execute(
            update(PhoneAccount)
            .where(PhoneAccount.number == number, PhoneAccount.opted_out_at.is_(None))
            .values(opted_out_at=now, opted_out_by=code)
        )
    elif refusal.reason is RefusalReason.BAD_NUMBER:
        connection.execute(
            update(PhoneAccount)
            .where(PhoneAccount.number == number, PhoneAccount.unreachable_at.is_(None))
            .values(unreachable_at=now, unreachable_why=code)
        )
