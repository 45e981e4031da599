"""What the clinic is: treatments, practitioners, rooms and when they are there."""

from datetime import date, datetime, time

from sqlalchemy import (
    CheckConstraint,
    Computed,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.domain.clinic.treatment_kind import TreatmentKind
from scheduler.models.base import Base, Id, WallTime


class CalendarState(Base):
    """One row. `reference_version` rises, by trigger, with each change of anything in this file."""

    __tablename__ = "calendar_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_calendar_state"),)

    id: Mapped[Id]
    reference_version: Mapped[int] = mapped_column(default=1, server_default="1")


class CardState(Base):
    """One row. `version` rises, by trigger, with what the calendar's cards show beside time and status.

    Apart from `CalendarState` and the practitioners' `calendar_version`: what is bookable stays as it was.
    """

    __tablename__ = "card_state"
    __table_args__ = (CheckConstraint("id = 1", name="one_card_state"),)

    id: Mapped[Id]
    version: Mapped[int] = mapped_column(default=1, server_default="1")


class SpacingGroup(Base):
    """`needling`: the group of IMS. There is one at most, so that every IMS visit counts for every other."""

    __tablename__ = "spacing_group"
    __table_args__ = (
        UniqueConstraint("id", "needling"),
        CheckConstraint("min_days >= 0", name="min_days_not_negative"),
        CheckConstraint("NOT needling OR min_days >= 7", name="ims_min_days_at_least_7"),
        CheckConstraint("slug <> 'ims' OR needling", name="ims_group_is_needling"),
        Index(
            "one_ims_group",
            "needling",
            unique=True,
            postgresql_where=text("needling"),
            sqlite_where=text("needling = 1"),
        ),
    )

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name: Mapped[str] = mapped_column(String(80))
    min_days: Mapped[int]
    needling: Mapped[bool] = mapped_column(default=False)


class Treatment(Base):
    """`needling` is derived from `kind`: a foreign key ties it to that of the group.

    `named_so_on_purpose`: its name sounds like IMS, and the owner said that it is of another kind all the same.
    """

    __tablename__ = "treatment"
    __table_args__ = (
        CheckConstraint("kind IN ('assessment', 'ims', 'other')", name="treatment_kind_known"),
        # IMS is in the group of IMS, and nothing else is; that group never goes below seven days.
        ForeignKeyConstraint(
            ["spacing_group_id", "needling"],
            ["spacing_group.id", "spacing_group.needling"],
            name="needling_treatment_in_needling_group",
        ),
        CheckConstraint("kind <> 'ims' OR spacing_group_id IS NOT NULL", name="needling_treatment_is_spaced"),
        CheckConstraint("slug <> 'ims' OR kind = 'ims'", name="ims_is_needling"),
        CheckConstraint("kind <> 'ims' OR needs_clearance", name="ims_needs_clearance"),
        CheckConstraint("minutes BETWEEN 5 AND 480", name="treatment_minutes"),
        CheckConstraint("buffer_minutes BETWEEN 0 AND 120", name="treatment_buffer_minutes"),
    )

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(40), unique=True)
    name_en: Mapped[str] = mapped_column(String(80))
    name_fr: Mapped[str] = mapped_column(String(80))
    minutes: Mapped[int]
    buffer_minutes: Mapped[int] = mapped_column(default=0)
    kind: Mapped[str] = mapped_column(String(12), default=TreatmentKind.OTHER)
    spacing_group_id: Mapped[int | None]
    needling: Mapped[bool] = mapped_column(Computed("kind = 'ims'", persisted=True))
    needs_clearance: Mapped[bool] = mapped_column(default=False)
    online: Mapped[bool] = mapped_column(default=True)
    named_so_on_purpose: Mapped[bool] = mapped_column(default=False)
    position: Mapped[int] = mapped_column(default=0)


class Room(Base):
    __tablename__ = "room"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(80), unique=True)
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)


class Practitioner(Base):
    """`calendar_version` rises, by trigger, with each change of an appointment of this practitioner."""

    __tablename__ = "practitioner"

    id: Mapped[Id]
    slug: Mapped[str] = mapped_column(String(60), unique=True)
    given_name: Mapped[str] = mapped_column(String(80))
    family_name: Mapped[str] = mapped_column(String(80))
    can_needle: Mapped[bool] = mapped_column(default=False)
    active: Mapped[bool] = mapped_column(default=True)
    position: Mapped[int] = mapped_column(default=0)
    calendar_version: Mapped[int] = mapped_column(default=1, server_default="1")

    @property
    def full_name(self) -> str:
        return f"{self.given_name} {self.family_name}"


class PractitionerTreatment(Base):
    """Who does what."""

    __tablename__ = "practitioner_treatment"

    practitioner_id: Mapped[int] = mapped_column(ForeignKey(Practitioner.id), primary_key=True)
    treatment_id: Mapped[int] = mapped_column(ForeignKey(Treatment.id), primary_key=True)


class WorkingHours(Base):
    """One stretch of a weekly pattern; weekday 0 is Monday; `closes` 00:00 means midnight."""

    __tablename__ = "working_hours"
    __table_args__ = (CheckConstraint("weekday BETWEEN 0 AND 6", name="weekday_of_week"),)

    id: Mapped[Id]
    practitioner_id: Mapped[int] = mapped_column(ForeignKey(Practitioner.id), index=True)
    weekday: Mapped[int]
    opens: Mapped[time]
    closes: Mapped[time]
    valid_from: Mapped[date | None]
    valid_until: Mapped[date | None]


class TimeOff(Base):
    __tablename__ = "time_off"
    __table_args__ = (CheckConstraint("ends_local > starts_local", name="time_off_ends_after_start"),)

    id: Mapped[Id]
    practitioner_id: Mapped[int] = mapped_column(ForeignKey(Practitioner.id), index=True)
    starts_local: Mapped[datetime] = mapped_column(WallTime)
    ends_local: Mapped[datetime] = mapped_column(WallTime, index=True)
    reason: Mapped[str] = mapped_column(String(200), default="")


class Closure(Base):
    __tablename__ = "closure"
    __table_args__ = (CheckConstraint("ends_local > starts_local", name="closure_ends_after_start"),)

    id: Mapped[Id]
    starts_local: Mapped[datetime] = mapped_column(WallTime)
    ends_local: Mapped[datetime] = mapped_column(WallTime, index=True)
    name: Mapped[str] = mapped_column(String(200), default="")
