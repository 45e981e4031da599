"""Who saw whom on a list, written in batches: once a day for each person, list and patient."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum
from typing import Any, Literal

from sqlalchemy import literal, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.domain.patients.search import Criterion
from scheduler.models import Appointment, Look, Patient
from scheduler.models.base import Instant
from scheduler.usecases.transaction import begin_write, retry_deadlocks

AT_ONCE = 500  # ids in a statement


class Listing(StrEnum):
    """The key in the table."""

    CALENDAR = "calendar"
    DAY = "day"
    SHEET = "sheet"
    OUTBOX = "outbox"
    INBOX = "inbox"
    CALLS = "calls"
    MUST_MOVE = "must_move"
    IMS_GIVEN = "ims_given"
    IMS_REVIEWS = "ims_reviews"
    CORRECTIONS = "corrections"
    WHO_IS_WHO = "who_is_who"
    OLD_RECORDS = "old_records"
    SAME_PERSON = "same_person"
    API_PATIENTS = "api_patients"
    API_APPOINTMENTS = "api_appointments"
    BY_NAME = "search_name"
    BY_NUMBER = "search_number"
    BY_BIRTH_DATE = "search_birth_date"
    BY_SEVERAL = "search_several"


@dataclass(frozen=True, slots=True)
class Onlooker:
    """Who looks at which list on which day of the clinic's; `of`: what the public ids are of."""

    actor: str
    listing: Listing
    day: date
    of: Literal["visit", "patient"]


@dataclass(slots=True)
class Seen:
    """`at`: the first of them."""

    ids: set[str]
    at: datetime
    address: str


def search_listing(criteria: Iterable[Criterion]) -> Listing:
    """The kind of a search; what was typed is not kept."""
    kinds = {
        Listing.BY_NAME if one.word else Listing.BY_NUMBER if one.digits else Listing.BY_BIRTH_DATE for one in criteria
    }
    return kinds.pop() if len(kinds) == 1 else Listing.BY_SEVERAL


@retry_deadlocks
def write_looks(session: Session, looks: Mapping[Onlooker, Seen]) -> None:
    """What is written already stays as it was; a visit without a patient, and one who is gone, leaves nothing."""
    begin_write(session)
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    columns = ["actor", "list_name", "day", "at", "address", "patient_id"]
    for onlooker, seen in looks.items():
        for rows in _rows(onlooker, seen):
            session.execute(dialect.insert(Look).from_select(columns, rows).on_conflict_do_nothing())
    session.commit()


def _rows(onlooker: Onlooker, seen: Seen) -> Iterator[Any]:
    """SELECTs of rows, in the order of patients, so that two writers never wait for each other."""
    ids = sorted(seen.ids)
    for begin in range(0, len(ids), AT_ONCE):
        some = ids[begin : begin + AT_ONCE]
        patients = select(Patient.id)
        if onlooker.of == "visit":
            patients = patients.join(Appointment, Appointment.patient_id == Patient.id).where(
                Appointment.public_id.in_(some)
            )
        else:
            patients = patients.where(Patient.public_id.in_(some))
        yield (
            patients.with_only_columns(
                literal(onlooker.actor[:80]),
                literal(onlooker.listing.value),
                literal(onlooker.day),
                literal(seen.at, Instant),
                literal(seen.address[:45]),
                Patient.id,
            )
            .distinct()
            .order_by(Patient.id)
        )
