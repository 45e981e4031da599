"""How sending goes at this moment, for whoever operates the service: counts and times, no number and no name."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import median

from sqlalchemy import ColumnElement, Connection, and_, exists, func, or_, select

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.models import EarlyReceipt, Heartbeat, Message, Reminder, SmsSender
from scheduler.models.texts.sms import IS_UNDER_WAY, IS_WAITING, WAITS_FOR_BUDGET
from scheduler.usecases.texts.reminder_times import due_now, is_night
from scheduler.usecases.texts.sending.receipts import FINAL_WITHIN

SCHEDULER = "scheduler"
"""Its heartbeat's name."""
WORKER = "worker "
"""Heartbeats of processes that send begin with it."""
SEEN_WITHIN = timedelta(minutes=5)
LAG_OVER = 200  # receipts


@dataclass(frozen=True, slots=True)
class SmsStatus:
    """`due`: may be sent now and are not yet. `oldest_due_seconds`: how long the first of them has been allowed to go.

    `unsettled`: stay in doubt, for the call list. `silent`: accepted hours ago, without a final state. `lag_seconds`: from
    our call to the last receipt, in the middle, of the newest texts delivered. `ticked_seconds`: since a scheduler last ticked; it
    does every 15. `workers`: name → seconds since last seen.
    `outages`: of the provider, in a row; `paused_seconds`: for how long it is left alone (usecases/texts/sending/pace.py).
    """

    due: int = 0
    oldest_due_seconds: float = 0
    attempting: int = 0
    in_doubt: int = 0
    unsettled: int = 0
    silent: int = 0
    early_receipts: int = 0
    last_hour: dict[str, int] = field(default_factory=dict)
    lag_seconds: float | None = None
    ticked_seconds: float | None = None
    workers: dict[str, float] = field(default_factory=dict)
    outages: int = 0
    paused_seconds: float = 0


def sms_status(connection: Connection, *, clinic: ClinicSettings, now: datetime, sender: str) -> SmsStatus:
    """`sender`: the one whose pace is shown; others were used before."""
    open_states = _by_status(connection, and_(IS_WAITING, Message.status != "queued"))
    return SmsStatus(
        due=_count(connection, Reminder, _reminders_due(clinic, now)) + _count(connection, Message, _texts_due(now)),
        oldest_due_seconds=oldest_due_seconds(connection, clinic=clinic, now=now),
        attempting=open_states.get("attempting", 0),
        in_doubt=open_states.get("in_doubt", 0),
        unsettled=_count(
            connection, Message, and_(IS_WAITING, Message.status == "in_doubt", Message.next_attempt_at.is_(None))
        ),
        silent=_count(
            connection,
            Message,
            and_(
                IS_UNDER_WAY,
                Message.asked_at.is_(None),
                Message.sid.is_not(None),  # what was answered with the webhook has none, and gets no receipt
                Message.settled_at < now - FINAL_WITHIN,
            ),
        ),
        early_receipts=connection.scalar(select(func.count()).select_from(EarlyReceipt)) or 0,
        last_hour=_by_status(
            connection, and_(Message.direction == "out", Message.created_at > now - timedelta(hours=1))
        ),
        lag_seconds=_lag(connection, now),
        ticked_seconds=ticked_seconds(connection, now),
        workers=_workers(connection, now),
        outages=connection.scalar(select(SmsSender.failures).where(SmsSender.name == sender)) or 0,
        paused_seconds=_paused(connection, sender, now),
    )


def ticked_seconds(connection: Connection, now: datetime) -> float | None:
    """None: never. Negative when the clock was set back since."""
    at = connection.scalar(select(Heartbeat.at).where(Heartbeat.name == SCHEDULER))
    return None if at is None else (now - at).total_seconds()


def oldest_due_seconds(connection: Connection, *, clinic: ClinicSettings, now: datetime) -> float:
    """What the night holds back is not overdue: it counts from the morning on. What the provider did not take, and is tried
    again later, has been due all the while."""
    morning = _last_morning(clinic, now)
    held_up = and_(due_now(clinic, now, ahead=LONGEST_WAIT), Reminder.attempts > 0, ~_was_accepted_once)
    found = [
        connection.scalar(select(func.min(Reminder.next_attempt_at)).where(_reminders_due(clinic, now))),
        connection.scalar(select(func.min(Reminder.due_at)).where(held_up)),
    ]
    text = connection.scalar(
        select(func.min(func.coalesce(Message.next_attempt_at, Message.created_at))).where(_texts_due(now))
    )
    text_held_up = connection.scalar(select(func.min(Message.created_at)).where(_texts_queued, Message.attempts > 0))
    since = [max(one, morning) for one in found if one is not None]
    since += [one for one in (text, text_held_up) if one is not None]
    return max(((now - one).total_seconds() for one in since), default=0.0)


LONGEST_WAIT = timedelta(minutes=20)
"""Until the next try, where the provider names no time."""
# After the telephone was off it is left alone for a while.
_was_accepted_once = exists().where(Message.reminder_id == Reminder.id, Message.sid.is_not(None))
_texts_queued = and_(IS_WAITING, Message.status == "queued", Message.error_code.is_distinct_from(WAITS_FOR_BUDGET))


def _reminders_due(clinic: ClinicSettings, now: datetime) -> ColumnElement[bool]:
    """Without those that wait for the budget: they are on the call list, and no failure of the service."""
    return and_(due_now(clinic, now), Reminder.reason.is_distinct_from(WAITS_FOR_BUDGET))


def _texts_due(now: datetime) -> ColumnElement[bool]:
    return and_(_texts_queued, or_(Message.next_attempt_at.is_(None), Message.next_attempt_at <= now))


def _last_morning(clinic: ClinicSettings, now: datetime) -> datetime:
    """When the last night ended; at night, long ago: only what may go at night is due then."""
    if clinic.quiet_from == clinic.quiet_until or is_night(clinic, now):
        return now - timedelta(days=365)
    zone = clock.zone(clinic.zone)
    now_local = clock.to_local(now, zone)
    morning = datetime.combine(now_local.date(), clinic.quiet_until)
    if morning > now_local:
        morning -= timedelta(days=1)
    return clock.to_utc_or_near(morning, zone)


def _count(connection: Connection, table: type[Message | Reminder], which: ColumnElement[bool]) -> int:
    return connection.scalar(select(func.count()).select_from(table).where(which)) or 0


def _by_status(connection: Connection, which: ColumnElement[bool]) -> dict[str, int]:
    rows = connection.execute(select(Message.status, func.count().label("texts")).where(which).group_by(Message.status))
    return {row.status: row.texts for row in rows}


def _lag(connection: Connection, now: datetime) -> float | None:
    rows = connection.execute(
        select(Message.attempted_at, Message.settled_at)
        .where(
            Message.status == "delivered",
            Message.direction == "out",
            Message.attempted_at.is_not(None),
            Message.created_at > now - timedelta(days=1),
        )
        .order_by(Message.created_at.desc())
        .limit(LAG_OVER)
    ).all()
    lags = [
        (settled_at - attempted_at).total_seconds() for attempted_at, settled_at in rows if settled_at and attempted_at
    ]
    return median(lags) if lags else None


def _paused(connection: Connection, sender: str, now: datetime) -> float:
    until = connection.scalar(select(SmsSender.paused_until).where(SmsSender.name == sender))
    return 0 if until is None else max((until - now).total_seconds(), 0)


def _workers(connection: Connection, now: datetime) -> dict[str, float]:
    rows = connection.execute(
        select(Heartbeat.name, Heartbeat.at).where(Heartbeat.name.startswith(WORKER), Heartbeat.at > now - SEEN_WITHIN)
    )
    return {name.removeprefix(WORKER): (now - at).total_seconds() for name, at in rows}
