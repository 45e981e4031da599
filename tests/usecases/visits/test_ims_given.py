"""Whether IMS was given: recorded whatever else there is, and binding for what is booked after it."""

from contextlib import suppress
from datetime import date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon, VisitMustMove
from scheduler.domain.errors import Invalid
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import Appointment, ImsAnswer, Patient, Practitioner, PractitionerTreatment, Treatment
from scheduler.usecases.booking import booking
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.patients.elsewhere import record_elsewhere, take_back_elsewhere
from scheduler.usecases.visits.ims_given import answer_ims
from scheduler.usecases.visits.status import change_status
from tests.factories import CLINIC, MONDAY, STAFF, ZONE, local, make_appointment, make_clinic, make_patient

DAY = timedelta(days=1)
WEDNESDAY, FRIDAY = MONDAY + 2 * DAY, MONDAY + 4 * DAY


@pytest.fixture
def patient(session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session)


def at(day: date, clock_time: str = "16:00") -> datetime:
    return clock.to_utc(local(day, clock_time), ZONE)


def complete(session: Session, visit: Appointment, given: bool | None, now: datetime | None = None) -> Appointment:
    return become(session, visit, "completed", now, ims_given=given)


def become(
    session: Session, visit: Appointment, status: str, now: datetime | None = None, **more: bool | None
) -> Appointment:
    return change_status(
        session,
        clinic=CLINIC,
        public_id=visit.public_id,
        status=AppointmentStatus(status),
        now=now or visit.ends_at,
        actor=STAFF,
        **more,
    )


def answer(session: Session, visit: Appointment, given: bool | None, now: datetime, reason: str = "") -> Appointment:
    return answer_ims(
        session, clinic=CLINIC, public_id=visit.public_id, given=given, reason=reason, now=now, actor=STAFF
    )


def book(session: Session, patient: Patient, day: date, now: datetime, clock_time: str = "10:00") -> Appointment:
    booked = booking.book_slot(
        session,
        BookingRequest(
            clinic=CLINIC,
            patient=patient.id,
            treatment="ims",
            practitioner=None,
            starts_local=local(day, clock_time),
            now=now,
            actor=STAFF,
            origin="desk",
        ),
    )
    return session.get_one(Appointment, booked.id)


def move(session: Session, visit: Appointment, day: date, now: datetime) -> Appointment:
    return booking.move_appointment(
        session,
        clinic=CLINIC,
        public_id=visit.public_id,
        starts_local=local(day, "10:00"),
        practitioner=None,
        now=now,
        actor=STAFF,
    )


def may_not_needle(session: Session) -> None:
    who = session.scalars(select(Practitioner).where(Practitioner.slug == "p1")).one()
    ims = select(Treatment.id).where(Treatment.needling)
    session.execute(delete(PractitionerTreatment).where(PractitionerTreatment.treatment_id.in_(ims)))
    who.can_needle = False
    session.commit()


def counts(visit: Appointment) -> bool:
    return visit.spacing_group_id is not None


def test_ims_given_in_a_follow_up_counts_from_its_start(session: Session, patient: Patient) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), treatment="follow-up")
    complete(session, visit, True)
    with pytest.raises(TreatmentTooSoon) as refused:
        book(session, patient, MONDAY + 7 * DAY, visit.ends_at, "09:45")
    assert refused.value.earliest == local(MONDAY + 7 * DAY, "10:00")
    assert book(session, patient, MONDAY + 7 * DAY, visit.ends_at)


@pytest.mark.parametrize(
    ("treatment", "can_needle", "given", "is_open", "does_count"),
    [
        ("ims", True, None, True, True),
        ("ims", True, False, False, False),
        ("follow-up", True, None, True, False),
        ("follow-up", True, False, False, False),
        ("follow-up", False, None, False, False),
        ("ims-assessment", True, None, True, False),
        ("ims-assessment", True, True, False, True),
    ],
)
def test_what_counts_and_what_stays_open(
    session: Session,
    patient: Patient,
    treatment: str,
    can_needle: bool,
    given: bool | None,
    is_open: bool,
    does_count: bool,
) -> None:
    if not can_needle:
        may_not_needle(session)
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), treatment=treatment)
    complete(session, visit, given)
    assert (visit.ims_given, visit.ims_open, counts(visit)) == (given, is_open, does_count)


def test_of_two_given_too_near_both_stand_and_the_later_one_counts(session: Session, patient: Patient) -> None:
    earlier = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    later = make_appointment(session, patient=patient, starts_local=local(WEDNESDAY, "10:00"), treatment="follow-up")
    complete(session, earlier, True)
    complete(session, later, True)
    assert (earlier.ims_given, later.ims_given) == (True, True)
    assert (counts(earlier), counts(later)) == (False, True)


def test_of_two_given_too_near_the_later_one_counts_also_when_the_earlier_is_told_last(
    session: Session, patient: Patient
) -> None:
    earlier = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), treatment="follow-up")
    later = make_appointment(session, patient=patient, starts_local=local(WEDNESDAY, "10:00"))
    complete(session, earlier, None)
    complete(session, later, True)
    answer(session, earlier, True, at(WEDNESDAY))
    assert (counts(earlier), counts(later)) == (False, True)
    answer(session, later, False, at(WEDNESDAY), "the patient felt unwell")
    assert (counts(earlier), counts(later)) == (True, False)


def test_a_visit_booked_too_near_stays_booked_and_may_only_be_moved_far_enough(
    session: Session, patient: Patient
) -> None:
    given = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), treatment="follow-up")
    booked = book(session, patient, WEDNESDAY, at(MONDAY, "08:00"))
    complete(session, given, True)
    assert (booked.status, counts(booked), counts(given)) == ("booked", True, False)
    with pytest.raises(TreatmentTooSoon):
        move(session, booked, FRIDAY, given.ends_at)
    move(session, booked, MONDAY + 7 * DAY, given.ends_at)
    assert (counts(booked), counts(given)) == (True, True)


def test_what_is_given_counts_again_when_the_visit_too_near_is_cancelled(session: Session, patient: Patient) -> None:
    given = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), treatment="follow-up")
    booked = book(session, patient, WEDNESDAY, at(MONDAY, "08:00"))
    complete(session, given, True)
    booking.cancel_appointment(
        session, clinic=CLINIC, public_id=booked.public_id, reason="", now=given.ends_at, actor=STAFF
    )
    assert counts(given)
    with pytest.raises(TreatmentTooSoon):
        become(session, booked, "booked", given.ends_at)
    with pytest.raises(TreatmentTooSoon):
        book(session, patient, FRIDAY, given.ends_at)


def test_undoing_a_completion_brings_back_what_was(session: Session, patient: Patient) -> None:
    """Also of the visit before it, that nobody had marked and that stopped counting."""
    before = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), status="arrived")
    visit = make_appointment(session, patient=patient, starts_local=local(WEDNESDAY, "10:00"), treatment="follow-up")
    complete(session, visit, True)
    assert (before.status, before.ims_open, counts(before), counts(visit)) == ("completed", True, False, True)
    become(session, visit, "arrived")
    assert (before.status, before.ims_open, counts(before)) == ("arrived", False, True)
    assert (visit.ims_given, visit.ims_open, counts(visit)) == (None, False, False)
    answers = session.scalars(select(ImsAnswer).where(ImsAnswer.appointment_id == visit.id).order_by(ImsAnswer.id))
    assert [(line.given_before, line.given) for line in answers] == [(None, True), (True, None)]


@pytest.mark.parametrize("status", ["arrived", "no_show"])
@pytest.mark.parametrize("given", [True, False])
def test_a_completion_that_was_answered_on_another_day_is_not_undone(
    session: Session, patient: Patient, given: bool, status: str
) -> None:
    """It would change the answer, and what counts, without a word of why."""
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    complete(session, visit, given)
    with pytest.raises(Invalid):
        become(session, visit, status, at(MONDAY + DAY))
    assert (visit.status, visit.ims_given, counts(visit)) == ("completed", given, given)
    answer(session, visit, not given, at(MONDAY + DAY), "the other patient")
    become(session, visit, status, at(MONDAY + DAY))
    assert (visit.status, visit.ims_given) == (status, None)


def test_what_is_odd_about_it_is_recorded_with_it(session: Session) -> None:
    make_clinic(session)
    may_not_needle(session)
    patient = make_patient(session, cleared=False)
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), treatment="follow-up")
    complete(session, visit, True)
    assert visit.ims_concerns == "not-cleared may-not-needle"
    patient.cleared_for_ims_at = at(WEDNESDAY)
    assert visit.ims_concerns == "not-cleared may-not-needle"


@pytest.mark.parametrize(
    ("cleared_before", "last_ims_before", "concerns"),
    [(400, None, "not-cleared"), (400, 200, ""), (20, None, ""), (800, 400, "not-cleared"), (-1, None, "not-cleared")],
)
def test_a_clearance_that_had_lapsed_by_that_day_or_was_given_later_is_flagged(
    session: Session, patient: Patient, cleared_before: int, last_ims_before: int | None, concerns: str
) -> None:
    patient.cleared_for_ims_at = at(MONDAY - cleared_before * DAY, "09:00")
    session.commit()
    if last_ims_before is not None:
        before = local(MONDAY - last_ims_before * DAY, "10:00")
        make_appointment(session, patient=patient, starts_local=before, status="completed")
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), treatment="follow-up")
    complete(session, visit, None)
    answer(session, visit, True, at(WEDNESDAY))
    assert visit.ims_concerns == concerns
    answer(session, visit, True, at(WEDNESDAY + 3 * DAY))
    assert visit.ims_concerns == concerns, "by that day, not by the day of the answer"


def test_another_answer_needs_a_reason_and_the_same_one_changes_nothing(session: Session, patient: Patient) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    complete(session, visit, True)
    with pytest.raises(Invalid):
        answer(session, visit, False, at(WEDNESDAY), "  ")
    assert answer(session, visit, True, at(WEDNESDAY)).version == 2
    assert answer(session, visit, False, at(WEDNESDAY), "only looked at").changed_why == "only looked at"
    assert not counts(visit)


def test_ims_elsewhere_and_ims_given_here_stand_beside_each_other(session: Session, patient: Patient) -> None:
    here = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), treatment="follow-up")
    complete(session, here, True)
    there = record_elsewhere(session, clinic=CLINIC, patient_id=patient.id, day=WEDNESDAY, now=at(FRIDAY), actor=STAFF)
    assert (there.ims_given, counts(there), counts(here)) == (True, True, False)
    take_back_elsewhere(session, public_id=there.public_id, reason="", now=at(FRIDAY), actor=STAFF)
    assert (there.ims_given, counts(here)) == (None, True)


class Clinic(RuleBasedStateMachine):
    """One patient, hour by hour and day by day, whatever is done and told in whatever order."""

    engine: Engine

    def __init__(self) -> None:
        super().__init__()
        self.now = at(MONDAY, "08:00")
        self.session = Session(self.engine)
        self.patient = make_patient(self.session)

    def teardown(self) -> None:
        self.session.close()

    def visits(self, *status: str) -> list[Appointment]:
        found = select(Appointment).where(
            Appointment.patient_id == self.patient.id, Appointment.status.in_(status), Appointment.origin != "elsewhere"
        )
        return list(self.session.scalars(found.order_by(Appointment.starts_local)))

    def given(self) -> list[datetime]:
        found = select(Appointment.counts_from_local).where(
            Appointment.patient_id == self.patient.id, Appointment.ims_given
        )
        return list(self.session.scalars(found))

    @rule(days=st.integers(0, 2))
    def time_passes(self, days: int) -> None:
        self.now += timedelta(days=days, hours=3)

    @rule(treatment=st.sampled_from(["ims", "follow-up"]), days=st.integers(0, 9), hour=st.integers(9, 16))
    def book(self, treatment: str, days: int, hour: int) -> None:
        starts = datetime.combine(clock.to_local(self.now, ZONE).date() + days * DAY, time(hour))
        given = self.given()
        with suppress(BookingRefused):
            booking.book_slot(
                self.session,
                BookingRequest(
                    clinic=CLINIC,
                    patient=self.patient.id,
                    treatment=treatment,
                    practitioner=None,
                    starts_local=starts,
                    now=self.now,
                    actor=STAFF,
                    origin="desk",
                ),
            )
            assert treatment != "ims" or all(abs(starts - other) >= 7 * DAY for other in given)
        self.session.rollback()

    @rule(which=st.integers(0, 9), given=st.sampled_from([True, False, None]))
    def completes(self, which: int, given: bool | None) -> None:
        today = clock.to_local(self.now, ZONE).date()
        coming = [visit for visit in self.visits("booked", "arrived") if visit.starts_local.date() <= today]
        if coming:
            complete(self.session, coming[which % len(coming)], given, self.now)

    @rule(which=st.integers(0, 9), given=st.sampled_from([True, False, None]))
    def answers(self, which: int, given: bool | None) -> None:
        completed = self.visits("completed")
        if completed:
            answer(self.session, completed[which % len(completed)], given, self.now, "asked again")

    @rule(which=st.integers(0, 9), status=st.sampled_from(["arrived", "no_show"]))
    def undoes(self, which: int, status: str) -> None:
        """Refused as a booking would be: it would be an IMS visit that is still to be told of, too near to another."""
        completed = [visit for visit in self.visits("completed") if visit.starts_at <= self.now]
        if completed:
            visit = completed[which % len(completed)]
            try:
                become(self.session, visit, status, self.now)
            except TreatmentTooSoon:
                assert status == "arrived"
            except Invalid:
                assert visit.ims_given is not None
            self.session.rollback()

    @rule(which=st.integers(0, 9), days=st.integers(0, 9))
    def moves(self, which: int, days: int) -> None:
        coming = self.visits("booked")
        if coming:
            visit = coming[which % len(coming)]
            given, before = self.given(), visit.starts_local
            day = clock.to_local(self.now, ZONE).date() + days * DAY
            with suppress(BookingRefused):
                moved = move(self.session, visit, day, self.now)
                if moved.treatment.needling and moved.starts_local != before:
                    assert all(abs(moved.starts_local - other) >= 7 * DAY for other in given)
            self.session.rollback()

    @rule(which=st.integers(0, 9))
    def cancels(self, which: int) -> None:
        coming = self.visits("booked")
        if coming:
            public_id = coming[which % len(coming)].public_id
            booking.cancel_appointment(
                self.session, clinic=CLINIC, public_id=public_id, reason="", now=self.now, actor=STAFF
            )

    @rule(days=st.integers(0, 9))
    def was_needled_elsewhere(self, days: int) -> None:
        """A visit still to come that is too near is settled first; nothing else stands in the way."""
        day = clock.to_local(self.now, ZONE).date() - days * DAY
        with suppress(VisitMustMove):
            record_elsewhere(
                self.session, clinic=CLINIC, patient_id=self.patient.id, day=day, now=self.now, actor=STAFF
            )
        self.session.rollback()

    @invariant()
    def every_time_it_was_given_counts_or_stands_beside_another_that_forbids_as_much_to_come(self) -> None:
        found = self.session.scalars(
            select(Appointment).where(Appointment.patient_id == self.patient.id, Appointment.active)
        ).all()
        counting = [visit.counts_from_local for visit in found if visit.spacing_group_id is not None]
        assert all(later - earlier >= 7 * DAY for earlier, later in pairwise(sorted(counting)))
        for visit in found:
            if visit.ims_given and visit.spacing_group_id is None:
                assert any(abs(moment - visit.counts_from_local) < 7 * DAY for moment in counting)
            assert visit.ims_given is not False or visit.spacing_group_id is None


def test_no_booking_comes_within_seven_days_of_ims_given_and_nothing_that_happened_is_refused(engine: Engine) -> None:
    with Session(engine) as session:
        make_clinic(session)
    Clinic.engine = engine
    run_state_machine_as_test(
        Clinic,
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, derandomize=True, phases=[Phase.generate]
        ),
    )
