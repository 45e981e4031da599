"""Who has shown on which browser that they are a patient, and who may act for whom."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.patients.patient import Patient, PhoneAccount

_NOT_ENDED = text("ended_at IS NULL")
CHILD, ADULT = "child", "adult"


class KnownBrowser(Base):
    """On this browser this patient's birth date was typed, after a code to this number. It opens nothing without a code.

    `browser_hash`: of the random value that the browser's own cookie holds; of nothing that is kept, where the device is
    `shared`.
    """

    __tablename__ = "known_browser"
    __table_args__ = (
        Index(
            "one_known_browser_a_patient",
            "browser_hash",
            "patient_id",
            unique=True,
            sqlite_where=_NOT_ENDED,
            postgresql_where=_NOT_ENDED,
        ),
    )

    id: Mapped[Id]
    browser_hash: Mapped[str] = mapped_column(String(64))
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    phone_account_id: Mapped[int] = mapped_column(ForeignKey(PhoneAccount.id))
    shared: Mapped[bool] = mapped_column(default=False)
    began_at: Mapped[datetime] = mapped_column(Instant)
    used_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_why: Mapped[str | None] = mapped_column(String(40))


class MayActFor(Base):
    """`actor` sees and changes the visits of `patient`. A child's: until its 16th birthday, whatever else; an adult's: by
    their own press, or by the desk, which says how it was asked."""

    __tablename__ = "may_act_for"
    __table_args__ = (
        CheckConstraint("actor_id <> patient_id", name="acts_for_another"),
        CheckConstraint("kind IN ('child', 'adult')", name="acting_kind_known"),
        Index(
            "one_acting_a_pair",
            "actor_id",
            "patient_id",
            unique=True,
            sqlite_where=_NOT_ENDED,
            postgresql_where=_NOT_ENDED,
        ),
    )

    id: Mapped[Id]
    actor_id: Mapped[int] = mapped_column(ForeignKey(Patient.id))
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    kind: Mapped[str] = mapped_column(String(5))
    granted_at: Mapped[datetime] = mapped_column(Instant)
    granted_by: Mapped[str] = mapped_column(String(80))
    how_asked: Mapped[str] = mapped_column(String(200))
    ended_at: Mapped[datetime | None] = mapped_column(Instant)
    ended_by: Mapped[str | None] = mapped_column(String(80))


class ActingCode(Base):
    """A patient of 16 or over lets whoever types this code act for them: once, within the hour. Only its hash is kept."""

    __tablename__ = "acting_code"

    id: Mapped[Id]
    code_hmac: Mapped[str] = mapped_column(String(64), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    made_at: Mapped[datetime] = mapped_column(Instant)
    made_by: Mapped[str] = mapped_column(String(80))
    expires_at: Mapped[datetime] = mapped_column(Instant, index=True)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class PrivateVisit(Base):
    """A visit that the desk shows to nobody who acts for the patient, nor to a patient under 16 online: a parent may be
    at that telephone."""

    __tablename__ = "private_visit"

    appointment_id: Mapped[int] = mapped_column(ForeignKey("appointment.id"), primary_key=True, autoincrement=False)
    set_at: Mapped[datetime] = mapped_column(Instant)
    set_by: Mapped[str] = mapped_column(String(80))


class BirthDateAsked(Base):
    """Somebody on the number of a patient without a birth date has tried to show who they are: the desk asks."""

    __tablename__ = "birth_date_asked"

    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), primary_key=True, autoincrement=False)
    asked_at: Mapped[datetime] = mapped_column(Instant)


class NumberRequest(Base):
    """Somebody who typed a code at a new number says which number was theirs: the desk decides."""

    __tablename__ = "number_request"

    id: Mapped[Id]
    phone_account_id: Mapped[int] = mapped_column(ForeignKey(PhoneAccount.id), index=True)
    old_number: Mapped[str] = mapped_column(String(16))
    birth_date: Mapped[date]
    asked_at: Mapped[datetime] = mapped_column(Instant, index=True)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_by: Mapped[str | None] = mapped_column(String(80))
    patient_id: Mapped[int | None] = mapped_column(ForeignKey(Patient.id))  # whose number was changed
