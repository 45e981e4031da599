"""What became of the texts: per day, per kind and per error."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import Connection, and_, case, exists, func, or_, select
from sqlalchemy.orm import aliased

from scheduler.models import Message, Reminder

OUTCOMES = {
    "accepted": "under way",
    "sent": "under way",
    "queued": "under way",
    "attempting": "under way",
    "in_doubt": "in doubt",
    "delivered": "delivered",
    "undelivered": "not delivered",
    "failed": "not delivered",
    "expired": "not delivered",
}


@dataclass(slots=True)
class Figures:
    """`outcomes`: how many texts came to which of OUTCOMES' values; `parts`: those paid for, where they were counted."""

    outcomes: Counter[str] = field(default_factory=Counter)
    parts: int = 0

    @property
    def texts(self) -> int:
        return self.outcomes.total()


@dataclass(frozen=True, slots=True)
class SmsFigures:
    """`errors`: by kind and code, the most frequent first."""

    by_day: dict[date, Figures]
    by_kind: dict[str, Figures]
    errors: list[tuple[str, str, int]]


_later = aliased(Message)
_is_a_try = and_(
    Message.status == "failed",
    Message.sid.is_(None),
    or_(
        exists().where(Reminder.id == Message.reminder_id, Reminder.status != "failed"),
        exists().where(_later.reminder_id == Message.reminder_id, _later.id > Message.id),
        and_(  # an answer or a code queued anew has the same age
            Message.reminder_id.is_(None),
            exists().where(
                _later.number == Message.number,
                _later.created_at == Message.created_at,
                _later.kind == Message.kind,
                _later.id > Message.id,
            ),
        ),
    ),
)


def figures(connection: Connection, days: Sequence[tuple[date, datetime, datetime]]) -> SmsFigures:
    """`days`: each with the instants at which it begins and ends at the clinic, in order. One SELECT.

    Tries that the provider did not take, of a text that was or is tried again, are among the errors alone.
    """
    day_number = case(*((Message.created_at < ends_at, place) for place, (_day, _begins, ends_at) in enumerate(days)))
    rows = connection.execute(
        select(
            day_number.label("day"),
            Message.kind,
            Message.status,
            Message.error_code,
            _is_a_try.label("is_a_try"),
            func.count().label("texts"),
            func.coalesce(func.sum(Message.segments), 0).label("parts"),
        )
        .where(Message.direction == "out", Message.created_at >= days[0][1], Message.created_at < days[-1][2])
        .group_by("day", Message.kind, Message.status, Message.error_code, "is_a_try")
    ).all()
    found = SmsFigures({day: Figures() for day, _begins, _ends in days}, {}, [])
    errors: Counter[tuple[str, str]] = Counter()
    for row in rows:
        kind = "days_before" if row.kind.startswith("days_before") else row.kind
        for one in (found.by_day[days[row.day][0]], found.by_kind.setdefault(kind, Figures())):
            if not row.is_a_try:
                one.outcomes[OUTCOMES.get(row.status, "under way")] += row.texts
                one.parts += row.parts
        if row.error_code:
            errors[kind, row.error_code] += row.texts
    found.errors.extend((kind, code, count) for (kind, code), count in errors.most_common(30))
    return found


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one kind in one month. `prices`: millionths by currency; `without_price`: texts whose price is not known (yet)."""

    month: date
    kind: str
    texts: int
    parts: int
    prices: Mapping[str, int]
    without_price: int


def costs(connection: Connection, months: Sequence[tuple[date, datetime, datetime]]) -> list[Cost]:
    """`months`: each with the instants at which it begins and ends at the clinic, in order. The newest first. One SELECT.

    Texts that were surely not sent cost nothing and are left out, as in the monthly budget.
    """
    place = case(*((Message.created_at < ends_at, number) for number, (_day, _begins, ends_at) in enumerate(months)))
    rows = connection.execute(
        select(
            place.label("place"),
            Message.kind,
            Message.price_unit,
            func.count().label("texts"),
            func.coalesce(func.sum(Message.segments), 0).label("parts"),
            func.sum(Message.price_millionths).label("millionths"),
        )
        .where(
            Message.direction == "out",
            Message.created_at >= months[0][1],
            Message.created_at < months[-1][2],
            Message.status.not_in(("queued", "expired", "failed")),
        )
        .group_by("place", Message.kind, Message.price_unit)
    ).all()
    together: dict[tuple[int, str], list[Any]] = {}
    for row in rows:
        kind = "days_before" if row.kind.startswith("days_before") else row.kind
        together.setdefault((row.place, kind), []).append(row)
    found = []
    for (number, kind), some in sorted(together.items(), key=lambda one: (-one[0][0], one[0][1])):
        prices: Counter[str] = Counter()
        for row in some:
            if row.price_unit:
                prices[row.price_unit] += int(row.millionths or 0)
        unknown = sum(row.texts for row in some if not row.price_unit)
        texts, parts = sum(row.texts for row in some), sum(int(row.parts) for row in some)
        found.append(Cost(months[number][0], kind, texts, parts, prices, unknown))
    return found
