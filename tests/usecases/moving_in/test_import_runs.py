"""An import is taken back as a whole, while nothing was built on it."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon
from scheduler.domain.errors import NotFound
from scheduler.domain.patients.search import criteria_of
from scheduler.models import (
    Appointment,
    AppointmentHistory,
    AuditLine,
    ImportRun,
    Patient,
    PatientNumber,
    PatientSearchWord,
    PhoneAccount,
    PhoneNumberEnding,
    Reminder,
)
from scheduler.queries.patients import search
from scheduler.usecases import audit
from scheduler.usecases.booking.booking import book_slot
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.moving_in import import_runs
from scheduler.usecases.patients.retention import BLANK_NAME
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_clinic, make_patient
from tests.usecases.moving_in.test_importing import PATIENTS, count, patients, told, visits

AFTER = NOW + timedelta(minutes=5)
COMING = "7;2026-12-07;10:00;IMS;p1"
PAST = ("7;2026-11-25;10:00;IMS;p1", "8;2026-11-24;10:00;IMS;p1")


def take_back(session: Session, what: str) -> ImportRun:
    run = session.scalars(select(ImportRun.id).where(ImportRun.what == what).order_by(ImportRun.id.desc())).first()
    assert run is not None
    return import_runs.take_back(session, run_id=run, actor=STAFF, now=AFTER)


def book_ims(session: Session, patient: int, day: date) -> None:
    book_slot(
        session,
        BookingRequest(
            clinic=CLINIC,
            patient=patient,
            treatment="ims",
            practitioner="p1",
            starts_local=local(day, "10:00"),
            now=NOW,
            actor=STAFF,
            origin="desk",
        ),
    )


def test_patients_go_with_all_that_came_with_them(session: Session) -> None:
    here = make_patient(session, number="+16135550142", birth_date=date(1950, 1, 1))
    patients(session, PATIENTS, file_name="old.csv")
    run = take_back(session, "patients")
    assert (run.file_name, run.rows, run.taken_back_by) == ("old.csv", 3, str(STAFF))
    assert session.scalars(select(Patient.id)).all() == [here.id]
    assert session.scalars(select(PhoneAccount.number)).all() == ["+16135550142"], "it was here before"
    assert count(session, PatientNumber) == 0
    words = session.scalars(select(PatientSearchWord.patient_id)).all()
    assert set(words) <= {here.id}
    what = select(AuditLine.what).order_by(AuditLine.id.desc())
    assert session.scalars(what).first() == audit.IMPORT_TAKEN_BACK
    assert patients(session, PATIENTS).imported == 3, "and the right file can come"


def test_telephone_numbers_that_nobody_has_go_as_well(session: Session) -> None:
    patients(session, PATIENTS)
    take_back(session, "patients")
    assert (count(session, Patient), count(session, PhoneAccount), count(session, PhoneNumberEnding)) == (0, 0, 0)


def test_the_number_of_somebodys_file_goes_and_the_patient_who_was_here_stays(session: Session) -> None:
    patients(session, "Given name,Surname,DOB\nIda,Roy,1979-08-02")
    patients(session, "Given name,Surname,DOB,Chart\nIda,Roy,1979-08-02,12\nEve,Roy,1979-08-03,13")
    take_back(session, "patients")
    assert session.scalars(select(Patient.given_name)).all() == ["Ida"]
    assert count(session, PatientNumber) == 0


def test_visits_go_and_count_for_nothing_while_their_history_stays(session: Session) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    visits(session, *PAST, COMING, clear_for_ims=True)
    zoe = session.scalars(select(Patient).where(Patient.given_name == "Zoë")).one()
    amelie = session.scalars(select(Patient.id).where(Patient.given_name == "Amélie")).one()
    assert zoe.cleared_for_ims_at is not None
    with pytest.raises(TreatmentTooSoon):
        book_ims(session, amelie, MONDAY)
    take_back(session, "visits")
    assert set(session.execute(select(Appointment.status, Appointment.patient_id, Appointment.active))) == {
        ("expired", None, False)
    }
    assert set(session.scalars(select(Reminder.status))) == {"superseded"}
    lines = select(AppointmentHistory.changed_why).where(AppointmentHistory.version == 2)
    assert set(session.scalars(lines)) == {import_runs.TAKEN_BACK}
    session.refresh(zoe)
    assert zoe.cleared_for_ims_at is None
    book_ims(session, amelie, MONDAY)
    kept = visits(session, PAST[0])
    assert [(note.row, note.kind) for note in kept.notes] == [(2, "must_move")], "five days before the one booked now"


def test_visits_go_before_their_patients_and_then_those_go_too(session: Session) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    visits(session, *PAST)
    with pytest.raises(import_runs.BuiltOn) as refused:
        take_back(session, "patients")
    assert refused.value.rows == 2
    take_back(session, "visits")
    take_back(session, "patients")
    assert count(session, Patient) == 0


def test_what_was_built_on_it_keeps_it_here(session: Session) -> None:
    make_clinic(session)
    patients(session, PATIENTS)
    visits(session, *PAST, clear_for_ims=True)
    zoe = session.scalars(select(Patient.id).where(Patient.given_name == "Zoë")).one()
    book_ims(session, zoe, date(2026, 12, 8))
    for what in ("visits", "patients"):
        with pytest.raises(import_runs.BuiltOn):
            take_back(session, what)
    assert count(session, Patient) == 3
    assert session.scalar(select(func.count()).select_from(Appointment).where(Appointment.active)) == 3


def test_a_patient_who_was_changed_keeps_the_import_here(session: Session) -> None:
    patients(session, PATIENTS)
    zoe = session.scalars(select(Patient).where(Patient.given_name == "Zoë")).one()
    zoe.version += 1
    session.commit()
    with pytest.raises(import_runs.BuiltOn):
        take_back(session, "patients")


def test_a_record_that_somebody_looked_at_stays_empty_for_the_audit_log(session: Session) -> None:
    patients(session, PATIENTS)
    zoe = session.scalars(select(Patient.id).where(Patient.given_name == "Zoë")).one()
    session.rollback()
    audit.note_view(session, actor=STAFF, now=NOW, patient_id=zoe)
    take_back(session, "patients")
    left = session.scalars(select(Patient)).one()
    assert (left.id, left.full_name, left.birth_date, left.phone_account_id) == (
        zoe,
        f"{BLANK_NAME} {BLANK_NAME}",
        None,
        None,
    )
    for typed in ("zoe", "levesque", "613 555 0142"):
        assert search.find(session.connection(), criteria_of(typed)) == []
    assert (told(patients(session, PATIENTS)), count(session, Patient)) == ([], 4)


def test_an_import_is_taken_back_once(session: Session) -> None:
    patients(session, PATIENTS)
    take_back(session, "patients")
    with pytest.raises(NotFound):
        take_back(session, "patients")
    with pytest.raises(NotFound):
        import_runs.take_back(session, run_id=999, actor=STAFF, now=AFTER)
