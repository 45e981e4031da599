"""Every change of a patient leaves a line that nobody can take back."""

from datetime import date

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.refusals import PatientRestricted
from scheduler.domain.errors import Invalid
from scheduler.domain.patients.refusals import PatientChanged
from scheduler.domain.patients.search import criteria_of
from scheduler.models import AuditLine, Patient, Reminder
from scheduler.models.constraints import violated
from scheduler.queries.patients.search import find
from scheduler.usecases import audit
from scheduler.usecases.booking.booking import book_slot
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.patients import patients
from scheduler.usecases.patients.clearance import Decider
from scheduler.usecases.patients.elsewhere import record_elsewhere, take_back_elsewhere
from scheduler.usecases.texts.sending.reminders import claim_due
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient

OWNER = Actor("staff", "olga", "192.0.2.7")
TODAY = date(2026, 11, 27)


def lines(session: Session) -> list[tuple[str, str]]:
    return [(line.what, line.details) for line in session.scalars(select(AuditLine).order_by(AuditLine.id))]


def update_of(session: Session, patient: Patient, **changes: object) -> Patient:
    return patients.update_patient(
        session,
        **{"public_id": patient.public_id, "now": NOW, "today": TODAY, "actor": OWNER, **changes},  # type: ignore[arg-type]
    )


def test_each_change_says_who_when_what_and_from_where(session: Session) -> None:
    make_clinic(session)
    patient = patients.register_patient(
        session,
        given_name="Amélie",
        family_name="Lévesque",
        birth_date=date(1986, 3, 14),
        phone="+16135550142",
        language="en",
        now=NOW,
        today=TODAY,
        actor=OWNER,
        cleared=Decider("owner", named="p1"),
    )
    update_of(session, patient, family_name="Roy", phone="+16135550143", note="Prefers mornings")
    update_of(session, patient, family_name="Roy", phone="+16135550143")  # nothing changes
    update_of(session, patient, takes_clearance_back=True)
    patients.restrict_patient(session, public_id=patient.public_id, restricted=True, now=NOW, actor=OWNER)
    patients.restrict_patient(session, public_id=patient.public_id, restricted=False, now=NOW, actor=OWNER)
    audit.note_view(session, actor=OWNER, now=NOW, patient_id=patient.id)
    assert lines(session) == [
        ("patient.registered", ""),
        ("patient.cleared", "p1"),
        ("patient.changed", "family_name, phone_account, note"),
        ("patient.clearance_taken_back", ""),
        ("patient.restricted", ""),
        ("patient.released", ""),
        ("patient.viewed", ""),
    ]
    line = session.scalars(select(AuditLine).limit(1)).one()
    assert (line.at, line.actor, line.address, line.patient_id) == (NOW, "staff:olga", "192.0.2.7", patient.id)
    assert [found.family_name for found in find(session.connection(), criteria_of("roy 0143"))] == ["Roy"]


def test_a_change_refused_leaves_no_line(session: Session) -> None:
    patient = make_patient(session)
    with pytest.raises(Invalid):
        update_of(session, patient, given_name="x" * 200)
    with pytest.raises(PatientChanged):
        update_of(session, patient, given_name="Zoë", expected_version=7)
    assert lines(session) == []


def test_of_two_receptionists_the_second_is_told(session: Session) -> None:
    patient = make_patient(session)
    update_of(session, patient, note="first", expected_version=1)
    with pytest.raises(PatientChanged) as refused:
        update_of(session, patient, note="second", expected_version=1)
    assert refused.value.current_version == 2
    assert session.get_one(Patient, patient.id).note == "first"


@pytest.mark.parametrize("change", [update(AuditLine).values(what="x"), delete(AuditLine), text("TRUNCATE audit_line")])
def test_nothing_is_taken_back(session: Session, change: object) -> None:
    audit.note_view(session, actor=OWNER, now=NOW, patient_id=make_patient(session).id)
    if "TRUNCATE" in str(change) and session.get_bind().dialect.name == "sqlite":
        pytest.skip("SQLite knows no TRUNCATE")
    with pytest.raises(IntegrityError) as refused:
        session.execute(change)  # type: ignore[call-overload]
    assert violated(refused.value) == "audit_is_append_only"


def test_ims_elsewhere_is_noted_and_its_taking_back(session: Session) -> None:
    make_clinic(session)
    patient = make_patient(session)
    there = record_elsewhere(session, clinic=CLINIC, patient_id=patient.id, day=TODAY, now=NOW, actor=STAFF)
    take_back_elsewhere(session, public_id=there.public_id, reason="", now=NOW, actor=STAFF)
    assert lines(session) == [
        ("patient.ims_elsewhere", "2026-11-27"),
        ("patient.ims_elsewhere_taken_back", "2026-11-27"),
    ]


def test_a_restricted_patient_books_at_the_desk_alone_and_gets_no_texts(session: Session) -> None:
    make_clinic(session)
    patient = make_patient(session)
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    session.add(Reminder(appointment_id=visit.id, version=1, kind="days_before_3", due_at=NOW, next_attempt_at=NOW))
    session.commit()
    patients.restrict_patient(session, public_id=patient.public_id, restricted=True, now=NOW, actor=OWNER)

    def book(actor: Actor) -> None:
        book_slot(
            session,
            BookingRequest(
                clinic=CLINIC,
                patient=patient.id,
                treatment="follow-up",
                practitioner=None,
                starts_local=local(MONDAY, "14:00"),
                now=NOW,
                actor=actor,
                origin="desk",
            ),
        )

    for outside in (Actor("patient", "1"), Actor("token", "website")):
        with pytest.raises(PatientRestricted):
            book(outside)
    book(STAFF)
    session.rollback()
    claim = claim_due(session.get_bind(), clinic=CLINIC, now=NOW, limit=10, gateway="twilio")  # type: ignore[arg-type]
    assert claim.outgoing == []
    assert {(r.status, r.reason) for r in session.scalars(select(Reminder)) if r.due_at == NOW} == {
        ("suppressed", "restricted")
    }
