"""Booking, moving and cancelling, on both engines."""

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.domain.booking.refusals import NotCleared, PatientBusy, SlotNotOffered, SlotTaken
from scheduler.domain.booking.screening import ScreeningAnswers, ScreeningQuestion
from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon, VisitMustMove
from scheduler.domain.errors import Invalid, NotFound, TooManyTries
from scheduler.domain.visits.appointment_status import AppointmentStatus, StatusRefused
from scheduler.domain.visits.refusals import TooLateToChange, VersionConflict
from scheduler.models import Appointment, AppointmentHistory, Patient, Reminder, Room, Screening
from scheduler.usecases.booking import booking, holds
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.patients.elsewhere import record_elsewhere
from scheduler.usecases.patients.patients import take_back_clearance
from scheduler.usecases.rate_limit import NetworkKey
from scheduler.usecases.visits import status as visit_status
from scheduler.usecases.visits.details import change_room
from tests.factories import CLINIC, MONDAY, NOW, PATIENT, STAFF, local, make_appointment, make_clinic, make_patient


@pytest.fixture
def clinic(session: Session) -> None:
    make_clinic(session)


@pytest.fixture
def patient(session: Session, clinic: None) -> Patient:
    return make_patient(session)


def book(session: Session, patient: Patient, day: date = MONDAY, at: str = "10:00", **changes: object) -> Appointment:
    wanted = {"treatment": "ims", "practitioner": "p1", "now": NOW, "actor": PATIENT, "origin": "online"} | changes
    return booking.book_slot(
        session, BookingRequest(clinic=CLINIC, patient=patient.id, starts_local=local(day, at), **wanted)
    )


def move(session: Session, visit: Appointment, day: date, at: str, **changes: object) -> Appointment:
    wanted = {"practitioner": None, "now": NOW, "actor": PATIENT} | changes
    return booking.move_appointment(
        session, clinic=CLINIC, public_id=visit.public_id, starts_local=local(day, at), **wanted
    )


def test_a_visit_is_booked_with_history_and_reminders(session: Session, patient: Patient) -> None:
    visit = book(session, patient, MONDAY + timedelta(days=7))
    assert (visit.status, visit.version, visit.buffer_minutes) == ("booked", 1, 15)
    line = session.scalars(select(AppointmentHistory)).one()
    assert (line.to_status, line.changed_by, line.from_status) == ("booked", "patient:1", None)
    kinds = session.scalars(select(Reminder.kind).order_by(Reminder.due_at)).all()
    assert kinds == ["confirmation", "days_before_3", "days_before_1"]


def test_the_seven_days_hold_in_both_directions_with_facts(session: Session, patient: Patient) -> None:
    book(session, patient, MONDAY + timedelta(days=7))
    with pytest.raises(TreatmentTooSoon) as after:
        book(session, patient, MONDAY + timedelta(days=14), "9:45".zfill(5))
    assert after.value.earliest == local(MONDAY + timedelta(days=14), "10:00")
    assert len(after.value.alternatives) == 3
    with pytest.raises(TreatmentTooSoon) as before:
        book(session, patient, MONDAY, "10:15")
    assert before.value.latest_before == local(MONDAY, "10:00")
    assert book(session, patient, MONDAY + timedelta(days=14), "10:00")
    assert book(session, patient, MONDAY, "10:00")


def test_the_earliest_allowed_is_later_than_all_visits_that_stand_too_close(session: Session, patient: Patient) -> None:
    for weeks in (1, 2, 3):  # a series, of which only the first visit is near to what is asked
        book(session, patient, MONDAY + timedelta(weeks=weeks))
    with pytest.raises(TreatmentTooSoon) as refused:
        book(session, patient, MONDAY + timedelta(days=1))
    assert refused.value.earliest == local(MONDAY + timedelta(weeks=4), "10:00")


def test_monday_to_monday_is_allowed_when_the_clocks_change(session: Session, patient: Patient) -> None:
    before = date(2027, 3, 8)  # the clocks go forward on Sunday 14 March
    late = {"now": NOW + timedelta(days=90)}
    book(session, patient, before, "10:00", **late)
    with pytest.raises(TreatmentTooSoon):
        book(session, patient, before + timedelta(days=7), "09:45", **late)
    assert book(session, patient, before + timedelta(days=7), "10:00", **late)


def test_alternatives_of_a_visit_too_soon_can_themselves_be_booked(session: Session, patient: Patient) -> None:
    book(session, patient)
    with pytest.raises(TreatmentTooSoon) as refused:
        book(session, patient, MONDAY + timedelta(days=2), "11:00")
    for start in refused.value.alternatives:
        assert start.starts_local >= refused.value.earliest
    first = refused.value.alternatives[0].starts_local
    assert book(session, patient, first.date(), f"{first:%H:%M}")


def test_a_taken_slot_is_refused_and_the_nearest_are_named(session: Session, patient: Patient) -> None:
    book(session, patient)
    with pytest.raises(SlotTaken) as refused:
        book(session, make_patient(session))
    starts = [f"{start.starts_local:%H:%M}" for start in refused.value.alternatives]
    assert starts == ["09:00", "09:15", "10:45"]


def test_anyone_means_whoever_is_free(session: Session, patient: Patient) -> None:
    first = book(session, patient, practitioner=None)
    second = book(session, make_patient(session), practitioner=None)
    assert {first.practitioner_id, second.practitioner_id} == {1, 2}
    with pytest.raises(SlotTaken):
        book(session, make_patient(session), practitioner=None)


@pytest.mark.parametrize("at", ["08:45", "16:45", "10:07"])
def test_what_is_not_on_offer_is_refused(session: Session, patient: Patient, at: str) -> None:
    with pytest.raises(SlotNotOffered):
        book(session, patient, at=at)


def test_the_past_the_lead_time_and_the_far_future_are_refused(session: Session, patient: Patient) -> None:
    today = date(2026, 11, 27)
    for day, at in (
        (today, "09:00"),
        (today, "11:45"),
        (today + timedelta(days=92), "10:00"),
        (date(9999, 12, 31), "10:00"),
    ):
        with pytest.raises(SlotNotOffered):
            book(session, patient, day, at)
    assert book(session, patient, today, "12:00")


def test_a_patient_not_cleared_books_an_assessment_and_no_ims(session: Session, clinic: None) -> None:
    new = make_patient(session, cleared=False)
    with pytest.raises(NotCleared):
        book(session, new)
    assert book(session, new, treatment="ims-assessment")


def test_a_move_keeps_the_room_when_it_is_free_then(session: Session, patient: Patient) -> None:
    visit = book(session, patient, MONDAY)
    visit = session.get_one(Appointment, visit.id)
    second = session.scalars(select(Room.id).where(Room.name == "Room 2")).one()
    change_room(session, public_id=visit.public_id, room_id=second, now=NOW, actor=STAFF)
    assert move(session, visit, MONDAY, "14:30").room_id == second
    make_appointment(
        session,
        patient=make_patient(session),
        starts_local=local(MONDAY, "16:00"),
        room="Room 2",
        practitioner="p2",
    )
    assert move(session, visit, MONDAY, "16:00", practitioner="p1").room_id != second


def test_the_earliest_start_named_is_one_that_the_clock_shows(session: Session, patient: Patient) -> None:
    """Clocks skip from 2:00 to 3:00 on 14 March 2027, and show 1:00 to 2:00 twice on 7 November."""
    for counts_from, earliest in (
        (datetime(2027, 3, 7, 2, 15), datetime(2027, 3, 14, 3)),
        (datetime(2027, 10, 31, 1, 15), datetime(2027, 11, 7, 2)),
    ):
        visit = make_appointment(session, patient=patient, starts_local=counts_from)
        with pytest.raises(TreatmentTooSoon) as refused:
            book(session, patient, counts_from.date() + timedelta(days=2), "10:00", now=visit.starts_at, actor=STAFF)
        assert refused.value.earliest == earliest


def test_a_patient_is_not_in_two_rooms_at_once(session: Session, patient: Patient) -> None:
    book(session, patient, treatment="ims-assessment", at="10:00")
    with pytest.raises(PatientBusy):
        book(session, patient, treatment="follow-up", at="10:30", practitioner="p2")


def test_an_unknown_treatment_practitioner_or_patient_is_not_found(session: Session, patient: Patient) -> None:
    for wrong in ({"treatment": "massage"}, {"practitioner": "nobody"}):
        with pytest.raises(NotFound):
            book(session, patient, **wrong)


class TestHolds:
    def hold(self, session: Session, visitor: str = "browser-1", at: str = "10:00", **changes: object) -> Appointment:
        wanted = {"treatment": "ims", "practitioner": "p1", "now": NOW, "actor": PATIENT} | changes
        return holds.hold_slot(session, clinic=CLINIC, starts_local=local(MONDAY, at), held_for=visitor, **wanted)

    def test_a_hold_keeps_the_slot_for_its_visitor_alone(self, session: Session, patient: Patient) -> None:
        held = self.hold(session)
        with pytest.raises(SlotTaken):
            book(session, make_patient(session))
        booked = book(session, patient, hold=held.public_id, held_for="browser-1")
        assert (booked.id, booked.status, booked.version) == (held.id, "booked", 2)

    def test_a_hold_that_ran_out_blocks_nobody_though_no_job_ran(self, session: Session, patient: Patient) -> None:
        self.hold(session)
        later = NOW + timedelta(minutes=10)
        assert book(session, patient, now=later).status == "booked"
        assert session.scalars(select(Appointment.status).order_by(Appointment.id)).all() == ["expired", "booked"]

    def test_a_visitor_has_one_hold_and_choosing_anew_gives_the_old_one_back(
        self, session: Session, patient: Patient
    ) -> None:
        self.hold(session)
        self.hold(session, at="10:15")
        assert book(session, patient, at="09:15")
        statuses = session.scalars(select(Appointment.status).order_by(Appointment.id)).all()
        assert statuses == ["cancelled", "held", "booked"]

    def test_somebody_elses_hold_cannot_be_booked(self, session: Session, patient: Patient) -> None:
        held = self.hold(session)
        with pytest.raises(SlotTaken):
            book(session, patient, hold=held.public_id, held_for="browser-2")

    def test_the_rule_holds_for_a_held_slot_too(self, session: Session, patient: Patient) -> None:
        book(session, patient, MONDAY + timedelta(days=3), "10:00")
        held = self.hold(session)
        with pytest.raises(TreatmentTooSoon):
            book(session, patient, hold=held.public_id, held_for="browser-1")

    def test_expired_holds_are_tidied(self, session: Session, clinic: None) -> None:
        self.hold(session)
        assert holds.expire_holds(session, now=NOW) == 0
        assert holds.expire_holds(session, now=NOW + timedelta(minutes=11)) == 1

    def test_a_released_hold_is_free_at_once(self, session: Session, patient: Patient) -> None:
        held = self.hold(session)
        holds.release_hold(session, public_id=held.public_id, now=NOW, actor=PATIENT, held_for="browser-1")
        assert book(session, patient)


class TestMoving:
    def test_it_keeps_its_identity_and_is_no_obstacle_to_itself(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient, MONDAY + timedelta(days=1))
        moved = move(session, visit, MONDAY + timedelta(days=1), "10:15")
        assert (moved.id, moved.version, moved.schedule_version) == (visit.id, 2, 2)
        assert f"{moved.counts_from_local:%H:%M}" == "10:15"

    def test_the_rule_binds_a_move(self, session: Session, patient: Patient) -> None:
        book(session, patient, MONDAY)
        second = book(session, patient, MONDAY + timedelta(days=8))
        with pytest.raises(TreatmentTooSoon):
            move(session, second, MONDAY + timedelta(days=5), "10:00")

    def test_reminders_of_the_old_time_are_replaced(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient, MONDAY + timedelta(days=7))
        move(session, visit, MONDAY + timedelta(days=8), "11:00")
        counts = dict(session.execute(select(Reminder.status, func.count()).group_by(Reminder.status)).all())
        assert counts == {"superseded": 3, "planned": 3}

    def test_a_double_click_moves_once(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient, MONDAY + timedelta(days=1))
        move(session, visit, MONDAY + timedelta(days=2), "11:00")
        assert move(session, visit, MONDAY + timedelta(days=2), "11:00").version == 2

    def test_what_has_changed_meanwhile_is_not_overwritten(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient, MONDAY + timedelta(days=1))
        move(session, visit, MONDAY + timedelta(days=2), "11:00", expected_version=1)
        with pytest.raises(VersionConflict) as refused:
            move(session, visit, MONDAY + timedelta(days=3), "11:00", expected_version=1)
        assert refused.value.current_version == 2

    def test_to_another_practitioner(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient, MONDAY + timedelta(days=1))
        assert move(session, visit, MONDAY + timedelta(days=1), "10:00", practitioner="p2").practitioner_id == 2


class TestCancelling:
    def cancel(self, session: Session, visit: Appointment, **changes: object) -> Appointment:
        wanted = {"reason": "ill", "now": NOW, "actor": PATIENT} | changes
        return booking.cancel_appointment(session, clinic=CLINIC, public_id=visit.public_id, **wanted)

    def test_the_slot_is_free_and_nothing_is_texted(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient, MONDAY + timedelta(days=7))
        self.cancel(session, visit)
        assert set(session.scalars(select(Reminder.status))) == {"superseded"}
        assert book(session, make_patient(session), MONDAY + timedelta(days=7))

    def test_twice_is_once(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient)
        self.cancel(session, visit)
        assert self.cancel(session, visit).version == 2

    def test_patients_until_the_cutoff_and_the_desk_after_it(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient)
        late = visit.starts_at - timedelta(hours=24) + timedelta(minutes=1)
        with pytest.raises(TooLateToChange) as refused:
            self.cancel(session, visit, now=late)
        assert refused.value.deadline_local == local(MONDAY - timedelta(days=1), "10:00")
        assert self.cancel(session, visit, now=late, actor=STAFF).status == "cancelled"

    def test_a_visit_that_is_over_is_not_cancelled(self, session: Session, patient: Patient) -> None:
        visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), status="completed")
        with pytest.raises(StatusRefused):
            self.cancel(session, visit)

    def test_undoing_plans_the_reminders_anew(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient, MONDAY + timedelta(days=7))
        self.cancel(session, visit)
        visit_status.change_status(
            session, clinic=CLINIC, public_id=visit.public_id, status=AppointmentStatus.BOOKED, now=NOW, actor=STAFF
        )
        planned = session.scalars(select(Reminder.kind).where(Reminder.status == "planned")).all()
        assert sorted(planned) == ["confirmation", "days_before_1", "days_before_3"]

    def test_undoing_refuses_when_the_place_was_taken(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient)
        self.cancel(session, visit)
        book(session, make_patient(session))
        with pytest.raises(SlotTaken):
            visit_status.change_status(
                session, clinic=CLINIC, public_id=visit.public_id, status=AppointmentStatus.BOOKED, now=NOW, actor=STAFF
            )


ON_THE_DAY = NOW + timedelta(days=3, hours=8)  # Monday, 18:00 at the clinic


class TestWhatCounts:
    def status(self, session: Session, visit: Appointment, status: str, **changes: object) -> Appointment:
        return visit_status.change_status(
            session,
            clinic=CLINIC,
            public_id=visit.public_id,
            status=AppointmentStatus(status),
            now=ON_THE_DAY,
            actor=STAFF,
            **changes,
        )

    def test_ims_not_given_does_not_count(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient)
        self.status(session, visit, "completed", ims_given=False)
        assert book(session, patient, MONDAY + timedelta(days=1))

    def test_ims_given_in_a_follow_up_counts(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient, treatment="follow-up")
        self.status(session, visit, "completed", ims_given=True)
        with pytest.raises(TreatmentTooSoon):
            book(session, patient, MONDAY + timedelta(days=1))

    @pytest.mark.parametrize("status", ["arrived", "completed", "no_show"])
    def test_nothing_has_happened_before_its_day(self, session: Session, patient: Patient, status: str) -> None:
        visit = book(session, patient, MONDAY + timedelta(days=1))
        with pytest.raises(StatusRefused):
            self.status(session, visit, status)

    def test_clearance_taken_back_binds_moves_and_undoing(self, session: Session, patient: Patient) -> None:
        moved = book(session, patient, MONDAY + timedelta(days=7))
        revived = book(session, patient, MONDAY + timedelta(days=14))
        booking.cancel_appointment(session, clinic=CLINIC, public_id=revived.public_id, reason="", now=NOW, actor=STAFF)
        take_back_clearance(session, public_id=patient.public_id, now=NOW, actor=STAFF)
        with pytest.raises(NotCleared):
            move(session, moved, MONDAY + timedelta(days=8), "10:00")
        with pytest.raises(NotCleared):
            visit_status.change_status(
                session,
                clinic=CLINIC,
                public_id=revived.public_id,
                status=AppointmentStatus.BOOKED,
                now=NOW,
                actor=STAFF,
            )

    def test_ims_elsewhere_recorded_by_mistake_is_taken_back_and_what_it_stopped_counts_again(
        self, session: Session, patient: Patient
    ) -> None:
        make_appointment(session, patient=patient, starts_local=local(date(2026, 11, 24), "10:00"), status="completed")
        there = record_elsewhere(
            session, clinic=CLINIC, patient_id=patient.id, day=date(2026, 11, 26), now=NOW, actor=STAFF
        )
        with pytest.raises(TreatmentTooSoon):
            book(session, patient, date(2026, 12, 2))
        booking.cancel_appointment(session, clinic=CLINIC, public_id=there.public_id, reason="", now=NOW, actor=STAFF)
        with pytest.raises(TreatmentTooSoon) as refused:
            book(session, patient, MONDAY)
        assert refused.value.earliest == local(date(2026, 12, 1), "10:00")
        assert book(session, patient, date(2026, 12, 1))

    def test_a_visit_is_not_flagged_with_ims_elsewhere_that_was_recorded_by_mistake(
        self, session: Session, patient: Patient
    ) -> None:
        yes = ScreeningAnswers(frozenset({ScreeningQuestion.NEEDLED_ELSEWHERE}), date(2026, 11, 20))
        book(session, patient, MONDAY, screening=yes)
        both = ScreeningAnswers(frozenset(ScreeningQuestion), date(2026, 11, 20))
        book(session, patient, MONDAY + timedelta(days=7), screening=both)
        there = session.scalars(select(Appointment).where(Appointment.origin == "elsewhere")).one()
        booking.cancel_appointment(session, clinic=CLINIC, public_id=there.public_id, reason="", now=NOW, actor=STAFF)
        first, second = session.scalars(select(Screening).order_by(Screening.id)).all()
        assert (first.flagged, first.needled_elsewhere_on) == (False, None)
        assert (second.flagged, second.needled_elsewhere_on) == (True, None)
        assert not second.answers["needled_elsewhere"] and second.answers["pregnancy"]

    @pytest.mark.parametrize(
        ("day", "at"), [((2026, 3, 8), "02:30"), ((2026, 11, 1), "01:30"), ((2026, 11, 20), "09:30:01")]
    )
    def test_ims_elsewhere_at_a_time_that_is_no_one_minute_is_refused(
        self, session: Session, patient: Patient, day: tuple[int, int, int], at: str
    ) -> None:
        with pytest.raises(Invalid):
            record_elsewhere(
                session,
                clinic=CLINIC,
                patient_id=patient.id,
                day=date(*day),
                at=time.fromisoformat(at),
                now=NOW,
                actor=STAFF,
            )

    def test_a_cancelled_visit_does_not_count(self, session: Session, patient: Patient) -> None:
        visit = book(session, patient)
        self.status(session, visit, "cancelled")
        assert book(session, patient, MONDAY + timedelta(days=1))

    def test_needling_elsewhere_named_in_the_screening_counts_from_the_end_of_its_day(
        self, session: Session, patient: Patient
    ) -> None:
        yes = ScreeningAnswers(frozenset({ScreeningQuestion.NEEDLED_ELSEWHERE}), date(2026, 11, 25))
        with pytest.raises(TreatmentTooSoon) as refused:
            book(session, patient, MONDAY, screening=yes)
        assert refused.value.earliest == local(date(2026, 12, 3), "00:00")
        assert refused.value.alternatives[0].starts_local == local(date(2026, 12, 3), "09:00")
        with pytest.raises(TreatmentTooSoon):  # it stays recorded, whatever is answered next time
            book(session, patient, date(2026, 12, 2))
        assert book(session, patient, date(2026, 12, 3), screening=yes)

    def test_needling_elsewhere_too_near_to_a_visit_to_come_says_which_must_move(
        self, session: Session, patient: Patient
    ) -> None:
        book(session, patient)
        yes = ScreeningAnswers(frozenset({ScreeningQuestion.NEEDLED_ELSEWHERE}), date(2026, 11, 26))
        with pytest.raises(VisitMustMove) as refused:
            book(session, patient, MONDAY + timedelta(days=14), screening=yes)
        assert refused.value.wanted_local == local(MONDAY, "10:00")

    def test_needling_elsewhere_after_a_visit_here_counts_instead_of_it(
        self, session: Session, patient: Patient
    ) -> None:
        make_appointment(session, patient=patient, starts_local=local(date(2026, 11, 20), "10:00"), status="completed")
        yes = ScreeningAnswers(frozenset({ScreeningQuestion.NEEDLED_ELSEWHERE}), date(2026, 11, 23))
        with pytest.raises(TreatmentTooSoon):
            book(session, patient, MONDAY, screening=yes)
        assert book(session, patient, date(2026, 12, 1), screening=yes)

    @pytest.mark.parametrize("status", ["booked", "confirmed", "arrived"])
    def test_a_past_visit_that_nobody_has_marked_is_not_to_come(
        self, session: Session, patient: Patient, status: str
    ) -> None:
        here = make_appointment(
            session, patient=patient, starts_local=local(date(2026, 11, 20), "10:00"), status=status
        )
        elsewhere(session, patient, date(2026, 11, 23))
        assert (here.status, here.spacing_group_id) == ("completed", None)
        with pytest.raises(TreatmentTooSoon) as refused:
            book(session, patient, MONDAY)
        assert refused.value.earliest == local(date(2026, 12, 1), "00:00")
        assert book(session, patient, date(2026, 12, 1))

    def test_a_visit_that_is_going_on_may_still_be_stopped(self, session: Session, patient: Patient) -> None:
        make_appointment(session, patient=patient, starts_local=local(NOW.date(), "09:45"), status="arrived")
        with pytest.raises(VisitMustMove):
            elsewhere(session, patient, date(2026, 11, 26))

    @pytest.mark.parametrize("becomes", ["no_show", "cancelled", "completed", "moved"])
    @pytest.mark.parametrize("marked", [False, True])
    def test_ims_elsewhere_counts_again_once_the_visit_after_it_does_not(
        self, session: Session, patient: Patient, becomes: str, marked: bool
    ) -> None:
        here = make_appointment(session, patient=patient, starts_local=local(date(2026, 11, 25), "10:00"))
        if marked:
            self.status(session, here, "completed")
        there = elsewhere(session, patient, date(2026, 11, 23))
        with pytest.raises(TreatmentTooSoon) as refused:
            book(session, patient, date(2026, 12, 1))
        assert refused.value.clash.starts_local == here.starts_local and there.spacing_group_id is None
        undone = {"completed": ["arrived"], "cancelled": ["arrived", "booked"], "moved": ["arrived", "booked"]}
        for status in undone.get(becomes, []) if marked else []:
            self.status(session, here, status)
        if becomes == "moved":
            with pytest.raises(TreatmentTooSoon) as refused:
                move(session, here, MONDAY, "10:00", actor=STAFF)
            assert refused.value.earliest == local(date(2026, 12, 1), "00:00") and refused.value.clash.elsewhere
            move(session, here, date(2026, 12, 9), "10:00", actor=STAFF)
        else:
            self.status(session, here, becomes, **({"ims_given": False} if becomes == "completed" else {}))
        with pytest.raises(TreatmentTooSoon) as refused:
            book(session, patient, MONDAY)
        assert refused.value.earliest == local(date(2026, 12, 1), "00:00")
        assert book(session, patient, date(2026, 12, 1))


def elsewhere(session: Session, patient: Patient, day: date) -> Appointment:
    return record_elsewhere(session, clinic=CLINIC, patient_id=patient.id, day=day, now=NOW, actor=STAFF)


def test_one_address_cannot_hold_the_whole_calendar(session: Session, clinic: None) -> None:
    def hold(number: int) -> Appointment:
        return holds.hold_slot(
            session,
            clinic=CLINIC,
            treatment="follow-up",
            practitioner=None,
            starts_local=local(MONDAY + timedelta(days=number // 10), f"{9 + number % 7:02d}:00"),
            now=NOW,
            actor=PATIENT,
            held_for=f"browser-{number}",
            network_keys=[NetworkKey("one address", 1)],
        )

    for number in range(holds.HOLDS_OF_AN_ADDRESS):
        hold(number)
    with pytest.raises(TooManyTries):
        hold(holds.HOLDS_OF_AN_ADDRESS)
