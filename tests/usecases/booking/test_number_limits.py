"""How many patients one number registers online."""

from datetime import timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.refusals import PleaseCall
from scheduler.models import Patient, PhoneAccount
from scheduler.queries.patients.new_names import numbers_with_many_new_names
from scheduler.usecases.booking.drafts import begin_draft
from scheduler.usecases.patients.online_registration import register_online
from scheduler.usecases.patients.patients import register_patient
from tests.factories import MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient

NUMBER = "+16135550188"


def register(session: Session, name: str, draft: str | None = None) -> tuple[Patient, str]:
    """As a booking does; the draft as well, which registers one patient however often."""
    account_id = session.scalars(select(PhoneAccount.id).where(PhoneAccount.number == NUMBER)).one()
    session.rollback()
    draft = draft or begin_draft(session, browser="browser", fields={}, now=NOW)
    registered = register_online(
        session,
        draft=draft,
        browser="browser",
        account_id=account_id,
        registered_by=None,
        given_name=name,
        family_name="Roy",
        birth_date=MONDAY.replace(year=1990),
        language="en",
        now=NOW,
        today=MONDAY,
        actor=Actor("patient", str(account_id)),
    )
    return registered, draft


def family(session: Session, seen: int, coming: int, idle: int = 0) -> None:
    make_clinic(session)
    first = make_patient(session, number=NUMBER, created_at=NOW - timedelta(days=9))
    everybody = [first]
    for _ in range(seen + coming + idle - 1):
        other = make_patient(session, created_at=NOW - timedelta(days=9))
        other.phone_account_id = first.phone_account_id
        everybody.append(other)
    session.commit()
    for n, patient in enumerate(everybody[: seen + coming]):
        if n < seen:
            make_appointment(
                session,
                patient=patient,
                starts_local=local(MONDAY - timedelta(days=14 + n), "09:00"),
                status="completed",
            )
        make_appointment(session, patient=patient, starts_local=local(MONDAY + timedelta(days=n), "09:00"))


@pytest.mark.parametrize(
    ("seen", "coming", "idle", "refused"),
    [(5, 0, 0, False), (6, 0, 0, True), (3, 1, 0, False), (1, 2, 0, True), (0, 1, 3, False), (0, 0, 6, True)],
)
def test_a_number_registers_six_patients_and_two_who_come_and_were_never_here(
    session: Session, seen: int, coming: int, idle: int, refused: bool
) -> None:
    family(session, seen, coming, idle)
    if not refused:
        registered, draft = register(session, "Zoé")
        assert register(session, "Zoé", draft)[0].id == registered.id, "a button pressed twice"
        return
    with pytest.raises(PleaseCall):
        register(session, "Zoé")
    session.rollback()
    details = {"given_name": "Zoé", "family_name": "Roy", "birth_date": None, "phone": NUMBER, "language": "en"}
    assert register_patient(session, **details, now=NOW, today=MONDAY, actor=STAFF).id, "the desk is not bound"


def test_names_registered_in_one_go_count_before_they_have_booked(session: Session) -> None:
    make_clinic(session)
    session.add(PhoneAccount(number=NUMBER, created_at=NOW))
    session.commit()
    register(session, "Anna")
    register(session, "Léo")
    with pytest.raises(PleaseCall):
        register(session, "Zoé")


def test_the_third_new_name_in_a_day_on_one_number_is_told_to_the_desk_also_when_it_is_refused(
    session: Session,
) -> None:
    make_clinic(session)
    session.add(PhoneAccount(number=NUMBER, created_at=NOW))
    session.commit()
    register(session, "Anna")
    _léo, draft = register(session, "Léo")
    register(session, "Léo", draft)
    assert numbers_with_many_new_names(session, now=NOW) == [], "a button pressed twice is no third name"
    session.rollback()
    with pytest.raises(PleaseCall):
        register(session, "Zoé")
    session.rollback()
    assert numbers_with_many_new_names(session, now=NOW) == [NUMBER]
    assert numbers_with_many_new_names(session, now=NOW + timedelta(days=1)) == []
