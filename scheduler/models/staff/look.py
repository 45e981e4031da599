"""Who saw whom on a list: once a day for each person, list and patient."""

from datetime import date, datetime

from sqlalchemy import ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Instant
from scheduler.models.patients.patient import Patient


class Look(Base):
    """`actor` and `address` as in the audit log; `list_name` a key of usecases/staff/looks.py; `day` the clinic's; `at` the first time
    that day."""

    __tablename__ = "look"
    __table_args__ = (Index("ix_look_patient_id_day", "patient_id", "day"), Index("ix_look_day", "day"))

    actor: Mapped[str] = mapped_column(String(80), primary_key=True)
    day: Mapped[date] = mapped_column(primary_key=True)
    list_name: Mapped[str] = mapped_column(String(20), primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), primary_key=True, autoincrement=False)
    at: Mapped[datetime] = mapped_column(Instant)
    address: Mapped[str] = mapped_column(String(45), default="")
