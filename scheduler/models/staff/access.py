"""Who may enter: codes, staff, tokens, and the counters that slow a guesser down."""

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant, Json

ROLES = ("receptionist", "practitioner", "owner")
ROLE_SQL = "role IN ('receptionist', 'practitioner', 'owner')"


class SignInCode(Base):
    """A 6-digit code sent to a number; kept as an HMAC, good for one browser, 10 minutes from when its text goes out, and a few tries."""

    __tablename__ = "sign_in_code"

    id: Mapped[Id]
    challenge: Mapped[str] = mapped_column(String(32), unique=True)  # in the browser's session, beside the draft
    number: Mapped[str] = mapped_column(String(16), index=True)
    code_hmac: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime] = mapped_column(Instant)
    expires_at: Mapped[datetime] = mapped_column(Instant)
    tries: Mapped[int] = mapped_column(default=0)
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class StaffUser(Base):
    """`totp_secret` is there once an authenticator was enrolled; no code of `totp_step` (30 s each) or before is taken
    again. `password_temporary`: somebody else made it, so it is changed at the first sign-in."""

    __tablename__ = "staff_user"
    __table_args__ = (CheckConstraint(ROLE_SQL, name="staff_role_known"),)

    id: Mapped[Id]
    username: Mapped[str] = mapped_column(String(60), unique=True)
    display_name: Mapped[str] = mapped_column(String(100))
    role: Mapped[str] = mapped_column(String(14))
    password_hash: Mapped[str] = mapped_column(String(200))
    active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    last_sign_in_at: Mapped[datetime | None] = mapped_column(Instant)
    totp_secret: Mapped[str | None] = mapped_column(String(255))  # sealed: usecases/staff/sealing.py
    totp_step: Mapped[int] = mapped_column(default=0, server_default="0")
    password_temporary: Mapped[bool] = mapped_column(default=False, server_default=false())
    practitioner_id: Mapped[int | None] = mapped_column(ForeignKey("practitioner.id"))  # whose own day it is
    pin_hash: Mapped[str | None] = mapped_column(String(200))  # for the clinic's own computers
    second_step_due_at: Mapped[datetime | None] = mapped_column(Instant)  # by when to enrol, from the first sign-in on
    let_in_until: Mapped[datetime | None] = mapped_column(Instant)  # without the second step, by an owner


class RecoveryCode(Base):
    """Stands in for the authenticator once; kept as a hash."""

    __tablename__ = "recovery_code"

    id: Mapped[Id]
    staff_user_id: Mapped[int] = mapped_column(ForeignKey(StaffUser.id), index=True)
    code_hash: Mapped[str] = mapped_column(String(64))
    used_at: Mapped[datetime | None] = mapped_column(Instant)


class ApiToken(Base):
    """Good until `ends_at`, or until it is revoked."""

    __tablename__ = "api_token"
    __table_args__ = (CheckConstraint(ROLE_SQL, name="token_role_known"),)

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(80), unique=True)
    role: Mapped[str] = mapped_column(String(14))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    last_used_at: Mapped[datetime | None] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class IdempotentAnswer(Base):
    """What a POST with an Idempotency-Key was answered, to be answered again."""

    __tablename__ = "idempotent_answer"
    __table_args__ = (UniqueConstraint("api_token_id", "key", name="one_answer_a_key"),)

    id: Mapped[Id]
    api_token_id: Mapped[int] = mapped_column(ForeignKey(ApiToken.id))
    key: Mapped[str] = mapped_column(String(200))
    fingerprint: Mapped[str] = mapped_column(String(64))
    status: Mapped[int | None]  # none while the first request is under way
    body: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime] = mapped_column(Instant, index=True)


class RateCounter(Base):
    """How often `key` (an HMAC: no number or address in clear) was seen in the window that began then."""

    __tablename__ = "rate_counter"
    __table_args__ = (Index("ix_rate_counter_ends_at", "ends_at"),)

    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    count: Mapped[int]


class BookingDraft(Base):
    """What one visitor has typed so far, a row for each booking begun, so that two tabs don't mix.

    Only the browser that began it (`browser`, a random value in its session) can read it.
    """

    __tablename__ = "booking_draft"

    id: Mapped[Id]
    token: Mapped[str] = mapped_column(String(32), unique=True)
    browser: Mapped[str] = mapped_column(String(48), index=True)
    fields: Mapped[Json] = mapped_column(JSON)
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey("appointment.id"))
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant, index=True)


class Heartbeat(Base):
    """When something that must go on was last seen going on (the scheduler's tick)."""

    __tablename__ = "heartbeat"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    at: Mapped[datetime] = mapped_column(Instant)
