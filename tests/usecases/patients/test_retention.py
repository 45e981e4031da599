"""Records whose time is over: blanked by the owner alone, and times and statuses kept."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import JSON, String, Text, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.models import (
    Appointment,
    AppointmentHistory,
    AppointmentNote,
    AuditLine,
    Base,
    CorrectionRequest,
    LockBox,
    LockBoxOpening,
    MayActFor,
    Message,
    NumberRequest,
    Patient,
    PatientNumber,
    PhoneAccount,
    RetentionHold,
    Screening,
    StaffUser,
)
from scheduler.queries.patients.retention import due_records
from scheduler.usecases.patients.retention import blank_record, hold_record, lift_hold
from tests.factories import NOW, local, make_appointment, make_clinic, make_patient
from tests.web.support.desk_staff import make_staff

OWNER = Actor("staff", "owner")
TODAY = date(2026, 11, 27)
THEN = date(2014, 3, 3)
SECRET = "Zebulon"


@pytest.fixture
def old(session: Session) -> Patient:
    """A record of which every column that can hold a word about the patient holds SECRET."""
    make_clinic(session)
    long_ago = NOW - timedelta(days=365 * 13)
    patient = make_patient(
        session, given_name=SECRET, family_name=SECRET, note=SECRET, cleared_by=SECRET, created_at=long_ago
    )
    visit = make_appointment(
        session, patient=patient, starts_local=local(THEN, "10:00"), status="completed", changed_why=SECRET
    )
    number = patient.phone_account.number
    session.add_all(
        (
            AppointmentNote(appointment_id=visit.id, words=SECRET, written_at=long_ago, written_by="staff:test"),
            Screening(
                appointment_id=visit.id,
                patient_id=patient.id,
                answers={"pregnancy": SECRET},
                flagged=True,
                note=SECRET,
                answered_at=long_ago,
            ),
            AuditLine(at=long_ago, actor="staff:test", what="patient.viewed", patient_id=patient.id, details=SECRET),
            PatientNumber(number=SECRET, patient_id=patient.id),
            *of_new_tables(session, patient, long_ago),
            *(
                Message(
                    direction=direction,
                    kind=kind,
                    number=number,
                    body=SECRET,
                    status=status,
                    created_at=long_ago,
                    patient_id=patient.id if direction == "out" else None,
                )
                for direction, kind, status in (("out", "confirmation", "delivered"), ("in", "inbound", "received"))
            ),
        )
    )
    session.commit()
    return patient


def of_new_tables(session: Session, patient: Patient, at: datetime) -> list[Base]:
    """What hangs on the patient but for the visits: who acts for them, their lock-box, a number they asked for, a hold."""
    other = make_patient(session)
    make_staff(session, "owner")
    staff = session.scalars(select(StaffUser)).one()
    box = LockBox(patient_id=patient.id, words=SECRET, placed_at=at, placed_by="staff:test")
    session.add(box)
    session.flush()
    asked = {"birth_date": patient.birth_date, "asked_at": at}
    return [
        CorrectionRequest(
            patient_id=patient.id,
            what_is_wrong=SECRET,
            should_say=SECRET,
            asked_at=at,
            asked_by="patient:1",
            answer="refused",
            answer_words=SECRET,
            answered_at=at,
            answered_by="staff:test",
            statement=SECRET,
            stated_at=at,
            stated_by="patient:1",
        ),
        MayActFor(
            actor_id=other.id,
            patient_id=patient.id,
            kind="adult",
            granted_at=at,
            granted_by="staff:test",
            how_asked=SECRET,
        ),
        LockBoxOpening(
            lock_box_id=box.id,
            patient_id=patient.id,
            staff_user_id=staff.id,
            reason=SECRET,
            opened_at=at,
            ends_at=at + timedelta(hours=1),
        ),
        NumberRequest(
            **asked, phone_account_id=other.phone_account_id, old_number=patient.phone_account.number
        ),  # open still
        NumberRequest(
            **asked,
            phone_account_id=patient.phone_account_id,
            old_number=SECRET,
            settled_at=at,
            settled_by="staff:test",
            patient_id=patient.id,
        ),
        RetentionHold(
            patient_id=patient.id,
            reason=SECRET,
            placed_at=at,
            placed_by="staff:test",
            lifted_at=at,
            lifted_by="staff:test",
        ),
    ]


def due(session: Session) -> list[int]:
    session.rollback()
    return [record.patient_id for record in due_records(session.connection(), today=TODAY, years=10)]


def blank(session: Session, patient: Patient) -> bool:
    return blank_record(session, public_id=patient.public_id, today=TODAY, years=10, actor=OWNER, now=NOW)


def everything(session: Session) -> str:
    session.rollback()
    rows = []
    for table in Base.metadata.sorted_tables:
        for row in session.execute(select(table)).mappings():
            words = [str(row[c.name]) for c in table.columns if isinstance(c.type, String | Text | JSON)]
            rows.append(f"{table.name}: {' '.join(words)}")
    return "\n".join(rows)


def test_blanking_leaves_no_word_about_the_patient_and_every_time_and_status(session: Session, old: Patient) -> None:
    number = old.phone_account.number
    before = everything(session)
    assert SECRET in before and number in before
    columns = (Appointment.status, Appointment.starts_local, Appointment.version)
    history = (AppointmentHistory.to_status, AppointmentHistory.to_starts_local, AppointmentHistory.changed_at)
    stood = session.execute(select(*columns)).all(), session.execute(select(*history)).all()
    assert due(session) == [old.id]
    assert blank(session, old)
    left = [line for line in everything(session).splitlines() if SECRET.lower() in line.lower() or number in line]
    assert left == []
    assert (session.execute(select(*columns)).all(), session.execute(select(*history)).all()) == stood
    assert due(session) == [] and not blank(session, old)
    lines = session.execute(select(AuditLine.what, AuditLine.actor).where(AuditLine.patient_id == old.id)).all()
    assert ("retention.blanked", "staff:owner") in [tuple(line) for line in lines]
    assert session.scalars(select(Patient.birth_date).where(Patient.id == old.id)).all() == [None]


def test_a_number_that_somebody_else_has_too_stays_theirs(session: Session, old: Patient) -> None:
    account_id, number = old.phone_account_id, old.phone_account.number
    other = make_patient(session)
    other.phone_account_id = account_id
    session.commit()
    assert blank(session, old)
    assert session.get_one(PhoneAccount, account_id).number == number


def test_a_held_record_stays_until_the_hold_is_lifted(session: Session, old: Patient) -> None:
    hold_record(session, public_id=old.public_id, reason="a claim", actor=OWNER, now=NOW)
    (record,) = due_records(session.connection(), today=TODAY, years=10)
    assert record.hold == "a claim" and not blank(session, old)
    lift_hold(session, hold_id=record.hold_id or 0, actor=OWNER, now=NOW)
    assert blank(session, old)


@pytest.mark.parametrize("later", ["visit", "note", "text", "correction", "minor"])
def test_a_later_visit_or_entry_and_youth_keep_a_record(session: Session, old: Patient, later: str) -> None:
    visit = session.scalars(select(Appointment)).one()
    if later == "visit":
        make_appointment(session, patient=old, starts_local=local(date(2019, 3, 4), "10:00"), status="cancelled")
    elif later == "note":
        session.add(AppointmentNote(appointment_id=visit.id, words="w", written_at=NOW, written_by="staff:test"))
    elif later == "correction":
        session.scalars(select(CorrectionRequest)).one().stated_at = NOW
    elif later == "text":
        session.add(
            Message(
                direction="out",
                kind="desk",
                number="+1",
                body="",
                status="sent",
                created_at=NOW - timedelta(days=30),
                patient_id=old.id,
            )
        )
    else:
        old.birth_date = date(2005, 1, 1)
    session.commit()
    assert due(session) == [] and not blank(session, old)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE appointment_history SET changed_why = NULL",
        "UPDATE appointment_note SET words = ''",
        "UPDATE audit_line SET details = ''",
    ],
)
def test_history_admits_blanking_of_a_blanked_record_and_nothing_else(
    session: Session, old: Patient, statement: str
) -> None:
    with pytest.raises(IntegrityError):
        session.execute(text(statement))
    session.rollback()
    assert blank(session, old)
    more = {
        "appointment_history": "to_status = 'booked'",
        "appointment_note": "written_by = 'x'",
        "audit_line": "actor = 'x'",
    }
    table = statement.split()[1]
    for odd in (
        f"{statement}, {more[table]}",
        statement.replace("NULL", "'other'").replace("''", "'other'"),
        f"DELETE FROM {table}",
    ):
        with pytest.raises(IntegrityError):
            session.execute(text(odd))
        session.rollback()
