"""A number that is not this patient's: somebody else has the telephone."""

from datetime import datetime

from sqlalchemy import ColumnElement, ForeignKey, Index, String, and_, exists, text
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.patients.patient import Patient, PhoneAccount

ACTING_ENDED = "acting ended"
_OPEN = text("lifted_at IS NULL")


class WrongNumber(Base):
    """The mark belongs to a patient *and* a number, until the desk lifts it; a code typed there proves only the telephone.

    `said_at`: somebody wrote from there that they are not the patient; from then on the record does not open there.
    `stopped_at`: reception agreed, and from then on no texts about this patient go there.
    `why`: nothing, or `ACTING_ENDED`: nobody wrote; the desk ended that somebody on this number acts for the child, whose
    birth date they know. Whom the desk has named still acts.
    """

    __tablename__ = "wrong_number"
    __table_args__ = (
        Index(
            "one_open_mark_a_patient_and_number",
            "patient_id",
            "phone_account_id",
            unique=True,
            sqlite_where=_OPEN,
            postgresql_where=_OPEN,
        ),
    )

    id: Mapped[Id]
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id))
    phone_account_id: Mapped[int] = mapped_column(ForeignKey(PhoneAccount.id), index=True)
    said_at: Mapped[datetime] = mapped_column(Instant)
    stopped_at: Mapped[datetime | None] = mapped_column(Instant)
    stopped_by: Mapped[str | None] = mapped_column(String(80))
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)
    lifted_by: Mapped[str | None] = mapped_column(String(80))
    why: Mapped[str | None] = mapped_column(String(20))


def is_marked() -> ColumnElement[bool]:
    """Of the `Patient` of the query: its number is, as somebody said, not theirs."""
    return exists().where(
        WrongNumber.patient_id == Patient.id,
        WrongNumber.phone_account_id == Patient.phone_account_id,
        WrongNumber.lifted_at.is_(None),
    )


def is_said_wrong() -> ColumnElement[bool]:
    """The same, and nobody at all is to see the patient from there, whoever may act for them."""
    return exists().where(
        WrongNumber.patient_id == Patient.id,
        WrongNumber.phone_account_id == Patient.phone_account_id,
        WrongNumber.lifted_at.is_(None),
        WrongNumber.why.is_(None),
    )


def is_stopped() -> ColumnElement[bool]:
    """The same, and reception agreed: no texts go there."""
    return exists().where(
        and_(
            WrongNumber.patient_id == Patient.id,
            WrongNumber.phone_account_id == Patient.phone_account_id,
            WrongNumber.lifted_at.is_(None),
            WrongNumber.stopped_at.is_not(None),
        )
    )
