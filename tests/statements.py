"""What is sent to a database, by whichever of its engines."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from scheduler.models.engine import without_transactions


def statements_of(engine: Engine) -> list[str]:
    """The SQL of every statement from now on."""
    statements: list[str] = []
    listen(engine, "before_cursor_execute", lambda *call: statements.append(call[2]))
    return statements


def listen(engine: Engine, name: str, heard: Callable[..., Any]) -> None:
    """To an event of the engine and of the one without transactions."""
    event.listen(engine, name, heard)
    single = without_transactions(engine)
    if single.pool is not engine.pool:  # where they share one, it hears what the first does
        event.listen(single, name, heard)
