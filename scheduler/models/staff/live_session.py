"""Who is signed in, and where: what ends here is ended, whatever cookie was copied."""

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Instant
from scheduler.models.patients.known_browser import KnownBrowser
from scheduler.models.patients.patient import PhoneAccount
from scheduler.models.staff.access import StaffUser


class LiveSession(Base):
    """One browser in which a patient's number or a member of staff is signed in. The browser's cookie holds the id."""

    __tablename__ = "live_session"
    __table_args__ = (
        CheckConstraint("(phone_account_id IS NULL) <> (staff_user_id IS NULL)", name="session_of_one_person"),
    )

    id_hash: Mapped[str] = mapped_column(String(64), primary_key=True)
    phone_account_id: Mapped[int | None] = mapped_column(ForeignKey(PhoneAccount.id), index=True)
    staff_user_id: Mapped[int | None] = mapped_column(ForeignKey(StaffUser.id), index=True)
    known_browser_id: Mapped[int | None] = mapped_column(ForeignKey(KnownBrowser.id))  # none: nobody knows who it is
    started_at: Mapped[datetime] = mapped_column(Instant)
    ends_at: Mapped[datetime] = mapped_column(Instant, index=True)
