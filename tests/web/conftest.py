"""The whole application on a fresh database."""

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient

from config import Config
from scheduler import create_app
from scheduler.extensions import db

SETTINGS = {"SECRET_KEY": "a key for tests alone", "CLINIC_TIMEZONE": "America/Toronto", "HOST": "127.0.0.1"}


def make_app(database_url: str, **settings: str) -> Flask:
    """An application with these settings; CSRF is checked, as in real life."""
    app = create_app(Config({**SETTINGS, "DATABASE_URL": database_url, **settings}))
    app.config["TESTING"] = True
    return app


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = make_app(database_url)
    yield app
    with app.app_context():
        db.engine.dispose()


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()
