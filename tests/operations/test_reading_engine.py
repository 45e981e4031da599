"""The engine for single SELECTs."""

from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from scheduler.models.engine import WRITING, without_transactions
from scheduler.models.staff.access import Heartbeat
from tests.factories import NOW
from tests.support.statements import statements_of


def test_reading_sends_the_select_and_nothing_else(engine: Engine) -> None:
    reading = without_transactions(engine)
    with reading.connect() as connection:
        connection.execute(text("SELECT 1"))
    statements = statements_of(engine)
    with reading.connect() as connection:
        connection.execute(text("SELECT 1"))
    assert statements == ["SELECT 1"]


def test_after_reading_there_are_transactions(engine: Engine) -> None:
    reading = without_transactions(engine)
    with reading.connect() as connection:
        connection.execute(text("SELECT 1"))
    with engine.connect().execution_options(**WRITING) as connection:  # on SQLite the same one, from the pool
        connection.execute(Heartbeat.__table__.insert().values(name="tick", at=NOW))
        connection.rollback()
    with reading.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Heartbeat)) == 0


def test_each_select_sees_what_was_committed_before_it(engine: Engine) -> None:
    with without_transactions(engine).connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Heartbeat)) == 0
        with Session(engine) as session:
            session.add(Heartbeat(name="tick", at=NOW))
            session.commit()
        assert connection.scalar(select(func.count()).select_from(Heartbeat)) == 1
