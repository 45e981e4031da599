"""What somebody said about texts to a number: yes, in which words, or no."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.patients.patient import Patient, PhoneAccount

HOW = ("booking", "sign_in", "new_number", "page", "desk", "api", "text", "provider", "import", "before")
"""With a code on three kinds of page; by a press on the patient's own page; at the desk; by a program; by STOP or START;
told by the provider; brought from the former system; and what was there before any of it was recorded."""


class TextAgreement(Base):
    """Append-only, by trigger, but for what an import brought and takes back. The latest line of a number holds.

    `words`: the very sentence that was shown or read out, in `language`; none where nobody said one. `patient_id`: of whom
    it was said at the desk or by a program; a code proves the number alone.
    """

    __tablename__ = "text_agreement"
    __table_args__ = (CheckConstraint(f"how IN ({', '.join(map(repr, HOW))})", name="text_agreement_how_known"),)

    id: Mapped[Id]
    phone_account_id: Mapped[int] = mapped_column(ForeignKey(PhoneAccount.id), index=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey(Patient.id), index=True)
    agrees: Mapped[bool]
    said_at: Mapped[datetime] = mapped_column(Instant)
    words: Mapped[str] = mapped_column(String(400))
    language: Mapped[str] = mapped_column(String(5))
    how: Mapped[str] = mapped_column(String(12))
    said_by: Mapped[str] = mapped_column(String(80))
