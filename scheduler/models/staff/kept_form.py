"""A form that was sent just after its sender had been signed out for being away: nothing typed is lost."""

from datetime import datetime

from sqlalchemy import JSON, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant
from scheduler.models.staff.access import StaffUser


class KeptForm(Base):
    """For the same person in the same browser (`token` is in its cookie), for half an hour."""

    __tablename__ = "kept_form"

    id: Mapped[Id]
    token: Mapped[str] = mapped_column(String(32), unique=True)
    staff_user_id: Mapped[int] = mapped_column(ForeignKey(StaffUser.id))
    page: Mapped[str] = mapped_column(String(500), server_default="/desk")  # on which it stood
    path: Mapped[str] = mapped_column(String(500))  # where it goes
    fields: Mapped[list[list[str]]] = mapped_column(JSON)  # name and value of each, in order
    kept_at: Mapped[datetime] = mapped_column(Instant, index=True)
