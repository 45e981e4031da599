"""What was known of patients before they came here, and what each import brought."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.patients.patient import Patient


class PatientNumber(Base):
    """The number of a patient's file in an earlier system: what the visits brought from there name them by."""

    __tablename__ = "patient_number"

    number: Mapped[str] = mapped_column(String(60), primary_key=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)


class ImportRun(Base):
    """A file that was imported; `taken_back_at` when all that it brought went again."""

    __tablename__ = "import_run"
    __table_args__ = (
        CheckConstraint("what IN ('patients', 'visits')", name="import_run_of_known_kind"),
        CheckConstraint("(taken_back_at IS NULL) = (taken_back_by IS NULL)", name="import_run_taken_back_by_somebody"),
    )

    id: Mapped[Id]
    what: Mapped[str] = mapped_column(String(8))
    file_name: Mapped[str] = mapped_column(String(120))
    rows: Mapped[int]
    imported_at: Mapped[datetime] = mapped_column(Instant)
    imported_by: Mapped[str] = mapped_column(String(80))
    taken_back_at: Mapped[datetime | None] = mapped_column(Instant)
    taken_back_by: Mapped[str | None] = mapped_column(String(80))


class ImportedRow(Base):
    """Something that a run brought: `kind` patient, phone, visit, number (of a patient who was here) or cleared.

    `row_id`: of the patient, telephone number or visit. Without a foreign key, for it outlives what is taken back.
    """

    __tablename__ = "imported_row"

    import_run_id: Mapped[int] = mapped_column(ForeignKey(ImportRun.id), primary_key=True)
    kind: Mapped[str] = mapped_column(String(8), primary_key=True)
    row_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    number: Mapped[str] = mapped_column(String(60), primary_key=True, default="", server_default="")
