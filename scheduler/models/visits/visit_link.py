"""The private address in a text about a visit, which opens that one visit."""

from datetime import datetime

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.patients.patient import Patient, PhoneAccount
from scheduler.models.visits.appointment import Appointment


class VisitLink(Base):
    """Only the token's SHA-256 is kept.

    It works while the visit stands at `schedule_version` and is this patient's, and the number that it was texted to is
    still theirs: moving the visit, by this link or otherwise, ends it, and so does merging the record.
    """

    __tablename__ = "visit_link"

    id: Mapped[Id]
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    appointment_id: Mapped[int] = mapped_column(ForeignKey(Appointment.id), index=True)
    schedule_version: Mapped[int]
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id))
    phone_account_id: Mapped[int] = mapped_column(ForeignKey(PhoneAccount.id))
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
