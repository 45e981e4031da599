"""What is to be texted and what was."""

from datetime import datetime

from sqlalchemy import (
    CheckConstraint,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    and_,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.models.base import Base, Id, Instant, public_id
from scheduler.models.patients.patient import Patient
from scheduler.models.visits.appointment import Appointment

WAITS_FOR_BUDGET = "budget used up"
"""Reason of a planned reminder, and error code of a queued text, that the month has no parts left for."""
NO_RECEIPT = "no receipt"
"""Reason of a sent reminder of which nobody knows whether it arrived: the desk telephones."""
REMINDER_STATUSES = ("planned", "attempting", "sent", "superseded", "suppressed", "failed", "in_doubt")
MESSAGE_STATUSES = (
    "queued",
    "attempting",
    "in_doubt",
    "accepted",
    "sent",
    "delivered",
    "undelivered",
    "failed",
    "expired",
    "received",
)


STILL_AT_PROVIDER = "body = '' AND sid IS NOT NULL AND blanked_at_provider_at IS NULL"
"""SQL: what a text said is blanked here, and not yet there. In the words of the index below, for SQLite."""


def one_of(column: str, values: tuple[str, ...]) -> str:
    return f"{column} IN ({', '.join(repr(v) for v in values)})"


# In the words of the indexes below, beside what a query asks for in parameters: else SQLite does not see that the few
# rows of such an index are enough, and reads every text there ever was.
IS_WAITING = text(one_of("message.status", ("queued", "attempting", "in_doubt")))
IS_UNDER_WAY = text(one_of("message.status", ("accepted", "sent")))


class Reminder(Base):
    """One planned text about one appointment at one `schedule_version`.

    planned → attempting → sent | failed | in_doubt; planned → superseded (moved, cancelled) or suppressed (opted out,
    no number, too late). `next_attempt_at` is `due_at` until a try fails for a passing reason.
    """

    __tablename__ = "reminder"
    __table_args__ = (
        UniqueConstraint("appointment_id", "version", "kind", name="one_reminder_of_a_kind"),
        CheckConstraint(one_of("status", REMINDER_STATUSES), name="reminder_status_known"),
        Index(
            "ix_reminder_due",
            "next_attempt_at",
            postgresql_where=text("status = 'planned'"),
            sqlite_where=text("status = 'planned'"),
        ),
        Index(
            "ix_reminder_due_confirmation",
            "next_attempt_at",
            postgresql_where=text("status = 'planned' AND kind = 'confirmation'"),
            sqlite_where=text("status = 'planned' AND kind = 'confirmation'"),
        ),
        Index(
            "ix_reminder_unsettled",
            "status",
            "next_attempt_at",
            postgresql_where=text("status IN ('attempting', 'in_doubt')"),
            sqlite_where=text("status IN ('attempting', 'in_doubt')"),
        ),
        # So few that the desk's calendar, which asks for each card, need not look at the visit's other reminders.
        Index(
            "ix_reminder_failed",
            "appointment_id",
            postgresql_where=text("status = 'failed'"),
            sqlite_where=text("status = 'failed'"),
        ),
    )

    id: Mapped[Id]
    appointment_id: Mapped[int] = mapped_column(ForeignKey(Appointment.id))
    version: Mapped[int]
    kind: Mapped[str] = mapped_column(String(24))
    due_at: Mapped[datetime] = mapped_column(Instant)
    next_attempt_at: Mapped[datetime] = mapped_column(Instant)
    attempts: Mapped[int] = mapped_column(default=0)
    status: Mapped[str] = mapped_column(String(12), default="planned")
    reason: Mapped[str | None] = mapped_column(String(80))
    settled_at: Mapped[datetime | None] = mapped_column(Instant)

    appointment: Mapped[Appointment] = relationship()


class Message(Base):
    """One SMS, out or in. For one going out the row is the attempt: committed before Twilio is called.

    `attempt_id` stands in the status-callback address. Codes are blanked once they are sent. `for_desk`: one that came in
    and that somebody at the desk has to read; `written_by`: who at the desk wrote one that went out.
    """

    __tablename__ = "message"
    __table_args__ = (
        CheckConstraint(one_of("status", MESSAGE_STATUSES), name="message_status_known"),
        CheckConstraint("direction IN ('out', 'in')", name="message_direction_known"),
        Index(
            "ix_message_waiting",
            "status",
            "created_at",
            postgresql_where=text("status IN ('queued', 'attempting', 'in_doubt')"),
            sqlite_where=text("status IN ('queued', 'attempting', 'in_doubt')"),
        ),
        Index(
            "ix_message_for_desk", "number", "id", postgresql_where=text("for_desk"), sqlite_where=text("for_desk = 1")
        ),
        Index(
            "ix_message_unread",
            "id",
            postgresql_where=text("for_desk AND read_at IS NULL"),
            sqlite_where=text("for_desk = 1 AND read_at IS NULL"),
        ),
        Index(
            "ix_message_still_at_provider",
            "id",
            postgresql_where=text(STILL_AT_PROVIDER),
            sqlite_where=text(STILL_AT_PROVIDER),
        ),
        # Those whose last state has not been told yet.
        Index(
            "ix_message_silent",
            "settled_at",
            postgresql_where=text("status IN ('accepted', 'sent') AND asked_at IS NULL"),
            sqlite_where=text("status IN ('accepted', 'sent') AND asked_at IS NULL"),
        ),
    )

    id: Mapped[Id]
    attempt_id: Mapped[str] = mapped_column(String(32), unique=True, default=public_id)
    direction: Mapped[str] = mapped_column(String(3))
    kind: Mapped[str] = mapped_column(String(24))  # code, a reminder's kind, help, inbound
    number: Mapped[str] = mapped_column(String(20), index=True)
    body: Mapped[str] = mapped_column(Text)
    status: Mapped[str] = mapped_column(String(12))
    gateway: Mapped[str] = mapped_column(String(12), default="")
    sid: Mapped[str | None] = mapped_column(String(64), unique=True)
    error_code: Mapped[str | None] = mapped_column(String(16))
    opt_word: Mapped[str | None] = mapped_column(String(12))
    attempts: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[datetime] = mapped_column(Instant, index=True)
    attempted_at: Mapped[datetime | None] = mapped_column(Instant)
    next_attempt_at: Mapped[datetime | None] = mapped_column(Instant)
    settled_at: Mapped[datetime | None] = mapped_column(Instant)
    reminder_id: Mapped[int | None] = mapped_column(ForeignKey(Reminder.id), index=True)
    appointment_id: Mapped[int | None] = mapped_column(ForeignKey(Appointment.id), index=True)
    patient_id: Mapped[int | None] = mapped_column(ForeignKey(Patient.id), index=True)
    for_desk: Mapped[bool] = mapped_column(default=False, server_default=false())
    read_at: Mapped[datetime | None] = mapped_column(Instant)
    read_by: Mapped[str | None] = mapped_column(String(80))
    written_by: Mapped[str | None] = mapped_column(String(80))
    asked_at: Mapped[datetime | None] = mapped_column(Instant)  # the provider, because no receipt came
    blanked_at_provider_at: Mapped[datetime | None] = mapped_column(Instant)
    segments: Mapped[int | None]  # parts paid for, of one that went out
    price_millionths: Mapped[int | None]  # of price_unit; none until the provider names it
    price_unit: Mapped[str | None] = mapped_column(String(3))


def went_out() -> ColumnElement[bool]:
    """The provider took it, and nothing worse is known."""
    return and_(Message.direction == "out", Message.status.in_(("accepted", "sent", "delivered")))


class EarlyReceipt(Base):
    """News from the provider about a text that we don't know (yet): matched later, by attempt or by sid."""

    __tablename__ = "early_receipt"

    id: Mapped[Id]
    attempt_id: Mapped[str | None] = mapped_column(String(32))
    sid: Mapped[str] = mapped_column(String(64), index=True)
    word: Mapped[str] = mapped_column(String(20))
    error_code: Mapped[int | None]
    received_at: Mapped[datetime] = mapped_column(Instant, index=True)


class SmsSender(Base):
    """How fast one sender may go on, for all workers together.

    `free_at`: until then its rate is used up. `paused_until`: the provider asked for it, or has failed `failures` times in a
    row; the first text after it is a probe.
    """

    __tablename__ = "sms_sender"

    name: Mapped[str] = mapped_column(String(64), primary_key=True)
    free_at: Mapped[datetime] = mapped_column(Instant)
    paused_until: Mapped[datetime | None] = mapped_column(Instant)
    failures: Mapped[int] = mapped_column(default=0)
