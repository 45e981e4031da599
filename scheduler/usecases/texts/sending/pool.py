"""Many texts at once: some threads call the provider, one writes down what became of it, one claims ahead of them.

Why so: a thread that waits for the database is one that calls nobody. The writer takes all outcomes that have come
since it last wrote, and commits them together.
"""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack

import structlog
from sqlalchemy import Engine

from scheduler.gateways.sms import SmsGateway
from scheduler.usecases.texts.sending.reminders import Claim
from scheduler.usecases.texts.sending.sending import Answered, Clock, Ledger, Outgoing, call, record_all

GATHER_SECONDS = 0.025
"""On SQLite, where everybody waits while one writes and each commit waits for the disk: so long outcomes gather."""

LOOK_AGAIN_SECONDS = 0.5
"""For what has become due, while the last calls have no answer yet."""

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
    """Claim and send, `concurrency` at once, until `claim(limit)` finds nothing and none is open; how many were attempted.

    When `stopping` is set nothing more is claimed, what is being sent is finished, and the rest is given back. At most
    one and a half times `concurrency` attempts are open, which is what a crash can bring into doubt.
    """
    attempted = 0
    with ExitStack() as ending:
        line: _Line | None = None  # no thread is started as long as nothing is due
        while not stopping.is_set():
            claimed = claim(max(1, concurrency // 2))
            if claimed.found == 0:
                if line is None or line.wait_for_at_most(0, seconds=LOOK_AGAIN_SECONDS):
                    break
                continue  # one call that hangs holds up nobody who comes meanwhile
            if line is None:
                line = ending.enter_context(_Line(engine, gateway, clock, concurrency, stopping))
            for outgoing in claimed.outgoing:
                line.send(outgoing)
            attempted += len(claimed.outgoing)
            line.wait_for_at_most(concurrency)
    return attempted


class _Line:
    """Callers, then the writer. Leaving it waits until everything is written."""

    def __init__(
        self, engine: Engine, gateway: SmsGateway, clock: Clock, concurrency: int, stopping: threading.Event
    ) -> None:
        self._gateway, self._clock, self._stopping = gateway, clock, stopping
        self._ledger = Ledger(engine)
        self._gather_seconds = GATHER_SECONDS if engine.dialect.name == "sqlite" else 0
        self._callers = ThreadPoolExecutor(concurrency, thread_name_prefix="sms-call")
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="sms-write")
        self._answered: list[Answered] = []
        self._open = self._most_open = 0
        self._changed = threading.Condition()

    def __enter__(self) -> "_Line":
        return self

    def __exit__(self, *_: object) -> None:
        self._callers.shutdown(wait=True)
        self._writer.shutdown(wait=True)
        self._ledger.__exit__()

    def send(self, outgoing: Outgoing) -> None:
        with self._changed:
            self._open += 1
        self._callers.submit(self._call, outgoing).add_done_callback(self._called)

    def wait_for_at_most(self, number: int, *, seconds: float | None = None) -> bool:
        """Whether so few are open by then."""
        with self._changed:
            self._most_open = number
            return self._changed.wait_for(lambda: self._open <= number, timeout=seconds)

    def _call(self, outgoing: Outgoing) -> None:
        outcome = None if self._stopping.is_set() else call(self._gateway, outgoing, clock=self._clock)
        answered = Answered(outgoing, outcome, self._clock())
        with self._changed:
            self._answered.append(answered)
            is_first = len(self._answered) == 1
        if is_first:
            self._writer.submit(self._write)

    def _called(self, calling: Future[None]) -> None:
        error = calling.exception()
        if error is not None:  # the attempt stays open, and is settled as one in doubt
            log.error("sending broke off", exc_info=error)
            self._finished(1)

    def _write(self) -> None:
        self._stopping.wait(self._gather_seconds)
        with self._changed:
            answered, self._answered = self._answered, []
        try:
            record_all(self._ledger, answered)
        except Exception:  # the database is gone: likewise
            log.exception("sending broke off", count=len(answered))
        finally:
            self._finished(len(answered))

    def _finished(self, count: int) -> None:
        with self._changed:
            self._open -= count
            if self._open <= self._most_open:
                self._changed.notify()
