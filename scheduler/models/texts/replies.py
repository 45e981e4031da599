"""What patients' replies lean on: the visits that were numbered for them."""

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id
from scheduler.models.texts.sms import Message
from scheduler.models.visits.appointment import Appointment


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
