"""Workers that die, stop or work side by side: nothing lost, nothing doubled."""

import os
import random
import signal
import subprocess
import sys
import threading
import time

import pytest

from tests.faults.campaign import Campaign, make_due
from tests.faults.conftest import ROOT, Clinic
from tests.faults.fast_time import FAST, FastTime
from tests.support.fake_twilio import FakeMessage, FakeTwilio, slow

GROWN_OLD = (
    50.0  # seconds after which an attempt without an outcome is taken for lost, and as many until it is looked for
)


def test_a_worker_killed_in_the_call_after_acceptance_doubles_nothing(clinic: Clinic, twilio: FakeTwilio):
    clinic.make_reminders(1)
    stamp = twilio.on_accepted
    accepted = threading.Event()
    twilio.on_accepted = lambda message: (stamp(message), accepted.set())[0]  # type: ignore[func-returns-value]
    twilio.faults.next(slow(5))
    worker = clinic.worker()
    assert accepted.wait(90)
    clinic.kill(worker)
    assert clinic.statuses() == {"attempting": 1}
    clinic.worker()  # not old enough yet: hands off
    time.sleep(1)
    assert clinic.statuses() == {"attempting": 1}
    clinic.later(seconds=GROWN_OLD)
    finder = clinic.worker()
    clinic.wait_until(lambda: clinic.statuses() == {"in_doubt": 1})
    clinic.stop(finder)
    clinic.later(seconds=GROWN_OLD)
    clinic.worker()
    clinic.wait_until(lambda: clinic.statuses() == {"sent": 1})
    assert set(clinic.texts_by_number().values()) == {1}
    [message] = clinic.messages()
    assert message.sid == twilio.messages[0].sid


def test_a_worker_killed_in_the_call_before_acceptance_loses_nothing(clinic: Clinic, twilio: FakeTwilio):
    clinic.make_reminders(1)
    twilio.faults.next(slow(5), None)
    original = twilio._create

    def not_accepted_but_slow(request):
        twilio._create = original
        reply = original(request)
        twilio.messages.clear()
        called.set()
        return reply

    called = threading.Event()
    twilio._create = not_accepted_but_slow
    worker = clinic.worker()
    assert called.wait(90)
    clinic.kill(worker)
    clinic.later(seconds=GROWN_OLD)
    finder = clinic.worker()
    clinic.wait_until(lambda: clinic.statuses() == {"in_doubt": 1})
    clinic.stop(finder)
    clinic.later(seconds=GROWN_OLD)
    clinic.worker()
    clinic.wait_until(lambda: clinic.statuses() == {"sent": 1})
    assert set(clinic.texts_by_number().values()) == {1}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_two_workers_keep_the_rate_of_their_sender_together(clinic: Clinic, twilio: FakeTwilio):
    clinic.make_reminders(16)
    clinic.environment["SMS_PER_SECOND"] = "8"
    clinic.worker()
    clinic.worker()
    clinic.wait_until(lambda: clinic.statuses() == {"sent": 16})
    times = [message.created_at for message in twilio.messages]
    assert (max(times) - min(times)).total_seconds() > 0.5, "eight at once, eight a second later"


def test_two_workers_at_once_send_each_text_once(clinic: Clinic, twilio: FakeTwilio):
    clinic.make_reminders(60)
    twilio.latency_seconds = 0.05
    clinic.worker()
    clinic.worker()
    clinic.wait_until(lambda: clinic.statuses() == {"sent": 60})
    assert len(twilio.messages) == 60
    assert set(clinic.texts_by_number().values()) == {1}


def test_a_worker_told_to_stop_finishes_what_it_sends_and_gives_back_the_rest(clinic: Clinic, twilio: FakeTwilio):
    clinic.make_reminders(60)
    twilio.latency_seconds = 0.3
    worker = subprocess.Popen(
        [sys.executable, "-m", "flask", "--app", "wsgi", "jobs", "run"],
        cwd=ROOT,
        env={**os.environ, **clinic.environment, "SMS_CONCURRENCY": "4"},
        stderr=subprocess.DEVNULL,
    )
    try:
        clinic.wait_until(lambda: len(twilio.messages) > 2)
        worker.send_signal(signal.SIGTERM)
        assert worker.wait(timeout=60) == 0
    finally:
        worker.kill()
        worker.wait()
    statuses = clinic.statuses()
    assert set(statuses) == {"sent", "planned"}
    assert statuses["sent"] == len(twilio.messages) < 60
    given_back = [message for message in clinic.messages() if message.error_code == "given-back"]
    assert len(given_back) <= 4
    twilio.latency_seconds = 0
    clinic.worker()
    clinic.wait_until(lambda: clinic.statuses() == {"sent": 60})
    assert set(clinic.texts_by_number().values()) == {1}


def test_receipts_twice_and_out_of_order_reach_their_attempts(clinic: Clinic, twilio: FakeTwilio, web: str):
    clinic.make_reminders(6)
    answers: list[int] = []
    answered = threading.Lock()
    stamp = twilio.on_accepted

    def call_back(message: FakeMessage, words: list[str]) -> None:
        found = twilio.call_back(message, *words)
        with answered:
            answers.extend(found)

    def accepted(message: FakeMessage) -> None:
        """At once: most overtake the answer to the request itself."""
        stamp(message)
        words = ["sending", "sent", "delivered"] * 2
        random.Random(len(twilio.messages)).shuffle(words)
        threading.Thread(target=call_back, args=(message, words)).start()

    twilio.on_accepted = accepted
    twilio.latency_seconds = 0.1
    clinic.worker()
    clinic.wait_until(lambda: len(answers) == 36)
    assert set(answers) == {204}
    clinic.wait_until(lambda: [message.status for message in clinic.messages()] == ["delivered"] * 6)
    assert clinic.statuses() == {"sent": 6}


def test_a_worker_that_stood_still_for_minutes_doubles_nothing_when_it_goes_on(
    clinic: Clinic, fast: FastTime, twilio: FakeTwilio
):
    """SIGSTOP, as a debugger, a suspended machine or a container without CPU does it."""
    make_due(clinic.engine, fast.now(), 5)
    twilio.on_accepted = lambda message: setattr(message, "created_at", fast.now())
    twilio.latency_seconds = 0.05
    frozen = clinic.worker(concurrency=16)
    clinic.wait_until(lambda: len(twilio.messages) > 5)
    os.kill(frozen, signal.SIGSTOP)
    clinic.worker()
    time.sleep(200 / FAST)
    os.kill(frozen, signal.SIGCONT)
    clinic.wait_until(lambda: clinic.statuses() == {"sent": 60})
    time.sleep(60 / FAST)
    assert set(clinic.texts_by_number().values()) == {1}
    assert len(clinic.texts_by_number()) == 60


def test_workers_killed_at_random_beside_a_bad_provider_lose_and_double_nothing(
    clinic: Clinic, fast: FastTime, web: str, capsys: pytest.CaptureFixture[str]
):
    """Eight runs; RUNS=500 in `make soak`."""
    outcome = Campaign(clinic, fast, runs=int(os.environ.get("RUNS", "8")), seed=int(os.environ.get("SEED", "1"))).go()
    with capsys.disabled():
        sys.stdout.write(f"\n{clinic.engine.dialect.name}: {outcome}\n")
    assert (outcome.lost, outcome.doubled, outcome.late, outcome.undelivered) == (0, 0, 0, 0)
    assert outcome.killed == outcome.runs
    assert set(outcome.callbacks) == {204}
