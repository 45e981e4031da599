"""Finding patients by what a receptionist types.

One criterion leads: the one that the fewest patients match, in the order of its own index, so that the search ends as
soon as the page is full. The others are checked on each row. Nothing here grows with the number of patients, but for
criteria that each match thousands and together none.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import reduce
from itertools import chain
from operator import add
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, case, func, literal, or_, select
from sqlalchemy.sql.selectable import FromClause

from scheduler.domain.booking.visit_reference import appointment_of
from scheduler.domain.patients.search import Criterion
from scheduler.models import Appointment, Patient, PatientSearchWord, PhoneAccount, PhoneNumberEnding

LIMIT = 12
COUNTED = 2_000  # no further, to tell the rarer criterion
SEVERAL_WORDS = 3  # of one name may match; each is a row
HIGHEST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class FoundPatient:
    id: int
    public_id: str
    given_name: str
    family_name: str
    birth_date: date | None
    number: str | None
    restricted: bool = False


@dataclass(frozen=True, slots=True)
class ReferencedVisit:
    public_id: str
    starts_local: datetime
    patient: FoundPatient


@dataclass(frozen=True, slots=True)
class VisitSummary:
    """Starts on the clinic's wall clock; none where there is no such visit."""

    next_visit: datetime | None = None
    last_visit: datetime | None = None
    no_shows: int = 0


def find(connection: Connection, criteria: Sequence[Criterion], limit: int = LIMIT) -> list[FoundPatient]:
    """Patients that match all criteria; those nearest to what was typed first."""
    if not criteria:
        return []
    leading = _rarest(connection, criteria)
    others = [criterion for criterion in criteria if criterion is not leading]
    rows = chain.from_iterable(
        connection.execute(_matching(lead, others).limit(limit * SEVERAL_WORDS)) for lead in _leads(leading)
    )
    found = {row.id: FoundPatient(*row) for row in rows}
    return list(found.values())[:limit]


def visit_of_reference(connection: Connection, typed: str) -> ReferencedVisit | None:
    """The visit whose reference was typed ("KV7-CGK"), with its patient."""
    appointment_id = appointment_of(typed)
    if appointment_id is None:
        return None
    row = connection.execute(
        select(Appointment.public_id, Appointment.starts_local, *_PATIENT)
        .join(Patient, Patient.id == Appointment.patient_id)
        .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .where(Appointment.id == appointment_id, Appointment.origin != "elsewhere")
    ).first()
    return ReferencedVisit(row[0], row[1], FoundPatient(*row[2:])) if row else None


def summaries(connection: Connection, patient_ids: Sequence[int], now: datetime) -> dict[int, VisitSummary]:
    """One SELECT for all of them; a patient who never had a visit is left out."""
    came = and_(Appointment.starts_at <= now, Appointment.status.in_(("booked", "confirmed", "arrived", "completed")))
    starts = Appointment.starts_local
    rows: Any = connection.execute(
        select(
            Appointment.patient_id,
            func.min(case((_is_coming(now), starts))),
            func.max(case((came, starts))),
            func.sum(case((Appointment.status == "no_show", 1), else_=0)),
        )
        .where(Appointment.patient_id.in_(patient_ids), Appointment.origin != "elsewhere")
        .group_by(Appointment.patient_id)
    )
    return {patient_id: VisitSummary(*rest) for patient_id, *rest in rows}


def next_visits(connection: Connection, patient_ids: Sequence[int], now: datetime) -> dict[int, str]:
    """Patient's id → public id of the visit that `summaries` calls the next. One SELECT for all of them."""
    rows = connection.execute(
        select(Appointment.patient_id, Appointment.public_id)
        .where(Appointment.patient_id.in_(patient_ids), Appointment.origin != "elsewhere", _is_coming(now))
        .order_by(Appointment.starts_at.desc())
    )
    return {patient_id: public_id for patient_id, public_id in rows if patient_id is not None}


def _is_coming(now: datetime) -> ColumnElement[bool]:
    return and_(Appointment.ends_at > now, Appointment.status.in_(("booked", "confirmed", "arrived")))


@dataclass(frozen=True, slots=True)
class _Lead:
    """A table to begin with, in the order of an index of it."""

    source: FromClause
    joined: ColumnElement[bool]
    matches: ColumnElement[bool]
    order: tuple[Any, ...]


def _leads(criterion: Criterion) -> list[_Lead]:
    if criterion.word:
        words: Any = PatientSearchWord.__table__
        matches = _begins(words.c.word, criterion.word)
        return [_Lead(words, words.c.patient_id == Patient.id, matches, (words.c.word, words.c.names))]
    leads = []
    for first, last in criterion.born:  # each by itself: neither engine reads two ranges of an index in its order
        born: Any = Patient.__table__.alias("born")
        matches = born.c.birth_date.between(first, last)
        leads.append(_Lead(born, born.c.id == Patient.id, matches, (born.c.birth_date, born.c.id)))
    if criterion.digits:
        endings: Any = PhoneNumberEnding.__table__
        matches = _begins(endings.c.digits, criterion.digits)
        joined = endings.c.phone_account_id == Patient.phone_account_id
        leads.append(_Lead(endings, joined, matches, (endings.c.digits, endings.c.phone_account_id)))
    return leads


def _rarest(connection: Connection, criteria: Sequence[Criterion]) -> Criterion:
    if len(criteria) == 1:
        return criteria[0]
    counts = connection.execute(
        select(*(_count(criterion).label(f"c{place}") for place, criterion in enumerate(criteria)))
    ).one()
    # Of equals a word leads: its index holds the whole name.
    return min(zip(counts, criteria, strict=True), key=lambda pair: (pair[0], not pair[1].word, -len(pair[1].word)))[1]


def _count(criterion: Criterion) -> ColumnElement[int]:
    counts: list[ColumnElement[int]] = []
    for lead in _leads(criterion):
        some = select(literal(1)).select_from(lead.source).where(lead.matches).limit(COUNTED).subquery()
        counts.append(select(func.count()).select_from(some).scalar_subquery())
    return reduce(add, counts)


_PATIENT = (
    Patient.id,
    Patient.public_id,
    Patient.given_name,
    Patient.family_name,
    Patient.birth_date,
    PhoneAccount.number,
    Patient.restricted_at.is_not(None),
)


def _matching(lead: _Lead, others: Sequence[Criterion]) -> Any:
    return (
        select(*_PATIENT)
        .select_from(lead.source)
        .join(Patient, lead.joined)
        .outerjoin(PhoneAccount, PhoneAccount.id == Patient.phone_account_id)
        .where(lead.matches, *(_satisfies(other, lead) for other in others))
        .order_by(*lead.order)
    )


def _satisfies(criterion: Criterion, lead: _Lead) -> ColumnElement[bool]:
    if criterion.word:
        if lead.source is PatientSearchWord.__table__:
            return lead.source.c.names.contains(f" {criterion.word}")
        # Not EXISTS over words: PostgreSQL underrates how many begin alike, and reads them all for each patient.
        words = PatientSearchWord
        names = select(words.names).where(words.patient_id == Patient.id).limit(1).correlate(Patient).scalar_subquery()
        return names.contains(f" {criterion.word}")
    born = [Patient.birth_date.between(*days) for days in criterion.born]
    digits = [PhoneAccount.number.contains(criterion.digits)] if criterion.digits else []
    return or_(*born, *digits)


def _begins(column: Any, prefix: str) -> ColumnElement[bool]:
    return and_(column >= prefix, column < prefix + HIGHEST)
