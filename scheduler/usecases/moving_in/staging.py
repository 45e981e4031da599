"""Much to write, and others who want to write as well: prepared in temporary tables, which lock nobody out, and then
written by a few statements that copy from there."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import psycopg
from sqlalchemy import Column, Connection, MetaData, Table, insert
from sqlalchemy.orm import Session

from scheduler.models.engine import WRITING
from scheduler.usecases.transaction import end_reading

BATCH = 2_000
PREFIX = "staged_"
WAIT_LONG = "SET idle_in_transaction_session_timeout = '30min'"
"""PostgreSQL hangs up on who does nothing within a transaction for a minute; a million rows are read for longer."""
WAIT_AS_USUAL = "RESET idle_in_transaction_session_timeout"
T = TypeVar("T")


@contextmanager
def staging(session: Session) -> Iterator[Connection]:
    """A connection of its own, because temporary tables belong to one. What was not committed is rolled back."""
    end_reading(session)
    with session.get_bind().engine.connect() as connection:
        staged = MetaData()
        connection.info[PREFIX] = staged
        if is_postgresql := connection.dialect.name == "postgresql":
            connection.exec_driver_sql(WAIT_LONG)
            connection.commit()
        try:
            yield connection
        finally:
            connection.rollback()
            staged.drop_all(connection)
            if is_postgresql:
                connection.exec_driver_sql(WAIT_AS_USUAL)
            connection.commit()


def begin_writing(connection: Connection) -> None:
    """What was staged stays; what was read before is to be read anew where it matters."""
    connection.commit()
    connection.execution_options(**WRITING)


def give_up_writing(connection: Connection) -> None:
    connection.rollback()
    connection.execution_options(**dict.fromkeys(WRITING, False))


def stage(
    connection: Connection,
    like: Table,
    names: Sequence[str],
    rows: Iterable[dict[str, Any]],
    *more: Column[Any],
    done: Callable[[int], None] = lambda _more: None,
) -> Table:
    """A temporary table of these columns of `like` (and `more`), filled; an earlier one goes."""
    staged: MetaData = connection.info[PREFIX]
    if (earlier := staged.tables.get(f"{PREFIX}{like.name}")) is not None:
        earlier.drop(connection)
        staged.remove(earlier)
    columns = [Column(name, like.c[name].type) for name in names]
    table = Table(f"{PREFIX}{like.name}", staged, *columns, *more, prefixes=["TEMPORARY"])
    table.create(connection)
    for batch in batches(rows, BATCH):
        _fill(connection, table, batch)
        done(len(batch))
    return table


def _fill(connection: Connection, table: Table, batch: list[dict[str, Any]]) -> None:
    """By COPY where there is one, which takes a small part of the time of as many INSERTs."""
    if connection.dialect.name != "postgresql":
        connection.execute(insert(table), batch)
        return
    dialect, quoted = connection.dialect, connection.dialect.identifier_preparer
    columns = [
        (column.name, column.type.dialect_impl(dialect).bind_processor(dialect) or _as_it_is)
        for column in table.columns
    ]
    names = ", ".join(quoted.format_column(column) for column in table.columns)
    copying = f"COPY {quoted.format_table(table)} ({names}) FROM STDIN"
    with cast(psycopg.Cursor, connection.connection.cursor()) as cursor, cursor.copy(copying.encode()) as copy:
        for row in batch:
            copy.write_row([bind(row[name]) for name, bind in columns])


def _as_it_is(value: Any) -> Any:
    return value


def batches(things: Iterable[T], size: int) -> Iterator[list[T]]:
    batch: list[T] = []
    for thing in things:
        batch.append(thing)
        if len(batch) == size:
            yield batch
            batch = []
    if batch:
        yield batch
