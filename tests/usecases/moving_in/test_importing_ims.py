"""Past IMS of an import is never refused: it is recorded beside what is here, and flagged."""

from datetime import timedelta

import pytest
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.models import Appointment, Patient, Practitioner, PractitionerTreatment, Treatment
from scheduler.queries.visits.ims_given import too_near_to_come
from scheduler.usecases.booking.booking import cancel_appointment
from scheduler.usecases.moving_in import import_runs
from scheduler.usecases.visits.status import change_status
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic
from tests.usecases.moving_in.test_import_runs import book_ims, take_back
from tests.usecases.moving_in.test_importing import PATIENTS, patients, told, visits

DAY = timedelta(days=1)
WITH_ANSWER = "Chart;Date;Time;Type;Provider;IMS given"


@pytest.fixture
def patient(session: Session) -> Patient:
    """Amélie, number 7 of the file."""
    make_clinic(session)
    patients(session, PATIENTS)
    return session.scalars(select(Patient).where(Patient.given_name == "Amélie")).one()


def may_not_needle(session: Session) -> None:
    who = session.scalars(select(Practitioner).where(Practitioner.slug == "p1")).one()
    ims = select(Treatment.id).where(Treatment.needling)
    session.execute(delete(PractitionerTreatment).where(PractitionerTreatment.treatment_id.in_(ims)))
    who.can_needle = False
    session.commit()


def imported(session: Session) -> Appointment:
    session.expire_all()
    return session.scalars(select(Appointment).where(Appointment.origin == "import")).one()


def counts(visit: Appointment) -> bool:
    return visit.spacing_group_id is not None


@pytest.mark.parametrize("status", ["completed", "booked"])
def test_a_later_visit_of_the_file_counts_instead_of_one_that_is_here(
    session: Session, patient: Patient, status: str
) -> None:
    here = make_appointment(session, patient=patient, starts_local=local(MONDAY - 7 * DAY, "10:00"), status=status)
    report = visits(session, "7;2026-11-26;10:00;IMS;p2")
    assert [note.kind for note in report.notes] == ["counts_instead"]
    new = imported(session)
    assert (counts(here), counts(new), here.status, new.version) == (False, True, "completed", 1)
    with pytest.raises(TreatmentTooSoon):
        book_ims(session, patient.id, MONDAY + DAY)
    take_back(session, "visits")
    session.expire_all()
    assert (counts(here), here.status) == (True, status)


def test_what_a_stopped_visit_had_kept_from_counting_counts_again(session: Session, patient: Patient) -> None:
    first = make_appointment(session, patient=patient, starts_local=local(MONDAY - 11 * DAY, "10:00"), status="arrived")
    days = local(MONDAY - 7 * DAY, "10:00")
    second = make_appointment(session, patient=patient, starts_local=days, treatment="follow-up")
    change_status(
        session,
        clinic=CLINIC,
        public_id=second.public_id,
        status=AppointmentStatus.COMPLETED,
        ims_given=True,
        now=second.ends_at,
        actor=STAFF,
    )
    assert (counts(first), counts(second)) == (False, True)
    assert visits(session, "7;2026-11-27;08:30;IMS;p2").imported == 1
    new = imported(session)
    assert (counts(first), counts(second), counts(new)) == (True, False, True)


def test_a_visit_booked_too_near_after_it_must_move_and_it_counts_once_that_one_is_gone(
    session: Session, patient: Patient
) -> None:
    book_ims(session, patient.id, MONDAY)
    booked = session.scalars(select(Appointment).where(Appointment.status == "booked")).one()
    assert visits(session, "7;2026-11-25;10:00;IMS;p2").imported == 1
    new = imported(session)
    assert (counts(booked), counts(new)) == (True, False)
    assert too_near_to_come(session.connection(), NOW) == {booked.id: new.starts_local}
    cancel_appointment(session, clinic=CLINIC, public_id=booked.public_id, reason="", now=NOW, actor=STAFF)
    assert counts(new)
    with pytest.raises(TreatmentTooSoon):
        book_ims(session, patient.id, MONDAY)


@pytest.mark.parametrize(
    ("treatment", "here", "again", "kind"),
    [
        ("Follow-up", "", "yes", "here_without_ims"),
        ("Follow-up", "no", "yes", "here_without_ims"),
        ("IMS", "no", "yes", "here_without_ims"),
        ("IMS", "", "yes", None),  # it counts already
        ("Follow-up", "yes", "yes", None),
        ("Follow-up", "yes", "no", None),
        ("Follow-up", "no", "", None),
    ],
)
def test_ims_that_only_the_file_tells_of_a_visit_that_is_here_is_not_passed_over(
    session: Session, patient: Patient, treatment: str, here: str, again: str, kind: str | None
) -> None:
    row = f"7;2026-11-25;10:00;{treatment};p2;"
    assert visits(session, row + here, header=WITH_ANSWER).imported == 1
    report = visits(session, row + again, header=WITH_ANSWER)
    assert told(report) == ([f"2 {kind}"] if kind else [])
    assert len(report.left_out) == (0 if kind else 1)


def test_one_visit_of_the_file_has_one_answer(session: Session, patient: Patient) -> None:
    rows = [f"7;2026-11-25;10:00;Follow-up;p2;{given}" for given in ("no", "yes")]
    assert told(visits(session, *rows, header=WITH_ANSWER)) == ["3 same_with_other_answer"]


def test_a_visit_of_the_file_that_is_still_to_come_keeps_to_the_rule(session: Session, patient: Patient) -> None:
    make_appointment(session, patient=patient, starts_local=local(MONDAY - 7 * DAY, "10:00"), status="completed")
    report = visits(session, "7;2026-11-26;10:00;IMS;p2", "7;2026-12-02;10:00;IMS;p2")
    assert told(report) == ["3 too_soon"]


@pytest.mark.parametrize(
    ("row", "can_needle", "is_open"),
    [
        ("7;2026-11-26;10:00;Follow-up;p1;", True, True),
        ("7;2026-11-26;10:00;IMS;p1;", True, True),
        ("7;2026-11-26;10:00;Follow-up;p1;no", True, False),
        ("7;2026-11-26;10:00;Follow-up;p1;", False, False),
        ("7;2026-11-19;10:00;Follow-up;p1;", True, False),
    ],
)
def test_whether_ims_was_given_is_asked_of_the_visits_of_the_last_seven_days(
    session: Session, patient: Patient, row: str, can_needle: bool, is_open: bool
) -> None:
    if not can_needle:
        may_not_needle(session)
    assert visits(session, row, header=WITH_ANSWER).imported == 1
    assert imported(session).ims_open is is_open
    take_back(session, "visits")


@pytest.mark.parametrize(
    ("cleared_on", "clear_for_ims", "can_needle", "concerns"),
    [
        (None, False, True, "not-cleared"),
        (None, True, False, "may-not-needle"),
        (NOW - 2 * DAY, False, True, ""),
        (NOW, False, True, "not-cleared"),
        (NOW - 500 * DAY, False, True, "not-cleared"),
    ],
)
def test_given_to_somebody_not_cleared_that_day_or_by_somebody_who_may_not_needle_is_flagged(
    session: Session, patient: Patient, cleared_on: object, clear_for_ims: bool, can_needle: bool, concerns: str
) -> None:
    if not can_needle:
        may_not_needle(session)
    patient.cleared_for_ims_at = cleared_on
    session.commit()
    visits(session, "7;2026-11-26;10:00;Follow-up;p1;yes", header=WITH_ANSWER, clear_for_ims=clear_for_ims)
    assert imported(session).ims_concerns == concerns


def test_an_import_that_says_ims_was_given_can_be_taken_back(session: Session, patient: Patient) -> None:
    visits(session, "7;2026-11-26;10:00;Follow-up;p1;yes", header=WITH_ANSWER)
    take_back(session, "visits")
    assert (imported(session).status, imported(session).ims_given) == ("expired", None)
    book_ims(session, patient.id, MONDAY)
    assert import_runs.latest(session)[0].taken_back_at is not None
