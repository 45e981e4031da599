"""64 clients at once over HTTP: at one slot, and for one patient; from one server process and from four."""

import json
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise
from statistics import median

from sqlalchemy import Engine, func, select, text

from benchmarks import load
from benchmarks.booking_requests import HORIZON_DAYS, BookingRequests
from benchmarks.clinics import FIRST_VISIT, MIN_DAYS, ORDINARY, PRACTITIONERS, WORKDAYS, Size, free_places, today
from benchmarks.databases import POSTGRESQL, SQLITE, Databases, connected
from benchmarks.load import Load
from benchmarks.report import Line, Report
from benchmarks.rounds import QUICK
from benchmarks.serving import Server
from scheduler.models import Appointment, Patient

CLIENTS = 64
ROUNDS = 5 if QUICK else 100
WARM_UP = 3  # rounds that count, but not for time: each process compiles its statements at first
LAST_ANSWER = 1.0  # seconds
SMALL = 1_000


@dataclass(slots=True)
class Tally:
    """What came of the rounds."""

    clean: int = 0
    unclean: list[str] = field(default_factory=list)
    slowest: list[float] = field(default_factory=list)

    def add(self, answers: Load, wrong: str) -> None:
        self.slowest.append(answers.seconds)
        if wrong:
            self.unclean.append(wrong)
        else:
            self.clean += 1


def run(report: Report, databases: Databases) -> None:
    for engine in (POSTGRESQL, SQLITE):
        report.section(f"{CLIENTS} clients at once over the API, {engine}, {ROUNDS} rounds")
        for workers, threads in ((1, 8), (4, 16)):
            _with_workers(report, databases, engine, workers, threads)


def _with_workers(report: Report, databases: Databases, name: str, workers: int, threads: int) -> None:
    url = databases.clinic(name, SMALL, ORDINARY)
    processes = "one process" if workers == 1 else f"{workers} processes"
    with connected(url) as engine:
        requests = BookingRequests(engine, Size(SMALL))
        settings = {"HORIZON_DAYS": str(HORIZON_DAYS), "log": databases.folder / "server.log"}
        with Server(url, workers=workers, threads=threads, **settings) as server:  # type: ignore[arg-type]
            at_one_slot = _rounds(lambda number: _one_slot(engine, server, requests, number))
            for_one_patient = _rounds(lambda number: _one_patient(engine, server, requests, number))
        deadlocks = _deadlocks(engine)
    _tell(report, f"{processes}: one slot, one booked and {CLIENTS - 1} clean refusals", at_one_slot)
    report.at_most(f"{processes}: the last answer of a round", max(at_one_slot.slowest), LAST_ANSWER, unit=" s",
                   note=f"median {median(at_one_slot.slowest):.2f} s")  # fmt: skip
    _tell(report, f"{processes}: one patient, a legal set of visits", for_one_patient)
    if deadlocks is not None:
        report.at_most(f"{processes}: deadlocks", deadlocks, 0)


def _rounds(one_round: Callable[[int], tuple[Load, str]]) -> Tally:
    tally = Tally()
    for number in range(WARM_UP + ROUNDS):
        tally.add(*one_round(number))
    del tally.slowest[:WARM_UP]
    return tally


def _tell(report: Report, what: str, tally: Tally) -> None:
    met = not tally.unclean
    report.add(
        Line(what, f"{tally.clean} of {WARM_UP + ROUNDS}", "all", met, tally.unclean[0] if tally.unclean else "")
    )


def _one_slot(engine: Engine, server: Server, requests: BookingRequests, number: int) -> tuple[Load, str]:
    """All want the same start with the same practitioner, each for another patient."""
    practitioner, starts_local = free_places(today(), HORIZON_DAYS)[number]
    answers = load.at_once(server.address, [requests.book(practitioner, starts_local) for _ in range(CLIENTS)])
    with engine.connect() as connection:
        active = connection.scalar(
            select(func.count())
            .select_from(Appointment)
            .where(Appointment.active, Appointment.starts_local == starts_local)
            .where(Appointment.practitioner_id == practitioner)
        )
    wrong = "" if answers.statuses == {201: 1, 409: CLIENTS - 1} else str(dict(answers.statuses))
    codes = {json.loads(body).get("code") for body in answers.bodies} - {None}
    if codes != {"slot-taken"}:
        wrong += f" {codes}"
    return answers, wrong + (f" {active} visits" if active != 1 else "")


def _one_patient(engine: Engine, server: Server, requests: BookingRequests, number: int) -> tuple[Load, str]:
    """IMS for one patient with anybody at random times of a fortnight."""
    chance = random.Random(number)
    patient = requests.next_patient()
    begin = today() + timedelta(days=60 + number)
    days = [begin + timedelta(days=n) for n in range(14) if (begin + timedelta(days=n)).weekday() < WORKDAYS]
    wanted = [
        requests.book(
            chance.randint(1, PRACTITIONERS),
            datetime.combine(chance.choice(days), datetime.min.time())
            + timedelta(minutes=FIRST_VISIT + 15 * chance.randrange(28)),
            patient,
        )
        for _ in range(CLIENTS)
    ]
    answers = load.at_once(server.address, wanted)
    with engine.connect() as connection:
        starts = connection.scalars(
            select(Appointment.starts_local)
            .join(Patient, Patient.id == Appointment.patient_id)
            .where(Patient.public_id == patient, Appointment.active)
            .order_by(Appointment.starts_local)
        ).all()
    wrong = "" if set(answers.statuses) == {201, 409} else str(dict(answers.statuses))
    if len(starts) != answers.statuses[201] or any(b - a < timedelta(days=MIN_DAYS) for a, b in pairwise(starts)):
        wrong += f" visits at {starts}"
    return answers, wrong


def _deadlocks(engine: Engine) -> int | None:
    """None where there can be none: SQLite has one writer."""
    if engine.dialect.name != "postgresql":
        return None
    counted = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    with engine.connect() as connection:
        return int(connection.execute(counted).scalar_one())
