"""Many sends at once: claims a little ahead of what is being sent, so that nobody waits for the next claim."""

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

import structlog
from sqlalchemy import Engine

from scheduler.gateways.sms import SmsGateway
from scheduler.usecases.reminders import Claim
from scheduler.usecases.sending import Clock, Ledger, Outgoing, give_back, send_one

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
    sent = 0
    load, ledger = _Load(), Ledger(engine)
    batch = max(1, concurrency // 2)

    def send(outgoing: Outgoing) -> None:
        if stopping.is_set():
            give_back(ledger, [outgoing], now=clock())
        else:
            send_one(ledger, gateway, outgoing, clock=clock)

    def finished(future: Future[None]) -> None:
        load.take_off()
        error = future.exception()
        if error is not None:  # the attempt stays open, and is settled as one in doubt
            log.error("sending broke off", exc_info=error)

    pool: ThreadPoolExecutor | None = None
    try:
        while not stopping.is_set():
            claimed = claim(batch)
            if claimed.found == 0:
                break
            if claimed.outgoing and pool is None:
                pool = ThreadPoolExecutor(concurrency, thread_name_prefix="sms")
            for outgoing in claimed.outgoing:
                assert pool is not None  # noqa: S101 - made above
                load.put_on()
                pool.submit(send, outgoing).add_done_callback(finished)
            sent += len(claimed.outgoing)
            load.wait_for_at_most(concurrency)
    finally:
        if pool is not None:
            pool.shutdown(wait=True)
    return sent


class _Load:
    """How many attempts are open."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._open = 0

    def put_on(self) -> None:
        with self._changed:
            self._open += 1

    def take_off(self) -> None:
        with self._changed:
            self._open -= 1
            self._changed.notify_all()

    def wait_for_at_most(self, number: int) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._open <= number)
