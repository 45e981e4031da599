"""Waiting for SQLite's one write lock."""

from pathlib import Path

import pytest
from sqlalchemy import Connection, text
from sqlalchemy.exc import OperationalError

from scheduler.models import engine as engines
from scheduler.models.engine import WRITING, create_engine


def timeout(connection: Connection) -> int:
    found: int = connection.execute(text("PRAGMA busy_timeout")).scalar_one()
    return found


def test_who_writes_waits_for_twenty_seconds_in_every_later_statement(tmp_path: Path) -> None:
    engine = create_engine(f"sqlite:///{tmp_path / 'clinic.sqlite'}")
    with engine.execution_options(**WRITING).begin() as connection:
        assert timeout(connection) == 20_000
    engine.dispose()


def test_a_lock_that_is_never_free_is_refused_and_a_later_one_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT", "PRAGMA busy_timeout = 1")
    engine = create_engine(f"sqlite:///{tmp_path / 'clinic.sqlite'}")
    writing = engine.execution_options(**WRITING)
    with writing.begin():
        with pytest.raises(OperationalError, match="database is locked"), writing.begin():
            pass
        with engine.connect() as reading:
            assert timeout(reading) == 1
    with writing.begin() as connection:
        assert connection.in_transaction()
        connection.execute(text("CREATE TABLE written (id INTEGER)"))
    engine.dispose()
