"""The owner's settings take hold in every process without a restart.

`app.config["CLINIC"]` is what holds now. At most once a second a process asks whether anything changed, which is one
short SELECT; a second is also how long another process may go on with the settings of before.
"""

import sqlite3
import threading
from time import monotonic

import psycopg
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.extensions import db
from scheduler.queries.clinic import reference
from scheduler.usecases.clinic.settings import effective

ASKED_EVERY = 1.0  # seconds


class LiveSettings:
    """`base`: the environment's."""

    def __init__(self, app: Flask) -> None:
        self.base: ClinicSettings = app.config["CLINIC"]
        self._app = app
        self._version = 0
        self._asked_at = float("-inf")
        self._asking = threading.Lock()

    def is_due(self) -> bool:
        return monotonic() - self._asked_at >= ASKED_EVERY

    def refresh(self, engine: Engine) -> None:
        """When it is due. Without a database the settings of before go on."""
        if not self.is_due() or not self._asking.acquire(blocking=False):
            return
        try:
            self._asked_at = monotonic()
            self.read(engine)
        except (SQLAlchemyError, sqlite3.Error, psycopg.Error):
            self._version = 0
        finally:
            self._asking.release()

    def read(self, engine: Engine) -> None:
        """Now, whatever the second."""
        version = reference.state_now(engine).reference_version
        if version == self._version:
            return
        with engine.connect() as connection:
            clinic = effective(connection, self.base)
        self._app.config["CLINIC"] = self._app.jinja_env.globals["clinic"] = clinic
        self._version = version


def of(app: Flask) -> LiveSettings:
    found: LiveSettings = app.extensions["live_settings"]
    return found


def init_app(app: Flask) -> None:
    live = app.extensions["live_settings"] = LiveSettings(app)

    @app.before_request
    def look() -> None:
        if live.is_due():
            live.refresh(db.engine)
