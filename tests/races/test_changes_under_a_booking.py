"""Somebody changes what a booking stands on, at the moment between its look and its write.

The one who is first has done everything but commit, and holds all locks; the other begins, waits for them, and goes on
once the first has committed.
"""

import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, event, exists, select
from sqlalchemy.orm import Session, aliased

from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.booking.screening import ScreeningAnswers
from scheduler.models import (
    Appointment,
    Patient,
    PatientMerge,
    Practitioner,
    PractitionerTreatment,
    Reminder,
    Room,
    Treatment,
)
from scheduler.usecases.booking.booking import book_slot, cancel_appointment, move_appointment
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.clinic import rows
from scheduler.usecases.clinic.settings import mark_of
from scheduler.usecases.patients.elsewhere import record_elsewhere
from scheduler.usecases.patients.merging import merge_patients
from tests.factories import CLINIC, MONDAY, NOW, PATIENT, STAFF, local, make_appointment, make_clinic, make_patient

Act = Callable[[Session], object]
MONDAY_10 = local(MONDAY, "10:00")


@pytest.fixture
def people(session: Session) -> dict[str, int]:
    """Two records of one person: `kept` has IMS on Monday at 10:00, `gone` in a fortnight."""
    make_clinic(session)
    kept, gone = (make_patient(session, given_name="Zoë", family_name="Roy", birth_date=None) for _ in range(2))
    make_appointment(session, patient=kept, starts_local=MONDAY_10, practitioner="p2", room="Room 2")
    make_appointment(
        session, patient=gone, starts_local=MONDAY_10 + timedelta(days=14), practitioner="p2", room="Room 2"
    )
    ids = {"kept": kept.id, "gone": gone.id, "other": make_patient(session).id}
    session.rollback()
    return ids


def one_after_the_other(engine: Engine, first: Act, second: Act) -> tuple[str, str]:
    outcomes: dict[str, str] = {}
    ready, go_on = threading.Event(), threading.Event()

    def run(name: str, act: Act, *, waits: bool) -> None:
        with Session(engine) as session:
            if waits:
                event.listen(session, "before_commit", lambda _session: (ready.set(), go_on.wait(20)))
            outcomes[name] = outcome(act, session)
        ready.set()

    threads = [
        threading.Thread(target=run, args=("first", first), kwargs={"waits": True}),
        threading.Thread(target=run, args=("second", second), kwargs={"waits": False}),
    ]
    threads[0].start()
    assert ready.wait(20)
    threads[1].start()
    time.sleep(0.4)  # it has looked, and waits for the lock
    go_on.set()
    for thread in threads:
        thread.join(60)
    return outcomes["first"], outcomes["second"]


def outcome(act: Act, session: Session) -> str:
    try:
        act(session)
    except BookingRefused as refused:
        return refused.code
    except Exception as error:
        return type(error).__name__  # whatever can happen must be seen
    return "done"


def book(
    patient_id: int, starts_local: datetime, practitioner: str | None = "p1", treatment: str = "ims", **more: object
) -> Act:
    return lambda session: book_slot(
        session,
        BookingRequest(
            clinic=CLINIC,
            patient=patient_id,
            treatment=treatment,
            practitioner=practitioner,
            starts_local=starts_local,
            now=NOW,
            origin="online",
            **{"actor": STAFF, **more},
        ),
    )


def switch_off(kind: str, name: str) -> Act:
    def act(session: Session) -> object:
        table, column = (Practitioner, Practitioner.slug) if kind == "practitioners" else (Room, Room.name)
        row_id: int = session.scalars(select(table.id).where(column == name)).one()
        shown = rows.read(session, kind, row_id)
        session.rollback()
        return rows.save(
            session,
            kind=kind,
            row_id=row_id,
            typed=shown | {"active": ""},
            seen=mark_of(shown),
            actor=STAFF,
            now=NOW,
        )

    return act


def take_away(treatment: str, slug: str) -> Act:
    def act(session: Session) -> object:
        practitioner = session.scalars(select(Practitioner).where(Practitioner.slug == slug)).one()
        gone = session.scalars(select(Treatment.id).where(Treatment.slug == treatment)).one()
        shown = rows.read(session, "practitioners", practitioner.id)
        left = ",".join(each for each in shown["treatments"].split(",") if each != str(gone))
        row_id = practitioner.id
        session.rollback()
        return rows.save(
            session,
            kind="practitioners",
            row_id=row_id,
            typed=shown | {"treatments": left},
            seen=mark_of(shown),
            actor=STAFF,
            now=NOW,
        )

    return act


def merge(people: dict[str, int]) -> Act:
    def act(session: Session) -> object:
        kept, gone = (session.get_one(Patient, people[name]).public_id for name in ("kept", "gone"))
        session.rollback()
        return merge_patients(session, kept=kept, merged=gone, sure=True, now=NOW, actor=STAFF)

    return act


def _visit_of(engine: Engine, patient_id: int) -> str:
    with Session(engine) as session:
        return session.scalars(select(Appointment.public_id).where(Appointment.patient_id == patient_id)).one()


def require_sound(engine: Engine) -> None:
    """What no race may leave behind."""
    with Session(engine) as session:
        a, b = Appointment, aliased(Appointment)
        stands = a.status.in_(("held", "booked", "confirmed"))
        for table, key in ((Practitioner, a.practitioner_id), (Room, a.room_id)):
            assert session.scalars(select(a.id).join(table, table.id == key).where(stands, ~table.active)).all() == []
        does = PractitionerTreatment
        done = exists().where(does.practitioner_id == a.practitioner_id, does.treatment_id == a.treatment_id)
        assert session.scalars(select(a.id).where(stands, ~done)).all() == []
        merged = select(PatientMerge.merged_patient_id)
        assert session.scalars(select(a.id).where(a.patient_id.in_(merged))).all() == []
        near = select(a.id, b.id).join(b, (a.patient_id == b.patient_id) & (a.id < b.id)).where(a.active, b.active)
        spaced = a.spacing_group_id == b.spacing_group_id
        for one, other in session.execute(near.where(spaced)):
            apart = session.get_one(a, one).counts_from_local - session.get_one(a, other).counts_from_local
            assert abs(apart) >= timedelta(days=7)
        for visit in session.scalars(select(a).where(stands, a.status != "held", a.origin == "online")):
            planned = select(Reminder.id).where(Reminder.appointment_id == visit.id, Reminder.status == "planned")
            assert session.scalars(planned.where(Reminder.version == visit.schedule_version)).all(), (
                "a reminder is lost"
            )


def test_nobody_is_booked_with_a_practitioner_who_has_just_left(engine: Engine, people: dict[str, int]) -> None:
    off = switch_off("practitioners", "p1")
    first, second = one_after_the_other(engine, off, book(people["other"], MONDAY_10))
    assert (first, second) in {("done", "slot-not-offered"), ("done", "NotFound")}
    require_sound(engine)


@pytest.mark.parametrize("way", ["book", "move"])
def test_nobody_is_booked_with_a_practitioner_for_what_they_no_longer_do(
    engine: Engine, people: dict[str, int], way: str
) -> None:
    later = local(MONDAY + timedelta(days=16), "12:00")
    act = book(people["other"], later) if way == "book" else move(_visit_of(engine, people["gone"]), later, "p1")
    first, second = one_after_the_other(engine, take_away("ims", "p1"), act)
    assert (first, second) == ("done", "slot-not-offered")
    require_sound(engine)


def test_for_what_one_no_longer_does_anyone_means_another(engine: Engine, people: dict[str, int]) -> None:
    act = book(people["other"], local(MONDAY, "12:00"), None)
    assert one_after_the_other(engine, take_away("ims", "p1"), act) == ("done", "done")
    require_sound(engine)


def test_whoever_asks_for_anyone_gets_somebody_who_stays(engine: Engine, people: dict[str, int]) -> None:
    noon = local(MONDAY, "12:00")
    off = switch_off("practitioners", "p1")
    assert one_after_the_other(engine, off, book(people["other"], noon, None)) == ("done", "done")
    require_sound(engine)


@pytest.mark.parametrize("way", ["book", "move"])
def test_no_visit_is_put_into_a_room_that_has_just_been_closed(
    engine: Engine, people: dict[str, int], way: str
) -> None:
    later = local(MONDAY + timedelta(days=16), "12:00")
    act = book(people["other"], later) if way == "book" else move(_visit_of(engine, people["gone"]), later)
    assert one_after_the_other(engine, switch_off("rooms", "Room 1"), act) == ("done", "done")
    require_sound(engine)


def test_the_last_free_room_closed_leaves_none(engine: Engine, people: dict[str, int], session: Session) -> None:
    noon = local(MONDAY, "12:00")
    other = session.get_one(Patient, people["other"])
    make_appointment(session, patient=other, starts_local=noon, practitioner="p2", room="Room 2")
    session.rollback()
    act = book(people["gone"], noon, treatment="follow-up")
    assert one_after_the_other(engine, switch_off("rooms", "Room 1"), act) == ("done", "slot-taken")
    require_sound(engine)


def move(public_id: str, starts_local: datetime, practitioner: str | None = None) -> Act:
    return lambda session: move_appointment(
        session,
        clinic=CLINIC,
        public_id=public_id,
        starts_local=starts_local,
        practitioner=practitioner,
        now=NOW,
        actor=STAFF,
    )


@pytest.mark.parametrize("actor", [STAFF, PATIENT], ids=["desk", "patient"])
def test_nothing_is_booked_for_a_record_that_has_just_been_merged(
    engine: Engine, people: dict[str, int], actor: object
) -> None:
    """Its visits would count for nobody, and the person could have IMS twice a week."""
    day_after = MONDAY_10 + timedelta(days=1)
    outcomes = one_after_the_other(engine, merge(people), book(people["gone"], day_after, actor=actor))
    assert outcomes == ("done", "patient-restricted")
    require_sound(engine)


def test_ims_elsewhere_is_not_recorded_for_a_record_that_has_just_been_merged(
    engine: Engine, people: dict[str, int]
) -> None:
    def tell(session: Session) -> object:
        day = MONDAY - timedelta(days=20)
        return record_elsewhere(session, clinic=CLINIC, patient_id=people["gone"], day=day, now=NOW, actor=STAFF)

    assert one_after_the_other(engine, merge(people), tell) == ("done", "patient-restricted")
    require_sound(engine)


def test_a_visit_is_not_moved_too_near_to_those_of_the_other_record(engine: Engine, people: dict[str, int]) -> None:
    act = move(_visit_of(engine, people["gone"]), local(MONDAY + timedelta(days=2), "12:00"))
    assert one_after_the_other(engine, merge(people), act) == ("done", "treatment-too-soon")
    require_sound(engine)


@pytest.mark.parametrize("second", ["practitioner", "treatment", "room", "merge", "cancel"])
def test_what_a_booking_has_just_taken_is_not_taken_away(engine: Engine, people: dict[str, int], second: str) -> None:
    acts = {
        "practitioner": switch_off("practitioners", "p1"),
        "treatment": take_away("follow-up", "p1"),
        "room": switch_off("rooms", "Room 1"),
        "merge": merge(people),
        "cancel": _cancel_all,
    }
    expected = {
        "practitioner": "StillBooked",
        "treatment": "StillBooked",
        "room": "StillBooked",
        "merge": "done",
        "cancel": "done",
    }
    third = local(MONDAY + timedelta(days=1), "12:00")
    booking = book(people["gone"], third, treatment="follow-up", screening=ScreeningAnswers())
    assert one_after_the_other(engine, booking, acts[second]) == ("done", expected[second])
    require_sound(engine)


def _cancel_all(session: Session) -> object:
    for public_id in session.scalars(select(Appointment.public_id).where(Appointment.active)).all():
        cancel_appointment(session, clinic=CLINIC, public_id=public_id, reason="", now=NOW, actor=STAFF)
    return None
