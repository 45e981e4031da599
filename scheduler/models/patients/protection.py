"""Records that the patient has asked to keep from most of the clinic, and who opened one all the same."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.patients.patient import Patient
from scheduler.models.staff.access import StaffUser


class LockBox(Base):
    """While it is not lifted, only owners and the people named in it may see the patient. `words`: what the patient asked."""

    __tablename__ = "lock_box"
    __table_args__ = (
        CheckConstraint("(lifted_at IS NULL) = (lifted_by IS NULL)", name="lock_box_lifted_by_somebody"),
        Index("ix_lock_box_lifted_at", "lifted_at"),
    )

    id: Mapped[Id]
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    words: Mapped[str] = mapped_column(String(500), default="")
    placed_at: Mapped[datetime] = mapped_column(Instant)
    placed_by: Mapped[str] = mapped_column(String(80))
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)
    lifted_by: Mapped[str | None] = mapped_column(String(80))


class LockBoxPerson(Base):
    """Somebody whom the patient still lets in."""

    __tablename__ = "lock_box_person"

    lock_box_id: Mapped[int] = mapped_column(ForeignKey(LockBox.id), primary_key=True)
    staff_user_id: Mapped[int] = mapped_column(ForeignKey(StaffUser.id), primary_key=True)


class LockBoxOpening(Base):
    """Somebody not named opened it in an emergency, for a short time. `seen_at`: an owner has taken note."""

    __tablename__ = "lock_box_opening"
    __table_args__ = (CheckConstraint("length(reason) > 0", name="lock_box_opening_has_a_reason"),)

    id: Mapped[Id]
    lock_box_id: Mapped[int] = mapped_column(ForeignKey(LockBox.id), index=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    staff_user_id: Mapped[int] = mapped_column(ForeignKey(StaffUser.id), index=True)
    reason: Mapped[str] = mapped_column(String(300))
    opened_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    seen_at: Mapped[datetime | None] = mapped_column(Instant)
    seen_by: Mapped[str | None] = mapped_column(String(80))
