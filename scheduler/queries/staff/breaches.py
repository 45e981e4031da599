"""The record of breaches, the latest line first."""

from collections import Counter

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models.staff.breach import Breach


def lines(session: Session) -> list[Breach]:
    return list(session.scalars(select(Breach).order_by(Breach.id.desc())))


def standing(found: list[Breach]) -> list[Breach]:
    """Those that count: what was corrected does not."""
    corrected = {line.corrects_id for line in found}
    return [line for line in found if line.id not in corrected]


def counts(found: list[Breach], year: int) -> dict[str, tuple[int, int]]:
    """Kind → breaches of that year, and the people they touched."""
    number: Counter[str] = Counter()
    people: Counter[str] = Counter()
    for line in standing(found):
        if line.happened_on.year == year:
            number[line.kind] += 1
            people[line.kind] += line.people
    return {kind: (number[kind], people[kind]) for kind in number}
