"""The migrations, up and down, on both engines with data in the tables."""

import alembic.command
import alembic.config
import click
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.orm import Session

from scheduler.models import Appointment, AppointmentHistory, Base, Patient, PatientMerge
from scheduler.models.constraints import missing
from scheduler.models.constraints_postgresql import EXCLUSIONS
from tests.engines import ROOT
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient


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


@pytest.fixture
def left_behind(engine: Engine) -> Engine:
    """A database of before 0014 in which a merged record still has a visit, on Monday at 10:00."""
    with Session(engine) as session:
        make_clinic(session)
        kept, merged = make_patient(session), make_patient(session)
        make_appointment(session, patient=merged, starts_local=local(MONDAY, "10:00"))
        ids = {"kept": kept.id, "merged": merged.id}
    alembic_run(engine, "downgrade", "0013")
    with Session(engine) as session:
        session.add(
            PatientMerge(
                kept_patient_id=ids["kept"], merged_patient_id=ids["merged"], merged_at=NOW, merged_by="x", moved={}
            )
        )
        session.commit()
    return engine


def test_a_visit_left_on_a_merged_record_goes_to_the_one_that_was_kept(left_behind: Engine) -> None:
    alembic_run(left_behind, "upgrade", "head")
    with Session(left_behind) as session:
        (visit,) = session.scalars(select(Appointment))
        assert visit.patient_id == session.scalar(select(PatientMerge.kept_patient_id))
        assert (visit.version, visit.changed_by) == (2, "system:upgrade")
        assert len(session.scalars(select(AppointmentHistory)).all()) == 2


def test_one_that_is_too_near_there_stops_the_upgrade_by_name(left_behind: Engine) -> None:
    with Session(left_behind) as session:
        kept = session.get_one(Patient, session.scalar(select(PatientMerge.kept_patient_id)))
        (left,) = session.scalars(select(Appointment.public_id))
        make_appointment(session, patient=kept, starts_local=local(MONDAY, "12:00"), practitioner="p2", room="Room 2")
    with pytest.raises(click.ClickException, match=rf"{left} \(treatment_spacing\)"):
        alembic_run(left_behind, "upgrade", "head")
    with Session(left_behind) as session:
        merged = session.scalar(select(PatientMerge.merged_patient_id))
        assert session.scalar(select(Appointment.patient_id).where(Appointment.public_id == left)) == merged
        assert session.scalar(text("SELECT version_num FROM alembic_version")) == "0013"
