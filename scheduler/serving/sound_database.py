"""Whether a SQLite file is whole, looked at before anything else opens it.

SQLite plays a `-wal` that it finds into the database beside it, whichever database that is. A backup copied over the
database of a process that was killed would be mixed with what that process had written last, and then served.
"""

import os
import sqlite3
import threading
from pathlib import Path
from urllib.parse import quote

import click
from sqlalchemy import Engine

WRITE_AHEAD = b"\x02\x02"  # bytes 18 and 19 of a database that has a -wal; backups, and new ones, say 1 and 1


class CannotStart(click.ClickException):
    """Said in one line on standard error; exit code 1."""

    def show(self, file: object = None) -> None:
        click.echo(f"Cannot start: {self.message}", err=True)


class DatabaseUnsound(CannotStart):
    """To go on would destroy it."""


def require_own_wal(engine: Engine) -> None:
    """A look at two bytes; changes nothing."""
    file = sqlite_file(engine)
    if file is not None and _has_wal(file) and _header(file)[18:20] not in (b"", WRITE_AHEAD):
        raise DatabaseUnsound(
            _words(file, f"{file} is a backup, and the {file.name}-wal beside it is of another database")
        )


def require_sound(engine: Engine, *, alone: bool) -> None:
    """SQLite's own check; the thorough one when nobody else is at work (`alone`) and what a killed process had written
    last still lies there. Read-only: what is refused is left as it was found."""
    file = sqlite_file(engine)
    if file is None or not file.exists() or not file.stat().st_size:
        return
    require_own_wal(engine)
    check = "integrity_check" if alone and _has_wal(file) else "quick_check"
    try:
        connection = sqlite3.connect(f"file:{quote(str(file))}?mode=ro", uri=True, timeout=20)
        try:
            found = connection.execute(f"PRAGMA {check}(1)").fetchone()
        finally:
            connection.close()
    except sqlite3.DatabaseError as error:
        if "malformed" not in str(error):
            return  # no database, or one that cannot be opened: said by whoever opens it next
        found = (str(error),)
    if found != ("ok",):
        raise DatabaseUnsound(_words(file, f"{file} is damaged ({str(found[0]).splitlines()[-1]})"))


def sqlite_file(engine: Engine) -> Path | None:
    """None on PostgreSQL, and in memory."""
    name = engine.url.database
    if engine.dialect.name != "sqlite" or not name or name == ":memory:" or name.startswith("file:"):
        return None
    return Path(name)


def _words(file: Path, what: str) -> str:
    return (
        f"{what}; nothing was changed. If a backup was copied here: stop everything that uses the database, move "
        f"{file.name}-wal and {file.name}-shm away, copy the backup once more, start again (README, Restoring a backup)."
    )


def _has_wal(file: Path) -> bool:
    try:
        return file.with_name(f"{file.name}-wal").stat().st_size > 0
    except OSError:
        return False


_looked_at: dict[tuple[int, int], int] = {}  # device and inode: descriptor
_looking = threading.Lock()


def _header(file: Path) -> bytes:
    """The descriptor stays open: to close it would end, on POSIX, all locks that this process has on the file, those of
    SQLite's connections among them."""
    with _looking:
        for which, descriptor in list(_looked_at.items()):
            if not os.fstat(descriptor).st_nlink:  # the file is gone
                os.close(_looked_at.pop(which))
        try:
            there = file.stat()
            which = (there.st_dev, there.st_ino)
            if which not in _looked_at:
                _looked_at[which] = os.open(file, os.O_RDONLY | os.O_CLOEXEC)
            return os.pread(_looked_at[which], 20, 0)
        except OSError:
            return b""
