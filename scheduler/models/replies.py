"""What patients' replies lean on: the private link to move one visit, and the visits that were numbered for them."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.appointment import Appointment
from scheduler.models.base import Base, Id, Instant
from scheduler.models.patient import PhoneAccount
from scheduler.models.sms import Message


class MoveLink(Base):
    """A texted address that opens the moving of one visit. Only the token's SHA-256 is kept.

    It works while the visit stands at `schedule_version`: moving it, by this link or otherwise, ends it. And while the
    number that it was texted to is still its patient's.
    """

    __tablename__ = "move_link"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    appointment_id: Mapped[int] = mapped_column(ForeignKey(Appointment.id), index=True)
    schedule_version: Mapped[int]
    phone_account_id: Mapped[int] = mapped_column(ForeignKey(PhoneAccount.id))
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)


class ReplyChoice(Base):
    """One visit of a text that asked "which?": what the patient means by this number later on."""

    __tablename__ = "reply_choice"
    __table_args__ = (
        UniqueConstraint("message_id", "place", name="one_visit_a_place"),
        CheckConstraint("wish IN ('confirm', 'move')", name="reply_choice_wish_known"),
    )

    id: Mapped[Id]
    message_id: Mapped[int] = mapped_column(ForeignKey(Message.id))
    place: Mapped[int]
    wish: Mapped[str] = mapped_column(String(8))
    appointment_id: Mapped[int] = mapped_column(ForeignKey(Appointment.id))
    schedule_version: Mapped[int]
