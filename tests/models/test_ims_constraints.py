"""IMS is done by who may needle, held by the database itself: every statement here goes past the use cases."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.models import Patient, Practitioner, Treatment
from scheduler.models.constraints import violated
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient

TEN = local(MONDAY, "10:00")
NAME = "ims_by_who_may_needle"
Refusal = Callable[..., str | None]


@pytest.fixture
def refusal(session: Session) -> Refusal:
    """Runs one statement; the name of the constraint that refuses it. p1 may needle and p2 may not."""
    make_clinic(session)
    session.execute(
        text(
            "DELETE FROM practitioner_treatment WHERE treatment_id = (SELECT id FROM treatment WHERE slug = 'ims') "
            "AND practitioner_id = (SELECT id FROM practitioner WHERE slug = 'p2')"
        )
    )
    session.execute(text("UPDATE practitioner SET can_needle = false WHERE slug = 'p2'"))
    session.commit()

    def run(statement: str) -> str | None:
        try:
            session.execute(text(statement))
            session.commit()
        except IntegrityError as error:
            session.rollback()
            return violated(error)
        return None

    return run


def booking_refused(session: Session, **columns: object) -> str | None:
    try:
        make_appointment(session, patient=make_patient(session), starts_local=TEN, **columns)
    except IntegrityError as error:
        session.rollback()
        return violated(error)
    return None


def test_who_may_not_needle_is_not_booked_for_ims(session: Session, refusal: Refusal) -> None:
    for status in ("held", "booked", "confirmed", "arrived"):
        hold_until = NOW if status == "held" else None
        assert booking_refused(session, practitioner="p2", status=status, hold_until=hold_until) == NAME
    assert booking_refused(session, practitioner="p2", treatment="follow-up") is None
    assert booking_refused(session, practitioner="p1", room="Room 2") is None


def test_what_was_given_was_given(session: Session, refusal: Refusal) -> None:
    """By whomever; but it does not become a visit to come again."""
    assert booking_refused(session, practitioner="p2", status="completed") is None
    assert refusal("UPDATE appointment SET status = 'cancelled', version = version + 1") is None
    assert refusal("UPDATE appointment SET status = 'booked', version = version + 1") == NAME


def test_a_visit_is_not_given_to_who_may_not_needle_nor_made_ims_there(session: Session, refusal: Refusal) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=TEN)
    p2 = session.scalars(select(Practitioner.id).where(Practitioner.slug == "p2")).one()
    moved = f"practitioner_id = {p2}, version = version + 1, schedule_version = version + 1"
    assert refusal(f"UPDATE appointment SET {moved} WHERE id = {visit.id}") == NAME
    other = make_appointment(
        session,
        patient=make_patient(session),
        starts_local=TEN,
        practitioner="p2",
        room="Room 2",
        treatment="follow-up",
    )
    ims = session.scalars(select(Treatment).where(Treatment.slug == "ims")).one()
    made_ims = (
        f"treatment_id = {ims.id}, spacing_group_id = {ims.spacing_group_id}, spacing_days = 7, version = version + 1"
    )
    assert refusal(f"UPDATE appointment SET {made_ims} WHERE id = {other.id}") == NAME


def test_who_does_ims_may_needle(session: Session, refusal: Refusal) -> None:
    ids = "(SELECT id FROM practitioner WHERE slug = 'p2'), (SELECT id FROM treatment WHERE slug = '{}')"
    does = f"INSERT INTO practitioner_treatment (practitioner_id, treatment_id) VALUES ({ids})"
    assert refusal(does.format("ims")) == NAME
    p1_does = "practitioner_id = (SELECT id FROM practitioner WHERE slug = '{}')"
    of_ims = "treatment_id = (SELECT id FROM treatment WHERE slug = 'ims')"
    assert refusal(f"UPDATE practitioner_treatment SET {p1_does.format('p2')} WHERE {of_ims}") == NAME
    assert refusal("UPDATE practitioner SET can_needle = false WHERE slug = 'p1'") == NAME
    make_appointment(session, patient=make_patient(session), starts_local=TEN)
    assert refusal(f"DELETE FROM practitioner_treatment WHERE {of_ims}") is None
    assert refusal("UPDATE practitioner SET can_needle = false WHERE slug = 'p1'") == NAME, "a visit is booked"
    assert refusal("UPDATE appointment SET status = 'completed', version = version + 1") is None
    assert refusal("UPDATE practitioner SET can_needle = false WHERE slug = 'p1'") is None


IMS_NOW = (
    "UPDATE treatment SET kind = 'ims', needs_clearance = true, "
    "spacing_group_id = (SELECT id FROM spacing_group) WHERE slug = 'follow-up'"
)


def test_a_treatment_becomes_ims_only_where_all_who_do_it_may_needle(session: Session, refusal: Refusal) -> None:
    assert refusal(IMS_NOW) == NAME
    assert refusal("UPDATE practitioner SET can_needle = true") is None
    assert refusal(IMS_NOW) is None


def test_a_treatment_with_visits_to_come_counts_for_what_they_were_booked_for(
    session: Session, refusal: Refusal
) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=TEN, treatment="follow-up")
    refusal("UPDATE practitioner SET can_needle = true")
    assert refusal(IMS_NOW) == "spacing_follows_treatment"
    assert refusal(f"UPDATE appointment SET status = 'cancelled', version = version + 1 WHERE id = {visit.id}") is None
    assert refusal(IMS_NOW) is None


def test_ims_is_in_the_one_group_of_ims_and_needs_clearance(session: Session, refusal: Refusal) -> None:
    for statement in (
        "UPDATE treatment SET needs_clearance = false WHERE slug = 'ims'",
        "UPDATE treatment SET kind = 'ims' WHERE slug = 'ims-assessment'",
        "UPDATE treatment SET spacing_group_id = (SELECT id FROM spacing_group) WHERE slug = 'follow-up'",
        "UPDATE treatment SET kind = 'surgery' WHERE slug = 'follow-up'",
        "INSERT INTO spacing_group (slug, name, min_days, needling) VALUES ('other', 'Other', 7, true)",
    ):
        assert refusal(statement), statement


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_booking_at_the_moment_when_needling_is_taken_away(
    session: Session, refusal: Refusal, engine: Engine
) -> None:
    """Of the two the one that comes second is refused: here the booking waits for the other's commit."""
    patient = make_patient(session)
    refusal("DELETE FROM practitioner_treatment")
    with engine.connect() as owner:
        owner.execute(text("UPDATE practitioner SET can_needle = false WHERE slug = 'p1'"))
        with ThreadPoolExecutor(1) as pool:

            def book() -> str | None:
                with Session(engine) as other:
                    try:
                        make_appointment(other, patient=other.get_one(Patient, patient.id), starts_local=TEN)
                    except IntegrityError as error:
                        return violated(error)
                return None

            booking = pool.submit(book)
            with pytest.raises(TimeoutError):
                booking.result(timeout=0.3)
            owner.commit()
            assert booking.result(timeout=5) == NAME
