"""The write transaction of a use case, and the one reason to run a use case again."""

import functools
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from scheduler.domain.errors import Busy
from scheduler.models.engine import WRITING

P = ParamSpec("P")
R = TypeVar("R")

LOCK_TIMEOUT = "55P03"
DEADLOCK_STATES = ("40P01", "40001", LOCK_TIMEOUT)  # deadlock, serialization failure
TRIES = 4


MOST_LOOKS = 100  # each time somebody else has changed the same visit


class LookedTooEarly(Exception):
    """Between the look and the lock the visit changed whom it belongs to: begin the use case anew."""


def begin_write(session: Session) -> None:
    """End the read transaction, if any, and open one that may write (BEGIN IMMEDIATE on SQLite).

    Everything read before is read anew: what a rule decides on must be read under the lock. A session's `info` may say
    how long it waits (models/engine.IMPATIENT): then Busy is raised.
    """
    end_reading(session)
    try:
        session.connection(execution_options={**WRITING, **session.info})
    except OperationalError as error:
        if session.info and _has_waited(error):
            raise Busy from error
        raise


def end_reading(session: Session) -> None:
    if session.new or session.dirty or session.deleted:
        raise RuntimeError("something was changed before its use case began")
    session.rollback()


def retry_deadlocks(usecase: Callable[P, R]) -> Callable[P, R]:
    """Run the use case again when PostgreSQL chose it as a deadlock's victim, or kept it waiting for a lock for too long;
    and when it had looked too early.

    Not when SQLite did: who has waited for its one lock for 20 seconds waits for a process that stands still. An
    impatient session (`begin_write`) is told Busy instead of waiting several times.
    """

    @functools.wraps(usecase)
    def again(*args: P.args, **kwargs: P.kwargs) -> R:
        session = args[0]
        assert isinstance(session, Session)  # noqa: S101 - every use case takes the session first
        attempt = 1
        for _look in range(MOST_LOOKS):
            try:
                return usecase(*args, **kwargs)
            except LookedTooEarly:
                session.rollback()
            except OperationalError as error:
                session.rollback()
                if session.info and _has_waited(error):
                    raise Busy from error
                if attempt == TRIES or not _is_passing(error):
                    raise
                time.sleep(0.02 * attempt)
                attempt += 1
            except BaseException:
                session.rollback()
                raise
        raise Busy

    return again


def _is_passing(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", None) in DEADLOCK_STATES


def _has_waited(error: OperationalError) -> bool:
    return getattr(error.orig, "sqlstate", None) == LOCK_TIMEOUT or "database is locked" in str(error.orig)
