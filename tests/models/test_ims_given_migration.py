"""The migration that says whether IMS was given, on both engines with data in the tables."""

from datetime import timedelta

from sqlalchemy import Engine, inspect, select
from sqlalchemy.orm import Session

from scheduler.models import Appointment, SpacingGroup
from tests.factories import MONDAY, local, make_appointment, make_clinic, make_patient
from tests.models.test_migrations import alembic_run


def test_what_was_answered_before_the_upgrade_is_told_by_what_counts(engine: Engine) -> None:
    """IMS in a follow-up: given. An IMS visit that was told not to count: not given. One that nobody was asked about: open."""
    with Session(engine) as session:
        make_clinic(session)
        ims = session.scalars(select(SpacingGroup)).one()
        made = {
            name: make_appointment(
                session,
                patient=make_patient(session),
                starts_local=local(MONDAY - timedelta(days=3), "10:00") + timedelta(hours=hour),
                status="completed",
                **columns,
            ).public_id
            for hour, (name, columns) in enumerate(
                {
                    "given": {"treatment": "follow-up", "spacing_group_id": ims.id, "spacing_days": 7},
                    "planned": {},
                    "stopped": {},
                    "refused": {},
                }.items()
            )
        }
        for name, why in (("stopped", "a later IMS visit elsewhere counts instead"), ("refused", None)):
            visit = session.scalars(select(Appointment).where(Appointment.public_id == made[name])).one()
            visit.spacing_group_id = visit.spacing_days = None
            visit.version, visit.changed_why = 2, why
        session.commit()
    alembic_run(engine, "downgrade", "0022")
    assert "ims_given" not in {column["name"] for column in inspect(engine).get_columns("appointment")}
    alembic_run(engine, "upgrade", "head")
    with Session(engine) as session:
        found = {visit.public_id: visit.ims_given for visit in session.scalars(select(Appointment))}
    assert {name: found[public_id] for name, public_id in made.items()} == {
        "given": True,
        "planned": None,
        "stopped": None,
        "refused": False,
    }
