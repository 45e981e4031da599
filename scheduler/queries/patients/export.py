"""Everything that is kept about one patient, for an access request: whole rows, so that a new column is not forgotten."""

from collections.abc import Iterable
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, or_, select

from scheduler.domain.texts.reply import ATTACHED, NO_WORDS
from scheduler.models import Base
from scheduler.queries.patients.page import PatientRecord

# Keys of this database, secrets, and what is there for the machine alone.
LEFT_OUT = {"id", "feed_token", "calendar_version", "attempt_id", "code_hmac", "sid", "held_for", "hold_until"}

Row = dict[str, Any]


def everything(connection: Connection, patient: PatientRecord, *, number: str | None) -> Row:
    """Names of tables and columns as the database has them; records merged into this one included. `number`: whose texts
    about nobody in particular are theirs too."""
    tables = Base.metadata.tables
    merges = tables["patient_merge"]
    ids = [
        patient.id,
        *connection.scalars(select(merges.c.merged_patient_id).where(merges.c.kept_patient_id == patient.id)),
    ]
    visits = tables["appointment"]
    own = select(visits.c.id).where(visits.c.patient_id.in_(ids))

    def of_patient(name: str) -> list[Row]:
        return _rows(connection, tables[name], tables[name].c.patient_id.in_(ids))

    def of_visits(name: str) -> list[Row]:
        return _rows(connection, tables[name], tables[name].c.appointment_id.in_(own))

    texts, acts = tables["message"], tables["may_act_for"]
    agreements = tables["text_agreement"].c
    of_account = agreements.phone_account_id == patient.account_id
    of_number = and_(texts.c.number == number, texts.c.patient_id.is_(None))
    return {
        "patient": _rows(connection, tables["patient"], tables["patient"].c.id.in_(ids)),
        "phone_account": _rows(connection, tables["phone_account"], tables["phone_account"].c.id == patient.account_id),
        "appointment": _named(connection, _rows(connection, visits, visits.c.patient_id.in_(ids))),
        "appointment_history": of_visits("appointment_history"),
        "appointment_note": of_visits("appointment_note"),
        "screening": of_patient("screening"),
        "ims_answer": of_visits("ims_answer"),
        "ims_review": of_visits("ims_review"),
        "private_visit": of_visits("private_visit"),
        "reminder": of_visits("reminder"),
        "reminder_call": of_visits("reminder_call"),
        "message": _readable(_rows(connection, texts, or_(texts.c.patient_id.in_(ids), of_number))),
        "patient_merge": _rows(connection, merges, merges.c.kept_patient_id == patient.id),
        "correction_request": of_patient("correction_request"),
        "text_agreement": _rows(connection, tables["text_agreement"], or_(of_account, agreements.patient_id.in_(ids))),
        "wrong_number": of_patient("wrong_number"),
        "may_act_for": _rows(connection, acts, or_(acts.c.patient_id.in_(ids), acts.c.actor_id.in_(ids))),
        "acting_code": of_patient("acting_code"),
        "number_request": of_patient("number_request"),
        "patient_number": of_patient("patient_number"),
        "lock_box": of_patient("lock_box"),
        "lock_box_opening": of_patient("lock_box_opening"),
        "retention_hold": of_patient("retention_hold"),
        "audit_line": of_patient("audit_line"),
        "look": of_patient("look"),
    }


def _rows(connection: Connection, table: Table, where: ColumnElement[bool]) -> list[Row]:
    columns = [column for column in table.c if column.name not in LEFT_OUT]
    # A visit's own number stays: its history and reminders refer to it.
    if table.name == "appointment":
        columns.insert(0, table.c.id)
    found = connection.execute(select(*columns).where(where).order_by(*table.primary_key.columns)).mappings()
    return [{name: _plain(value) for name, value in row.items()} for row in found]


def _named(connection: Connection, visits: list[Row]) -> list[Row]:
    """Treatments and practitioners by name, not by number."""
    tables = Base.metadata.tables
    named, who = tables["treatment"], tables["practitioner"]
    treatments = {row.id: row.name_en for row in connection.execute(select(named.c.id, named.c.name_en))}
    people = {row.id: f"{row.given_name} {row.family_name}" for row in connection.execute(select(who))}
    return [
        {
            **visit,
            "treatment": treatments.get(visit["treatment_id"]),
            "practitioner": people.get(visit["practitioner_id"]),
        }
        for visit in visits
    ]


def _readable(texts: Iterable[Row]) -> list[Row]:
    """Without codes, and with words for the signs that stand for files and for nothing."""
    return [
        {**text, "body": "" if text["kind"] == "code" or body == NO_WORDS else body.replace(ATTACHED, "[file]")}
        for text in texts
        for body in [text["body"]]
    ]


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date | datetime) else value
