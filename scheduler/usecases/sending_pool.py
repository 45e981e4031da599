"""Many texts at once: some threads call the provider, a few write down what became of it, one claims ahead of them.

Why so: a thread that waits for the database is one that calls nobody, and more than a few writers only wait for each
other: on SQLite for the one writer, on PostgreSQL for the interpreter's lock.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from typing import Any

import structlog
from sqlalchemy import Engine

from scheduler.gateways.sms import SmsGateway
from scheduler.usecases.reminders import Claim
from scheduler.usecases.sending import Clock, Ledger, Outgoing, call, record

WRITERS = {"sqlite": 1}
WRITERS_ELSEWHERE = 2

log = structlog.get_logger("sms")


def send_all(
    engine: Engine,
    gateway: SmsGateway,
    *,
    claim: Callable[[int], Claim],
    clock: Clock,
    concurrency: int,
    stopping: threading.Event,
) -> int:
    """Claim and send, `concurrency` at once, until `claim(limit)` finds nothing; how many were attempted.

    When `stopping` is set nothing more is claimed, what is being sent is finished, and the rest is given back. At most
    one and a half times `concurrency` attempts are open, which is what a crash can bring into doubt.
    """
    attempted = 0
    with ExitStack() as ending:
        line: _Line | None = None  # no thread is started as long as nothing is due
        while not stopping.is_set():
            claimed = claim(max(1, concurrency // 2))
            if claimed.found == 0:
                break
            if line is None:
                line = ending.enter_context(_Line(engine, gateway, clock, concurrency, stopping))
            for outgoing in claimed.outgoing:
                line.send(outgoing)
            attempted += len(claimed.outgoing)
            line.wait_for_at_most(concurrency)
    return attempted


class _Line:
    """Callers, then writers. Leaving it waits until everything is written."""

    def __init__(
        self, engine: Engine, gateway: SmsGateway, clock: Clock, concurrency: int, stopping: threading.Event
    ) -> None:
        self._gateway, self._clock, self._stopping = gateway, clock, stopping
        self._ledger = Ledger(engine)
        self._callers = ThreadPoolExecutor(concurrency, thread_name_prefix="sms-call")
        self._writers = ThreadPoolExecutor(
            WRITERS.get(engine.dialect.name, WRITERS_ELSEWHERE), thread_name_prefix="sms-write"
        )
        self._open = 0
        self._changed = threading.Condition()

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._callers.shutdown(wait=True)
        self._writers.shutdown(wait=True)
        self._ledger.__exit__()

    def send(self, outgoing: Outgoing) -> None:
        with self._changed:
            self._open += 1
        self._callers.submit(self._call, outgoing).add_done_callback(self._called)

    def wait_for_at_most(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._open <= number)

    def _call(self, outgoing: Outgoing) -> None:
        outcome = None if self._stopping.is_set() else call(self._gateway, outgoing, clock=self._clock)
        written = self._writers.submit(record, self._ledger, outgoing, outcome, now=self._clock())
        written.add_done_callback(self._finished)

    def _called(self, calling: Future[None]) -> None:
        if calling.exception() is not None:
            self._finished(calling)

    def _finished(self, future: Future[Any]) -> None:
        error = future.exception()
        if error is not None:  # the attempt stays open, and is settled as one in doubt
            log.error("sending broke off", exc_info=error)
        with self._changed:
            self._open -= 1
            self._changed.notify()
