"""When a use case is run again."""

import pytest
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from scheduler.models import engine as engines
from scheduler.usecases.transaction import begin_write, retry_deadlocks


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_has_waited_for_sqlites_one_lock_in_vain_is_told_so_and_not_made_to_wait_again(
    session: Session, engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engines, "BUSY_TIMEOUT", "PRAGMA busy_timeout = 1")
    tries = []

    @retry_deadlocks
    def write(session: Session) -> None:
        tries.append("waited")
        begin_write(session)

    with (
        engine.execution_options(**engines.WRITING).begin(),  # a process that stands still
        pytest.raises(OperationalError, match="database is locked"),
    ):
        write(session)
    assert tries == ["waited"]
