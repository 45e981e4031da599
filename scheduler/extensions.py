"""What the application is made with. Nothing here knows a route."""

from typing import Any

import sqlalchemy as sa
from flask import Flask
from flask_babel import Babel
from flask_login import LoginManager
from flask_migrate import Migrate
from flask_sqlalchemy import SQLAlchemy
from flask_wtf import CSRFProtect

from scheduler.models import Base
from scheduler.models.engine import create_engine


class Database(SQLAlchemy):
    """Flask-SQLAlchemy with our own engines (models/engine.py)."""

    def _make_engine(self, bind_key: str | None, options: dict[str, Any], app: Flask) -> sa.Engine:
        return create_engine(options.pop("url"), **options)

    @property
    def reading(self) -> sa.Engine:
        """The engine without transactions, for a single consistent SELECT or two: saves BEGIN and ROLLBACK."""
        return self.engine.execution_options(isolation_level="AUTOCOMMIT")


db = Database(metadata=Base.metadata)
migrate = Migrate()
csrf = CSRFProtect()
babel = Babel()
staff_sign_in = LoginManager()
