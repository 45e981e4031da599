"""Sending due reminders to a provider that answers after 100 ms, each outcome committed, with everything in force: the
sender's pace (above what is reached), the circuit breaker, priorities. And how bookings fare meanwhile."""

import http.client
import itertools
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from statistics import median, quantiles

from sqlalchemy import Engine, text

from benchmarks.booking_requests import APPOINTMENTS, HORIZON_DAYS, BookingRequests
from benchmarks.clinics import CLINIC, FULL_90, Size, free_places, today
from benchmarks.databases import POSTGRESQL, SQLITE, Databases, connected
from benchmarks.report import Report
from benchmarks.rounds import QUICK
from benchmarks.serving import CORES, ROOT, Server
from scheduler import clock

LATENCY = 0.1
SIZE = 1_000
FOR_SECONDS = 2 if QUICK else 5  # of the theoretical rate
ROUNDS = 1 if QUICK else 3
PER_SECOND = 2_000  # the sender's rate
BOOKINGS_A_SECOND = 20
SLOWER = 1.5


@dataclass(frozen=True, slots=True)
class Goal:
    engine: str
    at_once: int
    share: float

    @property
    def theoretical(self) -> float:
        return self.at_once / LATENCY

    @property
    def due(self) -> int:
        return int(self.theoretical * FOR_SECONDS)


GOALS = (Goal(POSTGRESQL, 64, 0.85), Goal(POSTGRESQL, 128, 0.80), Goal(SQLITE, 64, 0.60))

# A process and a session of its own, as a service is started, on whatever core the system gives it. What it takes to
# start Python is left out.
SENDER = """
import os, time
from config import Config
from scheduler import create_app, jobs
app = create_app(Config(os.environ))
jobs.gateway_for(app)
jobs.give_way()
print("sending", flush=True)
began = time.perf_counter()
jobs.tick(app)
print(time.perf_counter() - began)
"""
# In some 4,000 visits there are two reminders before each, both made due at the same instant; the others are put away.
CHOSEN = (
    "(SELECT reminder.id FROM reminder JOIN appointment ON appointment.id = appointment_id "
    "WHERE kind LIKE 'days_before%' AND starts_at > :soon ORDER BY starts_at, reminder.id LIMIT :due)"
)
MAKE_DUE = (
    "DELETE FROM message",
    "DELETE FROM sms_sender",
    "UPDATE reminder SET status = 'superseded' WHERE status <> 'superseded'",
    "UPDATE reminder SET status = 'planned', attempts = 0, due_at = :now, next_attempt_at = :now WHERE id IN " + CHOSEN,
)


def run(report: Report, databases: Databases) -> None:
    report.section(f"Reminders due, the provider answers after {LATENCY * 1000:.0f} ms, pace {PER_SECOND:,} a second")
    for engine_name, goals in itertools.groupby(GOALS, key=lambda goal: goal.engine):
        url = databases.clinic(engine_name, SIZE, FULL_90)
        with connected(url) as engine:
            for goal in goals:
                rates = [_rate(engine, url, goal) for _ in range(ROUNDS)]
                what = f"{engine_name}, {goal.at_once} at once"
                report.share(what, median(rates) / goal.theoretical, goal.share, of=f"{goal.theoretical:,.0f} a second")
            alone, meanwhile = _bookings(databases, engine, url, goal)
            note = f"p95 {alone * 1000:.0f} ms alone, {meanwhile * 1000:.0f} ms meanwhile"
            what = f"{engine_name}: p95 of {BOOKINGS_A_SECOND} bookings a second meanwhile"
            report.at_most(what, meanwhile / alone, SLOWER, unit=" times", note=note)


def _rate(engine: Engine, url: str, goal: Goal) -> float:
    _make_due(engine, goal.due)
    with _provider() as settings:
        seconds = _seconds(_start_sending(url, settings, goal))
    sent = _sent(engine)
    if sent != goal.due:
        raise RuntimeError(f"{sent} of {goal.due} reminders were sent")
    return sent / seconds


def _bookings(databases: Databases, engine: Engine, url: str, goal: Goal) -> tuple[float, float]:
    """The 95th percentile, in seconds, without and while 64 texts at once go out; in alternating rounds."""
    requests = BookingRequests(engine, Size(SIZE))
    places = iter(free_places(today() + timedelta(days=60), HORIZON_DAYS))
    alone: list[float] = []
    meanwhile: list[float] = []
    goal = Goal(goal.engine, 64, 0)
    with Server(url, log=databases.folder / "server.log", HORIZON_DAYS=str(HORIZON_DAYS)) as server:
        _book(server.address, requests, places, itertools.repeat(None, 40))
        for _ in range(ROUNDS):
            alone += _book(server.address, requests, places, itertools.repeat(None, BOOKINGS_A_SECOND * FOR_SECONDS))
            _make_due(engine, goal.due)
            with _provider() as settings:
                sender = _start_sending(url, settings, goal)
                meanwhile += _book(server.address, requests, places, _while_running(sender))
                _seconds(sender)
    return quantiles(alone, n=20)[-1], quantiles(meanwhile, n=20)[-1]


def _book(
    address: tuple[str, int],
    requests: BookingRequests,
    places: Iterator[tuple[int, datetime]],
    turns: Iterator[object],
) -> list[float]:
    """The seconds that each took, on one kept connection."""
    took = []
    connection = http.client.HTTPConnection(*address, timeout=60)
    for _ in turns:
        head, _, body = requests.book(*next(places)).partition(b"\r\n\r\n")
        headers = dict(line.split(": ", 1) for line in head.decode("latin-1").split("\r\n")[1:])
        began = time.perf_counter()
        connection.request("POST", APPOINTMENTS, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        took.append(time.perf_counter() - began)
        if answer.status not in (201, 409):  # its patient may have a visit within seven days
            raise RuntimeError(f"{answer.status} {content[:300]!r}")
        time.sleep(max(1 / BOOKINGS_A_SECOND - took[-1], 0))
    connection.close()
    return took


def _make_due(engine: Engine, due: int) -> None:
    now = datetime.now(UTC)
    values = {"now": now - timedelta(minutes=1), "soon": now + timedelta(hours=1), "due": due}
    with engine.execution_options(writing=True).begin() as connection:
        for statement in MAKE_DUE:
            connection.execute(text(statement), values if ":" in statement else {})


@contextmanager
def _provider() -> Iterator[dict[str, str]]:
    """The settings to send to it."""
    options = ["--port", "0", "--latency", str(LATENCY), "--no-callbacks", "--quiet"]
    provider = subprocess.Popen(
        [sys.executable, "-m", "tests.support.fake_twilio", *options], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    try:
        assert provider.stdout
        yield dict(part.split("=", 1) for part in provider.stdout.readline().split())
    finally:
        provider.terminate()
        provider.wait()


def _start_sending(url: str, settings: dict[str, str], goal: Goal) -> "subprocess.Popen[str]":
    """When it returns, the first text is about to go out."""
    sender = subprocess.Popen(
        [sys.executable, "-c", SENDER],
        cwd=ROOT,
        env={**os.environ, **settings, **_environment(url, goal.at_once)},
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    if CORES:
        os.sched_setaffinity(sender.pid, CORES)
    assert sender.stdout
    if sender.stdout.readline() != "sending\n":
        raise RuntimeError("the sender did not start")
    return sender


def _while_running(process: "subprocess.Popen[str]") -> Iterator[None]:
    while process.poll() is None:
        yield


def _seconds(sender: "subprocess.Popen[str]") -> float:
    """That it took to send everything, when it has."""
    output, _ = sender.communicate()
    if sender.returncode != 0:
        raise RuntimeError("the sender failed")  # it has said why on the terminal
    return float(output.split()[-1])


def _environment(url: str, at_once: int) -> dict[str, str]:
    """Quiet hours that are not now, whenever it is measured."""
    local = clock.to_local(datetime.now(UTC), clock.zone(CLINIC.zone)) + timedelta(hours=3)
    return {
        "DATABASE_URL": url,
        "SECRET_KEY": "only for this benchmark",
        "PUBLIC_URL": "https://book.example.ca",
        "SMS_CONCURRENCY": str(at_once),
        "SMS_PER_SECOND": str(PER_SECOND),
        "QUIET_HOURS": f"{local:%H}:00-{local:%H}:01",
    }


def _sent(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM reminder WHERE status = 'sent' AND attempts = 1")) or 0)
