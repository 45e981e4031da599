"""The record of breaches: lines are added and never changed."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.models.staff.breach import KINDS, Breach
from scheduler.usecases.transaction import begin_write, retry_deadlocks

LONGEST, MOST_PEOPLE = 1000, 1_000_000


@dataclass(frozen=True, slots=True)
class NewBreach:
    """`corrects`: the line in whose place this one counts."""

    happened_on: date | None
    kind: str
    people: int | None
    what: str
    whose: str
    told: str
    corrects: int | None = None


@retry_deadlocks
def record_breach(session: Session, given: NewBreach, *, today: date, actor: Actor, now: datetime) -> None:
    """Invalid with an error for each field; NotFound when the line to correct is none, or was corrected already."""
    _require_whole(given, today)
    begin_write(session)
    if given.corrects is not None:
        corrected = session.scalar(select(Breach.id).where(Breach.corrects_id == given.corrects))
        if corrected is not None or session.get(Breach, given.corrects) is None:
            raise NotFound("breach")
    session.add(
        Breach(
            happened_on=given.happened_on,
            kind=given.kind,
            people=given.people,
            what=given.what,
            whose=given.whose,
            told=given.told,
            corrects_id=given.corrects,
            written_at=now,
            written_by=str(actor)[:80],
        )
    )
    session.commit()


def _require_whole(given: NewBreach, today: date) -> None:
    errors: dict[str, str] = {}
    if given.happened_on is None or not date(2000, 1, 1) <= given.happened_on <= today:
        errors["happened_on"] = "Enter the day it happened, today or before."
    if given.kind not in KINDS:
        errors["kind"] = "Choose what kind it was."
    if given.people is None or not 0 <= given.people <= MOST_PEOPLE:
        errors["people"] = "Enter how many people’s records, as a number."
    for name in ("what", "whose", "told"):
        words = getattr(given, name)
        if not words or len(words) > LONGEST:
            errors[name] = "Fill this in, with at most 1,000 characters."
    if errors:
        raise Invalid(errors)
