"""SMS without a provider: every text is written to the console, so that the demo works without an account.

What was sent is kept by the caller, in our own table of messages; the desk shows it from there.
"""

import threading
from collections.abc import Iterator
from datetime import date, datetime
from typing import TextIO

from scheduler.gateways.sms import FoundMessage, SmsAccepted, SmsPrice, SmsReceived


class OutboxSms:
    def __init__(self, stream: TextIO | None) -> None:
        """None writes nowhere."""
        self._stream = stream
        self._writing = threading.Lock()

    def send(self, *, to: str, body: str, attempt_id: str, asked_at: float | None = None) -> SmsAccepted:
        """Accepts always, also when the console is gone."""
        if self._stream is not None:
            self._write(self._stream, f"SMS to {to}: {body}\n")
        return SmsAccepted(f"outbox-{attempt_id}", "delivered")

    def find(self, *, to: str, body: str, since: datetime) -> tuple[FoundMessage, ...]:
        """Nothing: an attempt that was cut short has reached nobody and may be written again."""
        return ()

    def status_of(self, *, sid: str) -> FoundMessage | None:
        """Nothing: what it accepts is delivered at once."""
        return None

    def blank(self, *, sid: str) -> None:
        """Nothing: it keeps nothing."""

    def prices_on(self, day: date) -> list[SmsPrice]:
        """Nothing: it costs nothing."""
        return []

    def received_since(self, since: datetime) -> Iterator[list[SmsReceived]]:
        """Nothing: it has no number that anybody could text."""
        return iter(())

    def _write(self, stream: TextIO, line: str) -> None:
        encoding = getattr(stream, "encoding", None) or "utf-8"
        shown = line.encode(encoding, "backslashreplace").decode(encoding)  # a console without accents
        with self._writing:
            try:
                stream.write(shown)
                stream.flush()
            except (OSError, ValueError):  # ValueError: the stream has been closed
                pass
