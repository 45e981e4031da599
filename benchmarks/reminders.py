"""Sending due reminders to a provider that answers after 100 ms, 64 at once, each outcome committed; PostgreSQL."""

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from statistics import median

from sqlalchemy import Engine, text

from benchmarks.clinics import CLINIC, FULL_90
from benchmarks.databases import POSTGRESQL, Databases, connected
from benchmarks.report import Report
from benchmarks.rounds import QUICK
from benchmarks.serving import CORES, ROOT
from scheduler import clock

AT_ONCE, LATENCY = 64, 0.1
THEORETICAL = AT_ONCE / LATENCY
DUE = 64 * (10 if QUICK else 50)
ROUNDS = 1 if QUICK else 3

# A process of its own, as `flask jobs tick`, that leaves out what it takes to start Python.
SENDER = """
import os, time
from config import Config
from scheduler import create_app, jobs
app = create_app(Config(os.environ))
jobs.gateway_for(app)
began = time.perf_counter()
jobs.tick(app)
print(time.perf_counter() - began)
"""
# In some 4,000 visits there is a reminder for one day before each, which is made due; the others are put away.
MAKE_DUE = (
    "DELETE FROM message",
    "UPDATE reminder SET status = 'superseded' WHERE kind <> 'days_before_1' OR appointment_id NOT IN "
    "(SELECT id FROM appointment WHERE starts_at > :soon ORDER BY starts_at LIMIT :due)",
    "UPDATE reminder SET status = 'planned', attempts = 0, due_at = :now, next_attempt_at = :now "
    "WHERE kind = 'days_before_1' AND appointment_id IN "
    "(SELECT id FROM appointment WHERE starts_at > :soon ORDER BY starts_at LIMIT :due)",
)


def run(report: Report, databases: Databases) -> None:
    report.section(f"{DUE:,} reminders due, {AT_ONCE} at once, the provider answers after {LATENCY * 1000:.0f} ms")
    url = databases.clinic(POSTGRESQL, 1_000, FULL_90)
    rates = []
    with connected(url) as engine:
        for _ in range(ROUNDS):
            _make_due(engine)
            seconds = _send(url)
            sent = _sent(engine)
            if sent != DUE:
                raise RuntimeError(f"{sent} of {DUE} reminders were sent")
            rates.append(sent / seconds)
    report.share(POSTGRESQL, median(rates) / THEORETICAL, 0.85, of=f"{THEORETICAL:.0f} a second")


def _make_due(engine: Engine) -> None:
    now = datetime.now(UTC)
    values = {"now": now - timedelta(minutes=1), "soon": now + timedelta(hours=1), "due": DUE}
    with engine.begin() as connection:
        for statement in MAKE_DUE:
            connection.execute(text(statement), values if ":" in statement else {})


def _send(url: str) -> float:
    """The seconds it took to send everything."""
    provider = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "tests.fake_twilio",
            "--port",
            "0",
            "--latency",
            str(LATENCY),
            "--no-callbacks",
            "--quiet",
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert provider.stdout
        settings = dict(part.split("=", 1) for part in provider.stdout.readline().split())
        command = [sys.executable, "-c", SENDER]
        done = subprocess.run(
            ["taskset", "-c", str(CORES[0]), *command] if len(CORES) > 1 and shutil.which("taskset") else command,
            cwd=ROOT,
            env={**os.environ, **settings, **_environment(url)},
            capture_output=True,
            text=True,
            check=False,
        )
    finally:
        provider.terminate()
        provider.wait()
    if done.returncode != 0:
        raise RuntimeError(done.stderr[-4000:])
    return float(done.stdout.split()[-1])


def _environment(url: str) -> dict[str, str]:
    """Quiet hours that are not now, whenever it is measured."""
    local = clock.to_local(datetime.now(UTC), clock.zone(CLINIC.zone)) + timedelta(hours=3)
    return {
        "DATABASE_URL": url,
        "SECRET_KEY": "only for this benchmark",
        "PUBLIC_URL": "https://book.example.ca",
        "SMS_CONCURRENCY": str(AT_ONCE),
        "SMS_PER_SECOND": "0",
        "QUIET_HOURS": f"{local:%H}:00-{local:%H}:01",
    }


def _sent(engine: Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(text("SELECT count(*) FROM reminder WHERE status = 'sent' AND attempts = 1")) or 0)
