"""Telephone calls made where a text could not be sent."""

from datetime import datetime

from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.visits.appointment import Appointment


class ReminderCall(Base):
    """The patient was told by telephone; a visit that moves afterwards is to be called about again."""

    __tablename__ = "reminder_call"
    __table_args__ = (UniqueConstraint("appointment_id", "schedule_version", name="one_call_a_version"),)

    id: Mapped[Id]
    appointment_id: Mapped[int] = mapped_column(ForeignKey(Appointment.id))
    schedule_version: Mapped[int]
    called_at: Mapped[datetime] = mapped_column(Instant)
    called_by: Mapped[str] = mapped_column(String(80))
