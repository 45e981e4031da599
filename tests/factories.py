"""Rows with good defaults: a test states only what it is about."""

import itertools
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.models import (
    Appointment,
    MayActFor,
    Patient,
    PhoneAccount,
    Practitioner,
    PractitionerTreatment,
    Room,
    SpacingGroup,
    Treatment,
    WorkingHours,
    WrongNumber,
)

CLINIC = ClinicSettings()
ZONE = clock.zone(CLINIC.zone)
MONDAY = date(2026, 11, 30)  # an ordinary week of winter time
NOW = datetime(2026, 11, 27, 15, tzinfo=UTC)  # Friday 10:00 at the clinic
PATIENT = Actor("patient", "1")
STAFF = Actor("staff", "reception")
_numbers = itertools.count(1)


def local(day: date, clock_time: str) -> datetime:
    """Wall clock: local(MONDAY, "10:00")."""
    return datetime.combine(day, time.fromisoformat(clock_time))


def make_clinic(session: Session, *, practitioners: int = 2, rooms: int = 2) -> None:
    """Treatments as in the demo; practitioners p1, p2 … work Monday to Saturday 9:00 to 17:00 and do everything."""
    ims = SpacingGroup(slug="ims", name="IMS", min_days=7, needling=True)
    session.add(ims)
    session.flush()
    treatments = [
        Treatment(
            slug="ims-assessment",
            name_en="Assessment",
            name_fr="Évaluation",
            minutes=60,
            kind="assessment",
            position=1,
        ),
        Treatment(
            slug="ims",
            name_en="IMS",
            name_fr="SIM",
            minutes=30,
            buffer_minutes=15,
            kind="ims",
            needs_clearance=True,
            spacing_group_id=ims.id,
            position=2,
        ),
        Treatment(slug="follow-up", name_en="Follow-up", name_fr="Suivi", minutes=30, position=3),
    ]
    session.add_all(treatments)
    session.add_all(Room(name=f"Room {n}", position=n) for n in range(1, rooms + 1))
    people = [
        Practitioner(slug=f"p{n}", given_name=f"Pat{n}", family_name=f"Doe{n}", can_needle=True, position=n)
        for n in range(1, practitioners + 1)
    ]
    session.add_all(people)
    session.flush()
    for person in people:
        session.add_all(PractitionerTreatment(practitioner_id=person.id, treatment_id=t.id) for t in treatments)
        session.add_all(
            WorkingHours(practitioner_id=person.id, weekday=day, opens=time(9), closes=time(17)) for day in range(6)
        )
    session.commit()


def make_patient(session: Session, *, cleared: bool = True, number: str | None = None, **details: object) -> Patient:
    n = next(_numbers)
    account = PhoneAccount(number=number or f"+1613{5570000 + n:07d}", created_at=NOW, verified_at=NOW)
    patient = Patient(
        **{
            "given_name": "Amélie",
            "family_name": f"Lévesque{n}",
            "birth_date": date(1986, 3, 14),
            "created_at": NOW,
            **details,
        },
        phone_account=account,
        cleared_for_ims_at=NOW if cleared else None,
    )
    session.add(patient)
    session.commit()
    return patient


def make_appointment(
    session: Session,
    *,
    patient: Patient | None,
    starts_local: datetime,
    treatment: str = "ims",
    practitioner: str = "p1",
    room: str = "Room 1",
    status: str = "booked",
    **columns: object,
) -> Appointment:
    """Straight into the table, past the use cases but not past the constraints; who is not cleared was so when booking."""
    of_treatment = (Treatment.id, Treatment.minutes, Treatment.buffer_minutes, Treatment.spacing_group_id)
    done = session.execute(select(*of_treatment).where(Treatment.slug == treatment)).one()
    group = session.get(SpacingGroup, done.spacing_group_id) if done.spacing_group_id else None
    starts_at = clock.to_utc(starts_local, ZONE)
    ends_at = starts_at + timedelta(minutes=done.minutes)
    appointment = Appointment(
        **{
            "patient_id": patient.id if patient else None,
            "practitioner_id": session.query(Practitioner).filter_by(slug=practitioner).one().id,
            "room_id": session.query(Room).filter_by(name=room).one().id,
            "treatment_id": done.id,
            "origin": "desk",
            "status": status,
            "starts_local": starts_local,
            "zone": CLINIC.zone,
            "minutes": done.minutes,
            "buffer_minutes": done.buffer_minutes,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "busy_until": ends_at + timedelta(minutes=done.buffer_minutes),
            "spacing_group_id": group.id if group else None,
            "spacing_days": group.min_days if group else None,
            "counts_from_local": starts_local,
            "created_at": NOW,
            "changed_at": NOW,
            "changed_by": "staff:test",
            **columns,
        }
    )
    uncleared = patient is not None and patient.cleared_for_ims_at is None
    if patient is not None and uncleared:
        patient.cleared_for_ims_at = NOW
        session.flush()
    session.add(appointment)
    session.flush()
    if patient is not None and uncleared:
        patient.cleared_for_ims_at = None
    session.commit()
    return appointment


def mark_wrong(session: Session, patient: Patient, *, stopped: bool = False) -> WrongNumber:
    """Somebody wrote from the patient's number that it is the wrong one; `stopped`: and reception agreed."""
    mark = WrongNumber(
        patient_id=patient.id,
        phone_account_id=patient.phone_account_id,
        said_at=NOW,
        stopped_at=NOW if stopped else None,
        stopped_by="staff:test" if stopped else None,
    )
    session.add(mark)
    session.commit()
    return mark


def let_act(session: Session, actor: Patient, patient: Patient, *, kind: str = "child") -> MayActFor:
    """The actor sees and changes the other's visits."""
    granted = MayActFor(
        actor_id=actor.id,
        patient_id=patient.id,
        kind=kind,
        granted_at=NOW,
        granted_by="staff:test",
        how_asked="at the desk",
    )
    session.add(granted)
    session.commit()
    return granted
