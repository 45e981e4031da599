"""The people treated, and the verified phone numbers that they share."""

import secrets
from datetime import date, datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.models.base import Base, Id, Instant, Json, PublicId


def feed_token() -> str:
    """192 random bits: the only key to a private calendar address."""
    return secrets.token_urlsafe(24)


class PhoneAccount(Base):
    """A mobile number, E.164. `verified_at` is when a code sent to it was last typed in."""

    __tablename__ = "phone_account"

    id: Mapped[Id]
    number: Mapped[str] = mapped_column(String(16), unique=True)
    language: Mapped[str] = mapped_column(String(5), default="en")
    verified_at: Mapped[datetime | None] = mapped_column(Instant)
    opted_out_at: Mapped[datetime | None] = mapped_column(Instant)
    opted_out_by: Mapped[str | None] = mapped_column(String(40))  # the word received, or Twilio's error code
    unreachable_at: Mapped[datetime | None] = mapped_column(Instant)
    unreachable_why: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(Instant)

    patients: Mapped[list["Patient"]] = relationship(back_populates="phone_account", order_by="Patient.id")


class Patient(Base):
    """`calendar_version` rises, by trigger, with each change of an appointment of this patient; `version` with each
    change of the patient's own details.

    Restricted instead of deleted: books nothing online and gets no texts.
    """

    __tablename__ = "patient"
    __table_args__ = (CheckConstraint("length(given_name) > 0 AND length(family_name) > 0", name="patient_has_a_name"),)

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    given_name: Mapped[str] = mapped_column(String(100))
    family_name: Mapped[str] = mapped_column(String(100))
    birth_date: Mapped[date | None] = mapped_column(index=True)
    phone_account_id: Mapped[int | None] = mapped_column(ForeignKey(PhoneAccount.id), index=True)
    language: Mapped[str] = mapped_column(String(5), default="en")
    cleared_for_ims_at: Mapped[datetime | None] = mapped_column(Instant)
    cleared_by: Mapped[str | None] = mapped_column(String(80))  # who entered it
    clearing_practitioner_id: Mapped[int | None] = mapped_column(ForeignKey("practitioner.id"))  # whose decision it is
    feed_token: Mapped[str] = mapped_column(String(48), unique=True, default=feed_token)
    calendar_version: Mapped[int] = mapped_column(default=1, server_default="1")
    version: Mapped[int] = mapped_column(default=1, server_default="1")
    note: Mapped[str] = mapped_column(Text, default="", server_default="")
    restricted_at: Mapped[datetime | None] = mapped_column(Instant)
    restricted_by: Mapped[str | None] = mapped_column(String(80))
    created_at: Mapped[datetime] = mapped_column(Instant)

    phone_account: Mapped[PhoneAccount | None] = relationship(back_populates="patients")

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}"


class PatientMerge(Base):
    """Two records of one person became one. The record merged stays, without visits and number; `moved` says what went."""

    __tablename__ = "patient_merge"
    __table_args__ = (CheckConstraint("kept_patient_id <> merged_patient_id", name="merged_into_another"),)

    id: Mapped[Id]
    merged_patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), unique=True)
    kept_patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    merged_at: Mapped[datetime] = mapped_column(Instant)
    merged_by: Mapped[str] = mapped_column(String(80))
    moved: Mapped[Json] = mapped_column(JSON)
