"""Booked IMS that a physiotherapist is to look at, because something has changed since it was booked."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.clinic.clinic import Practitioner
from scheduler.models.visits.appointment import Appointment

ANSWERED = "(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)"


class ImsReview(Base):
    """`why`: the clearance was taken back, or a screening question was answered with a new yes. Nothing is cancelled by
    itself. `answered_by` entered the answer, which is that of `practitioner_id`."""

    __tablename__ = "ims_review"
    __table_args__ = (
        CheckConstraint("why IN ('clearance_taken_back', 'screening')", name="ims_review_why_known"),
        CheckConstraint("answer IN ('go_ahead', 'call')", name="ims_review_answer_known"),
        CheckConstraint(ANSWERED, name="ims_review_answered_by_somebody"),
        Index(
            "one_open_ims_review",
            "appointment_id",
            unique=True,
            postgresql_where=text("answer IS NULL"),
            sqlite_where=text("answer IS NULL"),
        ),
        Index("ix_ims_review_appointment_id", "appointment_id"),
    )

    id: Mapped[Id]
    appointment_id: Mapped[int] = mapped_column(ForeignKey(Appointment.id))
    why: Mapped[str] = mapped_column(String(24))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    answer: Mapped[str | None] = mapped_column(String(12))
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    answered_by: Mapped[str | None] = mapped_column(String(80))
    practitioner_id: Mapped[int | None] = mapped_column(ForeignKey(Practitioner.id))
