"""What the desk's inbox shows: a thread for each number that wrote something somebody has to read."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, and_, case, func, or_, select

from scheduler.domain.phone import bare_letters
from scheduler.models import Message, Patient, PhoneAccount
from scheduler.models.texts.wrong_number import WrongNumber

LOST = ("expired", "failed", "undelivered")
_UNREAD = (Message.for_desk, Message.read_at.is_(None))


@dataclass(frozen=True, slots=True)
class Person:
    id: int
    public_id: str
    given_name: str
    family_name: str
    said_at: datetime | None = None
    stopped_at: datetime | None = None
    """That the number is not theirs: when somebody wrote so, and when reception agreed."""


@dataclass(frozen=True, slots=True)
class Correspondent:
    """A number and who has it. `opted_out_at`, `unreachable_at`: since then it gets no texts."""

    number: str
    opted_out_at: datetime | None = None
    unreachable_at: datetime | None = None
    unreachable_why: str | None = None
    people: tuple[Person, ...] = ()

    @property
    def known(self) -> bool:
        return bool(self.people)

    @property
    def wrong_number_at(self) -> datetime | None:
        """Since when reception has to decide whether the number is wrong."""
        return min((one.said_at for one in self.people if one.said_at and not one.stopped_at), default=None)

    @property
    def stopped_at(self) -> datetime | None:
        """Since then it is the wrong number of everybody who is on it."""
        stopped = [one.stopped_at for one in self.people]
        return max(at for at in stopped if at) if stopped and all(stopped) else None


@dataclass(frozen=True, slots=True)
class Thread:
    """`last_id`: its newest text for the desk, by which it is asked for. `answer`: what is wrong with the desk's last one, if
    anything: "unsent", did not go out; "undelivered", went out and did not arrive; "doubtful", nobody knows whether it
    arrived, and nobody is asked any more."""

    who: Correspondent
    last_id: int
    last_at: datetime
    last_body: str
    unread: int
    answer: str | None


@dataclass(frozen=True, slots=True)
class ThreadText:
    id: int
    at: datetime
    inbound: bool
    kind: str
    body: str
    status: str
    error_code: str | None
    written_by: str | None
    unread: bool


def unread_count(connection: Connection, without: Collection[str] = ()) -> int:
    """`without`: numbers whose texts are not for whoever asks."""
    asked = select(func.count()).select_from(Message).where(*_UNREAD)
    return connection.scalar(asked.where(Message.number.not_in(without)) if without else asked) or 0


def threads(
    connection: Connection,
    *,
    known: bool,
    before_id: int | None,
    limit: int,
    only: Collection[str] | None = None,
    without: Collection[str] = (),
) -> list[Thread]:
    """The newest first; of numbers that patients have, or of all others. `only`: of these numbers; `without`: of none of
    these."""
    last = select(
        Message.number,
        func.max(Message.id).label("last_id"),
        func.sum(case((Message.read_at.is_(None), 1), else_=0)).label("unread"),
    ).where(Message.for_desk)
    is_known = select(Patient.id).join(Patient.phone_account).where(PhoneAccount.number == Message.number).exists()
    last = last.where(is_known if known else ~is_known).group_by(Message.number)
    if without:
        last = last.where(Message.number.not_in(without))
    if only is not None:
        last = last.where(Message.number.in_(only))
    if before_id is not None:
        last = last.having(func.max(Message.id) < before_id)
    grouped = last.order_by(func.max(Message.id).desc()).limit(limit).subquery()
    rows = connection.execute(
        select(grouped.c.number, grouped.c.last_id, grouped.c.unread, Message.created_at, Message.body)
        .join(Message, Message.id == grouped.c.last_id)
        .order_by(grouped.c.last_id.desc())
    ).all()
    who = correspondents(connection, [row.number for row in rows])
    answers = _last_answers(connection, list(who))
    return [
        Thread(
            who[row.number],
            row.last_id,
            row.created_at,
            row.body,
            row.unread,
            answers.get(row.number),
        )
        for row in rows
    ]


def numbers_that_cancelled(connection: Connection) -> set[str]:
    """Those of whom an unread text says CANCEL and no more: Twilio's word for STOP, but the visit may have been meant."""
    rows = connection.execute(select(Message.number, Message.body).where(*_UNREAD, Message.opt_word.is_not(None)))
    return {row.number for row in rows if bare_letters(row.body) == "CANCEL"}


def _last_answers(connection: Connection, numbers: Sequence[str]) -> dict[str, str]:
    """Number → what is wrong with the desk's last answer, as `Thread.answer`."""
    last = (
        select(func.max(Message.id))
        .where(Message.number.in_(numbers), Message.kind == "desk", Message.direction == "out")
        .group_by(Message.number)
    )
    doubtful = or_(
        and_(Message.status == "in_doubt", Message.next_attempt_at.is_(None)),
        and_(Message.status.in_(("accepted", "sent")), Message.asked_at.is_not(None)),
    )
    what = case(
        (Message.status == "undelivered", "undelivered"), (Message.status.in_(LOST), "unsent"), (doubtful, "doubtful")
    )
    rows = connection.execute(select(Message.number, what.label("what")).where(Message.id.in_(last)))
    return {row.number: row.what for row in rows if row.what}


def number_of(connection: Connection, message_id: int) -> str | None:
    """Whose thread this message is in; only texts for the desk open one."""
    found: str | None = connection.scalar(select(Message.number).where(Message.id == message_id, Message.for_desk))
    return found


def texts_of(connection: Connection, number: str, limit: int) -> list[ThreadText]:
    """In and out, the oldest first; the newest `limit` of them. Sign-in codes are left out."""
    rows = connection.execute(
        select(
            Message.id,
            Message.created_at,
            Message.direction,
            Message.kind,
            Message.body,
            Message.status,
            Message.error_code,
            Message.written_by,
            (Message.for_desk & Message.read_at.is_(None)).label("unread"),
        )
        .where(Message.number == number, Message.kind != "code")
        .order_by(Message.id.desc())
        .limit(limit)
    ).all()
    return [
        ThreadText(
            row.id,
            row.created_at,
            row.direction == "in",
            row.kind,
            row.body,
            row.status,
            row.error_code,
            row.written_by,
            bool(row.unread),
        )
        for row in reversed(rows)
    ]


def correspondents(connection: Connection, numbers: Sequence[str]) -> dict[str, Correspondent]:
    """For each of the numbers, also those that nobody has."""
    rows = connection.execute(
        select(
            PhoneAccount.number,
            PhoneAccount.opted_out_at,
            PhoneAccount.unreachable_at,
            PhoneAccount.unreachable_why,
            Patient.id,
            Patient.public_id,
            Patient.given_name,
            Patient.family_name,
            WrongNumber.said_at,
            WrongNumber.stopped_at,
        )
        .outerjoin(Patient, Patient.phone_account_id == PhoneAccount.id)
        .outerjoin(
            WrongNumber,
            and_(
                WrongNumber.patient_id == Patient.id,
                WrongNumber.phone_account_id == PhoneAccount.id,
                WrongNumber.lifted_at.is_(None),
                WrongNumber.why.is_(None),
            ),
        )
        .where(PhoneAccount.number.in_(numbers))
        .order_by(Patient.id)
    ).all()
    found = {number: Correspondent(number) for number in numbers}
    for number in {row.number for row in rows}:
        own = [row for row in rows if row.number == number]
        people = tuple(
            Person(row.id, row.public_id, row.given_name, row.family_name, row.said_at, row.stopped_at)
            for row in own
            if row.public_id
        )
        found[number] = Correspondent(
            number,
            own[0].opted_out_at,
            own[0].unreachable_at,
            own[0].unreachable_why,
            people,
        )
    return found
