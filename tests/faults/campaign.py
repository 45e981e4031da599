"""Many runs in one: reminders become due, two workers send them, and one of the two is killed at a random instant.

The time of workers, provider and web application passes `FAST` times as fast as the real one; the time limits of the
HTTP client shrink alike. Every run has reminders of its own, and its kill; they go on while the next ones begin.
"""

import heapq
import os
import random
import threading
import time
from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Engine, func, insert, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.models import Appointment, Message, Patient, PhoneAccount, Practitioner, Reminder, Room, Treatment
from scheduler.queries.texts import calls
from tests.factories import CLINIC, ZONE, make_clinic
from tests.faults.conftest import Clinic
from tests.faults.fast_time import FAST, FastTime
from tests.support.fake_twilio import (
    DROP_AFTER_ACCEPTING,
    DROP_BEFORE_ACCEPTING,
    ERROR_AFTER_ACCEPTING,
    FakeMessage,
    FakeTwilio,
    Fault,
    slow,
    too_many,
)

TEXTS = 12  # due in each run
RUN_SECONDS = float(os.environ.get("RUN_SECONDS", "15"))
"""From one to the next, of the simulated time: twenty kills while a reminder has its five minutes."""
SETTLED_WITHIN = timedelta(minutes=5)
MISBEHAVES = 0.05
LATENCY_SECONDS = 0.02
NO_ANSWER = slow(20 / FAST)  # accepted, and the client has given up long before
FAULTS: tuple[Fault, ...] = (
    NO_ANSWER,
    ERROR_AFTER_ACCEPTING,
    too_many(1),
    DROP_AFTER_ACCEPTING,
    DROP_BEFORE_ACCEPTING,
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """`lost`: neither sent nor on the call list in the end; `doubled`: telephones with two texts; `late`: neither of the two
    `SETTLED_WITHIN`; `open_when_killed`: attempts under way when a worker died."""

    runs: int
    texts: int
    statuses: Counter[str]
    lost: int
    doubled: int
    late: int
    slowest_seconds: float
    killed: int
    open_when_killed: int
    not_there: int
    callbacks: Counter[int]
    undelivered: int

    def __str__(self) -> str:
        return (
            f"{self.runs} runs, {self.killed} kills ({self.open_when_killed} attempts open), {self.texts} reminders: "
            f"{self.lost} lost, {self.doubled} doubled, {self.late} neither sent nor on the call list within {SETTLED_WITHIN.seconds // 60} minutes "
            f"(slowest {self.slowest_seconds:.0f} s); {dict(self.statuses)}; {self.not_there} attempts not there and sent "
            f"again; callbacks answered {dict(self.callbacks)}; {self.undelivered} without a last state"
        )


class Campaign:
    """`clinic` has its `web` up, with the same `fast` time."""

    def __init__(self, clinic: Clinic, fast: FastTime, *, runs: int, seed: int) -> None:
        self._clinic, self._fast, self._runs = clinic, fast, runs
        self._chance = random.Random(seed)
        self._posts = _Posts(clinic.twilio, self._chance)
        self._killed = self._open_when_killed = 0
        self._looked_at = self._late = 0

    def go(self) -> Outcome:
        self._began = self._fast.now() + timedelta(seconds=(5 + self._runs / 50) * FAST)
        make_due(self._clinic.engine, self._began, self._runs)
        twilio = self._clinic.twilio
        twilio.latency_seconds = LATENCY_SECONDS
        for fault in FAULTS:
            twilio.faults.at_rate(MISBEHAVES, fault)
        twilio.on_accepted = self._accepted
        workers = [self._worker(), self._worker()]
        for run in range(self._runs):
            self._wait_until(self._due_of(run))
            if self._chance.random() < 0.5:  # in the midst of it, rather than at any instant
                sent = len(twilio.messages)
                self._wait_until(self._fast.now() + timedelta(seconds=RUN_SECONDS / 2), or_more_than=sent)
                time.sleep(self._chance.uniform(0, LATENCY_SECONDS * 2))
            else:
                time.sleep(self._chance.uniform(0, RUN_SECONDS / FAST / 2))
            victim = self._chance.randrange(2)
            self._clinic.kill(workers[victim])
            self._killed += 1
            self._open_when_killed += self._open()
            workers[victim] = self._worker()
        end = self._due_of(self._runs) + SETTLED_WITHIN
        while self._looked_at < self._runs or (self._fast.now() < end and not self._all_told()):
            self._look()
            time.sleep(0.1)
        for worker in workers:
            self._clinic.stop(worker)
        self._posts.end()
        return self._outcome()

    def _worker(self) -> int:
        return self._clinic.worker(concurrency=4)

    def _accepted(self, message: FakeMessage) -> None:
        message.created_at = self._fast.now()
        self._posts.plan(message)

    def _due_of(self, run: int) -> datetime:
        return self._began + timedelta(seconds=RUN_SECONDS * run)

    def _all_told(self) -> bool:
        return set(self._clinic.statuses()) == {"sent"} and self._posts.all_told()

    def _look(self) -> None:
        """At every run whose five minutes are over: is each of its reminders sent, or on the call list?"""
        while self._looked_at < self._runs and self._fast.now() >= self._due_of(self._looked_at) + SETTLED_WITHIN:
            ids = range(self._looked_at * TEXTS + 1, (self._looked_at + 1) * TEXTS + 1)
            with self._clinic.engine.connect() as connection:
                settled = set(
                    connection.scalars(
                        select(Reminder.appointment_id).where(
                            Reminder.appointment_id.in_(ids), Reminder.status == "sent"
                        )
                    )
                )
                until = self._fast.now() + timedelta(days=999)
                called = {call.public_id for call in calls.due(connection, from_at=self._fast.now(), to_at=until)}
                of_run = connection.execute(
                    select(Appointment.id, Appointment.public_id).where(Appointment.id.in_(set(ids) - settled))
                ).all()
            self._late += sum(visit.public_id not in called for visit in of_run)
            self._looked_at += 1

    def _wait_until(self, instant: datetime, *, or_more_than: int | None = None) -> None:
        while self._fast.now() < instant:
            self._look()
            if or_more_than is not None and len(self._clinic.twilio.messages) > or_more_than:
                return
            time.sleep(0.002)

    def _open(self) -> int:
        with self._clinic.engine.connect() as connection:
            return connection.scalar(select(func.count()).where(Message.status == "attempting")) or 0

    def _outcome(self) -> Outcome:
        with self._clinic.engine.connect() as connection:
            rows = connection.execute(select(Reminder.status, Reminder.due_at, Reminder.settled_at)).all()
            called = calls.due(connection, from_at=self._fast.now(), to_at=self._fast.now() + timedelta(days=999))
            not_there = select(func.count()).where(Message.error_code == "not-there")
            undelivered = select(func.count()).where(Message.status.in_(("accepted", "sent")))
            statuses = Counter(row.status for row in rows)
            took = [(row.settled_at - row.due_at).total_seconds() for row in rows if row.settled_at]
            return Outcome(
                runs=self._runs,
                texts=len(rows),
                statuses=statuses,
                lost=len(rows) - statuses["sent"] - len(called),
                doubled=sum(count > 1 for count in self._clinic.texts_by_number().values()),
                late=self._late,
                slowest_seconds=max(took),
                killed=self._killed,
                open_when_killed=self._open_when_killed,
                not_there=connection.scalar(not_there) or 0,
                callbacks=self._posts.answers,
                undelivered=connection.scalar(undelivered) or 0,
            )


class _Posts:
    """The provider's status callbacks, each at its time: 5 % late, 5 % doubled, and now and then in the wrong order."""

    def __init__(self, twilio: FakeTwilio, chance: random.Random) -> None:
        self._twilio, self._chance = twilio, random.Random(chance.random())
        self._due: list[tuple[float, int, FakeMessage, str]] = []
        self._changed = threading.Condition()
        self._ending = False
        self._under_way = self._number = 0
        self.answers: Counter[int] = Counter()
        self._threads = [threading.Thread(target=self._post, daemon=True) for _ in range(4)]
        for thread in self._threads:
            thread.start()

    def plan(self, message: FakeMessage) -> None:
        """Some overtake the answer to the request itself."""
        after = self._chance.uniform(0, 3) if self._chance.random() > MISBEHAVES else self._chance.uniform(30, 200)
        words = ["sent", "delivered"]
        if self._chance.random() < MISBEHAVES:
            words *= 2
        if self._chance.random() < MISBEHAVES:
            words.reverse()
        with self._changed:
            for step, word in enumerate(words):
                self._number += 1
                at = time.monotonic() + (after + step * self._chance.uniform(0, 2)) / FAST
                heapq.heappush(self._due, (at, self._number, message, word))
            self._changed.notify()

    def all_told(self) -> bool:
        with self._changed:
            return not self._due and not self._under_way

    def end(self) -> None:
        with self._changed:
            self._ending = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _post(self) -> None:
        while (next_one := self._next()) is not None:
            try:
                [status] = self._twilio.call_back(*next_one)
            except OSError:
                status = 0
            with self._changed:
                self.answers[status] += 1
                self._under_way -= 1

    def _next(self) -> tuple[FakeMessage, str] | None:
        with self._changed:
            while not self._ending or self._due:
                wait = self._due[0][0] - time.monotonic() if self._due else 1.0
                if wait <= 0 or self._ending:
                    if not self._due:
                        return None
                    _at, _number, message, word = heapq.heappop(self._due)
                    self._under_way += 1
                    return message, word
                self._changed.wait(wait)
        return None


def make_due(engine: Engine, began: datetime, runs: int) -> None:
    """`TEXTS` reminders for each run, at its beginning; every one to a telephone of its own."""
    count = runs * TEXTS
    with Session(engine) as session:
        make_clinic(session, practitioners=1, rooms=1)
        done = session.scalars(select(Treatment).where(Treatment.slug == "follow-up")).one()
        who, where = session.scalars(select(Practitioner.id)).one(), session.scalars(select(Room.id)).one()
        first_local = clock.to_local(began, ZONE).replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        session.execute(
            insert(PhoneAccount),
            [
                {"id": n, "number": f"+1613{2_000_000 + n}", "created_at": began, "verified_at": began}
                for n in _to(count)
            ],
        )
        session.execute(
            insert(Patient),
            [
                {
                    "id": n,
                    "given_name": "Amélie",
                    "family_name": f"Lévesque{n}",
                    "birth_date": began.date(),
                    "phone_account_id": n,
                    "created_at": began,
                    "language": "en" if n % 2 else "fr",
                }
                for n in _to(count)
            ],
        )
        visits = []
        for n in _to(count):
            # Forty a day, from four in the morning: no clock changes then.
            starts_local = first_local + timedelta(days=20 + n // 40, hours=4, minutes=30 * (n % 40))
            starts_at = clock.to_utc_or_near(starts_local, ZONE)
            visits.append(
                {
                    "id": n,
                    "patient_id": n,
                    "practitioner_id": who,
                    "room_id": where,
                    "treatment_id": done.id,
                    "origin": "desk",
                    "status": "booked",
                    "starts_local": starts_local,
                    "zone": CLINIC.zone,
                    "minutes": 15,
                    "buffer_minutes": 0,
                    "starts_at": starts_at,
                    "ends_at": starts_at + timedelta(minutes=15),
                    "busy_until": starts_at + timedelta(minutes=15),
                    "counts_from_local": starts_local,
                    "created_at": began,
                    "changed_at": began,
                    "changed_by": "staff:test",
                }
            )
        session.execute(insert(Appointment), visits)
        due = [began + timedelta(seconds=RUN_SECONDS * ((n - 1) // TEXTS)) for n in _to(count)]
        session.execute(
            insert(Reminder),
            [
                {
                    "appointment_id": n,
                    "version": 1,
                    "kind": "days_before_1",
                    "due_at": due[n - 1],
                    "next_attempt_at": due[n - 1],
                    "status": "planned",
                    "attempts": 0,
                }
                for n in _to(count)
            ],
        )
        versions = set(session.scalars(select(Appointment.schedule_version)))
        assert versions == {1}, versions
        session.commit()


def _to(count: int) -> range:
    return range(1, count + 1)
