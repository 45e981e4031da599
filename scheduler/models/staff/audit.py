"""Who looked at or changed what. Append-only, by trigger."""

from datetime import datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.patients.patient import Patient


class AuditLine(Base):
    """`actor` as in history lines, `what` a key of usecases/audit.py, `address` the machine it came from.

    `details` names fields and days, never people, numbers or what was written.
    """

    __tablename__ = "audit_line"
    __table_args__ = (
        Index("ix_audit_line_patient_id_id", "patient_id", "id"),
        Index("ix_audit_line_actor_id", "actor", "id"),
        Index("ix_audit_line_at_id", "at", "id"),
    )

    id: Mapped[Id]
    at: Mapped[datetime] = mapped_column(Instant)
    actor: Mapped[str] = mapped_column(String(80))
    what: Mapped[str] = mapped_column(String(40))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey(Patient.id))
    details: Mapped[str] = mapped_column(String(300), default="")
    address: Mapped[str] = mapped_column(String(45), default="")
