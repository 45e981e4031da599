"""Appointments and their history. The rules that bind them are in models/constraints, held by the database."""

from datetime import date, datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    Computed,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    false,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from scheduler.models.base import Base, Id, Instant, Json, PublicId, WallTime
from scheduler.models.clinic.clinic import Practitioner, Room, SpacingGroup, Treatment
from scheduler.models.patients.patient import Patient

STATUSES = ("held", "booked", "confirmed", "arrived", "completed", "cancelled", "no_show", "expired")
ACTIVE_SQL = "status IN ('held', 'booked', 'confirmed', 'arrived', 'completed')"


class Appointment(Base):
    """A slot taken.

    `starts_local` in `zone` is the truth; `starts_at`, `ends_at` and `busy_until` (with the buffer) are derived from it.
    `version` rises with every change; `schedule_version` is the version at which time or practitioner last changed.
    `spacing_group_id` says what the visit counts for, `counts_from_local` from when (elsewhere with an unknown
    time: from the end of that day), `spacing_days` the group's distance when it was written.
    `ims_given`: what was answered at completion, none while nobody has; `ims_open`: its practitioner is still to answer.
    `ims_concerns`: what was odd about IMS when it was given (domain/visits/ims_given.py), with spaces between.
    """

    __tablename__ = "appointment"
    __table_args__ = (
        CheckConstraint(
            "status IN ({})".format(", ".join(f"'{s}'" for s in STATUSES)), name="appointment_status_known"
        ),
        CheckConstraint("ends_at > starts_at AND busy_until >= ends_at", name="appointment_ends_after_start"),
        CheckConstraint("minutes BETWEEN 1 AND 720", name="appointment_at_most_12_hours"),
        CheckConstraint(
            "origin = 'elsewhere' OR (practitioner_id IS NOT NULL AND room_id IS NOT NULL)",
            name="appointment_has_a_place",
        ),
        CheckConstraint(
            "origin = 'elsewhere' OR counts_from_local = starts_local", name="appointment_counts_from_its_start"
        ),
        CheckConstraint("origin <> 'elsewhere' OR status IN ('completed', 'cancelled')", name="elsewhere_is_past"),
        CheckConstraint(
            "status IN ('held', 'expired', 'cancelled') OR patient_id IS NOT NULL", name="appointment_has_a_patient"
        ),
        CheckConstraint("status <> 'held' OR hold_until IS NOT NULL", name="hold_has_an_end"),
        CheckConstraint("(spacing_group_id IS NULL) = (spacing_days IS NULL)", name="spacing_days_with_group"),
        CheckConstraint("version >= 1 AND schedule_version BETWEEN 1 AND version", name="appointment_versions"),
        CheckConstraint("length(changed_by) > 0", name="appointment_change_has_an_author"),
        Index(
            "ix_appointment_starts_active",
            "starts_local",
            postgresql_where=text("active"),
            sqlite_where=text("active = 1"),
        ),
        # Cancelled and missed visits of a day, which the desk shows as well.
        Index(
            "ix_appointment_starts_inactive",
            "starts_local",
            postgresql_where=text("NOT active"),
            sqlite_where=text("active = 0"),
        ),
        Index(
            "ix_appointment_practitioner_active",
            "practitioner_id",
            "starts_at",
            postgresql_where=text("active"),
            sqlite_where=text("active = 1"),
        ),
        Index(
            "ix_appointment_room_active",
            "room_id",
            "starts_at",
            postgresql_where=text("active"),
            sqlite_where=text("active = 1"),
        ),
        Index("ix_appointment_patient_starts", "patient_id", "starts_at"),
        Index(
            "ix_appointment_hold_until",
            "hold_until",
            postgresql_where=text("status = 'held'"),
            sqlite_where=text("status = 'held'"),
        ),
        Index(
            "ix_appointment_ims_open",
            "practitioner_id",
            "starts_at",
            postgresql_where=text("ims_open"),
            sqlite_where=text("ims_open"),
        ),
    )

    id: Mapped[Id]
    public_id: Mapped[PublicId]
    patient_id: Mapped[int | None] = mapped_column(ForeignKey(Patient.id))
    practitioner_id: Mapped[int | None] = mapped_column(ForeignKey(Practitioner.id))
    room_id: Mapped[int | None] = mapped_column(ForeignKey(Room.id))
    treatment_id: Mapped[int] = mapped_column(ForeignKey(Treatment.id))
    origin: Mapped[str] = mapped_column(String(12))  # online, api, desk, import, elsewhere
    status: Mapped[str] = mapped_column(String(12))
    active: Mapped[bool] = mapped_column(Computed(ACTIVE_SQL, persisted=True))
    starts_local: Mapped[datetime] = mapped_column(WallTime)
    zone: Mapped[str] = mapped_column(String(40))
    minutes: Mapped[int]
    buffer_minutes: Mapped[int] = mapped_column(default=0)
    starts_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant)
    busy_until: Mapped[datetime] = mapped_column(Instant)
    spacing_group_id: Mapped[int | None] = mapped_column(ForeignKey(SpacingGroup.id))
    spacing_days: Mapped[int | None]
    counts_from_local: Mapped[datetime] = mapped_column(WallTime)
    time_known: Mapped[bool] = mapped_column(default=True)
    ims_given: Mapped[bool | None]
    ims_open: Mapped[bool] = mapped_column(server_default=false())
    ims_concerns: Mapped[str] = mapped_column(String(60), server_default="")
    hold_until: Mapped[datetime | None] = mapped_column(Instant)
    held_for: Mapped[str | None] = mapped_column(String(48))  # the visitor's browser
    version: Mapped[int] = mapped_column(default=1)
    schedule_version: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(Instant)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    changed_by: Mapped[str] = mapped_column(String(80))
    changed_why: Mapped[str | None] = mapped_column(String(500))

    patient: Mapped[Patient | None] = relationship()
    practitioner: Mapped[Practitioner | None] = relationship()
    room: Mapped[Room | None] = relationship()
    treatment: Mapped[Treatment] = relationship()


class AppointmentHistory(Base):
    """One line for each change, written by trigger in the same transaction; append-only by trigger."""

    __tablename__ = "appointment_history"

    id: Mapped[Id]
    appointment_id: Mapped[int] = mapped_column(ForeignKey(Appointment.id), index=True)
    version: Mapped[int]
    changed_at: Mapped[datetime] = mapped_column(Instant)
    changed_by: Mapped[str] = mapped_column(String(80))
    changed_why: Mapped[str | None] = mapped_column(String(500))
    from_status: Mapped[str | None] = mapped_column(String(12))
    to_status: Mapped[str] = mapped_column(String(12))
    from_starts_local: Mapped[datetime | None] = mapped_column(WallTime)
    to_starts_local: Mapped[datetime] = mapped_column(WallTime)
    from_practitioner_id: Mapped[int | None]
    to_practitioner_id: Mapped[int | None]
    from_room_id: Mapped[int | None]
    to_room_id: Mapped[int | None]
    from_spacing_group_id: Mapped[int | None]
    to_spacing_group_id: Mapped[int | None]


class ImsAnswer(Base):
    """Which answer a version of a visit brought, beside its history line; written by trigger, append-only by trigger."""

    __tablename__ = "ims_answer"
    __table_args__ = (UniqueConstraint("appointment_id", "version", name="one_ims_answer_a_version"),)

    id: Mapped[Id]
    appointment_id: Mapped[int] = mapped_column(ForeignKey(Appointment.id))
    version: Mapped[int]
    given_before: Mapped[bool | None]
    given: Mapped[bool | None]


class AppointmentNote(Base):
    """What is noted of a visit: the newest row is the note, the others are what it was. Append-only by trigger."""

    __tablename__ = "appointment_note"

    id: Mapped[Id]
    appointment_id: Mapped[int] = mapped_column(ForeignKey(Appointment.id), index=True)
    words: Mapped[str] = mapped_column(Text)
    written_at: Mapped[datetime] = mapped_column(Instant)
    written_by: Mapped[str] = mapped_column(String(80))


class Screening(Base):
    """What a patient answered before a visit; keys in domain/booking/screening.py."""

    __tablename__ = "screening"

    id: Mapped[Id]
    appointment_id: Mapped[int] = mapped_column(ForeignKey(Appointment.id), unique=True)
    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), index=True)
    answers: Mapped[Json] = mapped_column(JSON)
    flagged: Mapped[bool]
    needled_elsewhere_on: Mapped[date | None]
    note: Mapped[str] = mapped_column(Text, default="")
    answered_at: Mapped[datetime] = mapped_column(Instant)
