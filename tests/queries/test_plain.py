"""The shortest way to a row, and that it leaves the pool as it found it."""

import pytest
from sqlalchemy import Engine, QueuePool, bindparam, func, select, text
from sqlalchemy.orm import Session

from scheduler.models import Patient
from scheduler.models.engine import WRITING, without_transactions
from scheduler.models.staff.access import Heartbeat
from scheduler.queries.driver_statements import Plain
from tests.factories import NOW, make_patient

BY_NAME = Plain(
    select(Patient.id, Patient.given_name).where(
        Patient.given_name == bindparam("given_name"), Patient.language == bindparam("language")
    )
)


def lent_by(engine: Engine) -> int:
    """Connections that have not come back."""
    pool = without_transactions(engine).pool
    assert isinstance(pool, QueuePool)
    return pool.checkedout()


def test_it_reads_the_row_or_none(engine: Engine, session: Session) -> None:
    patient = make_patient(session, given_name="Zoé")
    assert BY_NAME.first_alone(engine, given_name="Zoé", language="en") == (patient.id, "Zoé")
    assert BY_NAME.first_alone(engine, given_name="Zoé", language="fr") is None
    assert BY_NAME.first_alone(engine, given_name="'; DROP TABLE patient; --", language="en") is None


def test_each_read_sees_what_was_committed_before_it(engine: Engine, session: Session) -> None:
    assert BY_NAME.first_alone(engine, given_name="Zoé", language="en") is None
    make_patient(session, given_name="Zoé")
    assert BY_NAME.first_alone(engine, given_name="Zoé", language="en") is not None


def test_the_connection_it_used_writes_in_a_transaction_afterwards(engine: Engine, session: Session) -> None:
    session.close()
    for _ in range(10):  # psycopg prepares what it is asked often
        BY_NAME.first_alone(engine, given_name="Zoé", language="en")
    with engine.connect().execution_options(**WRITING) as connection:
        connection.execute(Heartbeat.__table__.insert().values(name="tick", at=NOW))
        connection.rollback()
    with engine.connect() as connection:
        assert connection.scalar(select(func.count()).select_from(Heartbeat)) == 0
    assert lent_by(engine) == 0


def test_an_error_gives_the_connection_back(engine: Engine) -> None:
    wrong = Plain(select(Patient.id).where(text("no_such_column = 1")))
    for _ in range(3):
        with pytest.raises(Exception, match="no_such_column"):
            wrong.first_alone(engine)
    assert lent_by(engine) == 0
    assert BY_NAME.first_alone(engine, given_name="Zoé", language="en") is None


def test_columns_that_are_converted_are_refused(engine: Engine) -> None:
    with pytest.raises(TypeError, match="converted"):
        Plain(select(Heartbeat.at)).first_alone(engine)
