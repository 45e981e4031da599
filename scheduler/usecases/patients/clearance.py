"""Clearance for IMS: a decision of a practitioner who may needle, whoever enters it.

Taking it back cancels nothing: what is booked is put before the physiotherapist (ims_reviews.py).
"""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.patients.clearance import is_cleared
from scheduler.models import Patient
from scheduler.queries.clinic import reference
from scheduler.queries.patients import clearances
from scheduler.usecases import audit
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.ims_reviews import CLEARANCE_TAKEN_BACK, answer_within, ask_for_reviews


@dataclass(frozen=True, slots=True)
class Decider:
    """Who enters a decision about IMS: `practitioner_id` is their own, `named` the slug of whose decision they say it is.

    A token is no person, and need not name one.
    """

    role: str
    practitioner_id: int | None = None
    named: str | None = None
    is_person: bool = True


def deciding_practitioner(session: Session, decider: Decider) -> int | None:
    """On whose word it is. Refuses with Invalid: only a practitioner who may needle decides, an owner says which one."""
    current = reference.current(session.connection())
    able = {who.id: who for who in current.practitioners if who.can_needle}
    if decider.named:
        try:
            named = current.practitioner(decider.named)
        except NotFound:
            if not decider.is_person:
                raise
            raise Invalid({"cleared_by": "Choose one of the practitioners."}) from None
        own_name = decider.role != "practitioner" or not decider.is_person or named.id == decider.practitioner_id
        if named.id not in able or not own_name:
            raise Invalid({"cleared_by": "Only a practitioner who may needle decides this, in their own name."})
        return named.id
    if decider.practitioner_id in able:
        return decider.practitioner_id
    if decider.is_person and decider.role == "owner":
        raise Invalid({"cleared_by": "Choose whose decision it is."})
    if decider.is_person:
        raise Invalid({"cleared_by": "Only a practitioner who may needle decides this, in their own name."})
    return next(iter(able)) if len(able) == 1 else None


def clear(
    session: Session, patient: Patient, decider: Decider, *, clinic: ClinicSettings, actor: Actor, now: datetime
) -> None:
    """In the transaction of another use case, which has locked the patient. One that still holds stays as it is."""
    practitioner_id = deciding_practitioner(session, decider)
    held = clearances.clearances(session.connection(), [patient.id], clinic=clinic, now=now)[patient.id]
    today = clock.to_local(now, clock.zone(clinic.zone)).date()
    if patient.cleared_for_ims_at is not None and is_cleared(held, today, months=clinic.clearance_months):
        return
    patient.cleared_for_ims_at, patient.cleared_by = now, str(actor)
    patient.clearing_practitioner_id = practitioner_id
    current = reference.current(session.connection())
    whose = current.practitioner_by_id(practitioner_id) if practitioner_id is not None else None
    details = whose.slug if whose else ""
    audit.note(session, what=audit.CLEARED, actor=actor, now=now, patient_id=patient.id, details=details)


def take_back(session: Session, patient: Patient, *, actor: Actor, now: datetime) -> None:
    """As above."""
    if patient.cleared_for_ims_at is None:
        return
    patient.cleared_for_ims_at = patient.cleared_by = patient.clearing_practitioner_id = None
    audit.note(session, what=audit.CLEARANCE_TAKEN_BACK, actor=actor, now=now, patient_id=patient.id)
    session.flush()
    ask_for_reviews(session, patient.id, why=CLEARANCE_TAKEN_BACK, now=now)


@retry_deadlocks
def answer_review(session: Session, *, visit: str, answer: str, decider: Decider, now: datetime, actor: Actor) -> None:
    """What a physiotherapist says of booked IMS that was put before them: "go_ahead" or "call"."""
    begin_write(session)
    practitioner_id = deciding_practitioner(session, decider)
    answer_within(session, visit=visit, answer=answer, practitioner_id=practitioner_id, now=now, actor=actor)
    session.commit()
