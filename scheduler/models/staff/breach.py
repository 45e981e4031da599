"""What went wrong with the privacy of records: for the owner, and for the year's report to the commissioner."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, ForeignKey, String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base, Id, Instant

KINDS = ("stolen", "lost", "used", "disclosed", "collected")


class Breach(Base):
    """Append-only, by trigger: a correction is a line that `corrects` an earlier one, and counts in its place."""

    __tablename__ = "breach"
    __table_args__ = (
        CheckConstraint(f"kind IN ({', '.join(map(repr, KINDS))})", name="breach_kind_known"),
        CheckConstraint("people >= 0 AND people <= 1000000", name="breach_people_sane"),
    )

    id: Mapped[Id]
    happened_on: Mapped[date]
    kind: Mapped[str] = mapped_column(String(20))
    people: Mapped[int]
    what: Mapped[str] = mapped_column(String(1000))
    whose: Mapped[str] = mapped_column(String(1000))
    told: Mapped[str] = mapped_column(String(1000))
    corrects_id: Mapped[int | None] = mapped_column(ForeignKey("breach.id"), unique=True)
    written_at: Mapped[datetime] = mapped_column(Instant)
    written_by: Mapped[str] = mapped_column(String(80))
