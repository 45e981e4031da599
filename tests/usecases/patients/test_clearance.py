"""Clearance for IMS: whose word it is, how long it holds, and what becomes of booked IMS when it is taken back."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, text, update
from sqlalchemy.orm import Session

from scheduler.domain.booking.refusals import NotCleared
from scheduler.domain.booking.screening import ScreeningAnswers, ScreeningQuestion
from scheduler.domain.errors import Invalid
from scheduler.models import Appointment, ImsReview, Patient, Practitioner
from scheduler.queries.visits import ims_reviews
from scheduler.usecases.booking.booking import book_slot, move_appointment
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.patients.clearance import Decider, answer_review
from scheduler.usecases.patients.elsewhere import record_elsewhere
from scheduler.usecases.patients.patients import clear_for_ims, take_back_clearance
from tests.factories import CLINIC, MONDAY, NOW, PATIENT, STAFF, local, make_appointment, make_clinic, make_patient

YEAR_AGO = NOW - timedelta(days=365)


@pytest.fixture
def patient(session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session)


def book(session: Session, patient: Patient, day: date, at: str = "10:00", **more: object) -> Appointment:
    wanted = {"treatment": "ims", "practitioner": "p1", "origin": "desk", "actor": STAFF, "clinic": CLINIC} | more
    request = BookingRequest(patient=patient.id, starts_local=local(day, at), now=NOW, **wanted)  # type: ignore[arg-type]  # of any field
    return book_slot(session, request)


def given(session: Session, patient: Patient, at: datetime | None) -> None:
    session.execute(update(Patient).where(Patient.id == patient.id).values(cleared_for_ims_at=at))
    session.commit()


def clear(session: Session, patient: Patient, decider: Decider, now: datetime = NOW) -> Patient:
    return clear_for_ims(session, public_id=patient.public_id, decider=decider, clinic=CLINIC, now=now, actor=STAFF)


class TestLapsing:
    def test_a_booking_is_judged_on_the_day_of_the_visit(self, session: Session, patient: Patient) -> None:
        """Given on Thursday 4 December of the year before: it lapses between two Thursdays."""
        given(session, patient, NOW - timedelta(days=358))
        assert book(session, patient, date(2026, 12, 3))
        with pytest.raises(NotCleared) as refused:
            book(session, patient, date(2026, 12, 10))
        assert refused.value.lapsed_on == date(2026, 12, 4)

    def test_so_is_a_move(self, session: Session, patient: Patient) -> None:
        given(session, patient, NOW - timedelta(days=358))
        visit = book(session, patient, date(2026, 12, 3))
        for day, refused in ((date(2026, 12, 2), False), (date(2026, 12, 4), True)):
            wanted = {"clinic": CLINIC, "public_id": visit.public_id, "practitioner": None, "now": NOW, "actor": STAFF}
            try:
                move_appointment(session, starts_local=local(day, "10:00"), **wanted)  # type: ignore[arg-type]
            except NotCleared:
                assert refused
            else:
                assert not refused

    def test_ims_that_took_place_while_it_held_carries_it_on_and_later_ims_revives_nothing(
        self, session: Session, patient: Patient
    ) -> None:
        given(session, patient, NOW - timedelta(days=600))
        with pytest.raises(NotCleared):
            book(session, patient, MONDAY)
        after_it_lapsed = {"starts_local": local(date(2026, 9, 7), "10:00"), "status": "completed"}
        make_appointment(session, patient=patient, **after_it_lapsed)
        with pytest.raises(NotCleared):
            book(session, patient, MONDAY)
        record_elsewhere(session, clinic=CLINIC, patient_id=patient.id, day=date(2026, 11, 9), now=NOW, actor=STAFF)
        with pytest.raises(NotCleared):
            book(session, patient, MONDAY)
        make_appointment(session, patient=patient, starts_local=local(date(2026, 1, 12), "10:00"), status="completed")
        assert book(session, patient, MONDAY)

    def test_so_does_ims_elsewhere_and_booked_ims_does_not(self, session: Session, patient: Patient) -> None:
        given(session, patient, NOW - timedelta(days=358))
        book(session, patient, date(2026, 12, 3))
        with pytest.raises(NotCleared):
            book(session, patient, date(2026, 12, 10))
        record_elsewhere(session, clinic=CLINIC, patient_id=patient.id, day=date(2026, 11, 9), now=NOW, actor=STAFF)
        assert book(session, patient, date(2026, 12, 10))

    def test_the_owner_says_after_how_many_months(self, session: Session, patient: Patient) -> None:
        given(session, patient, NOW - timedelta(days=120))
        assert book(session, patient, MONDAY)
        with pytest.raises(NotCleared):
            book(session, patient, MONDAY + timedelta(days=7), clinic=replace(CLINIC, clearance_months=3))

    def test_what_has_lapsed_is_given_again_and_what_holds_stays(self, session: Session, patient: Patient) -> None:
        given(session, patient, YEAR_AGO)
        assert clear(session, patient, Decider("owner", named="p2")).cleared_for_ims_at == NOW
        later = NOW + timedelta(days=30)
        assert clear(session, patient, Decider("owner", named="p1"), later).cleared_for_ims_at == NOW


WORDS = [  # who enters it, of the clinic p1 and p2 (may needle) and p3 (may not) → whose word it is; none: refused
    (Decider("practitioner", 1), "p1"),
    (Decider("practitioner", 1, "p1"), "p1"),
    (Decider("practitioner", 1, "p2"), None),
    (Decider("practitioner", 3), None),
    (Decider("practitioner", 3, "p1"), None),
    (Decider("practitioner"), None),
    (Decider("owner"), None),
    (Decider("owner", named="p2"), "p2"),
    (Decider("owner", named="p3"), None),
    (Decider("owner", named="nobody"), None),
    (Decider("owner", 2), "p2"),
    (Decider("owner", named="p1", is_person=False), "p1"),
    (Decider("practitioner", named="p2", is_person=False), "p2"),
    (Decider("owner", named="p3", is_person=False), None),
]


def test_it_is_the_decision_of_a_practitioner_who_may_needle(session: Session) -> None:
    make_clinic(session, practitioners=3)
    ids = {who.slug: who.id for who in session.scalars(select(Practitioner))}
    session.execute(text("DELETE FROM practitioner_treatment WHERE practitioner_id = :p3"), {"p3": ids["p3"]})
    session.execute(update(Practitioner).where(Practitioner.slug == "p3").values(can_needle=False))
    session.commit()
    for decider, whose in WORDS:
        own = ids[f"p{decider.practitioner_id}"] if decider.practitioner_id else None
        patient = make_patient(session, cleared=False)
        try:
            cleared = clear(session, patient, replace(decider, practitioner_id=own))
        except Invalid:
            session.rollback()
            assert whose is None, decider
        else:
            assert whose is not None, decider
            assert (cleared.clearing_practitioner_id, cleared.cleared_by) == (ids[whose], str(STAFF))


class TestReviews:
    def test_taking_it_back_puts_booked_ims_before_the_physiotherapist(
        self, session: Session, patient: Patient
    ) -> None:
        coming = [book(session, patient, MONDAY + timedelta(days=7 * week)).public_id for week in (0, 1)]
        book(session, patient, MONDAY, "14:00", treatment="follow-up")
        make_appointment(session, patient=patient, starts_local=local(date(2026, 11, 2), "10:00"), status="completed")
        for _twice in range(2):
            take_back_clearance(session, public_id=patient.public_id, now=NOW, actor=STAFF)
        assert [visit.visit for visit in ims_reviews.waiting(session.connection(), NOW)] == coming
        assert all(
            visit.status == "booked"
            for visit in session.scalars(select(Appointment).where(Appointment.public_id.in_(coming)))
        )
        answer = {"visit": coming[0], "decider": Decider("owner", named="p1"), "actor": STAFF}
        answer_review(session, answer="call", now=NOW, **answer)  # type: ignore[arg-type]
        [first, second] = ims_reviews.waiting(session.connection(), NOW)
        assert (first.answer, first.answered_for, first.answered_at, second.answer) == ("call", "Pat1 Doe1", NOW, None)
        answer_review(session, answer="go_ahead", now=NOW + timedelta(hours=1), **answer)  # type: ignore[arg-type]
        assert [visit.visit for visit in ims_reviews.waiting(session.connection(), NOW)] == coming[1:]
        kept = session.scalars(select(ImsReview.answer).where(ImsReview.answer.is_not(None)).order_by(ImsReview.id))
        assert list(kept) == ["call", "go_ahead"]

    def test_who_may_not_decide_answers_nothing(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient, MONDAY).public_id
        take_back_clearance(session, public_id=patient.public_id, now=NOW, actor=STAFF)
        with pytest.raises(Invalid):
            answer_review(
                session, visit=visit, answer="go_ahead", decider=Decider("practitioner"), now=NOW, actor=STAFF
            )

    def test_so_does_a_new_yes_to_a_screening_question(self, session: Session, patient: Patient) -> None:
        def answered(day: date, *yes: ScreeningQuestion) -> int:
            answers = ScreeningAnswers(frozenset(yes), None)
            book(session, patient, day, screening=answers, actor=PATIENT, origin="online")
            return ims_reviews.unanswered(session.connection(), NOW)

        weeks = [MONDAY + timedelta(days=7 * week) for week in range(4)]
        assert answered(weeks[0]) == 0
        assert answered(weeks[1], ScreeningQuestion.PREGNANCY) == 2, "both that are booked"
        assert answered(weeks[2], ScreeningQuestion.PREGNANCY) == 2, "said before"
        assert answered(weeks[3], ScreeningQuestion.PREGNANCY, ScreeningQuestion.BLOOD_THINNERS) == 4


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_booking_at_the_moment_when_clearance_is_taken_back(
    session: Session, patient: Patient, engine: Engine
) -> None:
    """The booking has looked and found the patient cleared; the withdrawal is written first, and the database refuses."""
    with engine.connect() as physiotherapist:
        physiotherapist.execute(text("UPDATE patient SET cleared_for_ims_at = NULL"))

        def at_the_same_time() -> bool:
            with Session(engine) as other:
                try:
                    book(other, patient, MONDAY)
                except NotCleared:
                    return True
            return False

        patient_id = patient.id
        session.rollback()
        assert patient_id
        with ThreadPoolExecutor(1) as pool:
            booking = pool.submit(at_the_same_time)
            with pytest.raises(TimeoutError):
                booking.result(timeout=0.4)
            physiotherapist.commit()
            assert booking.result(timeout=5)
    assert session.scalars(select(Appointment)).all() == []
