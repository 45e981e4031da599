"""What is sent to a database, by whichever of its engines."""

from collections.abc import Callable
from typing import Any

from flask import Flask
from sqlalchemy import Engine, event

from scheduler.extensions import db
from scheduler.models.engine import without_transactions
from scheduler.serving import live_settings


def statements_of(engine: Engine) -> list[str]:
    """The SQL of every statement from now on."""
    statements: list[str] = []
    listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    return statements


def statements_of_pages(app: Flask) -> list[str]:
    """Of this service, but for the look at the settings: it comes once a second, in whichever request there is then."""
    live_settings.of(app)._asked_at = float("inf")
    with app.app_context():
        return statements_of(db.engine)


def listen(engine: Engine, name: str, heard: Callable[..., Any]) -> None:
    """To an event of the engine and of the one without transactions."""
    event.listen(engine, name, heard)
    single = without_transactions(engine)
    if single.pool is not engine.pool:  # where they share one, it hears what the first does
        event.listen(single, name, heard)
