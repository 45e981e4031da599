"""What the owner has put in the place of our texts."""

from sqlalchemy import CheckConstraint, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base


class SmsText(Base):
    """`kind` of domain/texts/wording.py. A change raises `reference_version`, by trigger, for every process."""

    __tablename__ = "sms_text"
    __table_args__ = (CheckConstraint("language IN ('en', 'fr')", name="sms_text_language_known"),)

    kind: Mapped[str] = mapped_column(String(24), primary_key=True)
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    body: Mapped[str] = mapped_column(String(500))
