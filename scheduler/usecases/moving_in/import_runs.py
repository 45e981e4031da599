"""Which rows an import brought, and taking them back as a whole while nothing was built on them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    delete,
    exists,
    func,
    insert,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import NotFound
from scheduler.models import (
    Appointment,
    AuditLine,
    Base,
    ImportedRow,
    ImportRun,
    Look,
    Patient,
    PatientNumber,
    PatientSearchWord,
    PhoneAccount,
    PhoneNumberEnding,
    Reminder,
    RetentionAct,
    TextAgreement,
    Treatment,
)
from scheduler.models.base import Instant
from scheduler.usecases import audit
from scheduler.usecases.moving_in.importing import ImportSettings
from scheduler.usecases.moving_in.ims_counting import kept_from_counting, recount_all
from scheduler.usecases.patients.retention import BLANK_NAME
from scheduler.usecases.transaction import begin_write, retry_deadlocks

SHOWN = 20
TAKEN_BACK = "the import was taken back"
NOT_BUILT_ON_IT = {
    "patient": {"patient_search_word", "patient_number", "audit_line", "look"},
    "appointment": {"appointment_history", "ims_answer", "reminder"},
    "phone_account": {"phone_number_ending", "text_agreement"},
}
"""Tables whose rows come with a row of these, or only say that somebody looked."""


class BuiltOn(Exception):
    """So many of the import's `rows` were used or changed since."""

    def __init__(self, rows: int) -> None:
        super().__init__(f"{rows} rows of this import have been used or changed since")
        self.rows = rows


def begin_run(connection: Connection, settings: ImportSettings, *, what: str, rows: int) -> int:
    """In the transaction that imports; its id."""
    run = insert(ImportRun).values(
        what=what,
        file_name=settings.file_name[:120],
        rows=rows,
        imported_at=settings.now,
        imported_by=str(settings.actor)[:80],
    )
    key = connection.execute(run).inserted_primary_key
    assert key is not None  # noqa: S101 - one row was inserted
    return int(key[0])


def note_rows(connection: Connection, run_id: int, kind: str, ids: Select[Any]) -> None:
    """`ids` selects the rows' ids, and a number beside each when there is one."""
    chosen = ids.subquery()
    names = ["import_run_id", "kind", "row_id", *(["number"] if len(chosen.c) > 1 else [])]
    connection.execute(insert(ImportedRow).from_select(names, select(literal(run_id), literal(kind), *chosen.c)))


def latest(session: Session) -> list[ImportRun]:
    return list(session.scalars(select(ImportRun).order_by(ImportRun.id.desc()).limit(SHOWN)))


@retry_deadlocks
def take_back(session: Session, *, run_id: int, actor: Actor, now: datetime) -> ImportRun:
    """Everything that the run brought goes, or nothing does: then BuiltOn is raised.

    Visits lose their patient and expire, as holds do, so that their history stays; patients are deleted. The record of
    one whom somebody looked at stays without anything in it, because the audit log names it.
    """
    begin_write(session)
    run = session.get(ImportRun, run_id, with_for_update=True)
    if run is None or run.taken_back_at is not None:
        raise NotFound("import")
    if built_on := _built_on(session.connection(), run):
        raise BuiltOn(built_on)
    try:
        (_take_back_visits if run.what == "visits" else _take_back_patients)(session.connection(), run, actor, now)
        run.taken_back_at, run.taken_back_by = now, str(actor)[:80]
        audit.note(
            session,
            what=audit.IMPORT_TAKEN_BACK,
            actor=actor,
            now=now,
            details=f"{run.rows} {run.what}, import {run.id}",
        )
        session.commit()
    except IntegrityError:  # somebody was quicker
        session.rollback()
        raise BuiltOn(1) from None
    return run


def _built_on(connection: Connection, run: ImportRun) -> int:
    if run.what == "visits":
        since = or_(
            _exists(Appointment, Appointment.version != 1),
            exists().where(
                Reminder.appointment_id == ImportedRow.row_id, Reminder.status.not_in(("planned", "superseded"))
            ),
            *_referenced("appointment"),
        )
        return _count(connection, run, "visit", since) + _count(connection, run, "cleared", _relies_on_clearance(run))
    since = or_(_exists(Patient, Patient.version != 1), *_referenced("patient"))
    return _count(connection, run, "patient", since)


def _relies_on_clearance(run: ImportRun) -> ColumnElement[bool]:
    """A visit still active, not of this import, that needs the clearance which the import gave."""
    brought = select(ImportedRow.row_id).where(ImportedRow.import_run_id == run.id, ImportedRow.kind == "visit")
    return exists().where(
        Appointment.patient_id == ImportedRow.row_id,
        Appointment.active,
        Appointment.created_at >= run.imported_at,
        Appointment.treatment_id.in_(select(Treatment.id).where(Treatment.needs_clearance)),
        Appointment.id.not_in(brought),
    )


def _take_back_visits(connection: Connection, run: ImportRun, actor: Actor, now: datetime) -> None:
    around = kept_from_counting(connection, connection.scalars(_ids(run, "visit")).all())
    connection.execute(
        update(Appointment)
        .where(Appointment.id.in_(_ids(run, "visit")))
        .values(
            status="expired",
            ims_given=None,
            ims_open=False,
            patient_id=None,
            version=Appointment.version + 1,
            changed_at=now,
            changed_by=str(actor)[:80],
            changed_why=TAKEN_BACK,
        )
    )
    recount_all(connection, around, now=now, actor=actor)
    connection.execute(
        update(Patient)
        .where(Patient.id.in_(_ids(run, "cleared")), Patient.cleared_by == run.imported_by)
        .where(Patient.cleared_for_ims_at <= run.imported_at)  # since their last IMS; one given here since then stays
        .values(cleared_for_ims_at=None, cleared_by=None, clearing_practitioner_id=None, version=Patient.version + 1)
    )


def _take_back_patients(connection: Connection, run: ImportRun, actor: Actor, now: datetime) -> None:
    brought = _ids(run, "patient")
    connection.execute(delete(PatientSearchWord).where(PatientSearchWord.patient_id.in_(brought)))
    numbers = select(ImportedRow.number).where(ImportedRow.import_run_id == run.id, ImportedRow.kind == "number")
    connection.execute(
        delete(PatientNumber).where(or_(PatientNumber.patient_id.in_(brought), PatientNumber.number.in_(numbers)))
    )
    looked_at = or_(exists().where(AuditLine.patient_id == Patient.id), exists().where(Look.patient_id == Patient.id))
    connection.execute(delete(Patient).where(Patient.id.in_(brought), ~looked_at))
    left = select(Patient.id, literal(now, Instant), literal(str(actor)[:80])).where(Patient.id.in_(brought))
    connection.execute(insert(RetentionAct).from_select(["patient_id", "blanked_at", "blanked_by"], left))
    connection.execute(
        update(Patient)
        .where(Patient.id.in_(brought))
        .values(
            given_name=BLANK_NAME,
            family_name=BLANK_NAME,
            birth_date=None,
            phone_account_id=None,
            cleared_for_ims_at=None,
            cleared_by=None,
            clearing_practitioner_id=None,
            restricted_at=now,
            restricted_by=str(actor)[:80],
            version=Patient.version + 1,
        )
    )
    _take_back_phones(connection, run)


def _take_back_phones(connection: Connection, run: ImportRun) -> None:
    """Those that nobody has, and that never got a text or a code."""
    phones = [
        *connection.scalars(
            select(ImportedRow.row_id).where(
                ImportedRow.import_run_id == run.id,
                ImportedRow.kind == "phone",
                ~or_(
                    _exists(PhoneAccount, PhoneAccount.verified_at.is_not(None)),
                    exists().where(TextAgreement.phone_account_id == ImportedRow.row_id, TextAgreement.how != "import"),
                    *_referenced("phone_account"),
                ),
            )
        )
    ]
    for begin in range(0, len(phones), 500):
        some = phones[begin : begin + 500]
        connection.execute(delete(PhoneNumberEnding).where(PhoneNumberEnding.phone_account_id.in_(some)))
        connection.execute(delete(TextAgreement).where(TextAgreement.phone_account_id.in_(some)))
        connection.execute(delete(PhoneAccount).where(PhoneAccount.id.in_(some)))


def _ids(run: ImportRun, kind: str) -> Select[int]:
    return select(ImportedRow.row_id).where(ImportedRow.import_run_id == run.id, ImportedRow.kind == kind)


def _count(connection: Connection, run: ImportRun, kind: str, since: ColumnElement[bool]) -> int:
    rows = select(func.count()).select_from(ImportedRow)
    mine = rows.where(ImportedRow.import_run_id == run.id, ImportedRow.kind == kind)
    return connection.scalar(mine.where(since)) or 0


def _exists(model: Any, condition: ColumnElement[bool]) -> ColumnElement[bool]:
    return exists().where(model.id == ImportedRow.row_id, condition)


def _referenced(table: str) -> Iterator[ColumnElement[bool]]:
    """Whether any other table names the row; new tables are found by themselves."""
    for other in Base.metadata.sorted_tables:
        if other.name in NOT_BUILT_ON_IT[table]:
            continue
        for key in other.foreign_keys:
            if key.column.table.name == table:
                yield exists().where(other.c[key.parent.name] == ImportedRow.row_id)
