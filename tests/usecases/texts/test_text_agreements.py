"""Agreement to texts is kept with its time and words, and a no ends them."""

from datetime import date, timedelta

import pytest
from sqlalchemy import delete, select, text, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid
from scheduler.models import Patient, PhoneAccount, TextAgreement
from scheduler.models.constraints import violated
from scheduler.queries.patients import page
from scheduler.queries.texts.agreements import of_patient
from scheduler.usecases.moving_in.import_runs import latest, take_back
from scheduler.usecases.moving_in.importing import open_file
from scheduler.usecases.moving_in.patients import import_patients
from scheduler.usecases.patients.merging import merge_patients
from scheduler.usecases.patients.patients import register_patient, say_about_texts, update_patient
from scheduler.usecases.texts.agreements import TOLD_US, Said, agree_by_code
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from tests.factories import CLINIC, NOW, make_clinic, make_patient
from tests.usecases.moving_in.test_importing import SETTINGS

DESK = Actor("staff", "rita")
YES, NO = Said(True, "desk", "Do you agree?"), Said(False, "desk", "Do you agree?")
TODAY = date(2026, 11, 27)


@pytest.fixture
def patient(session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session)


def lines(session: Session) -> list[tuple[bool, str, str, str]]:
    found = session.scalars(select(TextAgreement).order_by(TextAgreement.id))
    return [(one.agrees, one.how, one.words, one.said_by) for one in found]


def register(session: Session, said: Said | None, phone: str = "+16135550101", name: str = "Zoé") -> Patient:
    return register_patient(
        session,
        given_name=name,
        family_name="Roy",
        birth_date=date(1990, 1, 2),
        phone=phone,
        language="fr",
        now=NOW,
        today=TODAY,
        actor=DESK,
        texts=said,
    )


def receive_word(session: Session, number: str, word: str, minutes: int) -> None:
    text = IncomingText(sid=f"SM{minutes:032}", number=number, body=word)
    receive(session, text, clinic=CLINIC, now=NOW + timedelta(minutes=minutes))


def test_a_yes_at_the_desk_is_kept_with_its_words_and_a_no_ends_texts(session: Session) -> None:
    yes = register(session, YES)
    assert yes.phone_account and yes.phone_account.opted_out_at is None
    no = register(session, NO, phone="+16135550102")
    assert no.phone_account and (no.phone_account.opted_out_at, no.phone_account.opted_out_by) == (NOW, TOLD_US)
    assert lines(session) == [
        (True, "desk", "Do you agree?", "staff:rita"),
        (False, "desk", "Do you agree?", "staff:rita"),
    ]


def test_a_no_for_a_new_record_leaves_what_the_others_on_the_number_said(session: Session) -> None:
    register(session, YES)
    child = register(session, NO, name="Léo")
    assert child.phone_account and child.phone_account.opted_out_at is None
    assert [said[0] for said in lines(session)] == [True]


def test_a_code_never_overrules_a_no_and_says_a_yes_once(session: Session, patient: Patient) -> None:
    account, said = patient.phone_account, Said(True, "booking", "With the code you agree.")
    assert account
    for minutes in (0, 5):
        agree_by_code(session, account, said, now=NOW + timedelta(minutes=minutes))
        session.commit()
    assert lines(session) == [(True, "booking", "With the code you agree.", f"patient:{account.id}")]
    say_about_texts(session, NO, public_id=patient.public_id, now=NOW, actor=DESK)
    agree_by_code(session, account, said, now=NOW)
    assert [one[0] for one in lines(session)] == [True, False] and account.opted_out_by == TOLD_US
    say_about_texts(session, YES, public_id=patient.public_id, now=NOW, actor=DESK)
    assert (account.opted_out_at, account.opted_out_by) == (None, None)


def test_stop_and_start_are_lines_and_the_desk_cannot_end_a_stop(session: Session, patient: Patient) -> None:
    account = patient.phone_account
    assert account
    receive_word(session, account.number, "STOP", 1)
    with pytest.raises(Invalid):
        say_about_texts(session, YES, public_id=patient.public_id, now=NOW, actor=DESK)
    session.rollback()
    receive_word(session, account.number, "START", 2)
    assert [(agrees, how, words) for agrees, how, words, _by in lines(session)] == [
        (False, "text", "STOP"),
        (True, "text", "START"),
    ]


def test_a_new_number_is_asked_anew_and_what_was_said_of_the_old_one_stays_in_the_record(session: Session) -> None:
    patient = register(session, YES)
    update_patient(
        session, public_id=patient.public_id, phone="+16135550109", texts=NO, now=NOW, today=TODAY, actor=DESK
    )
    assert patient.phone_account and patient.phone_account.opted_out_by == TOLD_US
    said = of_patient(session.connection(), page.record(session.connection(), patient.public_id))
    assert [(one.agrees, one.number) for one in said] == [(False, "+16135550109"), (True, "+16135550101")]


def test_the_merged_record_brings_what_was_said_about_it(session: Session, patient: Patient) -> None:
    other = register(session, YES)
    merge_patients(session, kept=patient.public_id, merged=other.public_id, sure=True, now=NOW, actor=DESK)
    said = of_patient(session.connection(), page.record(session.connection(), patient.public_id))
    assert [(one.agrees, one.how) for one in said] == [(True, "desk")]


def test_an_import_says_that_its_word_is_the_former_systems_and_takes_it_back(session: Session) -> None:
    make_clinic(session)
    report = import_patients(
        session,
        open_file("patients", b"First name,Last name,Phone\nAnn,Roy,613-555-0102\n"),
        settings=SETTINGS,
    )
    assert report.imported == 1
    assert lines(session) == [(True, "import", "", "staff:owner")]
    take_back(session, run_id=latest(session)[0].id, actor=DESK, now=NOW)
    assert lines(session) == [] and session.scalar(select(PhoneAccount.id)) is None


def test_a_line_is_never_changed(session: Session) -> None:
    register(session, YES)
    for change in (
        update(TextAgreement).values(agrees=False),
        delete(TextAgreement),
        text("DELETE FROM text_agreement"),
    ):
        with pytest.raises(IntegrityError) as refused:
            session.execute(change)
        assert violated(refused.value) == "text_agreements_are_append_only"
        session.rollback()
