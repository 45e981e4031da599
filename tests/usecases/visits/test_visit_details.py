"""Series of visits, rooms and notes: what the desk does beside booking one visit."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DatabaseError
from sqlalchemy.orm import Session

from scheduler.domain.booking.availability import HiddenReason
from scheduler.domain.booking.refusals import RoomTaken, SlotNotOffered, SlotTaken
from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.visits.refusals import VersionConflict
from scheduler.models import (
    Appointment,
    AppointmentHistory,
    AppointmentNote,
    Closure,
    Practitioner,
    Reminder,
    Room,
    TimeOff,
)
from scheduler.queries.booking import desk_free
from scheduler.queries.booking.slots import Wanted
from scheduler.queries.clinic import reference
from scheduler.usecases.booking.booking import move_appointment
from scheduler.usecases.booking.series import SeriesStart, book_series
from scheduler.usecases.visits.details import change_length, change_room, write_note
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient


def book(session: Session, patient_id: int, starts: list[SeriesStart]) -> None:
    session.rollback()
    book_series(
        session,
        clinic=CLINIC,
        patient_id=patient_id,
        treatment="ims",
        starts=starts,
        now=NOW,
        actor=STAFF,
        origin="desk",
    )


def weekly(count: int, clock_time: str = "10:00") -> list[SeriesStart]:
    return [SeriesStart(local(MONDAY, clock_time) + timedelta(weeks=week), "p1") for week in range(count)]


def test_a_series_is_booked_whole_with_its_reminders_or_not_at_all(session: Session) -> None:
    make_clinic(session)
    patient = make_patient(session).id
    other = make_patient(session).id
    book(session, patient, weekly(12))
    assert len(session.scalars(select(Appointment)).all()) == 12
    assert session.scalars(select(Reminder.kind).where(Reminder.kind == "confirmation")).all()
    too_close = [*weekly(3, "14:00"), SeriesStart(local(MONDAY + timedelta(days=17), "9:00".zfill(5)), "p2")]
    with pytest.raises(TreatmentTooSoon) as refused:
        book(session, other, too_close)
    assert refused.value.alternatives
    session.rollback()
    assert session.scalars(select(Appointment).where(Appointment.patient_id == other)).all() == []
    for wrong in ([], weekly(13, "16:00")):
        with pytest.raises(Invalid):
            book(session, other, wrong)


def test_clashes_of_a_series_are_known_before_with_the_nearest_that_fit_the_rest(session: Session) -> None:
    make_clinic(session, practitioners=1, rooms=1)
    patient = make_patient(session).id
    make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY + timedelta(days=7), "10:00"))
    connection = session.connection()
    ims = reference.current(connection).treatment("ims")
    starts = [start.starts_local for start in weekly(3)]
    wanted = Wanted(ims, MONDAY, MONDAY)
    first, second, third = desk_free.plan_series(connection, wanted, patient, starts=starts, clinic=CLINIC, now=NOW)
    assert first.reason is None and first.chosen is not None
    assert second.chosen is not None and second.chosen.starts_local == local(MONDAY + timedelta(days=7), "10:45")
    assert second.reason == "practitioner-busy"
    assert third.reason == "too-soon"  # 10:00 is less than seven days from the second, now at 10:45
    assert third.chosen is not None and third.chosen.starts_local == local(MONDAY + timedelta(days=14), "10:45")


def test_next_free_keeps_to_the_rule_and_to_what_was_asked(session: Session) -> None:
    make_clinic(session)
    patient = make_patient(session)
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    connection = session.connection()
    wanted = Wanted(reference.current(connection).treatment("ims"), MONDAY, MONDAY)
    found = desk_free.next_free(
        connection,
        wanted,
        patient.id,
        clinic=CLINIC,
        now=NOW,
        count=4,
        fits=lambda start: start.weekday() == 0 and start.hour < 12,
    )
    expected = [local(MONDAY + timedelta(weeks=week), at) for week, at in ((1, "10:00"), (2, "09:00"), (2, "11:00"))]
    assert [start.starts_local for start in found][:3] == expected


def test_a_room_changes_with_a_line_of_history_unless_it_is_taken(session: Session) -> None:
    make_clinic(session)
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:00"))
    busy = make_appointment(
        session, patient=make_patient(session), starts_local=local(MONDAY, "10:15"), practitioner="p2", room="Room 2"
    )
    room = session.scalars(select(Room).where(Room.name == "Room 2")).one().id
    who = {"public_id": visit.public_id, "now": NOW, "actor": STAFF}
    session.rollback()
    with pytest.raises(RoomTaken):
        change_room(session, **who, room_id=room)
    busy.status, busy.version = "cancelled", 2
    session.commit()
    assert change_room(session, **who, room_id=room, expected_version=1).version == 2
    line = session.scalars(select(AppointmentHistory).where(AppointmentHistory.version == 2).order_by("id")).all()[-1]
    assert (line.to_room_id, line.changed_by) == (room, "staff:reception")
    with pytest.raises(NotFound):
        change_room(session, **who, room_id=999)
    with pytest.raises(VersionConflict):
        change_room(session, **who, room_id=room, expected_version=1)


def test_time_and_room_change_in_one_step_or_not_at_all(session: Session) -> None:
    make_clinic(session)
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:00"))
    make_appointment(
        session, patient=make_patient(session), starts_local=local(MONDAY, "13:00"), practitioner="p2", room="Room 2"
    )
    room = session.scalars(select(Room).where(Room.name == "Room 2")).one().id
    who = {"clinic": CLINIC, "public_id": visit.public_id, "practitioner": "p1", "now": NOW, "actor": STAFF}
    session.rollback()
    with pytest.raises(RoomTaken):
        move_appointment(session, **who, starts_local=local(MONDAY, "13:15"), room=room)
    session.rollback()
    with pytest.raises(NotFound):
        move_appointment(session, **who, starts_local=local(MONDAY, "14:00"), room=999)
    session.rollback()
    moved = move_appointment(session, **who, starts_local=local(MONDAY, "14:00"), room=room)
    assert (moved.starts_local, moved.room_id, moved.version) == (local(MONDAY, "14:00"), room, 2)
    session.execute(text("UPDATE appointment SET status = 'confirmed', version = 3 WHERE version = 2"))
    session.commit()
    other = session.scalars(select(Room).where(Room.name == "Room 1")).one().id
    session.rollback()
    moved = move_appointment(session, **who, starts_local=local(MONDAY, "14:00"), room=other)
    assert (moved.room_id, moved.version, moved.schedule_version, moved.status) == (other, 4, 2, "confirmed")
    session.rollback()
    assert move_appointment(session, **who, starts_local=local(MONDAY, "14:00"), room=other).version == 4


def test_a_note_keeps_what_it_was(session: Session) -> None:
    make_clinic(session)
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:00")).public_id
    session.rollback()
    for words in ("brings a scan", "brings two scans"):
        write_note(session, public_id=visit, words=words, now=NOW, actor=STAFF)
    notes = session.scalars(select(AppointmentNote).order_by(AppointmentNote.id)).all()
    assert [note.words for note in notes] == ["brings a scan", "brings two scans"]
    assert session.scalars(select(Appointment)).one().version == 3
    with pytest.raises(Invalid):
        write_note(session, public_id=visit, words="x" * 2001, now=NOW, actor=STAFF)
    session.rollback()
    for statement in ("UPDATE appointment_note SET words = ''", "DELETE FROM appointment_note"):
        with pytest.raises(DatabaseError, match="notes_are_append_only"):
            session.execute(text(statement))
        session.rollback()


def test_another_length_is_kept_when_the_visit_moves_and_runs_into_nobody(session: Session) -> None:
    make_clinic(session)
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:00")).public_id
    make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "11:30"))
    who = {"public_id": visit, "now": NOW, "actor": STAFF}
    session.rollback()
    assert change_length(session, **who, minutes=60).minutes == 60
    with pytest.raises(SlotTaken):
        change_length(session, **who, minutes=90)
    for wrong in (0, 7, 485):
        with pytest.raises(Invalid):
            change_length(session, **who, minutes=wrong)
    moved = move_appointment(session, clinic=CLINIC, practitioner="p2", starts_local=local(MONDAY, "13:00"), **who)
    assert (moved.minutes, moved.ends_at - moved.starts_at) == (60, timedelta(minutes=60))


@pytest.mark.parametrize(
    ("starts", "minutes", "why"),
    [
        ("16:00", 60, None),  # to closing time itself
        ("16:00", 65, HiddenReason.OUTSIDE_HOURS),
        ("11:30", 60, HiddenReason.PRACTITIONER_AWAY),
        ("14:30", 45, HiddenReason.CLOSED),
        ("09:00", 60, None),
    ],
)
def test_more_minutes_than_the_working_day_has_need_insisting(
    session: Session, starts: str, minutes: int, why: HiddenReason | None
) -> None:
    make_clinic(session)
    who = session.scalars(select(Practitioner).where(Practitioner.slug == "p1")).one().id
    noon, one, three = local(MONDAY, "12:00"), local(MONDAY, "13:00"), local(MONDAY, "15:00")
    session.add(TimeOff(practitioner_id=who, starts_local=noon, ends_local=one, reason="Lunch"))
    session.add(Closure(starts_local=three, ends_local=local(MONDAY, "16:00"), name="Fire drill"))
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, starts))
    asked = {"public_id": visit.public_id, "minutes": minutes, "now": NOW, "actor": STAFF}
    session.rollback()
    if why is not None:
        with pytest.raises(SlotNotOffered) as refused:
            change_length(session, **asked)
        assert refused.value.reason == why
        session.rollback()
        assert session.scalars(select(Appointment)).one().version == 1
        session.rollback()
    assert change_length(session, **asked, insists=why is not None).minutes == minutes
    assert change_length(session, **(asked | {"minutes": minutes - 5})).minutes == minutes - 5  # less asks nothing


def test_insisting_on_more_minutes_runs_into_nobody(session: Session) -> None:
    make_clinic(session)
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "16:00")).public_id
    make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "17:30"))
    session.rollback()
    for insists in (False, True):
        with pytest.raises(SlotTaken):
            change_length(session, public_id=visit, minutes=120, now=NOW, actor=STAFF, insists=insists)
