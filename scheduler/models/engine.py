"""Engines that keep the promises: durable SQLite with one kind of write transaction, PostgreSQL in UTC."""

import select
import sqlite3
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DisconnectionError

from scheduler import private_files

WRITING = {"writing": True}  # execution option of a connection about to write
READING = {"reading": True}  # of one that reads, and begins no transaction
IMPATIENT = {"busy_timeout": 5_000}  # milliseconds; of one about to write for somebody who looks at a blank page

BUSY_TIMEOUT = "PRAGMA busy_timeout = 20000"  # milliseconds
SQLITE_PRAGMAS = (
    "PRAGMA foreign_keys = ON",
    "PRAGMA journal_mode = WAL",
    "PRAGMA synchronous = FULL",
    BUSY_TIMEOUT,
    "PRAGMA cache_size = -16000",
)

# A write lock is mostly held for one to four milliseconds. SQLite by itself looks again after 1, 3, 8, 18, 33 … ms.
LOOK_AGAIN_SECONDS = 0.0004
LOOKS = 25

# A process that is stopped, or that the network has lost, must not keep its locks: others wait for them.
POSTGRESQL_OPTIONS = "-c timezone=UTC -c lock_timeout=10s -c idle_in_transaction_session_timeout=60s"
POSTGRESQL_NETWORK = {
    "connect_timeout": 10,
    "keepalives_idle": 30,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 30_000,  # milliseconds
}


@dataclass(eq=False)
class Database:
    """What the engines of one database have in common. Whoever keeps what was read, keeps it by this."""

    without_transactions: Engine


def create_engine(url: str | URL, **options: Any) -> Engine:
    """An engine for `url` (sqlite:///… or postgresql://…), with everything that the invariants lean on."""
    url = with_driver(url)
    options = {"pool_size": 16, "max_overflow": 64, **options}
    engine, single = _sqlite(url, options) if url.get_backend_name() == "sqlite" else _postgresql(url, options)
    database = Database(single)
    for each in (engine, single):
        each.update_execution_options(database=database)
    return engine


def database_of(engine: Engine) -> Database:
    database: Database = engine.get_execution_options()["database"]
    return database


def without_transactions(engine: Engine) -> Engine:
    """For single statements, each consistent in itself: no BEGIN, no ROLLBACK."""
    return database_of(engine).without_transactions


def with_driver(url: str | URL) -> URL:
    """postgres:// and postgresql:// mean psycopg 3."""
    url = make_url(url)
    if url.drivername in ("postgres", "postgresql"):
        url = url.set(drivername="postgresql+psycopg")
    return url


def require_readable(url: str) -> None:
    """Raises ValueError unless it can be taken apart, and a SQLite file has a name. Connects to nothing."""
    parts = with_driver(url)
    try:
        sa.create_engine(parts).dialect.create_connect_args(parts)
    except ArgumentError as error:
        raise ValueError from error
    if parts.get_backend_name() == "sqlite" and parts.database and not Path(parts.database).name:
        raise ValueError("no file")


def _postgresql(url: URL, options: dict[str, Any]) -> tuple[Engine, Engine]:
    """Two pools: to tell a connection that its next statement stands alone would cost half as much as the statement."""
    options["connect_args"] = {"options": POSTGRESQL_OPTIONS, **POSTGRESQL_NETWORK, **options.get("connect_args", {})}
    engine = sa.create_engine(url, **options)
    single = sa.create_engine(
        url, isolation_level="AUTOCOMMIT", skip_autocommit_rollback=True, pool_reset_on_return=None, **options
    )
    event.listen(engine, "engine_disposed", lambda _engine: single.dispose())
    for each in (engine, single):
        event.listen(each, "checkout", _require_alive)
    return engine, single


def _require_alive(connection: Any, _record: Any, _lent: Any) -> None:
    """Before it is lent again. Nothing is due on an idle connection: what can be read there is the server's farewell.

    Two microseconds instead of a question to the server; after a restart of the server nobody's request fails for it.
    """
    if connection.closed or _readable(connection.fileno()):
        raise DisconnectionError


def _readable(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(0))


def _sqlite(url: URL, options: dict[str, Any]) -> tuple[Engine, Engine]:
    options["poolclass"] = sa.pool.QueuePool
    connect_args = {"timeout": 20, "check_same_thread": False, **options.pop("connect_args", {})}
    engine = sa.create_engine(url, connect_args=connect_args, **options)

    @event.listens_for(engine, "do_connect")
    def make_file(_dialect: Any, _record: Any, positional: list[Any], named: dict[str, Any]) -> None:
        private_files.make_sqlite_file(positional[0], named)

    @event.listens_for(engine, "connect")
    def open_connection(dbapi_connection: Any, _record: Any) -> None:
        dbapi_connection.isolation_level = None  # we say BEGIN ourselves, below
        for pragma in SQLITE_PRAGMAS:
            dbapi_connection.execute(pragma)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        # A read that turns into a write gets SQLITE_BUSY_SNAPSHOT, which no timeout cures: writers say so at once.
        options = connection.get_execution_options()
        if options.get("writing"):
            _begin_writing(connection)
        elif not options.get("reading"):
            connection.exec_driver_sql("BEGIN")

    # Not SQLAlchemy's AUTOCOMMIT: that would still begin, by our listener, and pay a PRAGMA besides.
    return engine, engine.execution_options(**READING)


def _begin_writing(connection: Connection) -> None:
    """BEGIN IMMEDIATE; while another one writes it looks often for a start, and then as SQLite does, for 20 seconds or
    as long as its execution options say."""
    dbapi_connection: Any = connection.connection.dbapi_connection
    dbapi_connection.execute("PRAGMA busy_timeout = 0")
    try:
        for _look in range(LOOKS):
            try:
                dbapi_connection.execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
                    raise
                time.sleep(LOOK_AGAIN_SECONDS)
            else:
                return
    finally:
        dbapi_connection.execute(BUSY_TIMEOUT)
    patience = connection.get_execution_options().get("busy_timeout")
    if patience is not None:
        dbapi_connection.execute(f"PRAGMA busy_timeout = {patience}")
    try:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
    finally:
        if patience is not None:
            dbapi_connection.execute(BUSY_TIMEOUT)
