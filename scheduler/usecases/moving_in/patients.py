"""Patients from a CSV file: all of them, or none and every reason why not."""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any, cast

from sqlalchemy import Column, Connection, Integer, String, Table, exists, func, insert, select
from sqlalchemy.orm import Session

from scheduler.domain.moving_in.problems import BadValue, Remark, Report, UnusableFile
from scheduler.domain.moving_in.values import parse_date, parse_full_name, parse_language, parse_yes_no
from scheduler.domain.patients import person_name
from scheduler.domain.patients.person_name import tidy_name
from scheduler.gateways import phone_numbers
from scheduler.models import Patient, PatientNumber, PatientSearchWord, PhoneAccount
from scheduler.models.base import public_id
from scheduler.models.patients import search
from scheduler.models.patients.patient import feed_token
from scheduler.queries.clinic import reference
from scheduler.usecases.moving_in.import_runs import begin_run, note_rows
from scheduler.usecases.moving_in.importing import (
    LONGEST_NUMBER,
    ImportSettings,
    Opened,
    Progress,
    Row,
    merges,
    name_key,
    no_progress,
    note_imported,
    numbers_here,
)
from scheduler.usecases.moving_in.known_people import KnownPeople, NewPatient
from scheduler.usecases.moving_in.staging import begin_writing, give_up_writing, stage, staging
from scheduler.usecases.patients.patients import OLDEST
from scheduler.usecases.texts.agreements import brought
from scheduler.usecases.transaction import retry_deadlocks

PHONES, PATIENTS, NUMBERS, WORDS = (
    cast(Table, model.__table__) for model in (PhoneAccount, Patient, PatientNumber, PatientSearchWord)
)
COLUMNS = (
    *("public_id", "given_name", "family_name", "birth_date", "language", "cleared_for_ims_at", "cleared_by"),
    *("clearing_practitioner_id", "feed_token", "created_at"),
)
SELECTED = 500  # values in one IN
_PUNCTUATION = re.compile(r"[\s().+-]")
_NUMBER = re.compile(phone_numbers.pattern())


@retry_deadlocks
def import_patients(
    session: Session, opened: Opened, *, settings: ImportSettings, progress: Progress = no_progress
) -> Report:
    """Nothing is written while the report has a problem, or on a dry run.

    Who is here already under the same name and birth date, on the same number or on none, is left out.
    """
    opened.require_columns()
    with staging(session) as connection:
        report = _imported(connection, opened, settings, progress)
        if report is None:  # somebody was registered or merged meanwhile: once more, with others waiting
            give_up_writing(connection)
            begin_writing(connection)
            report = _imported(connection, opened, settings, progress, waited_for=True)
        assert report is not None  # noqa: S101 - nothing changes while we write
    return report


def _imported(
    connection: Connection, opened: Opened, settings: ImportSettings, progress: Progress, *, waited_for: bool = False
) -> Report | None:
    """None when something changed meanwhile."""
    report, before, decider_id = Report(), _state(connection), _decider_id(connection, settings)
    read = list(_read(opened, settings, report, progress))
    fresh, numbers = _sort_out(connection, read, numbers_here(connection), settings, report)
    if not report.fits or settings.dry_run:
        return report
    staged = _stage(connection, fresh, numbers, settings, decider_id, progress)
    progress("placing", 0, 0)
    if not waited_for:
        begin_writing(connection)
        if _state(connection) != before:
            return None
    run_id = begin_run(connection, settings, what="patients", rows=len(fresh))
    _write(connection, run_id, settings, *staged)
    note_imported(connection, settings, f"{len(fresh)} patients")
    report.imported = len(fresh)
    connection.commit()
    return report


def _decider_id(connection: Connection, settings: ImportSettings) -> int | None:
    """Refuses with UnusableFile whoever may not decide about IMS."""
    if not settings.cleared_by:
        return None
    able = [who for who in reference.current(connection).practitioners if who.can_needle]
    found = next((who.id for who in able if who.slug == settings.cleared_by), None)
    if found is None:
        raise UnusableFile("no_such_name", settings.cleared_by)
    return found


def _state(connection: Connection) -> tuple[int, int]:
    return connection.scalar(select(func.max(Patient.id))) or 0, merges(connection)


def _read(opened: Opened, settings: ImportSettings, report: Report, progress: Progress) -> Iterator[NewPatient]:
    phones: dict[str, str | None] = {}
    for number, row in opened.rows(report):
        if report.rows % 1_000 == 0:
            progress("reading", report.rows, 0)
        try:
            yield _patient(number, row, settings, report, phones)
        except BadValue as bad:
            report.problems.append(Remark(number, bad.kind, bad.value))


def _patient(
    number: int, row: Row, settings: ImportSettings, report: Report, phones: dict[str, str | None]
) -> NewPatient:
    if row.is_too_long:
        raise BadValue("too_many_cells")
    given_name, family_name = names_in(row)
    if len(row["number"]) > LONGEST_NUMBER:
        raise BadValue("number_too_long", row["number"])
    birth_date = parse_date(row["birth_date"], settings.date_order) if row["birth_date"] else None
    if birth_date is not None and birth_date > settings.today:
        raise BadValue("birth_in_future", row["birth_date"])
    if birth_date is not None and birth_date.year < settings.today.year - OLDEST:
        raise BadValue("birth_long_ago", row["birth_date"])
    return NewPatient(
        row=number,
        number=row["number"],
        given_name=given_name,
        family_name=family_name,
        birth_date=birth_date,
        phone=_phone(number, row["phone"], settings, report, phones),
        language=parse_language(row["language"]) if row["language"] else "en",
        cleared=parse_yes_no(row["cleared"]),
        key=name_key(given_name, family_name),
    )


def names_in(row: Row) -> tuple[str, str]:
    """Given and family name, of one column or two."""
    for field in ("given_name", "family_name", "name"):
        if person_name.is_garbled(row[field]):
            raise BadValue("garbled_name", row[field])
    given_name, family_name = _tidied(row["given_name"]), _tidied(row["family_name"])
    if not given_name and not family_name and row["name"]:
        parts = [_tidied(part) for part in row["name"].split(",")]
        given_name, family_name = parse_full_name(", ".join(parts))
    if not given_name or not family_name:
        raise BadValue("no_name")
    for name in (given_name, family_name):
        if len(name) > person_name.LONGEST:
            raise BadValue("name_too_long", name)
    return given_name, family_name


def _tidied(name: str) -> str:
    """Looked at before it is tidied: a control character is a letter that was read wrongly, and tidying drops it."""
    if person_name.is_no_name(name):
        raise BadValue("odd_name", person_name.with_controls_shown(name))
    return tidy_name(name)


def _phone(
    number: int, text: str, settings: ImportSettings, report: Report, phones: dict[str, str | None]
) -> str | None:
    if not text:
        return None
    if text not in phones:
        try:
            phones[text] = _plain_number(text) or phone_numbers.parse(text)
        except phone_numbers.BadPhoneNumber:
            phones[text] = None
    found = phones[text]
    if found is None and not settings.without_bad_phones:
        raise BadValue("bad_phone", text)
    if found is None:
        report.notes.append(Remark(number, "without_phone", text))
    return found


def _plain_number(text: str) -> str | None:
    """The usual ten digits at a hundredth of what the library takes; None leaves it to the library."""
    if not set(phone_numbers.UNLESS_SET) <= set(phone_numbers.served()):
        return None
    digits = _PUNCTUATION.sub("", text)
    number = f"+1{digits[-10:]}"
    usual = digits.isascii() and digits.isdigit() and (len(digits) == 10 or (len(digits) == 11 and digits[0] == "1"))
    return number if usual and _NUMBER.fullmatch(number) else None


def _sort_out(
    connection: Connection, read: list[NewPatient], here: dict[str, int], settings: ImportSettings, report: Report
) -> tuple[list[NewPatient], dict[str, int]]:
    """Those to be written; and the numbers in the file of patients who are here already."""
    known = KnownPeople(connection, {patient.birth_date for patient in read})
    owners: dict[str, int] = {}
    fresh: list[NewPatient] = []
    numbers: dict[str, int] = {}
    for patient in read:
        try:
            same = known.same_as(patient, settings.same_person.get(patient.row))
        except BadValue as unclear:
            report.problems.append(Remark(patient.row, unclear.kind, unclear.value, unclear.other))
            continue
        owner = here.get(patient.number) if patient.number else None
        if owner is not None and (same is None or same.patient_id != owner):
            report.problems.append(Remark(patient.row, "number_taken", patient.number))
        elif same is not None and same.row:
            _left_out(report, patient, same.row, owners)
        elif same is not None:
            report.left_out.append(Remark(patient.row, "already_here"))
            if patient.number and owner is None:
                numbers[patient.number] = same.patient_id
        elif patient.number in owners:
            report.problems.append(Remark(patient.row, "number_twice", patient.number, str(owners[patient.number])))
        else:
            fresh.append(patient)
            if patient.number:
                owners[patient.number] = patient.row
            if remark := known.perhaps(patient):
                report.notes.append(remark)
            known.add(patient)
    return fresh, numbers


def _left_out(report: Report, patient: NewPatient, first_row: int, owners: dict[str, int]) -> None:
    """Two numbers for one person would lose the visits of the second: that is for a human."""
    if patient.number and owners.get(patient.number) != first_row:
        report.problems.append(Remark(patient.row, "same_as_row", patient.number, str(first_row)))
    else:
        report.left_out.append(Remark(patient.row, "same_as_row", other=str(first_row)))


def _stage(
    connection: Connection,
    fresh: list[NewPatient],
    numbers: dict[str, int],
    settings: ImportSettings,
    decider_id: int | None,
    progress: Progress,
) -> tuple[Table, Table, Table, Table]:
    """Temporary tables of telephone numbers, patients (by number), words of names and patient numbers (both by public
    ids, but for those of patients who are here)."""
    prepared = 0

    def done(more: int) -> None:
        nonlocal prepared
        prepared += more
        progress("writing", prepared, len(fresh))

    languages = {patient.phone: patient.language for patient in reversed(fresh) if patient.phone}
    accounts = (
        {"number": number, "language": language, "created_at": settings.now} for number, language in languages.items()
    )
    publics = {patient.row: public_id() for patient in fresh}
    people = (_columns(patient, publics[patient.row], settings, decider_id) for patient in fresh)
    words = (
        {"public_id": publics[patient.row], "word": word["word"], "names": word["names"]}
        for patient in fresh
        for word in search.rows_of(0, patient.given_name, patient.family_name)
    )
    files: list[dict[str, Any]] = [{"number": n, "patient_id": key, "public_id": None} for n, key in numbers.items()]
    files += [
        {"number": patient.number, "patient_id": None, "public_id": publics[patient.row]}
        for patient in fresh
        if patient.number
    ]
    by_id = partial(Column, "public_id", String(32))
    return (
        stage(connection, PHONES, ("number", "language", "created_at"), accounts),
        stage(connection, PATIENTS, COLUMNS, people, Column("number", String(16)), Column("row", Integer), done=done),
        stage(connection, WORDS, ("word", "names"), words, by_id()),
        stage(connection, NUMBERS, ("number", "patient_id"), files, by_id()),
    )


def _write(
    connection: Connection,
    run_id: int,
    settings: ImportSettings,
    phones: Table,
    people: Table,
    words: Table,
    files: Table,
) -> None:
    now = settings.now
    is_here = exists().where(PHONES.c.number == phones.c.number)
    connection.execute(insert(PHONES).from_select(phones.c.keys(), select(phones).where(~is_here)))
    with_account = select(*(people.c[name] for name in COLUMNS), PHONES.c.id).join_from(
        people, PHONES, PHONES.c.number == people.c.number, isouter=True
    )
    with_account = with_account.order_by(people.c.row)
    connection.execute(insert(PATIENTS).from_select((*COLUMNS, "phone_account_id"), with_account))
    new_phones = select(PHONES.c.id).join_from(phones, PHONES, PHONES.c.number == phones.c.number)
    note_rows(connection, run_id, "phone", new_phones.where(PHONES.c.created_at == now))
    brought(connection, new_phones.where(PHONES.c.created_at == now), by=str(settings.actor), now=now)
    written = select(PATIENTS.c.id).join_from(people, PATIENTS, PATIENTS.c.public_id == people.c.public_id)
    note_rows(connection, run_id, "patient", written)
    numbered_here = select(files.c.patient_id, files.c.number).where(files.c.patient_id.is_not(None))
    note_rows(connection, run_id, "number", numbered_here)
    of_patient = select(PATIENTS.c.id, words.c.word, words.c.names).join_from(
        words, PATIENTS, PATIENTS.c.public_id == words.c.public_id
    )
    connection.execute(insert(WORDS).from_select(("patient_id", "word", "names"), of_patient))
    numbered = select(files.c.number, func.coalesce(files.c.patient_id, PATIENTS.c.id)).join_from(
        files, PATIENTS, PATIENTS.c.public_id == files.c.public_id, isouter=True
    )
    connection.execute(insert(NUMBERS).from_select(("number", "patient_id"), numbered))


def _columns(patient: NewPatient, public: str, settings: ImportSettings, decider_id: int | None) -> dict[str, Any]:
    return {
        "public_id": public,
        "given_name": patient.given_name,
        "family_name": patient.family_name,
        "birth_date": patient.birth_date,
        "number": patient.phone,
        "row": patient.row,
        "language": patient.language,
        "cleared_for_ims_at": settings.now if patient.cleared else None,
        "cleared_by": str(settings.actor) if patient.cleared else None,
        "clearing_practitioner_id": decider_id if patient.cleared else None,
        "feed_token": feed_token(),
        "created_at": settings.now,
    }
