"""Records whose time is over: what was blanked, and what somebody wants kept all the same."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.patients.patient import Patient


class RetentionAct(Base):
    """The record of one patient was blanked. While this row stands the history triggers admit blanking, and nothing else."""

    __tablename__ = "retention_act"

    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), primary_key=True)
    blanked_at: Mapped[datetime] = mapped_column(Instant)
    blanked_by: Mapped[str] = mapped_column(String(80))


class RetentionHold(Base):
    """A record that is not to be blanked, and why: a complaint, a claim, a question."""

    __tablename__ = "retention_hold"
    __table_args__ = (CheckConstraint("length(reason) > 0", name="retention_hold_has_a_reason"),)

    id: Mapped[Id]
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    reason: Mapped[str] = mapped_column(String(200))
    placed_at: Mapped[datetime] = mapped_column(Instant)
    placed_by: Mapped[str] = mapped_column(String(80))
    lifted_at: Mapped[datetime | None] = mapped_column(Instant)
    lifted_by: Mapped[str | None] = mapped_column(String(80))
