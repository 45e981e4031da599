"""The migrations, up and down, on both engines with data in the tables."""

from datetime import timedelta

import alembic.command
import alembic.config
import click
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.orm import Session

from scheduler.models import Appointment, AppointmentHistory, Base, Message, MoveLink, Patient, PatientMerge
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


def test_a_link_texted_before_the_upgrade_is_for_the_number_that_its_text_went_to(engine: Engine) -> None:
    """Also when its patient has another number by now; one that no text tells of works no more."""
    with Session(engine) as session:
        make_clinic(session)
        patient, other = make_patient(session), make_patient(session)
        visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
        old = patient.phone_account
        assert old
        texts = (("move-link", 0, 0), ("displaced", 1, 1), ("reply", 2, 2), ("move-link", 3, 4))
        for kind, made, texted in texts:
            session.add_all(
                (
                    MoveLink(
                        token_hash=kind + str(made),
                        appointment_id=visit.id,
                        schedule_version=1,
                        phone_account_id=old.id,
                        created_at=NOW + timedelta(seconds=made),
                        expires_at=NOW + timedelta(hours=48),
                    ),
                    Message(
                        direction="out",
                        kind=kind,
                        number=old.number,
                        body="",
                        status="delivered",
                        created_at=NOW + timedelta(seconds=texted),
                        appointment_id=visit.id,
                        patient_id=patient.id,
                    ),
                )
            )
        patient.phone_account = other.phone_account
        session.commit()
        expected = [("displaced1", old.id), ("move-link0", old.id)]
    alembic_run(engine, "downgrade", "0017")
    assert "phone_account_id" not in {column["name"] for column in inspect(engine).get_columns("move_link")}
    alembic_run(engine, "upgrade", "head")
    with Session(engine) as session:
        links = select(MoveLink.token_hash, MoveLink.phone_account_id).order_by(MoveLink.token_hash)
        assert [tuple(link) for link in session.execute(links)] == expected
        assert session.scalars(select(MoveLink.expires_at)).first() == NOW + timedelta(hours=48)
