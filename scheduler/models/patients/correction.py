"""What a patient asks to have corrected in their record, the answer, and their own statement where it is no."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.patients.patient import Patient

ANSWERED = "(answer IS NULL) = (answered_at IS NULL) AND (answer IS NULL) = (answered_by IS NULL)"
OPEN = text("answer IS NULL")


class CorrectionRequest(Base):
    """`asked_by` entered it: the patient, whoever acts for them, or the desk. `answer`: corrected, or refused, which takes
    `answer_words`. `statement`: of disagreement, in the patient's own words."""

    __tablename__ = "correction_request"
    __table_args__ = (
        CheckConstraint("answer IN ('corrected', 'refused')", name="correction_answer_known"),
        CheckConstraint(ANSWERED, name="correction_answered_by_somebody"),
        CheckConstraint(
            "(stated_at IS NULL) = (stated_by IS NULL) AND (stated_at IS NULL OR answer = 'refused')",
            name="correction_statement_only_where_refused",
        ),
        Index("ix_correction_request_open", "asked_at", sqlite_where=OPEN, postgresql_where=OPEN),
    )

    id: Mapped[Id]
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    what_is_wrong: Mapped[str] = mapped_column(String(1000))
    should_say: Mapped[str] = mapped_column(String(1000))
    asked_at: Mapped[datetime] = mapped_column(Instant)
    asked_by: Mapped[str] = mapped_column(String(80))
    answer: Mapped[str | None] = mapped_column(String(10))
    answer_words: Mapped[str] = mapped_column(String(1000), default="")
    answered_at: Mapped[datetime | None] = mapped_column(Instant)
    answered_by: Mapped[str | None] = mapped_column(String(80))
    statement: Mapped[str] = mapped_column(String(2000), default="")
    stated_at: Mapped[datetime | None] = mapped_column(Instant)
    stated_by: Mapped[str | None] = mapped_column(String(80))
