"""The clinic's own computers, and who may come back at one by a PIN."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.staff.access import StaffUser


class ClinicComputer(Base):
    """A browser that an owner registered. Its cookie holds the token; here is only the hash."""

    __tablename__ = "clinic_computer"

    id: Mapped[Id]
    name: Mapped[str] = mapped_column(String(60))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    registered_at: Mapped[datetime] = mapped_column(Instant)
    registered_by: Mapped[str] = mapped_column(String(80))
    ends_at: Mapped[datetime] = mapped_column(Instant)
    revoked_at: Mapped[datetime | None] = mapped_column(Instant)


class ComputerSignIn(Base):
    """Who gave password and second step there, and when. `page` and `kept_form`: what they come back to."""

    __tablename__ = "computer_sign_in"
    __table_args__ = (
        UniqueConstraint("clinic_computer_id", "staff_user_id", name="one_sign_in_a_computer"),
        CheckConstraint("wrong_pins >= 0 AND wrong_pins <= 5", name="five_wrong_pins_at_most"),
    )

    id: Mapped[Id]
    clinic_computer_id: Mapped[int] = mapped_column(ForeignKey(ClinicComputer.id))
    staff_user_id: Mapped[int] = mapped_column(ForeignKey(StaffUser.id), index=True)
    given_at: Mapped[datetime] = mapped_column(Instant, index=True)
    wrong_pins: Mapped[int] = mapped_column(default=0)
    page: Mapped[str | None] = mapped_column(String(500))
    kept_form: Mapped[str | None] = mapped_column(String(32))
