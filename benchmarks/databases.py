"""Migrated databases on both engines, as an installation has them: nothing is switched off that keeps data safe."""

import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import Engine

from benchmarks import bulk
from benchmarks.clinics import Size, today
from benchmarks.yardsticks import ROW
from scheduler.models.engine import create_engine
from tests.support.engines import migrate
from tests.support.postgres_server import PostgresServer

SQLITE, POSTGRESQL = "SQLite", "PostgreSQL"
AS_IT_COMES: dict[str, str] = {}


@dataclass(slots=True)
class Databases:
    """Made empty and migrated, one after the other."""

    folder: Path
    postgres: PostgresServer
    _made: int = 0

    def url(self, engine: str) -> str:
        """The address of a new database."""
        self._made += 1
        if engine == SQLITE:
            url = f"sqlite:///{self.folder / f'clinic{self._made}.sqlite'}"
        else:
            with self._maintenance() as maintenance:
                maintenance.execute(f"CREATE DATABASE clinic{self._made}")
            url = self.postgres.url(f"clinic{self._made}")
        migrate(url)
        return url

    def clinic(self, engine: str, size: int, kind: str) -> str:
        """The address of a clinic of this many appointments."""
        url = self.url(engine)
        with connected(url) as database:
            ROW.metadata.create_all(database)
            bulk.load(database, Size(size), today(), kind)
        return url

    def versions(self) -> dict[str, str]:
        with self._maintenance() as maintenance:
            return {SQLITE: sqlite3.sqlite_version, POSTGRESQL: f"{maintenance.info.server_version / 10_000:.0f}"}

    def _maintenance(self) -> psycopg.Connection:
        return psycopg.connect(f"host={self.postgres.folder} user=postgres dbname=postgres", autocommit=True)


@contextmanager
def databases() -> Iterator[Databases]:
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="bench"))
        yield Databases(Path(folder), stack.enter_context(PostgresServer(AS_IT_COMES)))


@contextmanager
def connected(url: str) -> Iterator[Engine]:
    engine = create_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()
