"""Somebody new registers while booking: always a new record, for a form can be filled in with anybody's name and date."""

from datetime import date, datetime

from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.booking.refusals import PleaseCall
from scheduler.domain.patients.coming_of_age import ADULT, OF_AGE, is_of
from scheduler.domain.patients.person_name import tidy_name
from scheduler.models import BookingDraft, MayActFor, Patient
from scheduler.models.patients.known_browser import CHILD
from scheduler.queries.patients import patients
from scheduler.usecases import audit
from scheduler.usecases.booking.drafts import locked_draft
from scheduler.usecases.patients.number_limits import require_room_on_number
from scheduler.usecases.patients.patients import require_details
from scheduler.usecases.transaction import begin_write, retry_deadlocks


@retry_deadlocks
def register_online(
    session: Session,
    *,
    draft: str,
    browser: str,
    account_id: int,
    registered_by: int | None,
    given_name: str,
    family_name: str,
    birth_date: date,
    language: str,
    now: datetime,
    today: date,
    actor: Actor,
) -> Patient:
    """Once for each draft, however often and however many at once it is sent.

    An adult patient, `registered_by`, may act for the child they register. Refuses with Invalid, naming the field,
    and with PleaseCall.
    """
    given_name, family_name = tidy_name(given_name), tidy_name(family_name)
    require_details(given_name, family_name, birth_date, language, today)
    begin_write(session)
    begun = locked_draft(session, draft, browser)
    there = begun.fields.get("registered")
    if there:
        patient = patients.by_public_id(session, there)
        session.commit()
        return patient
    try:
        require_room_on_number(session, account_id, now=now)
    except PleaseCall:
        _note_refusal(session, begun, now=now, actor=actor)
        raise
    patient = Patient(
        given_name=given_name,
        family_name=family_name,
        birth_date=birth_date,
        phone_account_id=account_id,
        language=language,
        created_at=now,
    )
    session.add(patient)
    session.flush()
    audit.note(session, what=audit.REGISTERED, actor=actor, now=now, patient_id=patient.id)
    if registered_by is not None and not is_of(OF_AGE, birth_date, today):
        adult = session.get_one(Patient, registered_by)
        if is_of(ADULT, adult.birth_date, today):
            session.add(
                MayActFor(
                    actor_id=adult.id,
                    patient_id=patient.id,
                    kind=CHILD,
                    granted_at=now,
                    granted_by=str(actor),
                    how_asked="registered the child",
                )
            )
    chosen = dict.fromkeys(("registered", "patient", "screening_for"), patient.public_id)
    begun.fields = {**begun.fields, **chosen}  # at once: another press of the button finds the answers to be theirs
    begun.changed_at = now
    session.commit()
    return patient


def _note_refusal(session: Session, begun: BookingDraft, *, now: datetime, actor: Actor) -> None:
    """Once for each draft: a button pressed again is no other name. Commits."""
    if not begun.fields.get("not_registered"):
        audit.note(session, what=audit.NOT_REGISTERED, actor=actor, now=now)
        begun.fields = {**begun.fields, "not_registered": True}
        begun.changed_at = now
    session.commit()
