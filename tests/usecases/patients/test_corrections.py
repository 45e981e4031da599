"""A patient asks for a correction; a practitioner or the owner answers; a no may be disputed in the patient's words."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.patients.corrections import days_left
from scheduler.models import AuditLine, CorrectionRequest, Patient
from scheduler.queries.patients import corrections, page
from scheduler.queries.patients.export import everything
from scheduler.usecases.patients.corrections import answer_correction, ask_for_correction, state_disagreement
from scheduler.usecases.patients.merging import merge_patients
from tests.factories import NOW, make_clinic, make_patient

PATIENT, PRIYA = Actor("patient", "7"), Actor("staff", "priya")


@pytest.fixture
def patient(session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session)


def ask(session: Session, patient: Patient, wrong: str = "the day") -> int:
    ask_for_correction(
        session,
        public_id=patient.public_id,
        what_is_wrong=wrong,
        should_say="another day",
        actor=PATIENT,
        now=NOW,
    )
    return session.scalars(select(CorrectionRequest.id).order_by(CorrectionRequest.id.desc())).first() or 0


def answer(session: Session, request_id: int, said: str, words: str = "") -> None:
    answer_correction(session, request_id=request_id, answer=said, words=words, actor=PRIYA, now=NOW)


def disagree(session: Session, patient: Patient, request_id: int, statement: str = "I was there.") -> None:
    state_disagreement(
        session, public_id=patient.public_id, request_id=request_id, statement=statement, actor=PATIENT, now=NOW
    )


def test_a_no_takes_its_reason_and_the_patients_own_statement_goes_along(session: Session, patient: Patient) -> None:
    request_id = ask(session, patient)
    with pytest.raises(Invalid):
        answer(session, request_id, "refused")
    answer(session, request_id, "refused", "It is as the diary says.")
    with pytest.raises(NotFound):
        answer(session, request_id, "corrected")
    disagree(session, patient, request_id)
    with pytest.raises(Invalid):
        disagree(session, patient, request_id, "Something else.")
    session.rollback()
    record = page.record(session.connection(), patient.public_id)
    (row,) = everything(session.connection(), record, number=None)["correction_request"]
    assert (row["answer"], row["answer_words"], row["statement"]) == (
        "refused",
        "It is as the diary says.",
        "I was there.",
    )
    lines = session.execute(select(AuditLine.what, AuditLine.actor).order_by(AuditLine.id)).all()
    assert [tuple(line) for line in lines] == [
        ("patient.correction_asked", "patient:7"),
        ("patient.correction_answered", "staff:priya"),
        ("patient.disagreed", "patient:7"),
    ]


def test_nobody_disagrees_with_a_yes_with_no_answer_or_for_another_patient(session: Session, patient: Patient) -> None:
    other = make_patient(session)
    opened, yes, no = ask(session, patient), ask(session, patient, "b"), ask(session, patient, "c")
    answer(session, yes, "corrected")
    answer(session, no, "refused", "because")
    for whose, request_id in ((patient, opened), (patient, yes), (other, no)):
        with pytest.raises(NotFound):
            disagree(session, whose, request_id)
        session.rollback()


def test_the_same_request_twice_is_one_and_five_may_wait(session: Session, patient: Patient) -> None:
    assert ask(session, patient) == ask(session, patient)
    for number in range(4):
        ask(session, patient, str(number))
    with pytest.raises(Invalid):
        ask(session, patient, "one more")
    session.rollback()
    assert corrections.number_waiting(session.connection()) == 5


def test_a_merged_record_brings_its_requests(session: Session, patient: Patient) -> None:
    other = make_patient(session)
    ask(session, other)
    merge_patients(session, kept=patient.public_id, merged=other.public_id, sure=True, now=NOW, actor=PRIYA)
    (one,) = corrections.of_patient(session.connection(), patient.id)
    assert one.what_is_wrong == "the day"


@pytest.mark.parametrize(("after", "left"), [(0, 30), (30, 0), (31, -1)])
def test_thirty_days_to_answer(after: int, left: int) -> None:
    asked = NOW.date()
    assert days_left(asked, asked + timedelta(days=after)) == left
