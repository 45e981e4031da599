"""How fast one sender goes on, for all workers together: its rate, the provider's Retry-After, and a circuit breaker.

    closed ──5 outages in a row──▶ open (nothing is claimed) ──its pause is over──▶ one probe ─▶ closed, or open for longer

What is paused stays due in the database: no attempt is spent on it. State is one row for each sender.
"""

from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta

import structlog
from sqlalchemy import Connection, Engine, select, update
from sqlalchemy.dialects import postgresql, sqlite

from scheduler.gateways.sms import (
    FoundMessage,
    SmsAccepted,
    SmsGateway,
    SmsInDoubt,
    SmsPrice,
    SmsReceived,
    SmsRefused,
    SmsUnavailable,
)
from scheduler.models.texts.sms import SmsSender
from scheduler.usecases.texts.sending.sending import Clock
from scheduler.usecases.texts.sending.sms_states import writing

OPEN_AFTER = 5  # outages in a row
FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=15), timedelta(seconds=60)
LONGEST_RETRY_AFTER = timedelta(minutes=5)
PROBE_WITHIN = timedelta(seconds=20)  # longer than the gateway's own time limits
AHEAD = timedelta(seconds=1)
SOON = timedelta(seconds=15)
LONGEST_DEBT = timedelta(minutes=5)
"""The rate is never used up for longer; more is what a clock that was set back has left."""

log = structlog.get_logger("sms")


def sender_name(settings: Mapping[str, str]) -> str:
    """Of Twilio's settings; without them it is the outbox."""
    return (settings["from"] or settings["messaging_service_sid"])[:64] if settings else "outbox"


class Pace:
    """`per_second` 0: as fast as it goes."""

    def __init__(self, engine: Engine, *, sender: str, per_second: int) -> None:
        self._engine, self._sender, self._per_second = engine, sender[:64], per_second
        self._was_in_trouble = False

    def take(self, wanted: int, *, now: datetime, urgent: bool = False) -> int:
        """How many of `wanted` texts may be claimed now; they count at once, so `give_back` what was not sent.

        Urgent ones don't wait for the rate, but count in it. 0 while the provider is left alone.
        """
        with self._engine.connect() as connection:
            row = connection.execute(select(SmsSender).where(SmsSender.name == self._sender)).one_or_none()
        self._was_in_trouble = row is not None and bool(row.failures or row.paused_until)
        if not self._per_second and not self._was_in_trouble:
            return wanted
        with writing(self._engine) as connection:
            return self._take(connection, wanted, now, urgent=urgent)

    def give_back(self, unused: int) -> None:
        if self._per_second and unused > 0:
            with writing(self._engine) as connection:
                row = self._locked(connection)
                self._set(connection, free_at=row.free_at - timedelta(seconds=unused / self._per_second))

    def wait_seconds(self, now: datetime) -> float | None:
        """Until the rate allows one more and no pause is in force; None when that is not soon."""
        with self._engine.connect() as connection:
            row = connection.execute(select(SmsSender).where(SmsSender.name == self._sender)).one_or_none()
        if row is None:
            return 0.0
        paused_until = _believable(row.paused_until, now)
        if paused_until is not None and paused_until > now:
            pause: float = (paused_until - now).total_seconds()
            return pause if pause <= SOON.total_seconds() else None
        spacing = timedelta(seconds=1 / self._per_second) if self._per_second else timedelta()
        return float(max((_free_at(row.free_at, now) + spacing - AHEAD - now).total_seconds(), 0.01))

    def note_outage(self, retry_after: float | None, *, now: datetime) -> None:
        """The provider could not take a text, or gave no answer."""
        with writing(self._engine) as connection:
            row = self._locked(connection, now)
            failures = row.failures + (retry_after is None)
            pause = timedelta()
            if failures >= OPEN_AFTER:
                pause = min(FIRST_PAUSE * 2 ** min(failures - OPEN_AFTER, 10), LONGEST_PAUSE)
            if retry_after is not None:
                pause = max(pause, min(timedelta(seconds=retry_after), LONGEST_RETRY_AFTER))
            until = max(_believable(row.paused_until, now) or now, now + pause) if pause else row.paused_until
            self._set(connection, failures=failures, paused_until=until)
        self._was_in_trouble = True
        if failures == OPEN_AFTER:
            log.error("the provider is left alone for a while", outages=failures)

    def note_answer(self) -> None:
        """It answers: whatever was wrong is over. Costs nothing as long as nothing was."""
        if not self._was_in_trouble:
            return
        self._was_in_trouble = False
        with writing(self._engine) as connection:
            connection.execute(
                update(SmsSender)
                .where(SmsSender.name == self._sender, SmsSender.failures > 0)
                .values(failures=0, paused_until=None)
            )

    def _take(self, connection: Connection, wanted: int, now: datetime, *, urgent: bool) -> int:
        row = self._locked(connection, now)
        paused_until = _believable(row.paused_until, now)
        if paused_until is not None and paused_until > now:
            return 0
        probing = row.failures >= OPEN_AFTER
        granted = 1 if probing else wanted
        starts = _free_at(row.free_at, now)
        if self._per_second and not urgent:
            ahead = max(AHEAD, timedelta(seconds=1 / self._per_second))
            granted = min(granted, int((now + ahead - starts).total_seconds() * self._per_second + 1e-6))
        if granted <= 0:
            return 0
        spent = timedelta(seconds=granted / self._per_second) if self._per_second else timedelta()
        self._set(connection, free_at=starts + spent, paused_until=now + PROBE_WITHIN if probing else None)
        return granted

    def _locked(self, connection: Connection, now: datetime | None = None) -> SmsSender:
        mine = select(SmsSender).where(SmsSender.name == self._sender).with_for_update()
        row = connection.execute(mine).one_or_none()
        if row is None and now is not None:
            dialect = postgresql if self._engine.dialect.name == "postgresql" else sqlite
            fresh = dialect.insert(SmsSender).values(name=self._sender, free_at=now, failures=0)
            connection.execute(fresh.on_conflict_do_nothing(index_elements=[SmsSender.name]))
        return row or connection.execute(mine).one()  # type: ignore[return-value]  # a row of its columns

    def _set(self, connection: Connection, **values: object) -> None:
        connection.execute(update(SmsSender).where(SmsSender.name == self._sender).values(**values))


def _free_at(free_at: datetime, now: datetime) -> datetime:
    return max(free_at, now) if free_at < now + LONGEST_DEBT else now


def _believable(paused_until: datetime | None, now: datetime) -> datetime | None:
    """None for a pause longer than any: the clock has been set back since."""
    return None if paused_until is not None and paused_until > now + LONGEST_RETRY_AFTER else paused_until


class WatchedGateway:
    """Tells the pace what became of each text; refusals are answers too."""

    def __init__(self, gateway: SmsGateway, pace: Pace, clock: Clock) -> None:
        self._gateway, self._pace, self._clock = gateway, pace, clock

    def send(self, *, to: str, body: str, attempt_id: str, asked_at: float | None = None) -> SmsAccepted:
        try:
            accepted = self._gateway.send(to=to, body=body, attempt_id=attempt_id, asked_at=asked_at)
        except SmsUnavailable as outage:
            self._pace.note_outage(outage.retry_after, now=self._clock())
            raise
        except SmsInDoubt:
            self._pace.note_outage(None, now=self._clock())
            raise
        except SmsRefused:
            self._pace.note_answer()
            raise
        self._pace.note_answer()
        return accepted

    def find(self, *, to: str, body: str, since: datetime) -> tuple[FoundMessage, ...]:
        return self._gateway.find(to=to, body=body, since=since)

    def status_of(self, *, sid: str) -> FoundMessage | None:
        return self._gateway.status_of(sid=sid)

    def blank(self, *, sid: str) -> None:
        self._gateway.blank(sid=sid)

    def prices_on(self, day: date) -> list[SmsPrice]:
        return self._gateway.prices_on(day)

    def received_since(self, since: datetime) -> Iterator[list[SmsReceived]]:
        return self._gateway.received_since(since)
