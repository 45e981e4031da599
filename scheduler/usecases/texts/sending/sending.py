"""Sending one SMS: one attempt at a time, and never a second text while the first may have been accepted.

Twilio cannot be told "only once", so the database is. A Message row is the attempt: it is committed before the call,
its `attempt_id` stands in the status-callback address, and what became of it is committed after the call.

    Message    queued ──claim──▶ attempting ──accepted──▶ accepted ─▶ sent ─▶ delivered | undelivered | failed
    (codes)                       │  │  │                         (receipts, in any order: usecases/texts/sending/delivery.py)
                                  │  │  └──refused─────▶ failed
                                  │  └──unavailable────▶ failed (a code: queued again, while it is valid)
                                  └──no answer, crash──▶ in_doubt ─▶ accepted … | failed  (usecases/texts/sending/in_doubt.py)

    Reminder   planned ──claim──▶ attempting ──accepted──▶ sent ─▶ (not delivered) failed, or planned: phone was off
                                  │  │  └──refused─────▶ failed (and the number marked: opted out, unreachable)
                                  │  └──unavailable────▶ planned for later; failed when the visit has begun by then
                                  └──no answer, crash──▶ in_doubt ─▶ sent | planned (settled: "not there")
               planned ─▶ superseded (moved, cancelled: by trigger) | suppressed (no number, opted out, too late …)

- Only what is surely not accepted leads back to planned or queued.
- Each try of a reminder is a Message row of its own, so that a late receipt names the try it belongs to.
- A worker that stood still between claim and call (`CALL_WITHIN`) gives the claim back: soon another worker may take
  the attempt for lost (`STALE_AFTER`) and then look for it at the provider.
- Every change names the states it starts from: whoever comes second changes nothing.
"""

import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Self

import structlog
from sqlalchemy import Connection, Engine, func, select, update
from sqlalchemy.exc import IntegrityError, OperationalError

from scheduler import clock as clocks
from scheduler.gateways.sms import SmsAccepted, SmsGateway, SmsInDoubt, SmsRefused, SmsUnavailable
from scheduler.models.engine import without_transactions
from scheduler.models.texts.sms import Message, Reminder
from scheduler.queries.driver_statements import text_of
from scheduler.usecases.texts.replies.unanswered import lay_on_the_desk
from scheduler.usecases.texts.sending import delivery, refused_numbers
from scheduler.usecases.texts.sending.backoff import retry_at
from scheduler.usecases.texts.sending.sms_states import (
    GIVEN_BACK,
    NOT_THERE,
    UNSETTLED,
    body_after_sending,
    body_when_expired,
    status_when_accepted,
    writing,
)

CALL_WITHIN = timedelta(seconds=15)
STALE_AFTER = timedelta(seconds=45)  # more than CALL_WITHIN and the gateway's own time limits together
SETTLED_WELL = ("accepted", "sent", "delivered")
LISTED_AFTER = timedelta(seconds=60)  # after the call: by then the provider lists what it has accepted

Clock = Callable[[], datetime]
log = structlog.get_logger("sms")


@dataclass(frozen=True, slots=True, kw_only=True)
class Outgoing:
    """A claimed attempt, committed as such. `until`: from then on it serves nobody. `tries`, of a text without a reminder:
    with this one, those that the provider did not take; a reminder's are counted when they are needed (`_outages`)."""

    attempt_id: str
    number: str
    body: str
    claimed_at: datetime
    until: datetime
    tries: int = 1
    reminder_id: int | None = None
    is_code: bool = False
    claimed_steady: float = field(default_factory=clocks.steady)


Outcome = SmsAccepted | SmsRefused | SmsUnavailable | SmsInDoubt | None
"""None: the provider was not called."""


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of one text, and when."""

    outgoing: Outgoing
    outcome: Outcome
    at: datetime

    @property
    def sid(self) -> str | None:
        """When it was accepted, and nothing worse is known."""
        return self.outcome.sid if isinstance(self.outcome, SmsAccepted) and self.status in SETTLED_WELL else None

    @property
    def status(self) -> str:
        return status_when_accepted(self.outcome.status) if isinstance(self.outcome, SmsAccepted) else ""


class Ledger:
    """Where outcomes are written, and committed at once. Each thread that does keeps a connection until it is closed."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self._single = without_transactions(engine)
        self._mine = threading.local()
        self._kept: list[Connection] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        while self._kept:
            self._kept.pop().close()

    def accept_all(self, answered: list["Answered"]) -> list["Answered"]:
        """Commit the outcome that nearly every text has, of several at once; what is left has to be recorded singly.

        Left are all other outcomes, and those that somebody has settled meanwhile.
        """
        accepted = {one.outgoing.attempt_id: one for one in answered if one.sid is not None}
        if not accepted:
            return answered
        try:
            changed = self._accept(list(accepted.values()))
        except (IntegrityError, OperationalError):  # one of them spoils it for all
            return answered
        return [one for one in answered if one.outgoing.attempt_id not in changed]

    def _accept(self, accepted: list["Answered"]) -> set[str]:
        if self.engine.dialect.name == "postgresql":
            values = {
                "attempt_ids": [one.outgoing.attempt_id for one in accepted],
                "sids": [one.sid for one in accepted],
                "statuses": [one.status for one in accepted],
                "times": [one.at for one in accepted],
            }
            return set(self._connection().exec_driver_sql(_ACCEPTED_ON_POSTGRESQL, values).scalars())
        given = [
            {"attempt_id": one.outgoing.attempt_id, "sid": one.sid, "status": one.status, "at": text_of(one.at)}
            for one in accepted
        ]
        values = {"given": json.dumps(given)}
        with writing(self.engine) as connection:
            changed = set(connection.exec_driver_sql(_ACCEPTED_ON_SQLITE, values).scalars())
            connection.exec_driver_sql(_TOLD_ON_SQLITE, values)
        return changed

    def _connection(self) -> Connection:
        """This thread's own; one that was lost is opened anew by SQLAlchemy."""
        if getattr(self._mine, "connection", None) is None:
            self._mine.connection = self._single.connect()
            self._kept.append(self._mine.connection)
        connection: Connection = self._mine.connection
        if connection.in_transaction():
            connection.rollback()
        return connection


# Both rows of all of them in one statement that commits by itself: two statements, BEGIN and COMMIT for each text took
# more CPU than the call, and that is what sets the pace.
_ACCEPTED_ON_POSTGRESQL = """
WITH accepted AS (
  SELECT * FROM unnest(%(attempt_ids)s::text[], %(sids)s::text[], %(statuses)s::text[], %(times)s::timestamptz[])
    AS accepted (attempt_id, sid, status, at)
), answered AS (
  UPDATE message SET status = accepted.status, sid = accepted.sid, settled_at = accepted.at,
    body = CASE WHEN kind = 'code' AND gateway <> 'outbox' THEN '' ELSE body END
  FROM accepted WHERE message.attempt_id = accepted.attempt_id AND message.status = 'attempting'
  RETURNING message.attempt_id, reminder_id, settled_at
), told AS (
  UPDATE reminder SET status = 'sent', settled_at = answered.settled_at FROM answered
  WHERE reminder.id = answered.reminder_id AND reminder.status IN ('attempting', 'in_doubt')
)
SELECT attempt_id FROM answered"""

# On SQLite all others wait while one writes: a statement for each text, among sixty threads that want the interpreter as
# well, kept bookings waiting for tens of milliseconds.
_ACCEPTED_ON_SQLITE = """
UPDATE message SET status = json_extract(accepted.value, '$.status'), sid = json_extract(accepted.value, '$.sid'),
  settled_at = json_extract(accepted.value, '$.at'),
  body = CASE WHEN kind = 'code' AND gateway <> 'outbox' THEN '' ELSE body END
FROM json_each(:given) AS accepted
WHERE message.attempt_id = json_extract(accepted.value, '$.attempt_id') AND message.status = 'attempting'
RETURNING attempt_id"""
_TOLD_ON_SQLITE = """
UPDATE reminder SET status = 'sent', settled_at = json_extract(accepted.value, '$.at')
FROM json_each(:given) AS accepted
  JOIN message ON message.attempt_id = json_extract(accepted.value, '$.attempt_id')
    AND message.sid = json_extract(accepted.value, '$.sid')
WHERE reminder.id = message.reminder_id AND reminder.status IN ('attempting', 'in_doubt')"""


def call(gateway: SmsGateway, outgoing: Outgoing, *, clock: Clock) -> Outcome:
    """Call the provider; no transaction may be open."""
    asked_at = clocks.steady()  # first: this process may be stopped anywhere, and go on when others have given it up
    stood_still = asked_at - outgoing.claimed_steady > CALL_WITHIN.total_seconds()  # also when the clock was set back
    if stood_still or clock() - outgoing.claimed_at > CALL_WITHIN:
        return None
    try:
        return gateway.send(to=outgoing.number, body=outgoing.body, attempt_id=outgoing.attempt_id, asked_at=asked_at)
    except (SmsRefused, SmsUnavailable, SmsInDoubt) as failure:
        return failure


def record_all(ledger: Ledger, answered: list[Answered]) -> None:
    """Commit what became of them. What cannot be written is left an open attempt, and settled as one in doubt."""
    for one in ledger.accept_all(answered):
        try:
            _record(ledger, one)
        except Exception:  # the others' outcomes are still to be written
            log.exception("sending broke off", attempt=one.outgoing.attempt_id)


def record(ledger: Ledger, outgoing: Outgoing, outcome: Outcome, *, now: datetime) -> None:
    """Commit what became of one."""
    for one in ledger.accept_all([Answered(outgoing, outcome, now)]):
        _record(ledger, one)


def _record(ledger: Ledger, answered: Answered) -> None:
    outgoing, outcome, now = answered.outgoing, answered.outcome, answered.at
    match outcome:
        case SmsAccepted():
            # Overtaken by a receipt or by a worker that took the attempt for lost; or the sid was given to another text.
            with writing(ledger.engine) as connection:
                sid, status = outcome.sid, answered.status
                code = outcome.error_code
                delivery.record_on(connection, outgoing.attempt_id, sid, status, error_code=code, now=now)
        case SmsRefused():
            _record_refused(ledger, outgoing, outcome, now=now)
        case SmsUnavailable():
            _record_unavailable(ledger, outgoing, outcome, now=now)
        case SmsInDoubt():
            _record_in_doubt(ledger, outgoing, now=now)
        case None:
            _give_back(ledger, outgoing, now=now)


def _record_refused(ledger: Ledger, outgoing: Outgoing, refusal: SmsRefused, *, now: datetime) -> None:
    code = str(refusal.error_code or refusal.reason)
    log.warning("text refused", attempt=outgoing.attempt_id, code=code, reason=str(refusal.reason))
    with writing(ledger.engine) as connection:
        if _change_message(
            connection,
            outgoing,
            UNSETTLED,
            status="failed",
            error_code=code[:16],
            settled_at=now,
            body=body_after_sending(),
        ):
            _change_reminder(connection, outgoing, status="failed", reason=str(refusal.reason), settled_at=now)
            lay_on_the_desk(connection, [outgoing.attempt_id])
            refused_numbers.remember(
                connection, number=outgoing.number, refusal=refusal, tried_at=outgoing.claimed_at, now=now
            )


def _record_unavailable(ledger: Ledger, outgoing: Outgoing, outage: SmsUnavailable, *, now: datetime) -> None:
    if outage.ours_to_mend:
        log.error("the provider does not take our settings", code=outage.error_code)
    code = str(outage.error_code) if outage.error_code else "unavailable"
    first, longest = (30, 900) if outgoing.reminder_id is not None else (2, 30)
    with writing(ledger.engine) as connection:
        # Who is told when to come back need not guess it from how often they have come.
        named = outage.retry_after is not None
        again_at = retry_at(
            now,
            tries=1 if named else _outages(connection, outgoing),
            first_seconds=first,
            longest_seconds=longest,
            at_least=outage.retry_after,
        )
        too_late = again_at >= outgoing.until
        if outgoing.reminder_id is None:
            if too_late:
                values = {"status": "expired", "body": body_when_expired(), "settled_at": now}
            else:
                values = {"status": "queued", "next_attempt_at": again_at}
            if _change_message(connection, outgoing, UNSETTLED, error_code=code, **values) and too_late:
                lay_on_the_desk(connection, [outgoing.attempt_id])
        elif _change_message(connection, outgoing, UNSETTLED, status="failed", error_code=code, settled_at=now):
            if too_late:
                _change_reminder(connection, outgoing, status="failed", reason="too late", settled_at=now)
            else:
                _change_reminder(connection, outgoing, status="planned", next_attempt_at=again_at)


def _outages(connection: Connection, outgoing: Outgoing) -> int:
    """Tries that the provider did not take, with this one. One that a worker took into its grave says nothing of the
    provider, and has cost its time already; nor does one given back."""
    if outgoing.reminder_id is None:
        return outgoing.tries
    before = select(func.count()).where(
        Message.reminder_id == outgoing.reminder_id,
        Message.attempt_id != outgoing.attempt_id,
        Message.status == "failed",
        Message.sid.is_(None),
        Message.error_code.not_in((NOT_THERE, GIVEN_BACK)),
    )
    return 1 + (connection.scalar(before) or 0)


def _record_in_doubt(ledger: Ledger, outgoing: Outgoing, *, now: datetime) -> None:
    look_at = now + LISTED_AFTER
    with writing(ledger.engine) as connection:
        if _change_message(connection, outgoing, ("attempting",), status="in_doubt", next_attempt_at=look_at):
            _change_reminder(connection, outgoing, status="in_doubt")


def _give_back(ledger: Ledger, outgoing: Outgoing, *, now: datetime) -> None:
    """What was claimed and surely not sent is due again at once; the attempt was none and is not counted."""
    with writing(ledger.engine) as connection:
        if outgoing.reminder_id is None:
            values = {"status": "queued", "next_attempt_at": now, "attempts": Message.attempts - 1}
            _change_message(connection, outgoing, ("attempting",), **values)
        elif _change_message(connection, outgoing, ("attempting",), status="failed", error_code=GIVEN_BACK):
            _change_reminder(
                connection, outgoing, status="planned", next_attempt_at=now, attempts=Reminder.attempts - 1
            )


def _change_message(connection: Connection, outgoing: Outgoing, states: tuple[str, ...], **values: object) -> bool:
    """Whether the attempt was in one of `states`."""
    changed = connection.execute(
        update(Message).where(Message.attempt_id == outgoing.attempt_id, Message.status.in_(states)).values(**values)
    )
    return changed.rowcount == 1


def _change_reminder(connection: Connection, outgoing: Outgoing, **values: object) -> None:
    if outgoing.reminder_id is not None:
        connection.execute(
            update(Reminder).where(Reminder.id == outgoing.reminder_id, Reminder.status.in_(UNSETTLED)).values(**values)
        )
