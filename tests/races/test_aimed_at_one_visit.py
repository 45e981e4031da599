"""Everything that changes a visit takes its locks in one order: aimed at the same few visits, none waits for ever."""

import os
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from tests.factories import MONDAY, local, make_appointment, make_clinic, make_patient
from tests.races.aimed import AIMED, BESIDES, VISITS, Figures, aim
from tests.races.test_changes_under_a_booking import require_sound

ACTS = 100 * int(os.environ.get("RACE_ROUNDS", "2"))  # `make soak`: 10,000
EXPECTED = {
    *("done", "slot-taken", "slot-not-offered", "treatment-too-soon", "patient-busy", "patient-restricted"),
    *("status-refused", "room-taken", "merge-refused", "Invalid", "NotFound", "not-cleared"),
}
ON_POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def clinic(engine: Engine, session: Session, database_url: str) -> str:
    """Each patient has a visit to come, and two that are over, of which one counts."""
    make_clinic(session, practitioners=3, rooms=3)
    coming = [make_patient(session, family_name="Roy", birth_date=None) for _ in range(VISITS)]
    for number, patient in enumerate(coming):
        make_appointment(session, patient=patient, starts_local=local(MONDAY, f"{9 + number:02}:00"))
    for number, patient in enumerate(coming):
        past = {"starts_local": local(MONDAY - timedelta(days=17), f"{9 + number:02}:00"), "practitioner": "p3"}
        make_appointment(session, patient=patient, status="completed", room="Room 3", **past)  # type: ignore[arg-type]
    session.rollback()
    return database_url


def require_clean(engine: Engine, figures: Figures) -> None:
    told = f"p50 {figures.percentile(0.5)} ms, p99 {figures.percentile(0.99)} ms, {figures.outcomes}"
    print(told)  # noqa: T201 - the soak's figures
    assert {outcome.partition(": ")[2] for outcome in figures.outcomes} <= EXPECTED, told
    assert figures.deadlocks == 0, told
    require_sound(engine)


@ON_POSTGRESQL
def test_cancels_moves_and_changes_of_status_of_the_same_visits_never_deadlock(engine: Engine, clinic: str) -> None:
    require_clean(engine, aim(clinic, AIMED, threads=4, processes=4, acts=ACTS, seed=1))


@ON_POSTGRESQL
def test_nor_does_anything_else_that_changes_visits_beside_them(engine: Engine, clinic: str) -> None:
    require_clean(engine, aim(clinic, (*AIMED, *BESIDES), threads=4, processes=4, acts=ACTS, seed=2))
