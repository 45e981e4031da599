"""Two records of one person become one, whoever else is at them."""

import threading
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.errors import Invalid
from scheduler.domain.patients.refusals import MergeRefused
from scheduler.domain.patients.search import criteria_of
from scheduler.models import Appointment, AppointmentHistory, AuditLine, Message, Patient, PatientMerge, Practitioner
from scheduler.queries.patients.search import find
from scheduler.queries.visits.ims_given import too_near_to_come
from scheduler.usecases.booking.booking import book_slot
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.patients.merging import beside_each_other, merge_patients
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient

BORN = date(1986, 3, 14)


def two_records(session: Session) -> tuple[Patient, Patient]:
    make_clinic(session)
    kept = make_patient(session, family_name="Lévesque", birth_date=None, cleared=False, note="mornings")
    merged = make_patient(session, given_name="Amelie", family_name="Levesque", birth_date=BORN, note="afternoons")
    return kept, merged


def merge(session: Session, kept: str, merged: str, *, sure: bool = False) -> PatientMerge:
    return merge_patients(session, kept=kept, merged=merged, sure=sure, now=NOW, actor=STAFF)


def test_the_record_that_stays_takes_over_what_it_lacks_and_all_visits_with_their_history(session: Session) -> None:
    kept, merged = two_records(session)
    number = kept.phone_account_id
    decider = session.scalars(select(Practitioner.id).where(Practitioner.slug == "p1")).one()
    merged.clearing_practitioner_id = decider
    visit = make_appointment(session, patient=merged, starts_local=local(MONDAY, "10:00"))
    session.add(
        Message(direction="out", kind="x", number="+1", body="", status="sent", created_at=NOW, patient_id=merged.id)
    )
    session.commit()
    merge(session, kept.public_id, merged.public_id)
    assert (kept.birth_date, kept.phone_account_id, kept.note) == (BORN, number, "mornings\nafternoons")
    assert kept.cleared_for_ims_at is not None and kept.clearing_practitioner_id == decider
    cleared = select(AuditLine.details).where(AuditLine.what == "patient.cleared", AuditLine.patient_id == kept.id)
    assert session.scalars(cleared).all() == ["p1"]
    assert (visit.patient_id, visit.version, visit.schedule_version) == (kept.id, 2, 1)
    why = session.scalars(select(AppointmentHistory.changed_why).order_by(AppointmentHistory.id)).all()
    assert why == [None, "two records of one person were merged"]
    assert session.scalars(select(Message.patient_id)).one() == kept.id
    assert merged.phone_account_id is None
    assert [one.id for one in find(session.connection(), criteria_of("levesque"))] == [kept.id]


def two_visits(
    session: Session, kept: Patient, merged: Patient, days: tuple[int, int], status: tuple[str, str]
) -> tuple[Appointment, Appointment]:
    """IMS of each of the two records, so many days after Monday."""
    times = [local(MONDAY + timedelta(days=day), "10:00") for day in days]
    return (
        make_appointment(session, patient=kept, starts_local=times[0], status=status[0]),
        make_appointment(
            session, patient=merged, starts_local=times[1], practitioner="p2", room="Room 2", status=status[1]
        ),
    )


@pytest.mark.parametrize("days", [(-7, -4), (-4, -7)])
@pytest.mark.parametrize("status", ["completed", "booked"])
def test_ims_given_too_near_to_ims_of_the_other_record_stays_and_the_later_one_counts(
    session: Session, days: tuple[int, int], status: str
) -> None:
    kept, merged = two_records(session)
    first, second = sorted(
        two_visits(session, kept, merged, days, (status, status)), key=lambda visit: visit.starts_local
    )
    merge(session, kept.public_id, merged.public_id)
    assert (first.patient_id, second.patient_id) == (kept.id, kept.id)
    assert (first.spacing_group_id, first.status) == (None, "completed")
    assert (second.spacing_group_id is not None, second.status) == (True, status)


@pytest.mark.parametrize("swapped", [False, True])
def test_a_booked_visit_too_near_to_ims_given_to_the_other_record_must_move(session: Session, swapped: bool) -> None:
    kept, merged = two_records(session)
    days, status = ((0, -4), ("booked", "completed")) if swapped else ((-4, 0), ("completed", "booked"))
    given, booked = sorted(two_visits(session, kept, merged, days, status), key=lambda visit: visit.starts_local)
    assert [found.second_local for found in beside_each_other(session, kept.id, merged.id, now=NOW)] == [
        booked.starts_local
    ]
    merge(session, kept.public_id, merged.public_id)
    assert (given.spacing_group_id, booked.status) == (None, "booked")
    assert too_near_to_come(session.connection(), NOW) == {booked.id: given.starts_local}


@pytest.mark.parametrize("days", [3, 6])
def test_two_booked_too_near_to_each_other_keep_two_records_apart(session: Session, days: int) -> None:
    kept, merged = two_records(session)
    two_visits(session, kept, merged, (0, days), ("booked", "booked"))
    with pytest.raises(MergeRefused) as refused:
        merge(session, kept.public_id, merged.public_id)
    assert refused.value.conflict is not None and refused.value.conflict.min_days == 7
    assert session.scalar(select(PatientMerge.id)) is None and kept.birth_date is None


def test_other_visits_at_the_same_time_are_refused_too(session: Session) -> None:
    kept, merged = two_records(session)
    make_appointment(session, patient=kept, starts_local=local(MONDAY, "10:00"))
    make_appointment(
        session,
        patient=merged,
        starts_local=local(MONDAY, "10:15"),
        treatment="follow-up",
        practitioner="p2",
        room="Room 2",
    )
    with pytest.raises(MergeRefused) as refused:
        merge(session, kept.public_id, merged.public_id)
    assert refused.value.conflict is not None and refused.value.conflict.min_days is None


def test_a_record_is_merged_once_and_not_with_itself(session: Session) -> None:
    kept, merged = two_records(session)
    with pytest.raises(Invalid):
        merge(session, kept.public_id, kept.public_id)
    merge(session, kept.public_id, merged.public_id)
    for one, other in ((kept, merged), (merged, kept)):
        with pytest.raises(Invalid):
            merge(session, one.public_id, other.public_id, sure=True)


def test_merging_both_ways_at_once_while_somebody_books(engine: Engine, session: Session) -> None:
    kept, merged = two_records(session)
    one, other = kept.public_id, merged.public_id
    kept.cleared_for_ims_at = NOW
    visit = make_appointment(session, patient=merged, starts_local=local(MONDAY, "10:00"))
    patient_id = merged.id
    session.commit()
    outcomes: list[str] = []
    together = threading.Barrier(3)

    def contend(what: str) -> None:
        with Session(engine) as own:
            together.wait()
            try:
                if what == "book":
                    book_slot(
                        own,
                        BookingRequest(
                            clinic=CLINIC,
                            patient=patient_id,
                            treatment="ims",
                            practitioner="p1",
                            starts_local=local(MONDAY + timedelta(days=7), "10:00"),
                            now=NOW,
                            actor=STAFF,
                            origin="desk",
                        ),
                    )
                else:
                    merge(own, *((one, other) if what == "there" else (other, one)))
                outcomes.append(what)
            except (Invalid, BookingRefused) as refusal:
                outcomes.append(type(refusal).__name__)

    threads = [threading.Thread(target=contend, args=(what,)) for what in ("there", "back", "book")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    session.rollback()
    assert outcomes.count("Invalid") == 1, outcomes
    assert "book" in outcomes or "PatientRestricted" in outcomes, outcomes  # before the merge, or after it
    merged_id = session.scalars(select(PatientMerge)).one().merged_patient_id
    visits = session.scalars(select(Appointment).order_by(Appointment.id)).all()
    assert visits[0].id == visit.id and len(visits) == (2 if "book" in outcomes else 1)
    assert all(one.patient_id != merged_id for one in visits)
