"""The migrations, up and down, on both engines with data in the tables."""

import alembic.command
import alembic.config
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, text
from sqlalchemy.orm import Session

from scheduler.models import Base
from scheduler.models.constraints import missing
from scheduler.models.constraints_postgresql import EXCLUSIONS
from tests.engines import ROOT
from tests.factories import MONDAY, local, make_appointment, make_clinic, make_patient


@pytest.fixture
def full(engine: Engine) -> Engine:
    with Session(engine) as session:
        make_clinic(session)
        make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:00"))
    return engine


def alembic_run(engine: Engine, command: str, target: str) -> None:
    config = alembic.config.Config()
    config.set_main_option("script_location", str(ROOT / "migrations"))
    with engine.connect().execution_options(writing=True) as connection:
        config.attributes["connection"] = connection
        getattr(alembic.command, command)(config, target)
        connection.commit()


def test_down_and_up_again_leaves_the_schema_whole(full: Engine) -> None:
    alembic_run(full, "downgrade", "base")
    assert set(inspect(full).get_table_names()) <= {"alembic_version"}
    alembic_run(full, "upgrade", "head")
    with full.connect() as connection:
        assert missing(connection) == set()
        assert connection.execute(text("SELECT count(*) FROM calendar_state")).scalar_one() == 1


def test_models_and_migrations_agree(full: Engine) -> None:
    def ours(_object: object, name: str | None, kind: str, reflected: bool, _other: object) -> bool:
        return not (kind == "index" and reflected and name in EXCLUSIONS)

    with full.connect() as connection:
        context = MigrationContext.configure(connection, opts={"include_object": ours})
        assert compare_metadata(context, Base.metadata) == []
