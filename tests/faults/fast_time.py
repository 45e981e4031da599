"""Time that passes `FAST` times as fast, for several processes alike."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest

from scheduler import clock
from scheduler.gateways import twilio_http

FAST = 10


@dataclass(frozen=True, slots=True)
class FastTime:
    """`began`: the real instant, in seconds, from which on it runs."""

    began: float

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.began + (time.time() - self.began) * FAST, UTC)


class QuickEvent(threading.Event):
    def wait(self, timeout: float | None = None) -> bool:
        return super().wait(None if timeout is None else timeout / FAST)


@contextmanager
def running(fast: FastTime) -> Iterator[None]:
    """In this process the clock is `fast`, and nobody waits longer for the provider than that allows."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(clock, "now", fast.now)
        for limit in ("CONNECT_SECONDS", "READ_SECONDS", "WRITE_WITHIN_SECONDS"):
            patch.setattr(twilio_http, limit, getattr(twilio_http, limit) / FAST)
        yield
