"""The whole of it: our workers as processes, a Twilio that misbehaves, our web application that Twilio calls back."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from config import Config
from scheduler import create_app
from scheduler.extensions import db
from scheduler.models import Message, Reminder
from tests.factories import make_appointment, make_clinic, make_patient
from tests.faults.fast_time import FastTime, running
from tests.support.fake_twilio import ACCOUNT_SID, AUTH_TOKEN, FakeMessage, FakeTwilio
from tests.usecases.texts.sms_clinic import make_reminder
from tests.web.conftest import SETTINGS

ROOT = Path(__file__).resolve().parent.parent.parent


class Clinic:
    """A clinic with `texts` reminders due, each to a number of its own; workers and Twilio's clock can be shifted."""

    def __init__(self, url: str, engine: Engine, twilio: FakeTwilio, nursery: "subprocess.Popen[str]") -> None:
        self.engine, self.twilio, self._nursery = engine, twilio, nursery
        self.shift = timedelta()
        self.environment = {
            **SETTINGS,
            "DATABASE_URL": url,
            "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
            "TWILIO_FROM": "+16135550100",
            "SMS_PER_SECOND": "0",
            "TWILIO_API_ORIGIN": twilio.origin,
            "PUBLIC_URL": "http://127.0.0.1:9",  # nobody there, unless the test asks for `web`
            "QUIET_HOURS": "03:00-03:00",  # no night: tests run at any hour
        }
        self._workers: set[int] = set()
        twilio.on_accepted = self._stamp

    def make_reminders(self, texts: int) -> None:
        with Session(self.engine) as session:
            make_clinic(session)
            now = datetime.now(UTC)
            day = now.date() + timedelta(days=20)
            for n in range(texts):
                visit = make_appointment(
                    session,
                    patient=make_patient(session),
                    treatment="follow-up",
                    starts_local=datetime(day.year, day.month, day.day, 10)
                    + timedelta(days=n // 8, minutes=30 * (n % 8)),
                )
                make_reminder(session, visit, due_at=now - timedelta(seconds=1))

    def worker(self, *, concurrency: int = 8) -> int:
        """Start one; its process id."""
        assert self._nursery.stdin is not None and self._nursery.stdout is not None
        settings = {
            **self.environment,
            "SHIFT_SECONDS": str(self.shift.total_seconds()),
            "SMS_CONCURRENCY": str(concurrency),
        }
        self._nursery.stdin.write(json.dumps(settings) + "\n")
        self._nursery.stdin.flush()
        worker = int(self._nursery.stdout.readline())
        self._workers.add(worker)
        return worker

    def kill(self, worker: int) -> None:
        self._end(worker, signal.SIGKILL)

    def stop(self, worker: int) -> None:
        """Once it has finished its tick."""
        self._end(worker, signal.SIGTERM)

    def _end(self, worker: int, how: signal.Signals) -> None:
        self._workers.discard(worker)
        os.kill(worker, how)
        while Path(f"/proc/{worker}").exists():
            time.sleep(0.01)

    def later(self, **much: float) -> None:
        """For workers started from now on."""
        self.shift += timedelta(**much)

    def statuses(self) -> Counter[str]:
        with Session(self.engine) as session:
            return Counter(session.scalars(select(Reminder.status)))

    def messages(self) -> list[Message]:
        with Session(self.engine) as session:
            return list(session.scalars(select(Message).order_by(Message.id)))

    def texts_by_number(self) -> Counter[str]:
        """What telephones got."""
        return Counter(message.to for message in self.twilio.messages)

    def wait_until(self, condition: Callable[[], bool], *, seconds: float = 90) -> None:
        end = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < end, (self.statuses(), len(self.twilio.messages))
            time.sleep(0.02)

    def close(self) -> None:
        for worker in list(self._workers):
            self.kill(worker)

    def _stamp(self, message: FakeMessage) -> None:
        message.created_at += self.shift


@pytest.fixture
def twilio() -> Iterator[FakeTwilio]:
    with FakeTwilio() as twilio:
        yield twilio


@pytest.fixture(scope="session")
def nursery() -> Iterator["subprocess.Popen[str]"]:
    """Where workers are forked: loading everything for each would take most of the time."""
    nursery = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.worker"],
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    yield nursery
    nursery.communicate()


@pytest.fixture
def clinic(database_url: str, engine: Engine, twilio: FakeTwilio, nursery: "subprocess.Popen[str]") -> Iterator[Clinic]:
    clinic = Clinic(database_url, engine, twilio, nursery)
    yield clinic
    clinic.close()


@pytest.fixture
def fast(clinic: Clinic) -> Iterator[FastTime]:
    """For workers, and for this process: its `web` is to be made after it."""
    fast = FastTime(time.time())
    clinic.environment |= {"FAST_SINCE": str(fast.began), "SMS_PER_SECOND": "30"}
    with running(fast):
        yield fast


@pytest.fixture
def web(clinic: Clinic) -> Iterator[str]:
    """Our application where Twilio's callbacks reach it; its public address."""
    app = create_app(Config(clinic.environment))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    url = f"http://127.0.0.1:{server.server_port}"
    app.config["PUBLIC_URL"] = url
    clinic.environment["PUBLIC_URL"] = url
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield url
    server.shutdown()
    thread.join()
    server.server_close()
    with app.app_context():
        db.engine.dispose()
