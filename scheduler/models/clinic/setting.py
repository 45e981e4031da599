"""What the owner has set on the settings page; the environment says the rest."""

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from scheduler.models.base import Base


class Setting(Base):
    """As text, read by domain/clinic/setting_fields.py. A change raises `reference_version`, by trigger, for every process."""

    __tablename__ = "setting"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(500))
