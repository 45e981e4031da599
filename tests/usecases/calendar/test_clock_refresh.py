"""The wall clock is the truth: when zone rules change, instants follow it and no promise to a patient does."""

from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.models import Appointment, Reminder
from scheduler.queries.calendar.left_in_zone import left_visits
from scheduler.serving import zone_check
from scheduler.usecases.calendar.clock_refresh import refresh_instants
from scheduler.usecases.texts.reminder_planning import plan_for
from tests.factories import CLINIC, MONDAY, NOW, local, make_appointment, make_clinic, make_patient

LATER, EARLIER = "America/Vancouver", "America/Halifax"


def a_full_morning(session: Session) -> list[Appointment]:
    make_clinic(session)
    starts = local(MONDAY, "09:00")
    visits = []
    for number in range(6):  # back to back, longer than the three hours they are going to be moved by
        patient = make_patient(session)
        visits.append(make_appointment(session, patient=patient, starts_local=starts + timedelta(minutes=45 * number)))
    return visits


@pytest.mark.parametrize("zone", [LATER, EARLIER])
def test_instants_follow_the_wall_clock_even_where_visits_are_back_to_back(session: Session, zone: str) -> None:
    before = {visit.public_id: (visit.starts_local, visit.starts_at) for visit in a_full_morning(session)}
    moved = refresh_instants(session, clinic=replace(CLINIC, zone=zone), now=NOW)
    assert [one.public_id for one in moved] == list(before)
    for visit in session.scalars(select(Appointment)):
        assert visit.starts_local == before[visit.public_id][0]
        assert visit.starts_at == clock.to_utc(visit.starts_local, clock.zone(zone)) != before[visit.public_id][1]
        assert visit.busy_until == visit.starts_at + timedelta(minutes=45)
        assert (visit.zone, visit.version, visit.schedule_version) == (zone, 2, 2)
    assert refresh_instants(session, clinic=replace(CLINIC, zone=zone), now=NOW) == []


def test_nothing_is_touched_when_nothing_changed(session: Session) -> None:
    a_full_morning(session)
    assert refresh_instants(session, clinic=CLINIC, now=NOW) == []
    assert set(session.scalars(select(Appointment.version))) == {1}


def test_visits_of_the_past_stay_in_the_zone_they_were_in(session: Session) -> None:
    make_clinic(session)
    past = make_appointment(
        session,
        patient=make_patient(session),
        starts_local=local(MONDAY - timedelta(days=14), "10:00"),
        status="completed",
    )
    assert refresh_instants(session, clinic=replace(CLINIC, zone=LATER), now=NOW) == []
    assert past.zone == CLINIC.zone


def test_reminders_are_planned_anew_but_nothing_is_confirmed_twice(session: Session) -> None:
    make_clinic(session)
    visit = make_appointment(
        session, patient=make_patient(session), starts_local=local(MONDAY + timedelta(days=7), "10:00")
    )
    plan_for(session, appointment=visit, clinic=CLINIC, now=NOW)
    session.query(Reminder).filter_by(kind="confirmation").update({"status": "sent"})
    session.commit()
    refresh_instants(session, clinic=replace(CLINIC, zone=LATER), now=NOW)
    planned = session.scalars(select(Reminder).where(Reminder.status == "planned").order_by(Reminder.due_at)).all()
    assert [(one.kind, one.version) for one in planned] == [("days_before_3", 2), ("days_before_1", 2)]
    local_dues = [clock.to_local(one.due_at, clock.zone(LATER)) for one in planned]
    assert local_dues == [datetime(2026, 12, 4, 10), datetime(2026, 12, 6, 10)]


def test_a_time_that_the_clock_now_skips_is_named(session: Session) -> None:
    make_clinic(session)
    gap = datetime(2027, 3, 14, 2, 30)
    at = clock.to_utc(gap, clock.zone("America/Regina"))
    visit = make_appointment(
        session, patient=make_patient(session), starts_local=datetime(2027, 3, 14, 4), treatment="follow-up"
    )
    visit.starts_local = visit.counts_from_local = gap
    visit.zone, visit.version, visit.schedule_version = "America/Regina", 2, 2
    visit.starts_at, visit.ends_at, visit.busy_until = at, at + timedelta(minutes=30), at + timedelta(minutes=30)
    session.commit()
    assert [(one.starts_local, one.exists) for one in refresh_instants(session, clinic=CLINIC, now=NOW)] == [
        (gap, False)
    ]


def test_what_would_overlap_is_left_and_named(session: Session) -> None:
    """Only possible over a clock change: here one visit lies in an hour that the new zone does not have."""
    make_clinic(session)
    patient = make_patient(session)
    regina = clock.zone("America/Regina")
    for start in (datetime(2027, 3, 14, 2, 15), datetime(2027, 3, 14, 3, 15)):
        visit = make_appointment(
            session, patient=patient, starts_local=start.replace(hour=start.hour + 6), treatment="follow-up"
        )
        at = clock.to_utc(start, regina)
        visit.starts_local = visit.counts_from_local = start
        visit.zone, visit.version, visit.schedule_version = "America/Regina", 2, 2
        visit.starts_at, visit.ends_at, visit.busy_until = at, at + timedelta(minutes=30), at + timedelta(minutes=30)
        session.commit()
    moved = refresh_instants(session, clinic=CLINIC, now=NOW)
    assert sorted(one.refused for one in moved) == [False, True]
    left = left_visits(session.connection(), zone=CLINIC.zone, now=NOW)
    assert [each.starts_local.minute for each in left] == [15, 15]


def test_what_has_begun_by_its_own_instant_stays_whatever_the_new_clock_shows(session: Session) -> None:
    """At 10:00 in Toronto it is 7:00 in Vancouver: visits of 8:00 to 9:30 would begin once more."""
    make_clinic(session)
    today = NOW.date()
    for clock_time, status in (("08:00", "completed"), ("08:45", "no_show"), ("09:30", "booked")):
        make_appointment(session, patient=make_patient(session), starts_local=local(today, clock_time), status=status)
    early = make_appointment(
        session, patient=make_patient(session), starts_local=local(today, "10:30"), status="completed"
    )
    assert refresh_instants(session, clinic=replace(CLINIC, zone=LATER), now=NOW) == []
    assert early.zone == CLINIC.zone


def test_a_visit_to_come_does_not_come_to_lie_in_the_past(session: Session) -> None:
    make_clinic(session)
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(NOW.date(), "10:30"))
    halifax = replace(CLINIC, zone=EARLIER)  # where it is 11:00
    assert [one.refused for one in refresh_instants(session, clinic=halifax, now=NOW)] == [True]
    assert (visit.zone, visit.version) == (CLINIC.zone, 1)
    assert [left.public_id for left in left_visits(session.connection(), zone=EARLIER, now=NOW)] == [visit.public_id]
    warned = zone_check.warning(session.get_bind().engine, zone=EARLIER, now=NOW) or ""
    assert warned.startswith("1 visit to come is by another time zone than the clinic's, America/Halifax: run")
    assert zone_check.warning(session.get_bind().engine, zone=CLINIC.zone, now=NOW) is None
