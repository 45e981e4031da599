"""Patients are found by any part of what is known of them."""

from datetime import date

import pytest
from sqlalchemy import delete, event, select
from sqlalchemy.orm import Session

from scheduler.domain.patients.search import criteria_of
from scheduler.models import PatientSearchWord, PhoneAccount, PhoneNumberEnding
from scheduler.models.patients.search import index_names, index_numbers
from scheduler.queries.patients import search
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient


@pytest.fixture
def people(session: Session) -> Session:
    make_patient(session, given_name="Amélie", family_name="Lévesque", number="+16135550142")
    make_patient(session, given_name="Ama", family_name="Levy", birth_date=date(1980, 4, 3), number="+14165550177")
    make_patient(session, given_name="Seán", family_name="Ó’Briain", birth_date=date(1980, 3, 4), number="+16135550188")
    make_patient(session, given_name="Jean-Pierre", family_name="D'Amico", birth_date=None, number="+15195550142")
    make_patient(session, given_name="小明", family_name="王", birth_date=date(1999, 12, 31), number="+16135550199")
    return session


def found(session: Session, typed: str) -> list[str]:
    return [patient.family_name for patient in search.find(session.connection(), criteria_of(typed))]


@pytest.mark.parametrize(
    ("typed", "who"),
    [
        ("lev", ["Lévesque", "Levy"]),
        ("am lev", ["Lévesque", "Levy"]),
        ("levesque AMELIE", ["Lévesque"]),
        ("amélie lév 0142", ["Lévesque"]),
        ("obriain", ["Ó’Briain"]),
        ("o briain", ["Ó’Briain"]),
        ("ó'briain", ["Ó’Briain"]),
        ("pierre", ["D'Amico"]),
        ("jean-pi", ["D'Amico"]),
        ("王", ["王"]),
        ("0142", ["D'Amico", "Lévesque"]),
        ("555-0177", ["Levy"]),
        ("(416) 555-0177", ["Levy"]),
        ("+1 416 555", ["Levy"]),
        ("5550", ["Lévesque", "D'Amico", "Levy", "Ó’Briain", "王"]),
        ("1980-04-03", ["Levy"]),
        ("03/04/1980", ["Ó’Briain", "Levy"]),
        ("3 avril 1980", ["Levy"]),
        ("1980", ["Ó’Briain", "Levy"]),
        ("1980 sean", ["Ó’Briain"]),
        ("levesque 1980", []),
        ("levesque 0177", []),
        ("levesque zz", []),
        ("%", []),
        ("l_v", []),
        ("", []),
    ],
)
def test_patients_are_found_by_any_part_of_what_is_known(people: Session, typed: str, who: list[str]) -> None:
    assert sorted(found(people, typed)) == sorted(who)


def test_the_nearest_come_first(people: Session) -> None:
    make_patient(people, given_name="Zoë", family_name="Lev")
    assert found(people, "lev") == ["Lev", "Lévesque", "Levy"]


def test_who_is_renamed_is_found_under_the_new_name_alone(people: Session) -> None:
    patient = make_patient(people, given_name="Isla", family_name="MacDonald")
    patient.family_name = "Okafor"
    people.commit()
    assert (found(people, "isla okafor"), found(people, "macdonald")) == (["Okafor"], [])


def test_a_number_that_changes_is_found_by_its_new_digits_alone(people: Session) -> None:
    account = people.scalars(select(PhoneAccount).where(PhoneAccount.number == "+14165550177")).one()
    account.number = "+14165550166"
    people.commit()
    assert (found(people, "550166"), found(people, "550177")) == (["Levy"], [])


def test_what_was_written_past_the_session_is_found_once_it_is_indexed(people: Session) -> None:
    people.execute(delete(PatientSearchWord))
    people.execute(delete(PhoneNumberEnding))
    assert found(people, "lev") == found(people, "0142") == []
    for _twice in range(2):
        index_names(people.connection())
        index_numbers(people.connection())
    assert found(people, "lev 0142") == ["Lévesque"]
    assert found(people, "613") == found(people, "1613")


def test_the_number_of_queries_does_not_depend_on_who_is_found(people: Session) -> None:
    connection = people.connection()
    seen: list[str] = []
    event.listen(connection, "before_cursor_execute", lambda *args: seen.append(args[2]))
    for typed, most in (("lev", 1), ("am lev", 2), ("a l 0142 1986", 2), ("1980", 2)):
        seen.clear()
        search.find(connection, criteria_of(typed))
        assert len(seen) <= most, typed


def test_the_visits_of_those_found_are_summed_up(people: Session) -> None:
    make_clinic(people)
    patient, other = make_patient(people), make_patient(people)
    for day, status in ((-21, "completed"), (-14, "completed"), (-7, "no_show"), (0, "cancelled"), (7, "booked")):
        starts = local(date.fromordinal(MONDAY.toordinal() + day), "10:00")
        make_appointment(people, patient=patient, starts_local=starts, status=status)
    summary = search.summaries(people.connection(), [patient.id, other.id], NOW)
    assert summary.keys() == {patient.id}
    assert summary[patient.id].last_visit == local(date(2026, 11, 16), "10:00")
    assert summary[patient.id].next_visit == local(date(2026, 12, 7), "10:00")
    assert summary[patient.id].no_shows == 1
