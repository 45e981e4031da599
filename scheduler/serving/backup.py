"""A copy of the whole database, taken while it is in use."""

import os
import sqlite3
from pathlib import Path

from sqlalchemy import Engine

from scheduler import private_files


class CannotBackUp(Exception):
    """Said in one line."""


def back_up(engine: Engine, file: Path) -> None:
    """SQLite's own online backup, checked, and readable by its owner alone; nothing half-made is left behind."""
    if engine.dialect.name != "sqlite":
        raise CannotBackUp("this database is PostgreSQL: use pg_dump --format=custom --file=FILE, and pg_restore.")
    if file.exists():
        raise CannotBackUp(f"{file} is there already; give another name.")
    making = file.with_name(f".{file.name}.making")
    try:
        open(making, "x", opener=private_files.opener).close()
        _copy(engine, making)
        os.replace(making, file)
    except (OSError, sqlite3.Error) as error:
        raise CannotBackUp(f"{file}: {error}") from None
    finally:
        making.unlink(missing_ok=True)


def _copy(engine: Engine, target: Path) -> None:
    source = engine.raw_connection()
    copy = sqlite3.connect(target)
    try:
        assert isinstance(source.driver_connection, sqlite3.Connection)  # noqa: S101 - the dialect said so
        source.driver_connection.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, whole by itself
        if copy.execute("PRAGMA integrity_check").fetchone() != ("ok",):
            raise CannotBackUp("the copy does not pass SQLite's integrity check")
    finally:
        copy.close()
        source.close()
