"""What was known of patients before they came here."""

from sqlalchemy import ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base
from scheduler.models.patient import Patient


class PatientNumber(Base):
    """The number of a patient's file in an earlier system: what the visits brought from there name them by."""

    __tablename__ = "patient_number"

    number: Mapped[str] = mapped_column(String(60), primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
