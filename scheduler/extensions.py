"""What the application is made with. Nothing here knows a route."""

from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import sqlalchemy as sa
from flask import Flask, current_app
from flask_babel import Babel
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.models import Base
from scheduler.models.engine import IMPATIENT, create_engine, without_transactions


class Database(SQLAlchemy):
    """Flask-SQLAlchemy with our own engines (models/engine.py)."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Flask) -> sa.Engine:
        return create_engine(options.pop("url"), **options)

    @property
    def reading(self) -> sa.Engine:
        """The engine without transactions, for a single consistent SELECT or two: saves BEGIN and ROLLBACK."""
        return without_transactions(self.engine)


db = Database(metadata=Base.metadata, session_options={"info": IMPATIENT})
migrate = Migrate()
csrf = CSRFProtect()
babel = Babel()
staff_sign_in = LoginManager()


def clinic_settings() -> ClinicSettings:
    """As they hold now: the environment's, with what the owner has set over them (serving/live_settings.py)."""
    settings: ClinicSettings = current_app.config["CLINIC"]
    return settings


def clinic_zone() -> ZoneInfo:
    return clock.zone(clinic_settings().zone)


def clinic_local(instant: datetime) -> datetime:
    """What the clinic's clock shows at that instant."""
    return clock.to_local(instant, clinic_zone())


def now_at_the_clinic() -> tuple[datetime, datetime]:
    """The instant, and what the clinic's clock shows."""
    now = clock.now()
    return now, clinic_local(now)
