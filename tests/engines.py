"""Clean, migrated databases for tests, made once per test process and copied: SQLite and PostgreSQL."""

import itertools
import shutil
from pathlib import Path

import psycopg
from psycopg import sql

from tests.postgres_server import PostgresServer

ROOT = Path(__file__).resolve().parent.parent


def migrate(url: str) -> None:
    """Bring the empty database at `url` to the newest schema."""
    if not (ROOT / "migrations" / "env.py").exists():
        return


class SqliteDatabases:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._template = folder / "template.db"
        self._numbers = itertools.count()
        migrate(f"sqlite:///{self._template}")

    def create(self) -> str:
        """The address of a fresh database."""
        copy = self._folder / f"test{next(self._numbers)}.db"
        for suffix in ("", "-wal"):  # what the last connection did not check-point is in the log beside it
            if Path(f"{self._template}{suffix}").exists():
                shutil.copy(f"{self._template}{suffix}", f"{copy}{suffix}")
        return f"sqlite:///{copy}"

    def drop(self, url: str) -> None:
        path = url.removeprefix("sqlite:///")
        for suffix in ("", "-wal", "-shm"):
            Path(path + suffix).unlink(missing_ok=True)


class PostgresDatabases:
    def __init__(self, server: PostgresServer) -> None:
        self._server = server
        self._numbers = itertools.count()
        self._maintenance = psycopg.connect(self._dsn("postgres"), autocommit=True)
        self._maintenance.execute("CREATE DATABASE template_migrated")
        migrate(server.url("template_migrated"))
        # Copying files costs 40 ms; the default of 15 and later, logging every page, three times that.
        copy_files = self._maintenance.info.server_version >= 150000
        self._strategy = sql.SQL("STRATEGY file_copy" if copy_files else "")

    def create(self) -> str:
        """The address of a fresh database."""
        name = f"test{next(self._numbers)}"
        self._maintenance.execute(
            sql.SQL("CREATE DATABASE {} TEMPLATE template_migrated {}").format(sql.Identifier(name), self._strategy)
        )
        return self._server.url(name)

    def drop(self, url: str) -> None:
        name = url.partition("@/")[2].partition("?")[0]
        self._maintenance.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def close(self) -> None:
        self._maintenance.close()

    def _dsn(self, database: str) -> str:
        return f"host={self._server.folder} user=postgres dbname={database}"
