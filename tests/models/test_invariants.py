"""The invariants of ARCHITECTURE.md, held by the database itself: every row here goes past the use cases, as a script would."""

from datetime import date, datetime, time, timedelta

import pytest
from sqlalchemy import insert, select, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from scheduler.models import (
    Appointment,
    AppointmentHistory,
    Patient,
    PatientMerge,
    Practitioner,
    Reminder,
    SpacingGroup,
    Treatment,
)
from scheduler.models.constraints import install, missing, remove, violated
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient

TEN = local(MONDAY, "10:00")


@pytest.fixture
def patient(session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session)


def refused(session: Session, patient: Patient | None, starts_local: datetime, **columns: object) -> str | None:
    """The name of the constraint that refuses such an appointment; None when it is let in."""
    try:
        make_appointment(session, patient=patient, starts_local=starts_local, **columns)
    except IntegrityError as error:
        session.rollback()
        return violated(error)
    return None


def change_refused(session: Session, visit: Appointment, **columns: object) -> str | None:
    for column, value in ({"version": visit.version + 1} | columns).items():
        with session.no_autoflush:
            setattr(visit, column, value)
    try:
        session.commit()
    except IntegrityError as error:
        session.rollback()
        return violated(error)
    return None


OVERLAPS = [  # minutes from an IMS visit at 10:00 to 10:30 with its buffer to 10:45
    (-46, None),
    (-45, None),
    (-44, "double_booked"),
    (0, "double_booked"),
    (44, "double_booked"),
    (45, None),
    (46, None),
]


@pytest.mark.parametrize(("offset", "refusal"), OVERLAPS)
@pytest.mark.parametrize("who", ["practitioner", "room"])
def test_nobody_and_no_room_is_double_booked(
    session: Session, patient: Patient, who: str, offset: int, refusal: str | None
) -> None:
    make_appointment(session, patient=patient, starts_local=TEN, practitioner="p1", room="Room 1")
    place = {"practitioner": {"room": "Room 2"}, "room": {"practitioner": "p2"}}[who]
    expected = refusal and f"{who}_not_{refusal}"
    assert refused(session, make_patient(session), TEN + timedelta(minutes=offset), **place) == expected


@pytest.mark.parametrize(
    ("offset", "refusal"),
    [(-30, None), (-29, "patient_not_double_booked"), (29, "patient_not_double_booked"), (30, None)],
)
def test_no_patient_is_in_two_places(session: Session, patient: Patient, offset: int, refusal: str | None) -> None:
    make_appointment(session, patient=patient, starts_local=TEN, treatment="follow-up")
    elsewhere = {"practitioner": "p2", "room": "Room 2", "treatment": "follow-up"}
    assert refused(session, patient, TEN + timedelta(minutes=offset), **elsewhere) == refusal


WEEK = timedelta(days=7)
MINUTE = timedelta(minutes=1)
SPACINGS = [
    (-WEEK - MINUTE, None),
    (-WEEK, None),
    (-WEEK + MINUTE, "treatment_spacing"),
    (timedelta(days=-3), "treatment_spacing"),
    (timedelta(days=1), "treatment_spacing"),
    (WEEK - MINUTE, "treatment_spacing"),
    (WEEK, None),
    (WEEK + MINUTE, None),
]


@pytest.mark.parametrize(("distance", "refusal"), SPACINGS)
@pytest.mark.parametrize("day", [MONDAY, date(2026, 10, 26), date(2027, 3, 8), date(2027, 3, 15), date(2026, 12, 28)])
def test_ims_visits_of_a_patient_are_seven_days_apart_on_the_wall_clock(
    session: Session, patient: Patient, day: date, distance: timedelta, refusal: str | None
) -> None:
    make_appointment(session, patient=patient, starts_local=local(day, "10:00"))
    assert refused(session, patient, local(day, "10:00") + distance, practitioner="p2", room="Room 2") == refusal


def test_every_status_that_is_active_counts_and_no_other(session: Session, patient: Patient) -> None:
    for number, status in enumerate(
        ["held", "booked", "confirmed", "arrived", "completed", "cancelled", "no_show", "expired"]
    ):
        someone = make_patient(session)
        first = TEN + timedelta(days=14 * number)
        columns = {"hold_until": NOW} if status == "held" else {}
        make_appointment(session, patient=someone, starts_local=first, status=status, **columns)
        expected = None if status in ("cancelled", "no_show", "expired") else "treatment_spacing"
        assert refused(session, someone, first + timedelta(days=3)) == expected


def test_moving_and_reviving_are_bound_as_booking_is(session: Session, patient: Patient) -> None:
    make_appointment(session, patient=patient, starts_local=TEN)
    later = make_appointment(session, patient=patient, starts_local=TEN + WEEK)
    near = TEN + WEEK - MINUTE
    assert (
        change_refused(session, later, starts_local=near, counts_from_local=near, schedule_version=2)
        == "treatment_spacing"
    )
    gone = make_appointment(session, patient=patient, starts_local=TEN + timedelta(days=3), status="cancelled")
    assert change_refused(session, gone, status="booked") == "treatment_spacing"
    other = make_appointment(
        session, patient=make_patient(session), starts_local=TEN + timedelta(days=4), status="booked"
    )
    assert change_refused(session, other, patient_id=patient.id) == "treatment_spacing"


def test_another_group_has_its_own_distance(session: Session, patient: Patient) -> None:
    group = SpacingGroup(slug="injection", name="Injection", min_days=90)
    session.add(group)
    session.flush()
    session.add(
        Treatment(slug="injection", name_en="Injection", name_fr="Injection", minutes=30, spacing_group_id=group.id)
    )
    session.commit()
    make_appointment(session, patient=patient, starts_local=TEN, treatment="injection")
    assert refused(session, patient, TEN + timedelta(days=90) - MINUTE, treatment="injection") == "treatment_spacing"
    assert refused(session, patient, TEN + timedelta(days=90), treatment="injection") is None
    assert refused(session, patient, TEN + timedelta(days=1), treatment="ims") is None


def test_ims_cannot_be_made_to_count_for_nothing_before_it_is_completed(session: Session, patient: Patient) -> None:
    assert refused(session, patient, TEN, spacing_group_id=None, spacing_days=None) == "spacing_follows_treatment"
    visit = make_appointment(session, patient=patient, starts_local=TEN)
    assert change_refused(session, visit, spacing_group_id=None, spacing_days=None) == "spacing_follows_treatment"
    assert change_refused(session, visit, status="completed", spacing_group_id=None, spacing_days=None) is None
    assert change_refused(session, visit, status="arrived") == "spacing_follows_treatment"


def test_a_shorter_distance_is_refused_on_the_visit_and_on_the_group(session: Session, patient: Patient) -> None:
    assert refused(session, patient, TEN, spacing_days=6) == "spacing_days_of_group"
    visit = make_appointment(session, patient=patient, starts_local=TEN)
    assert change_refused(session, visit, spacing_days=0) == "spacing_days_of_group"
    for change in (
        "UPDATE spacing_group SET min_days = 6",
        "UPDATE spacing_group SET needling = false",
        "UPDATE treatment SET spacing_group_id = NULL WHERE slug = 'ims'",
        "UPDATE treatment SET kind = 'other' WHERE slug = 'ims'",
    ):
        with pytest.raises(IntegrityError):
            session.execute(text(change))
        session.rollback()


def test_a_part_of_a_minute_is_refused(session: Session, patient: Patient) -> None:
    assert refused(session, patient, TEN + timedelta(seconds=1)) == "visits_start_on_whole_minutes"


def test_every_change_writes_its_history_line_and_raises_the_version(session: Session, patient: Patient) -> None:
    visit = make_appointment(session, patient=patient, starts_local=TEN)
    assert change_refused(session, visit, status="arrived", changed_by="staff:anna", changed_why="walked in") is None
    assert change_refused(session, visit, status="completed", version=2) == "appointment_version_rises"
    lines = session.scalars(select(AppointmentHistory).order_by(AppointmentHistory.id)).all()
    assert [(line.version, line.from_status, line.to_status) for line in lines] == [
        (1, None, "booked"),
        (2, "booked", "arrived"),
    ]
    assert (lines[1].changed_by, lines[1].changed_why) == ("staff:anna", "walked in")


def test_history_is_append_only_and_appointments_stay(session: Session, patient: Patient) -> None:
    visit = make_appointment(session, patient=patient, starts_local=TEN)
    session.execute(text("SELECT 1"))
    for statement in (
        "UPDATE appointment_history SET changed_by = 'nobody'",
        "DELETE FROM appointment_history",
        f"DELETE FROM appointment WHERE id = {visit.id}",
        f"DELETE FROM patient WHERE id = {patient.id}",
        "DELETE FROM practitioner",
    ):
        with pytest.raises(DBAPIError):
            session.execute(text(statement))
            session.commit()
        session.rollback()


def test_a_reminder_belongs_to_the_current_schedule_and_moving_replaces_it(session: Session, patient: Patient) -> None:
    visit = make_appointment(session, patient=patient, starts_local=TEN)
    remind = {"appointment_id": visit.id, "kind": "days_before_1", "due_at": NOW, "next_attempt_at": NOW}
    session.add(Reminder(version=1, **remind))
    session.commit()
    session.add(Reminder(version=1, **remind))
    with pytest.raises(IntegrityError):
        session.commit()
    session.rollback()
    later = local(MONDAY, "11:00")
    assert (
        change_refused(session, visit, starts_local=later, counts_from_local=later)
        == "appointment_schedule_version_rises"
    )
    assert change_refused(session, visit, starts_local=later, counts_from_local=later, schedule_version=2) is None
    assert session.scalars(select(Reminder.status)).all() == ["superseded"]
    session.add(Reminder(version=1, **{**remind, "kind": "days_before_3"}))
    with pytest.raises(IntegrityError) as error:
        session.commit()
    assert violated(error.value) == "reminder_of_current_version"


def test_confirming_a_visit_keeps_its_reminders_and_cancelling_drops_them(session: Session, patient: Patient) -> None:
    visit = make_appointment(session, patient=patient, starts_local=TEN)
    session.add(Reminder(appointment_id=visit.id, version=1, kind="days_before_1", due_at=NOW, next_attempt_at=NOW))
    session.commit()
    assert change_refused(session, visit, status="confirmed") is None
    assert session.scalars(select(Reminder.status)).all() == ["planned"]
    assert change_refused(session, visit, status="cancelled") is None
    assert session.execute(select(Reminder.status, Reminder.reason)).all() == [("superseded", "cancelled")]


def test_each_change_raises_the_calendars_of_those_concerned(session: Session, patient: Patient) -> None:
    def versions() -> tuple[int, ...]:
        practitioners = session.execute(text("SELECT calendar_version FROM practitioner ORDER BY id")).scalars()
        return (*practitioners, session.execute(text("SELECT calendar_version FROM patient")).scalar_one())

    before = versions()
    visit = make_appointment(session, patient=patient, starts_local=TEN)
    booked = versions()
    assert booked == (before[0] + 1, before[1], before[2] + 1)
    assert change_refused(session, visit, practitioner_id=2, schedule_version=2) is None
    assert versions() == (booked[0] + 1, booked[1] + 1, booked[2] + 1)


def test_a_lost_trigger_is_noticed_and_can_be_put_back(session: Session, patient: Patient) -> None:
    connection = session.connection()
    assert missing(connection) == set()
    remove(connection)
    lost = missing(connection)
    assert any("treatment_spacing" in name for name in lost)
    install(connection)
    install(connection)
    assert missing(connection) == set()


def test_an_elsewhere_visit_needs_no_practitioner_and_counts(session: Session, patient: Patient) -> None:
    unknown = datetime.combine(MONDAY, time.min)
    columns = {
        "origin": "elsewhere",
        "status": "completed",
        "practitioner_id": None,
        "room_id": None,
        "counts_from_local": unknown + timedelta(days=1),
        "time_known": False,
    }
    make_appointment(session, patient=patient, starts_local=unknown, **columns)
    assert refused(session, patient, unknown + timedelta(days=8) - MINUTE) == "treatment_spacing"
    assert refused(session, patient, unknown + timedelta(days=8)) is None


def test_a_merged_record_has_no_visits_and_gets_none(session: Session, patient: Patient) -> None:
    kept, other = make_patient(session), make_patient(session)
    merge = {"kept_patient_id": kept.id, "merged_at": NOW, "merged_by": "staff:test", "moved": {}}
    session.add(PatientMerge(merged_patient_id=patient.id, **merge))
    session.commit()
    name = "merged_patient_has_no_visits"
    assert refused(session, patient, TEN) == name
    visit = make_appointment(session, patient=other, starts_local=TEN)
    assert change_refused(session, visit, patient_id=patient.id) == name
    session.add(PatientMerge(merged_patient_id=other.id, **merge))
    with pytest.raises(IntegrityError) as error:
        session.commit()
    assert violated(error.value) == name


def test_visits_written_by_one_statement_have_a_history_line_each_and_raise_the_calendars(
    session: Session, patient: Patient
) -> None:
    pattern = make_appointment(session, patient=patient, starts_local=TEN, treatment="follow-up")
    names = [c.key for c in Appointment.__table__.columns if c.key not in ("id", "active")]
    rows = []
    for days in range(1, 4):
        later = {name: getattr(pattern, name) for name in names} | {"public_id": f"later-{days}"}
        for name in ("starts_local", "counts_from_local", "starts_at", "ends_at", "busy_until"):
            later[name] += timedelta(days=days)
        rows.append(later)
    versions = (
        select(Patient.calendar_version, Practitioner.calendar_version)
        .join(Appointment, Appointment.patient_id == Patient.id)
        .join(Practitioner, Practitioner.id == Appointment.practitioner_id)
        .where(Appointment.id == pattern.id)
    )
    before = session.execute(versions).one()
    session.rollback()
    with session.get_bind().connect().execution_options(writing=True) as connection:
        connection.execute(insert(Appointment).values(rows))
        connection.commit()
    assert len(session.scalars(select(AppointmentHistory.id)).all()) == 4
    after = session.execute(versions).one()
    assert all(now > then for now, then in zip(after, before, strict=True))
