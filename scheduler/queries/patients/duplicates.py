"""Who may be in the records already: the same birth date and a similar name, or the same number."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from difflib import SequenceMatcher
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from scheduler.domain.folding import typed_words
from scheduler.models import Patient, PhoneAccount

SIMILAR = 0.75  # of the letters; "Levesque" and "Lévêque", "Jon" and "John"
MOST = 6


@dataclass(frozen=True, slots=True)
class LikelyDuplicate:
    """`same_birth_date` with a similar name, or `same_number`: why this patient is offered."""

    public_id: str
    given_name: str
    family_name: str
    birth_date: date | None
    number: str | None
    same_birth_date: bool
    same_number: bool
    similar_name: bool


def likely_duplicates(
    session: Session, given_name: str, family_name: str, birth_date: date | None, phone: str | None
) -> list[LikelyDuplicate]:
    """The likeliest first. `phone` is E.164. Asked before a new patient is registered."""
    same = [Patient.birth_date == birth_date] if birth_date else []
    if phone:
        account = select(PhoneAccount.id).where(PhoneAccount.number == phone).scalar_subquery()
        same.append(Patient.phone_account_id == account)
    if not same:
        return []
    rows: Sequence[Any] = session.execute(
        select(Patient.public_id, Patient.given_name, Patient.family_name, Patient.birth_date, PhoneAccount.number)
        .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .where(or_(*same))
    ).all()
    found = [
        LikelyDuplicate(
            row.public_id,
            row.given_name,
            row.family_name,
            row.birth_date,
            row.number,
            same_birth_date=birth_date is not None and row.birth_date == birth_date,
            same_number=phone is not None and row.number == phone,
            similar_name=similar((given_name, family_name), (row.given_name, row.family_name)),
        )
        for row in rows
    ]
    likely = [one for one in found if one.same_number or one.similar_name]
    return sorted(likely, key=_likelihood, reverse=True)[:MOST]


def similar(one: tuple[str, str], other: tuple[str, str]) -> bool:
    """Given and family name, in any order: the same words nearly letter for letter, or a part of them alike."""
    mine, theirs = sorted(typed_words(" ".join(one))), sorted(typed_words(" ".join(other)))
    if not mine or not theirs:
        return False
    fewer, more = sorted((mine, theirs), key=len)
    if len(fewer) > 1 and set(fewer) <= set(more):  # a second given name or family name left out
        return True
    return SequenceMatcher(None, " ".join(mine), " ".join(theirs)).ratio() >= SIMILAR


def _likelihood(one: LikelyDuplicate) -> tuple[int, bool]:
    return one.same_birth_date + one.same_number + one.similar_name, one.similar_name
