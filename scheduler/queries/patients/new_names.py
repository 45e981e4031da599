"""Numbers on which somebody gives one new name after another: a calendar may be filling with people who do not exist."""

from datetime import datetime, timedelta

from sqlalchemy import String, cast, func, literal, select
from sqlalchemy.orm import Session

from scheduler.models import AuditLine, PhoneAccount

WORTH_TELLING, A_DAY = 3, timedelta(hours=24)
_NEW_NAMES = ("patient.registered", "patient.not_registered")


def numbers_with_many_new_names(session: Session, *, now: datetime) -> list[str]:
    """On which three names or more were given online within a day, those included who were told to call. The desk's own
    registrations do not count."""
    account = literal("patient:") + cast(PhoneAccount.id, String)
    return list(
        session.scalars(
            select(PhoneAccount.number)
            .join(AuditLine, AuditLine.actor == account)
            .where(AuditLine.at > now - A_DAY, AuditLine.what.in_(_NEW_NAMES))
            .group_by(PhoneAccount.number)
            .having(func.count() >= WORTH_TELLING)
            .order_by(PhoneAccount.number)
        )
    )
