"""Who works with a SQLite database at this moment: each process holds a shared lock on a file beside it.

`serve`, `jobs run` and every worker of a production server hold it as long as they live. Whoever can have the lock for
itself alone knows that nobody is at work. PostgreSQL needs none.
"""

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

from flask import Flask
from sqlalchemy import Engine
from werkzeug.exceptions import ServiceUnavailable

from scheduler import private_files
from scheduler.extensions import db
from scheduler.serving.sound_database import sqlite_file

PATIENCE_SECONDS = 1.0


class ServingLock:
    """Held until it is closed or the process ends. `alone`: nobody else had it when it was taken."""

    def __init__(self, descriptor: int, *, alone: bool) -> None:
        self._descriptor, self.alone = descriptor, alone

    def close(self) -> None:
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = -1

    __del__ = close


class DatabaseHeld(Exception):
    """Somebody has it for themselves alone."""


def hold(engine: Engine) -> ServingLock:
    """Take part. Raises DatabaseHeld."""
    file = sqlite_file(engine)
    if file is None:
        return ServingLock(-1, alone=False)
    try:
        descriptor = private_files.opener(str(lock_file(file)), os.O_RDWR | os.O_CREAT)
    except OSError:  # a folder that is read-only or not there: the database cannot be written either
        return ServingLock(-1, alone=False)
    lock = ServingLock(descriptor, alone=_take(descriptor, fcntl.LOCK_EX))
    until = time.monotonic() + PATIENCE_SECONDS
    while not _take(descriptor, fcntl.LOCK_SH):
        if time.monotonic() > until:
            lock.close()
            raise DatabaseHeld
        time.sleep(0.02)
    return lock


def lock_file(file: Path) -> Path:
    return file.with_name(f"{file.name}-serving")


def init_app(app: Flask) -> None:
    """A worker of a production server takes part with its first request: importing it, or forking, is no work yet."""

    @app.before_request
    def take_part() -> None:
        if "serving_lock" not in app.extensions:
            try:
                app.extensions["serving_lock"] = hold(db.engine)
            except DatabaseHeld:
                raise ServiceUnavailable(retry_after=10) from None


def _take(descriptor: int, how: int) -> bool:
    try:
        fcntl.flock(descriptor, how | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
