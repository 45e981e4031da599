"""Whether the database is one that this code can work with: every command asks first, and says no in one line."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from scheduler.models import constraints
from scheduler.serving import schema
from scheduler.serving.serving_lock import DatabaseHeld, ServingLock, hold
from scheduler.serving.sound_database import CannotStart, require_own_wal, require_sound


def take_part(engine: Engine) -> ServingLock:
    """Before anything else of a process that goes on working with the database: it is whole, and nobody has it for
    themselves alone."""
    try:
        lock = hold(engine)
    except DatabaseHeld:
        raise CannotStart("somebody has the database for themselves alone (a restore?): try again later.") from None
    require_sound(engine, alone=lock.alone)
    return lock


def upgrade_database(engine: Engine) -> None:
    """Brought to the code's version, with every constraint that the rules lean on."""
    require_own_wal(engine)
    with _said_in_one_line(engine):
        schema.upgrade(engine)
    require_database(engine)


def require_database(engine: Engine) -> None:
    """At the code's version, with every constraint that the rules lean on. Changes nothing."""
    require_known_database(engine)
    with _said_in_one_line(engine), engine.connect() as connection:
        version = schema.present(connection)
        lost = constraints.missing(connection) if version == schema.newest() else set()
    if version != schema.newest():
        raise CannotStart("the database is not at the code's version: run `.venv/bin/flask --app wsgi db upgrade`.")
    if lost:
        raise CannotStart(
            f"the database lacks {len(lost)} of its constraints ({', '.join(sorted(lost)[:3])} …): "
            "restore a backup, or have them installed again (scheduler/models/constraints/__init__.py: install)."
        )


def require_known_database(engine: Engine) -> None:
    """Ours or empty, and of no version that this code has never heard of. Changes nothing."""
    require_own_wal(engine)
    with _said_in_one_line(engine), engine.connect() as connection:
        schema.require_known(connection)


@contextmanager
def _said_in_one_line(engine: Engine) -> Iterator[None]:
    where = engine.url.render_as_string(hide_password=True)
    try:
        yield
    except schema.DatabaseNewer as error:
        raise CannotStart(f"the database is of a newer version ({error}) than this code: update the code.") from None
    except schema.NotOurs:
        raise CannotStart(f"{where} holds tables that are not ours: give DATABASE_URL an empty database.") from None
    except SQLAlchemyError as error:
        reason = str(getattr(error, "orig", error)).strip().splitlines()[0]
        raise CannotStart(f"the database {where} cannot be used: {reason}") from None
