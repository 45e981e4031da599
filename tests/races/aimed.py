"""Cancels, moves and changes of status aimed at the same few visits, from threads and from processes.

`python -m tests.races.aimed URL THREADS ACTS SEED KINDS` is one process of such a race. It prints one line for each act:
its kind, how it came out, and how many milliseconds it took. A deadlock is counted even where the act was tried again.
"""

import random
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

from sqlalchemy import Engine, event, select
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.orm import Session

from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import Appointment, Patient, Room
from scheduler.models.engine import create_engine
from scheduler.usecases.booking.booking import cancel_appointment, move_appointment
from scheduler.usecases.booking.holds import hold_slot
from scheduler.usecases.calendar.clock_refresh import refresh_instants
from scheduler.usecases.patients.elsewhere import record_elsewhere
from scheduler.usecases.patients.merging import merge_patients
from scheduler.usecases.visits.details import change_length, change_room
from scheduler.usecases.visits.status import change_status
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local

ROOT = Path(__file__).resolve().parent.parent.parent
AIMED = ("cancel", "move", "status")
BESIDES = ("room", "length", "elsewhere", "hold", "merge", "refresh")
VISITS = 4  # the first of them, by id, are aimed at
Act = Callable[[Session, str, random.Random], object]


@dataclass(frozen=True, slots=True)
class Figures:
    """`outcomes` by kind and outcome; `milliseconds` of each act, sorted."""

    outcomes: Counter[str]
    milliseconds: list[float]

    @property
    def deadlocks(self) -> int:
        return self.outcomes["deadlock"]

    def percentile(self, share: float) -> float:
        return self.milliseconds[min(len(self.milliseconds) - 1, int(share * len(self.milliseconds)))]


def aim(url: str, kinds: Sequence[str], *, threads: int, processes: int, acts: int, seed: int) -> Figures:
    """`acts` in all, by this many threads in each of the processes."""
    each = acts // (threads * processes)
    running = [
        subprocess.Popen(
            [
                sys.executable,
                "-m",
                "tests.races.aimed",
                url,
                str(threads),
                str(each),
                f"{seed}-{number}",
                ",".join(kinds),
            ],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            text=True,
        )
        for number in range(processes)
    ]
    outcomes: Counter[str] = Counter()
    milliseconds = []
    for process in running:
        for line in process.communicate(timeout=60 + acts / 4)[0].splitlines():  # a quarter of a second each, at worst
            outcome, took = line.rsplit(" ", 1)
            outcomes[outcome] += 1
            if outcome != "deadlock":
                milliseconds.append(float(took))
        assert process.returncode == 0
    return Figures(outcomes, sorted(milliseconds))


def _cancel(session: Session, visit: str, _chance: random.Random) -> object:
    return cancel_appointment(session, clinic=CLINIC, public_id=visit, reason="", now=NOW, actor=STAFF)


def _move(session: Session, visit: str, chance: random.Random) -> object:
    day = MONDAY + timedelta(days=chance.choice((0, 1)))
    starts_local = local(day, f"{chance.randrange(9, 13):02}:{chance.choice(('00', '15', '30'))}")
    practitioner = chance.choice(("p1", "p2", "p3", None))
    return move_appointment(
        session,
        clinic=CLINIC,
        public_id=visit,
        starts_local=starts_local,
        practitioner=practitioner,
        now=NOW,
        actor=STAFF,
    )


def _status(session: Session, visit: str, chance: random.Random) -> object:
    """Confirmed, and back; what was cancelled is called back."""
    status = chance.choice((AppointmentStatus.BOOKED, AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED))
    return change_status(session, clinic=CLINIC, public_id=visit, status=status, now=NOW, actor=STAFF)


def _room(session: Session, visit: str, chance: random.Random) -> object:
    room = chance.choice(session.scalars(select(Room.id)).all())
    session.rollback()
    return change_room(session, public_id=visit, room_id=room, now=NOW, actor=STAFF)


def _length(session: Session, visit: str, chance: random.Random) -> object:
    minutes = chance.choice((20, 30, 60))
    return change_length(session, public_id=visit, minutes=minutes, now=NOW, actor=STAFF)


def _elsewhere(session: Session, visit: str, chance: random.Random) -> object:
    patient = session.scalars(select(Appointment.patient_id).where(Appointment.public_id == visit)).one()
    session.rollback()
    day = MONDAY - timedelta(days=chance.randrange(4, 25))
    recorded = record_elsewhere(session, clinic=CLINIC, patient_id=patient or 0, day=day, now=NOW, actor=STAFF)
    public_id = recorded.public_id
    session.rollback()
    return cancel_appointment(session, clinic=CLINIC, public_id=public_id, reason="", now=NOW, actor=STAFF)


def _hold(session: Session, _visit: str, chance: random.Random) -> object:
    starts_local = local(MONDAY, f"{chance.randrange(9, 13):02}:30")
    practitioner = chance.choice(("p1", "p2", "p3", None))
    return hold_slot(
        session,
        clinic=CLINIC,
        treatment="follow-up",
        practitioner=practitioner,
        starts_local=starts_local,
        now=NOW,
        actor=STAFF,
        held_for=f"visitor {chance.randrange(4)}",
    )


def _merge(session: Session, visit: str, chance: random.Random) -> object:
    mine = session.scalars(select(Patient).join(Appointment).where(Appointment.public_id == visit)).one().public_id
    others = session.scalars(select(Patient.public_id).where(Patient.public_id != mine)).all()
    session.rollback()
    return merge_patients(session, kept=chance.choice(others), merged=mine, sure=True, now=NOW, actor=STAFF)


def _refresh(session: Session, _visit: str, chance: random.Random) -> object:
    zone = chance.choice(("America/Toronto", "America/Halifax"))
    return refresh_instants(session, clinic=replace(CLINIC, zone=zone), now=NOW)


ACTS: dict[str, Act] = {
    "cancel": _cancel,
    "move": _move,
    "status": _status,
    "room": _room,
    "length": _length,
    "elsewhere": _elsewhere,
    "hold": _hold,
    "merge": _merge,
    "refresh": _refresh,
}


def _run(engine: Engine, threads: int, acts: int, seed: str, kinds: Sequence[str]) -> list[str]:
    told: list[str] = []

    @event.listens_for(engine, "handle_error")
    def count(context: ExceptionContext) -> None:
        if getattr(context.original_exception, "sqlstate", None) == "40P01":
            told.append("deadlock 0")

    with Session(engine) as session:
        aimed_at = session.scalars(select(Appointment.public_id).order_by(Appointment.id).limit(VISITS)).all()
    together = threading.Barrier(threads)

    def client(number: int) -> None:
        chance = random.Random(f"{seed}-{number}")
        with Session(engine) as session:
            together.wait()
            for _act in range(acts):
                kind, visit = chance.choice(kinds), chance.choice(aimed_at)
                began = time.perf_counter()
                outcome = _outcome(ACTS[kind], session, visit, chance)
                told.append(f"{kind}: {outcome} {(time.perf_counter() - began) * 1000:.1f}")
                session.rollback()

    clients = [threading.Thread(target=client, args=(number,)) for number in range(threads)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    return told


def _outcome(act: Act, session: Session, visit: str, chance: random.Random) -> str:
    try:
        act(session, visit, chance)
    except BookingRefused as refused:
        return refused.code
    except Exception as error:
        return type(error).__name__  # whatever can happen must be seen
    return "done"


def main() -> None:
    url, threads, acts, seed, kinds = sys.argv[1:]
    told = _run(create_engine(url), int(threads), int(acts), seed, kinds.split(","))
    sys.stdout.write("".join(f"{line}\n" for line in told))


if __name__ == "__main__":
    main()
