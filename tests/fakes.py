"""Stand-ins handed to what is tested, never patched into it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from scheduler.gateways.sms import FoundMessage, SmsAccepted, SmsPrice, SmsReceived, SmsUnavailable


class FakeClock:
    """Stands still until it is moved."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __call__(self) -> datetime:
        return self.at

    def forward(self, **much: float) -> None:
        self.at += timedelta(**much)


@dataclass(frozen=True)
class Sent:
    to: str
    body: str
    attempt_id: str
    sid: str


class FakeSms:
    """Accepts everything, unless `next_outcomes` says otherwise: an exception to raise, or a function of the text."""

    def __init__(self) -> None:
        self.calls = 0
        self.sent: list[Sent] = []
        self.listed: list[FoundMessage] = []
        self.next_outcomes: list[Exception | Callable[[Sent], SmsAccepted]] = []
        self.find_error: BaseException | None = None
        self.blanked: list[str] = []
        self.blank_error: Exception | None = None
        self.asked = 0
        self.statuses: dict[str, FoundMessage] = {}
        self.prices: dict[date, list[SmsPrice]] = {}
        self.received: list[SmsReceived] = []
        self.page_size = 1_000
        self.pages_before_error: int | None = None

    def send(self, *, to: str, body: str, attempt_id: str, asked_at: float | None = None) -> SmsAccepted:
        self.calls += 1
        text = Sent(to, body, attempt_id, f"SM{self.calls:032}")
        outcome = self.next_outcomes.pop(0) if self.next_outcomes else None
        if isinstance(outcome, Exception):
            raise outcome
        if outcome is not None:
            return outcome(text)
        self.sent.append(text)
        return SmsAccepted(text.sid, "queued")

    def find(self, *, to: str, body: str, since: datetime) -> tuple[FoundMessage, ...]:
        self.asked += 1
        if self.find_error:
            raise self.find_error
        return tuple(self.listed)

    def status_of(self, *, sid: str) -> FoundMessage | None:
        self.asked += 1
        if self.find_error:
            raise self.find_error
        return self.statuses.get(sid)

    def blank(self, *, sid: str) -> None:
        self.blanked.append(sid)
        if self.blank_error:
            raise self.blank_error

    def prices_on(self, day: date) -> list[SmsPrice]:
        self.asked += 1
        if self.find_error:
            raise self.find_error
        return self.prices.get(day, [])

    def received_since(self, since: datetime) -> Iterator[list[SmsReceived]]:
        self.asked += 1
        if self.find_error:
            raise self.find_error
        texts = [text for text in self.received if text.received_at >= since]
        for number, start in enumerate(range(0, len(texts), self.page_size)):
            if number == self.pages_before_error:
                raise SmsUnavailable
            yield texts[start : start + self.page_size]
