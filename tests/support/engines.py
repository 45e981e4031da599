"""Clean, migrated databases for tests, made once per test process and copied: SQLite and PostgreSQL."""

import itertools
import shutil
from pathlib import Path

import alembic.command
import alembic.config
import psycopg
from sqlalchemy.engine import make_url

from scheduler.models.engine import create_engine
from tests.support.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parents[2]


def migrate(url: str) -> None:
    """Bring the empty database at `url` to the newest schema, as `flask db upgrade` does."""
    config = alembic.config.Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    engine = create_engine(url)
    with engine.connect().execution_options(writing=True) as connection:
        config.attributes["connection"] = connection
        alembic.command.upgrade(config, "head")
        connection.commit()
    engine.dispose()


class SqliteDatabases:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        self._numbers = itertools.count()
        migrate(f"sqlite:///{self._template}")

    def create(self) -> str:
        """The address of a fresh database."""
        copy = self._folder / f"test{next(self._numbers)}.db"
        shutil.copy(self._template, copy)  # the last connection to close emptied the log into it
        return f"sqlite:///{copy}"

    def drop(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm"):
            Path(path + suffix).unlink(missing_ok=True)


class PostgresDatabases:
    """Restored and lent out again: a new one costs half a second, nearly all of it in making some hundred files."""

    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._numbers = itertools.count()
        self._idle: list[str] = []
        self._maintenance = self._connect("postgres")
        self._maintenance.execute("CREATE DATABASE template_migrated")
        migrate(server.url("template_migrated"))
        with self._connect("template_migrated") as template:
            self._rows = {table: _copy_out(template, table) for (table,) in template.execute(TABLES).fetchall()}
            self._schema = template.execute(SCHEMA).fetchone()

    def create(self) -> str:
        """The address of a clean database."""
        if self._idle:
            return self._server.url(self._idle.pop())
        name = f"test{next(self._numbers)}"
        self._maintenance.execute(f"CREATE DATABASE {name} TEMPLATE template_migrated")
        return self._server.url(name)

    def drop(self, url: str) -> None:
        """Take back what `create` gave: restored for the next test or, if its schema was touched, dropped."""
        name = str(make_url(url).database)
        self._maintenance.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name])
        with self._connect(name) as database:
            untouched = database.execute(SCHEMA).fetchone() == self._schema
            if untouched:
                self._restore(database)
        if untouched:
            self._idle.append(name)
        else:
            self._maintenance.execute(f"DROP DATABASE {name} WITH (FORCE)")

    def close(self) -> None:
        self._maintenance.close()

    def _restore(self, database: psycopg.Connection) -> None:
        with database.transaction(), database.cursor() as cursor:
            # As a replica no trigger fires, the one that keeps history append-only among them.
            cursor.execute("SET LOCAL session_replication_role = replica")
            cursor.execute("; ".join(f'DELETE FROM "{table}"' for table in self._rows))
            for table, rows in self._rows.items():
                if rows:
                    with cursor.copy(f'COPY "{table}" FROM STDIN') as copy:
                        copy.write(rows)
            cursor.execute(RESTART_NUMBERS)

    def _connect(self, database: str) -> psycopg.Connection:
        dsn = f"host={self._server.folder} user=postgres dbname={database}"
        return psycopg.connect(dsn, autocommit=True)


def _copy_out(database: psycopg.Connection, table: str) -> bytes:
    with database.cursor() as cursor, cursor.copy(f'COPY "{table}" TO STDOUT') as copy:
        return b"".join(bytes(block) for block in copy)


TABLES = "SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename <> 'alembic_version'"

RESTART_NUMBERS = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"

# Any DDL leaves a new transaction's mark in one of these.
SCHEMA = """
SELECT (SELECT string_agg(oid || ':' || xmin, ',' ORDER BY oid) FROM pg_class
         WHERE relnamespace = 'public'::regnamespace),
       (SELECT string_agg(oid || ':' || xmin, ',' ORDER BY oid) FROM pg_trigger),
       (SELECT string_agg(oid || ':' || xmin, ',' ORDER BY oid) FROM pg_constraint),
       (SELECT string_agg(oid || ':' || xmin, ',' ORDER BY oid) FROM pg_proc
         WHERE pronamespace = 'public'::regnamespace),
       (SELECT string_agg(version_num, ',') FROM alembic_version)
"""
