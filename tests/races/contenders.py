"""Many bookings at the same instant, from threads and from processes, straight at the use case.

`python -m tests.races.contenders URL THREADS` is one process of a race. For each line "KIND SEED FIRST_PATIENT" on
stdin it lets its threads go at once and prints their outcomes in one line.
"""

import random
import subprocess
import sys
import threading
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from types import TracebackType

from sqlalchemy import Engine, insert, select
from sqlalchemy.orm import Session

from scheduler.domain.booking.refusals import BookingRefused
from scheduler.models import Appointment
from scheduler.models.engine import create_engine
from scheduler.usecases.booking.booking import book_slot
from scheduler.usecases.booking.request import BookingRequest
from tests.factories import CLINIC, MONDAY, NOW, PATIENT, local

ROOT = Path(__file__).resolve().parent.parent.parent


class Race:
    """`clients` bookings begun at once, round after round, from this many processes."""

    def __init__(self, url: str, *, clients: int, processes: int) -> None:
        self._threads = clients // processes
        self._processes = [
            subprocess.Popen(
                [sys.executable, "-m", "tests.races.contenders", url, str(self._threads)],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
            for _ in range(processes)
        ]

    def __enter__(self) -> "Race":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for process in self._processes:
            process.communicate(timeout=30)

    def round(self, kind: str, seed: int) -> Counter[str]:
        """Outcomes: "booked", a refusal's code, or the name of an unexpected error."""
        for number, process in enumerate(self._processes):
            assert process.stdin
            process.stdin.write(f"{kind} {seed}-{number} {1 + number * self._threads}\n")
            process.stdin.flush()
        lines = [process.stdout.readline() for process in self._processes if process.stdout]
        return Counter(outcome for line in lines for outcome in line.split())


def _contend(engine: Engine, kind: str, threads: int, seed: str, first_patient: int) -> list[str]:
    outcomes: list[str] = []
    together = threading.Barrier(threads)

    def client(number: int) -> None:
        chance = random.Random(f"{seed}-{number}")
        with Session(engine) as session:
            session.connection()  # connected before the start, as a server's worker is
            session.rollback()
            together.wait()
            outcomes.append(CLIENTS[kind](session, first_patient + number, chance))

    clients = [threading.Thread(target=client, args=(n,)) for n in range(threads)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    return outcomes


def at_one_slot(session: Session, patient_id: int, _chance: random.Random) -> str:
    return _book(session, patient_id, local(MONDAY, "10:00"), "p1")


def for_one_patient(session: Session, _patient_id: int, chance: random.Random) -> str:
    """IMS for the first patient at a random time of a fortnight."""
    day = MONDAY + timedelta(days=chance.choice([0, 1, 2, 3, 4, 7, 8, 9, 10, 11]))
    starts_local = local(day, "09:00") + timedelta(minutes=15 * chance.randrange(28))
    return _book(session, 1, starts_local, chance.choice(["p1", "p2", "p3"]))


def unguarded(session: Session, patient_id: int, _chance: random.Random) -> str:
    """As the peers do it: look whether the slot is free, then insert; no lock, no constraint."""
    starts_local = local(MONDAY, "10:00")
    taken = session.scalar(select(Appointment.id).where(Appointment.starts_local == starts_local).limit(1))
    session.rollback()
    if taken is not None:
        return "slot-taken"
    pattern = session.scalars(select(Appointment).order_by(Appointment.id).limit(1)).one()
    row = {c.key: getattr(pattern, c.key) for c in Appointment.__table__.columns if c.key not in ("id", "active")}
    session.rollback()
    row |= {"patient_id": patient_id, "public_id": f"race-{patient_id}", "starts_local": starts_local}
    with session.bind.connect().execution_options(writing=True) as connection:  # type: ignore[union-attr]
        connection.execute(insert(Appointment), [row | {"counts_from_local": starts_local}])
        connection.commit()
    return "booked"


def _book(session: Session, patient_id: int, starts_local: datetime, practitioner: str) -> str:
    try:
        book_slot(
            session,
            BookingRequest(
                clinic=CLINIC,
                patient=patient_id,
                treatment="ims",
                practitioner=practitioner,
                starts_local=starts_local,
                now=NOW,
                actor=PATIENT,
                origin="online",
            ),
        )
    except BookingRefused as refused:
        return refused.code
    except Exception as error:
        return type(error).__name__  # a race must show everything that can happen
    return "booked"


CLIENTS = {"one-slot": at_one_slot, "one-patient": for_one_patient, "unguarded": unguarded}


def main() -> None:
    url, threads = sys.argv[1:]
    engine = create_engine(url)
    for line in sys.stdin:
        kind, seed, first_patient = line.split()
        sys.stdout.write(" ".join(_contend(engine, kind, int(threads), seed, int(first_patient))) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
