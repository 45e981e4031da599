"""What the owner has put in the place of our pages' words."""

from datetime import datetime

from sqlalchemy import CheckConstraint, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Instant


class PageText(Base):
    """`page` of domain/clinic/page_texts.py. What stood there before is in the audit log."""

    __tablename__ = "page_text"
    __table_args__ = (CheckConstraint("language IN ('en', 'fr')", name="page_text_language_known"),)

    page: Mapped[str] = mapped_column(String(24), primary_key=True)
    language: Mapped[str] = mapped_column(String(2), primary_key=True)
    body: Mapped[str] = mapped_column(Text)
    changed_at: Mapped[datetime] = mapped_column(Instant)
    changed_by: Mapped[str] = mapped_column(String(80))
