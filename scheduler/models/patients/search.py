"""What patients are found by: the folded words of their names, and the endings of their telephone numbers.

Both are derived, and kept by whoever writes what they derive from: the words by the session that writes a patient
(no engine can fold a name by itself), the endings by trigger. Whoever writes patients past the session calls
`index_names` afterwards.
"""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    Connection,
    ForeignKey,
    Index,
    String,
    delete,
    event,
    exists,
    func,
    insert,
    inspect,
    literal,
    select,
    union_all,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from scheduler.domain.folding import words_of
from scheduler.models.base import Base
from scheduler.models.patients.patient import Patient, PhoneAccount

LONGEST_KEY = 300
BATCH = 5_000

# Byte order on both engines: the prefix of a word is then a range of the index.
BYTES = String(40).with_variant(String(40, collation="C"), "postgresql")


class PatientSearchWord(Base):
    """A word of a patient's name; `names` are all of them, each after a space, so that one look decides on several."""

    __tablename__ = "patient_search_word"
    __table_args__ = (Index("ix_patient_search_word_word_names", "word", "names", "patient_id"),)

    patient_id: Mapped[int] = mapped_column(ForeignKey(Patient.id), primary_key=True)
    word: Mapped[str] = mapped_column(BYTES, primary_key=True)
    names: Mapped[str] = mapped_column(
        String(LONGEST_KEY).with_variant(String(LONGEST_KEY, collation="C"), "postgresql")
    )


class PhoneNumberEnding(Base):
    """Of +16135550142: 16135550142, 6135550142 … 142. Any part of the number begins one of them. Kept by trigger."""

    __tablename__ = "phone_number_ending"
    __table_args__ = (Index("ix_phone_number_ending_digits", "digits", "phone_account_id"),)

    phone_account_id: Mapped[int] = mapped_column(ForeignKey(PhoneAccount.id), primary_key=True)
    digits: Mapped[str] = mapped_column(
        String(16).with_variant(String(16, collation="C"), "postgresql"), primary_key=True
    )


def index_names(connection: Connection) -> None:
    """The words of every patient that has none yet."""
    last = 0
    # Not NOT IN: PostgreSQL would go through all words for each patient.
    has_words = exists().where(PatientSearchWord.patient_id == Patient.id)
    while True:
        rows = connection.execute(
            select(Patient.id, Patient.given_name, Patient.family_name)
            .where(Patient.id > last, ~has_words)
            .order_by(Patient.id)
            .limit(BATCH)
        ).all()
        if not rows:
            return
        last = rows[-1].id
        _insert(connection, (row for name in rows for row in rows_of(*name)))


def index_numbers(connection: Connection) -> None:
    """The endings of every number that has none yet."""
    number = PhoneAccount.number
    places = union_all(*(select(literal(place).label("place")) for place in range(2, 15))).subquery()
    has_endings = exists().where(PhoneNumberEnding.phone_account_id == PhoneAccount.id)
    endings = (
        select(PhoneAccount.id, func.substr(number, places.c.place))
        .join(places, places.c.place + 2 <= func.length(number))
        .where(~has_endings)
    )
    connection.execute(insert(PhoneNumberEnding).from_select(["phone_account_id", "digits"], endings))


def rows_of(patient_id: int, given_name: str, family_name: str) -> list[dict[str, Any]]:
    """By family name first: that is how lists are read."""
    words = words_of(family_name, given_name)
    names = "".join(f" {word}" for word in words)[:LONGEST_KEY]
    return [{"patient_id": patient_id, "word": word, "names": names} for word in words]


def _insert(connection: Connection, rows: Iterable[dict[str, Any]]) -> None:
    found = list(rows)
    if found:
        connection.execute(insert(PatientSearchWord), found)


@event.listens_for(Patient, "after_insert")
def _named(_mapper: Mapper[Patient], connection: Connection, patient: Patient) -> None:
    _insert(connection, rows_of(patient.id, patient.given_name, patient.family_name))


@event.listens_for(Patient, "after_update")
def _renamed(_mapper: Mapper[Patient], connection: Connection, patient: Patient) -> None:
    attributes = inspect(patient).attrs
    if attributes.given_name.history.has_changes() or attributes.family_name.history.has_changes():
        connection.execute(delete(PatientSearchWord).where(PatientSearchWord.patient_id == patient.id))
        _insert(connection, rows_of(patient.id, patient.given_name, patient.family_name))
