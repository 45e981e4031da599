"""Claiming the reminders that are due. What is due lives in the database alone: any number of workers may claim."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Date,
    Engine,
    Row,
    Select,
    and_,
    bindparam,
    exists,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.no_texts import NoTexts
from scheduler.domain.texts.reminder_plan import CANCELLATION
from scheduler.domain.texts.sms_segments import segments
from scheduler.domain.texts.wording import HOW_TO_STOP, language_of
from scheduler.models.base import Instant, public_id
from scheduler.models.clinic.clinic import Practitioner
from scheduler.models.patients.patient import Patient, PhoneAccount
from scheduler.models.texts.sms import Message, Reminder, went_out
from scheduler.models.texts.wrong_number import is_marked
from scheduler.models.visits.appointment import Appointment
from scheduler.queries.texts.no_texts import why_no_texts
from scheduler.queries.visits.must_move import MUST_MOVE, STANDS, TEXT_KIND, VisitTime, was_asked, without_anybody
from scheduler.queries.visits.private_visits import born_by
from scheduler.usecases.texts.reminder_times import due_now
from scheduler.usecases.texts.sending.sending import Outgoing
from scheduler.usecases.texts.sending.sms_states import writing
from scheduler.usecases.texts.visit_texts import visit_text
from scheduler.usecases.visits.links import SHORTEST_LINK, NewLink, add_links, draw_link

AMONG = 300
"""Of so many that were due first, the most urgent are taken: all that a night leaves behind, and no 100,000 are sorted."""
TIME_TO_CHANGE = timedelta(hours=1)
"""A reminder that offers to change the visit is read at least so long before patients no longer may."""


@dataclass(frozen=True, slots=True)
class Claim:
    """`found`: how many were due, those not to be sent included; none means that nothing is left to claim."""

    found: int
    outgoing: list[Outgoing]


@dataclass(frozen=True, slots=True)
class Verdict:
    """Why a reminder is not sent."""

    status: str
    reason: str


def claim_due(engine: Engine, *, clinic: ClinicSettings, now: datetime, limit: int, gateway: str) -> Claim:
    """Take up to `limit` due reminders and commit an attempt for each that is still to be sent.

    Each appointment is read again: not active, moved, begun, no number, opted out, overtaken by a later reminder, or
    to be moved by its patient ends the reminder with its reason. The visit that begins first comes first: after hours
    without a worker, what was due first is not what is most urgent. At night, overdue reminders are left for the morning.
    """
    due = _first_due(engine, clinic, now)
    if due is None:  # a quiet tick takes no write lock
        return Claim(0, [])
    most_urgent = _most_urgent(due, limit, engine)
    moment = {"now": now, "born_by": born_by(now)}
    drafts: dict[Row[*tuple[Any, ...]], _Attempt] = {}
    if engine.dialect.name == "sqlite":
        # Everybody waits while one writes, so that what facts unchanged allow is made before.
        with engine.connect() as connection:
            before = connection.execute(most_urgent, moment).all()
        to_draft = [row for row in before if not row.was_asked and verdict_on(row, clinic, now, set()) is None]
        drafts = {row: _attempt(row, clinic, now, gateway) for row in to_draft}
    with writing(engine) as connection:
        rows = connection.execute(most_urgent, moment).all()
        must_move = _must_move(connection, rows)
        attempts = []
        for row in rows:
            verdict = verdict_on(row, clinic, now, must_move)
            if verdict is None:
                attempts.append(drafts.get(row) or _attempt(row, clinic, now, gateway))
            else:
                connection.execute(
                    update(Reminder)
                    .where(Reminder.id == row.id)
                    .values(status=verdict.status, reason=verdict.reason, settled_at=now)
                )
        _begin(connection, attempts)
    return Claim(len(rows), [attempt.outgoing for attempt in attempts])


def anything_due(engine: Engine, *, clinic: ClinicSettings, now: datetime) -> bool:
    return _first_due(engine, clinic, now) is not None


def verdict_on(
    row: Row[*tuple[Any, ...]], clinic: ClinicSettings, now: datetime, must_move: AbstractSet[int]
) -> Verdict | None:
    """None when the reminder is to be sent. `must_move`: the visits that their patients were asked to move, and need to."""
    if row.appointment_status not in (("cancelled",) if row.kind == CANCELLATION else ("booked", "confirmed")):
        return Verdict("superseded", row.appointment_status)
    if row.version != row.schedule_version:
        return Verdict("superseded", "moved")
    if row.starts_at <= now:
        return Verdict("failed" if row.attempts else "suppressed", "too late")
    closed = _why_closed(row)
    if closed is not None:
        return Verdict("suppressed", closed)
    if row.overtaken:
        return Verdict("suppressed", "overtaken")
    need_move = row.appointment_id in must_move
    if row.kind == TEXT_KIND and not need_move:
        return Verdict("superseded", STANDS)
    if row.kind == TEXT_KIND and clinic.changeable_until(row.starts_at) <= now + SHORTEST_LINK:
        return Verdict("failed", "too late")
    if need_move and row.kind not in (TEXT_KIND, CANCELLATION):
        return Verdict("suppressed", MUST_MOVE)
    return None


def _why_closed(row: Row[*tuple[Any, ...]]) -> str | None:
    """Why its patient is not texted, or not this."""
    if row.why_no_texts is None and row.kind == TEXT_KIND and row.is_marked:
        return NoTexts.WRONG_NUMBER  # its link would not work
    why: str | None = row.why_no_texts
    return why


def _first_due(engine: Engine, clinic: ClinicSettings, now: datetime) -> ColumnElement[bool] | None:
    """Confirmations before reminders: they answer what somebody has just done. None when nothing is due."""
    due = due_now(clinic, now)
    with engine.connect() as connection:
        for which in (and_(due, Reminder.kind == "confirmation"), due):
            if connection.scalar(select(Reminder.id).where(which).limit(1)) is not None:
                return which
    return None


_other = aliased(Reminder)
_told_before = exists().where(
    _other.appointment_id == Reminder.appointment_id,
    _other.version < Reminder.version,
    _other.status.in_(("attempting", "in_doubt", "sent")),
)
_now = bindparam("now", type_=Instant())
# After an outage the reminder of three days before may be found beside that of the day before, or after it: one is
# enough. Who is asked to choose another time is another matter (`_must_move`).
_overtaken = and_(
    Reminder.kind.not_in((TEXT_KIND, CANCELLATION)),
    exists().where(
        _other.appointment_id == Reminder.appointment_id,
        _other.version == Reminder.version,
        _other.kind != TEXT_KIND,
        or_(
            and_(_other.status == "planned", _other.due_at <= _now),
            _other.status.in_(("attempting", "in_doubt", "sent")),
        ),
        _other.due_at > Reminder.due_at,
    ),
)
_was_asked = exists().where(
    _other.appointment_id == Reminder.appointment_id, _other.version == Reminder.version, was_asked(_other)
)
_FACTS = (
    select(
        Reminder.id,
        Reminder.kind,
        Reminder.version,
        Reminder.attempts,
        Reminder.appointment_id,
        Appointment.status.label("appointment_status"),
        Appointment.schedule_version,
        Appointment.starts_at,
        Appointment.starts_local,
        Appointment.minutes,
        Appointment.practitioner_id,
        Appointment.patient_id,
        Practitioner.given_name.label("practitioner"),
        Patient.language,
        PhoneAccount.number,
        is_marked().label("is_marked"),
        why_no_texts(bindparam("born_by", type_=Date())).label("why_no_texts"),
        Patient.phone_account_id,
        _told_before.label("told_before"),
        _overtaken.label("overtaken"),
        _was_asked.label("was_asked"),
        exists().where(Message.number == PhoneAccount.number, went_out()).label("was_texted"),
    )
    .join(Appointment, Appointment.id == Reminder.appointment_id)
    .outerjoin(Practitioner, Practitioner.id == Appointment.practitioner_id)
    .outerjoin(Patient, Patient.id == Appointment.patient_id)
    .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
)


def _most_urgent(due: ColumnElement[bool], limit: int, engine: Engine) -> Select[*tuple[Any, ...]]:
    """Their facts; on PostgreSQL locked, without those that another worker has locked."""
    first_due = select(Reminder.id).where(due).order_by(Reminder.next_attempt_at).limit(max(AMONG, limit))
    order = (Appointment.starts_at, Reminder.next_attempt_at)
    if engine.dialect.name == "postgresql":
        chosen = _FACTS.where(due, Reminder.id.in_(first_due)).order_by(*order).limit(limit)
        return chosen.with_for_update(of=Reminder, skip_locked=True)
    visits = select(Reminder.id).join(Appointment, Appointment.id == Reminder.appointment_id)
    ids = visits.where(Reminder.id.in_(first_due)).order_by(*order).limit(limit)  # or all their facts are looked up
    return _FACTS.where(due, Reminder.id.in_(ids)).order_by(*order)


def _must_move(connection: Connection, rows: Sequence[Row[*tuple[Any, ...]]]) -> AbstractSet[int]:
    """The visits whose patients were asked to choose another time, as long as nobody is there at theirs."""
    asked = {row.appointment_id: row for row in rows if row.was_asked}
    visits = [VisitTime(key, row.practitioner_id, row.starts_local, row.minutes) for key, row in asked.items()]
    return without_anybody(connection, visits)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """`link`: none when the text, as the owner words it, has no place for it."""

    outgoing: Outgoing
    message: dict[str, object]
    link: NewLink | None


def _attempt(row: Row[*tuple[Any, ...]], clinic: ClinicSettings, now: datetime, gateway: str) -> _Attempt:
    link = _link(row, clinic, now)
    body = _body(row, clinic, now, link.address if link else None)
    outgoing = Outgoing(
        attempt_id=public_id(),
        number=row.number,
        body=body,
        claimed_at=now,
        until=row.starts_at,
        reminder_id=row.id,
    )
    message: dict[str, object] = {
        "attempt_id": outgoing.attempt_id,
        "direction": "out",
        "kind": row.kind,
        "number": outgoing.number,
        "body": body,
        "status": "attempting",
        "gateway": gateway,
        "attempts": 1,
        "segments": segments(body),
        "created_at": now,
        "attempted_at": now,
        "reminder_id": row.id,
        "appointment_id": row.appointment_id,
        "patient_id": row.patient_id,
    }
    return _Attempt(outgoing, message, link if link and link.address in body else None)


def _begin(connection: Connection, attempts: list[_Attempt]) -> None:
    """Write the attempts: with the commit that follows, they have begun."""
    if not attempts:
        return
    connection.execute(
        update(Reminder)
        .where(Reminder.id.in_([attempt.outgoing.reminder_id for attempt in attempts]))
        .values(status="attempting", attempts=Reminder.attempts + 1, reason=None)
    )
    connection.execute(insert(Message), [attempt.message for attempt in attempts])
    add_links(connection, [attempt.link for attempt in attempts if attempt.link])


def _body(row: Row[*tuple[Any, ...]], clinic: ClinicSettings, now: datetime, link: str | None) -> str:
    text = visit_text(
        row.kind,
        clinic=clinic,
        starts_local=row.starts_local,
        practitioner=row.practitioner,
        language=row.language,
        moved=row.told_before,
        confirmed=row.appointment_status == "confirmed",
        changeable=now < clinic.changeable_until(row.starts_at) - TIME_TO_CHANGE,
        link=link,
    )
    return text if row.was_texted else text + HOW_TO_STOP[language_of(row.language)]


def _link(row: Row[*tuple[Any, ...]], clinic: ClinicSettings, now: datetime) -> NewLink | None:
    """To the visit, until it begins; none for one that is cancelled."""
    if row.kind == CANCELLATION:
        return None
    return draw_link(
        appointment_id=row.appointment_id,
        schedule_version=row.version,
        patient_id=row.patient_id,
        account_id=row.phone_account_id,
        clinic=clinic,
        now=now,
        until=row.starts_at,
    )
