"""Statements for the driver itself: where every question of a patient looking for a time goes through, and every booking.

SQLAlchemy writes the SQL, once; the driver runs it, and its rows are taken as they come. That is half the cost of
executing a statement (and a tenth of one with thousands of rows), and nothing is converted: select numbers and text
(a Boolean is 0 or 1 on SQLite), pass numbers and text. Times as text have one shape on both engines in their first 16
characters: 2026-12-01 10:30.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from types import TracebackType
from typing import Any, Self

from sqlalchemy import Boolean, ClauseElement, Connection, Dialect, Engine, SelectBase
from sqlalchemy.dialects import sqlite
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import PoolProxiedConnection

from scheduler.models.engine import without_transactions

Row = tuple[Any, ...]


class Lent:
    """A connection of the driver itself, lent by the pool of single statements, for `Plain` and nothing else.

    A `Connection` of SQLAlchemy around it would cost as much as a small SELECT.
    """

    connection: PoolProxiedConnection
    info: dict[Any, Any]

    def __init__(self, engine: Engine) -> None:
        self.engine = without_transactions(engine)
        self.dialect = self.engine.dialect
        self.dispatch = self.engine.dispatch

    def __enter__(self) -> Self:
        try:
            self.connection = self.engine.pool.connect()
        except self.dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemy_would("", {}, error, self.dialect) from error
        self.info = self.connection.info
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.connection.close()


Plainly = Connection | Lent


class Plain:
    """A statement with named parameters (`bindparam`)."""

    def __init__(self, statement: ClauseElement) -> None:
        self._statement = statement
        self._compiled: dict[str, tuple[str, dict[str, Any]]] = {}

    def all(self, connection: Plainly, **given: Any) -> Sequence[Row]:
        """The rows of a SELECT, or of an INSERT with RETURNING."""
        rows: Sequence[Row] = self._executed(connection, given).fetchall()
        return rows

    def first(self, connection: Plainly, **given: Any) -> Row | None:
        rows = self.all(connection, **given)
        return rows[0] if rows else None

    def first_alone(self, engine: Engine, **given: Any) -> Row | None:
        """By the shortest way, for an answer that hangs on this one SELECT."""
        with Lent(engine) as connection:
            return self.first(connection, **given)

    def run(self, connection: Plainly, **given: Any) -> None:
        """For what gives no rows."""
        self._executed(connection, given)

    def _executed(self, connection: Plainly, given: dict[str, Any]) -> Any:
        dialect = connection.dialect
        sql, fixed = self._compiled.get(dialect.name) or self._compile(dialect)
        values = fixed | given
        cursor = connection.info.get("plain cursor") or _new_cursor(connection)
        for heard in connection.dispatch.before_cursor_execute:  # so that who counts or logs SQL hears of it
            heard(connection, cursor, sql, values, None, False)
        try:
            cursor.execute(sql, values)
        except dialect.loaded_dbapi.Error as error:
            raise _as_sqlalchemy_would(sql, values, error, dialect) from error
        return cursor

    def _compile(self, dialect: Dialect) -> tuple[str, dict[str, Any]]:
        named = sqlite.dialect(paramstyle="named") if dialect.name == "sqlite" else dialect
        for column in self._statement.selected_columns if isinstance(self._statement, SelectBase) else ():
            if not isinstance(column.type, Boolean) and column.type.dialect_impl(dialect).result_processor(
                dialect, None
            ):
                raise TypeError(f"{column} is converted on its way out")
        compiled = self._statement.compile(dialect=named, compile_kwargs={"render_postcompile": True})
        fixed = {name: value for name, value in compiled.params.items() if value is not None}
        self._compiled[dialect.name] = str(compiled), fixed
        return self._compiled[dialect.name]


def _as_sqlalchemy_would(sql: str, values: dict[str, Any], error: Exception, dialect: Dialect) -> BaseException:
    return DBAPIError.instance(sql, values, error, dialect.loaded_dbapi.Error, dialect=dialect)


def _new_cursor(connection: Plainly) -> Any:
    """One for the life of the driver's connection: psycopg takes a fifth of a statement's time to make one."""
    cursor = connection.info["plain cursor"] = connection.connection.cursor()
    return cursor


def text_of(time: datetime) -> str:
    """A wall-clock time, or an instant in UTC, as a parameter; the shape that SQLite compares by (models/base.py)."""
    if time.tzinfo is not None:
        time = time.astimezone(UTC).replace(tzinfo=None)
    return time.isoformat(" ", "microseconds")


def instant_of(text: str) -> datetime:
    """An instant that came as text: SQLite's is UTC without saying so."""
    at = datetime.fromisoformat(text)
    return at if at.tzinfo else at.replace(tzinfo=UTC)
