"""Somebody writes for a long time: an import, say."""

import pytest
from sqlalchemy import Engine, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from scheduler.domain.errors import Busy
from scheduler.models.engine import WRITING
from scheduler.usecases.transaction import begin_write, retry_deadlocks

SHORT = {"busy_timeout": 20}  # milliseconds


@retry_deadlocks
def write(session: Session) -> None:
    begin_write(session)
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"SET LOCAL lock_timeout = {SHORT['busy_timeout']}"))
    session.execute(text("UPDATE room SET position = 1"))
    session.commit()


def test_whoever_must_not_wait_long_is_told_that_it_is_busy_and_can_write_afterwards(engine: Engine) -> None:
    with engine.connect().execution_options(**WRITING) as other, Session(engine, info=SHORT) as session:
        other.execute(text("UPDATE room SET position = 2"))
        if engine.dialect.name == "postgresql":
            other.execute(text("LOCK TABLE room"))
        with pytest.raises(Busy) as busy:
            write(session)
        assert isinstance(busy.value.__cause__, OperationalError)
        other.rollback()
        write(session)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_connection_of_somebody_impatient_waits_as_any_other_afterwards(engine: Engine) -> None:
    with Session(engine, info=SHORT) as session:
        with engine.connect().execution_options(**WRITING) as other:
            other.begin()
            with pytest.raises(Busy):
                begin_write(session)
        begin_write(session)
        assert session.scalar(text("PRAGMA busy_timeout")) == 20_000
