"""64 clients at once: at one slot, and for one patient. First shown with the guard off, then its absence with it on."""

import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import pairwise

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from scheduler.models import Appointment
from scheduler.models.constraints import install, remove
from tests.factories import MONDAY, local, make_appointment, make_clinic, make_patient
from tests.races.contenders import Race

CLIENTS = 64
ROUNDS = int(os.environ.get("RACE_ROUNDS", "2"))  # `make soak` runs 100


@pytest.fixture
def clinic(engine: Engine, database_url: str) -> Iterator[str]:
    with Session(engine) as session:
        make_clinic(session, practitioners=3, rooms=3)
        for _ in range(CLIENTS):
            make_patient(session)
    yield database_url


def clear(engine: Engine) -> None:
    with engine.connect().execution_options(writing=True) as connection:
        remove(connection)
        for table in ("reminder", "appointment_history", "appointment"):
            connection.execute(text(f"DELETE FROM {table}"))
        install(connection)
        connection.commit()


def booked(engine: Engine) -> list[Appointment]:
    with Session(engine) as session:
        return list(session.scalars(select(Appointment).where(Appointment.active).order_by(Appointment.starts_local)))


@pytest.mark.parametrize("processes", [1, 4])
def test_one_of_64_gets_the_slot_and_the_others_a_clean_refusal(engine: Engine, clinic: str, processes: int) -> None:
    with Race(clinic, clients=CLIENTS, processes=processes) as race:
        for seed in range(ROUNDS):
            assert race.round("one-slot", seed) == {"booked": 1, "slot-taken": CLIENTS - 1}
            assert len(booked(engine)) == 1
            clear(engine)


@pytest.mark.parametrize("processes", [1, 4])
def test_64_bookings_for_one_patient_end_in_a_legal_set(engine: Engine, clinic: str, processes: int) -> None:
    with Race(clinic, clients=CLIENTS, processes=processes) as race:
        for seed in range(ROUNDS):
            outcomes = race.round("one-patient", seed)
            visits = booked(engine)
            assert set(outcomes) <= {"booked", "treatment-too-soon", "slot-taken", "patient-busy"}
            assert outcomes["booked"] == len(visits) >= 1
            starts = [visit.starts_local for visit in visits]
            assert all(later - earlier >= timedelta(days=7) for earlier, later in pairwise(starts))
            clear(engine)


def test_without_locks_and_constraints_the_same_race_double_books(engine: Engine, clinic: str) -> None:
    """The race is real: looking first and inserting then lets several in, as it does in other schedulers."""
    with Session(engine) as session:
        make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "15:00"))
    with engine.connect().execution_options(writing=True) as connection:
        remove(connection)
        connection.commit()
    with Race(clinic, clients=CLIENTS, processes=4) as race:
        assert race.round("unguarded", 0)["booked"] > 1
