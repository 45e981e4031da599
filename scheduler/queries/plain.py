"""SELECTs for the driver itself, where every question of a patient looking for a time goes through.

SQLAlchemy writes the SQL, once; the driver runs it, and its rows are taken as they come. That is half the cost of
executing a statement (and a tenth of one with thousands of rows), and nothing is converted: select numbers and text,
pass numbers and text. Times as text have one shape on both engines in their first 16 characters: 2026-12-01 10:30.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import ClauseElement, Connection, Dialect
from sqlalchemy.dialects import sqlite

Row = tuple[Any, ...]


class Plain:
    """A SELECT with named parameters (`bindparam`)."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def all(self, connection: Connection, **given: Any) -> Sequence[Row]:
        sql, fixed = self._compiled.get(connection.dialect.name) or self._compile(connection.dialect)
        values = fixed | given
        cursor = connection.connection.cursor()
        try:
            for heard in connection.dispatch.before_cursor_execute:  # so that who counts or logs SQL hears of it
                heard(connection, cursor, sql, values, None, False)
            cursor.execute(sql, values)
            return cursor.fetchall()
        finally:
            cursor.close()

    def first(self, connection: Connection, **given: Any) -> Row | None:
        rows = self.all(connection, **given)
        return rows[0] if rows else None

    def _compile(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        named = sqlite.dialect(paramstyle="named") if dialect.name == "sqlite" else dialect
        compiled = self._statement.compile(dialect=named, compile_kwargs={"render_postcompile": True})
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._compiled[dialect.name] = str(compiled), fixed
        return self._compiled[dialect.name]


def text_of(local: datetime) -> str:
    """A wall-clock time as a parameter; the shape that SQLite compares by (models/base.py)."""
    return local.isoformat(" ", "microseconds")


def instant_of(text: str) -> datetime:
    """An instant that came as text: SQLite's is UTC without saying so."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
