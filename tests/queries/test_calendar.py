"""What occupies a range of days, as the search for slots reads it."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from scheduler.domain.booking.availability import Absence, Busy
from scheduler.domain.booking.start_grid import wall_minute
from scheduler.models import Appointment, Closure, Patient, TimeOff
from scheduler.queries.calendar.occupied import Occupied, occupied
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient

IMS = 45  # minutes, with its buffer


@pytest.fixture
def patient(session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session, cleared=True)


def on_monday(session: Session, leaving_out: int | None = None) -> Occupied:
    return occupied(session.connection(), first_day=MONDAY, last_day=MONDAY, now=NOW, leaving_out=leaving_out)


def hold(session: Session, clock_time: str, minutes: int) -> Appointment:
    until = NOW + timedelta(minutes=minutes)
    return make_appointment(
        session, patient=None, starts_local=local(MONDAY, clock_time), status="held", hold_until=until, held_for="b"
    )


def minutes(*clock_times: str) -> list[int]:
    return [wall_minute(local(MONDAY, clock_time)) for clock_time in clock_times]


def test_visits_of_a_practitioner_in_a_room_that_take_equally_long_come_together(session: Session, patient: Patient):
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "09:00"))
    make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:05"))
    make_appointment(
        session, patient=make_patient(session), starts_local=local(MONDAY, "11:00"), practitioner="p2", room="Room 2"
    )
    found = on_monday(session)
    busy = sorted(each._replace(starts=sorted(each.starts)) for each in found.busy)
    assert busy == [Busy(1, 1, IMS, minutes("09:00", "10:05")), Busy(2, 2, IMS, minutes("11:00"))]
    assert (found.absences, found.ran_out, found.next_run_out) == ([], [], None)


def test_a_night_visit_of_the_day_before_counts_and_other_days_cancelled_and_left_out_visits_do_not(
    session: Session, patient: Patient
):
    evening = make_appointment(session, patient=patient, starts_local=local(MONDAY - timedelta(days=1), "23:50"))
    make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "09:00"), status="cancelled")
    make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY + timedelta(days=1), "00:00"))
    moving = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "12:00"))
    found = on_monday(session, leaving_out=moving.id)
    assert [list(each.starts) for each in found.busy] == [[wall_minute(evening.starts_local)]]


def test_a_hold_occupies_its_time_until_it_runs_out(session: Session, patient: Patient):
    hold(session, "09:00", minutes=8)
    hold(session, "10:00", minutes=3)
    over = hold(session, "11:00", minutes=0)
    found = on_monday(session)
    assert sorted(each.starts[0] for each in found.busy) == minutes("09:00", "10:00")
    assert found.ran_out == [over.id]
    assert found.next_run_out == NOW + timedelta(minutes=3)


def test_time_off_and_closures_that_touch_the_days(session: Session, patient: Patient):
    since, until = local(MONDAY - timedelta(days=3), "12:00"), local(MONDAY, "12:00")
    session.add(TimeOff(practitioner_id=2, starts_local=since, ends_local=until))
    session.add(TimeOff(practitioner_id=1, starts_local=since, ends_local=local(MONDAY, "00:00")))
    session.add(Closure(starts_local=local(MONDAY, "16:00"), ends_local=local(MONDAY, "18:00")))
    session.flush()
    found = on_monday(session)
    assert found.busy == []
    assert sorted(found.absences, key=lambda absence: absence.start_local) == [
        Absence(2, since, until),
        Absence(None, local(MONDAY, "16:00"), local(MONDAY, "18:00")),
    ]
