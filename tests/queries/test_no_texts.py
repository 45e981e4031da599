"""Whether a patient gets texts about a visit: the first reason against it is named."""

import pytest
from sqlalchemy.orm import Session

from scheduler.domain.texts.no_texts import NoTexts
from scheduler.models import PrivateVisit
from scheduler.queries.texts.no_texts import why_none_about
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient, mark_wrong


@pytest.mark.parametrize(
    ("facts", "why"),
    [
        ((), None),
        (("marked",), None),
        (("stopped",), NoTexts.WRONG_NUMBER),
        (("opted out", "stopped"), NoTexts.OPTED_OUT),
        (("unreachable",), NoTexts.UNREACHABLE),
        (("private, shared", "stopped"), NoTexts.NOT_TO_A_PARENT),
        (("no number",), NoTexts.NO_NUMBER),
        (("restricted", "opted out"), NoTexts.RESTRICTED),
        (("restricted", "no number"), NoTexts.RESTRICTED),
    ],
)
def test_the_first_reason_is_named(session: Session, facts: tuple[str, ...], why: NoTexts | None) -> None:
    make_clinic(session)
    patient = make_patient(session)
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    account = patient.phone_account
    if "restricted" in facts:
        patient.restricted_at, patient.restricted_by = NOW, "staff:test"
    if "opted out" in facts and account:
        account.opted_out_at, account.opted_out_by = NOW, "STOP"
    if "unreachable" in facts and account:
        account.unreachable_at, account.unreachable_why = NOW, "30005"
    if "private, shared" in facts:
        session.add(PrivateVisit(appointment_id=visit.id, set_at=NOW, set_by="staff:test"))
        make_patient(session, given_name="Luc").phone_account_id = patient.phone_account_id
    if {"stopped", "marked"} & set(facts):
        mark_wrong(session, patient, stopped="stopped" in facts)
    if "no number" in facts:
        patient.phone_account_id = None
    session.commit()
    assert why_none_about(session, visit.id, NOW) == why
