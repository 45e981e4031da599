"""Records whose time is over are blanked when the owner says so, never by themselves.

Names, numbers, birth date, notes, reasons, answers and texts go; times and statuses stay, so that the clinic's figures and
the history of its calendar stay what they were. It cannot be undone.
"""

from collections.abc import Sequence
from datetime import date, datetime

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.models import (
    ActingCode,
    Appointment,
    AppointmentHistory,
    AppointmentNote,
    AuditLine,
    CorrectionRequest,
    LiveSession,
    LockBox,
    LockBoxOpening,
    MayActFor,
    Message,
    NumberRequest,
    Patient,
    PatientMerge,
    PatientNumber,
    PhoneAccount,
    RetentionAct,
    RetentionHold,
    Screening,
    VisitLink,
)
from scheduler.models.patients.patient import feed_token
from scheduler.queries.patients.retention import due_records
from scheduler.usecases import audit
from scheduler.usecases.patients.acting import end_all_of
from scheduler.usecases.patients.patients import locked
from scheduler.usecases.transaction import begin_write, retry_deadlocks

BLANK_NAME = "–"
LONGEST_REASON = 200


@retry_deadlocks
def hold_record(session: Session, *, public_id: str, reason: str, actor: Actor, now: datetime) -> None:
    """Keep a record though its time is over. Refuses with Invalid (no reason, or too long) and NotFound."""
    words = " ".join(reason.split())
    if not 1 <= len(words) <= LONGEST_REASON:
        raise Invalid({"reason": "Give the reason in 1 to 200 letters."})
    begin_write(session)
    patient = locked(session, public_id)
    session.add(RetentionHold(patient_id=patient.id, reason=words, placed_at=now, placed_by=str(actor)))
    audit.note(session, what=audit.RETENTION_HELD, actor=actor, now=now, patient_id=patient.id)
    session.commit()


@retry_deadlocks
def lift_hold(session: Session, *, hold_id: int, actor: Actor, now: datetime) -> None:
    begin_write(session)
    hold = session.get(RetentionHold, hold_id)
    if hold is None:
        raise NotFound("hold")
    if hold.lifted_at is None:
        hold.lifted_at, hold.lifted_by = now, str(actor)
        audit.note(session, what=audit.RETENTION_HOLD_LIFTED, actor=actor, now=now, patient_id=hold.patient_id)
    session.commit()


@retry_deadlocks
def blank_record(session: Session, *, public_id: str, today: date, years: int, actor: Actor, now: datetime) -> bool:
    """Blank one record in one transaction. False, and nothing is changed, when its time is not over or it is held."""
    begin_write(session)
    patient = locked(session, public_id)
    due = due_records(session.connection(), today=today, years=years, only=patient.id)
    if not due or due[0].hold is not None:
        session.rollback()
        return False
    merged = session.scalars(select(PatientMerge.merged_patient_id).where(PatientMerge.kept_patient_id == patient.id))
    ids = [patient.id, *merged]
    session.add_all(RetentionAct(patient_id=one, blanked_at=now, blanked_by=str(actor)) for one in ids)
    session.flush()
    _blank_words(session, ids, _numbers_of(session, ids))
    for one in session.scalars(select(Patient).where(Patient.id.in_(ids))):
        _blank_person(session, one, now, actor)
    audit.note(session, what=audit.BLANKED, actor=actor, now=now, patient_id=patient.id)
    session.commit()
    return True


def _numbers_of(session: Session, ids: Sequence[int]) -> list[str]:
    """Numbers that are nobody else's."""
    accounts = select(Patient.phone_account_id).where(Patient.id.in_(ids), Patient.phone_account_id.is_not(None))
    shared = select(Patient.phone_account_id).where(Patient.id.not_in(ids), Patient.phone_account_id.is_not(None))
    own = select(PhoneAccount.number).where(PhoneAccount.id.in_(accounts), PhoneAccount.id.not_in(shared))
    return list(session.scalars(own))


def _blank_words(session: Session, ids: Sequence[int], numbers: Sequence[str]) -> None:
    """Everything that hangs on the patients and could hold a word about them."""
    visits = select(Appointment.id).where(Appointment.patient_id.in_(ids))
    theirs: ColumnElement[bool] = or_(
        Message.patient_id.in_(ids), Message.appointment_id.in_(visits), Message.number.in_(numbers)
    )
    for statement in (
        update(Message).where(theirs).values(body="", number=""),
        update(AppointmentHistory)
        .where(AppointmentHistory.appointment_id.in_(visits), AppointmentHistory.changed_why.is_not(None))
        .values(changed_why=None),
        update(AppointmentNote).where(AppointmentNote.appointment_id.in_(visits)).values(words=""),
        update(AuditLine).where(AuditLine.patient_id.in_(ids), AuditLine.details != "").values(details=""),
        update(Appointment).where(Appointment.patient_id.in_(ids)).values(changed_why=None, held_for=None),
        update(Screening)
        .where(Screening.patient_id.in_(ids))
        .values(answers={}, flagged=False, note="", needled_elsewhere_on=None),
        update(MayActFor).where(or_(MayActFor.actor_id.in_(ids), MayActFor.patient_id.in_(ids))).values(how_asked=""),
        update(LockBox).where(LockBox.patient_id.in_(ids)).values(words=""),
        update(LockBoxOpening).where(LockBoxOpening.patient_id.in_(ids)).values(reason=BLANK_NAME),
        update(RetentionHold).where(RetentionHold.patient_id.in_(ids)).values(reason=BLANK_NAME),
        delete(NumberRequest).where(
            or_(
                NumberRequest.patient_id.in_(ids),
                NumberRequest.old_number.in_(numbers),
                NumberRequest.phone_account_id.in_(select(PhoneAccount.id).where(PhoneAccount.number.in_(numbers))),
            )
        ),
        delete(ActingCode).where(ActingCode.patient_id.in_(ids)),
        update(CorrectionRequest)
        .where(CorrectionRequest.patient_id.in_(ids))
        .values(what_is_wrong="", should_say="", answer_words="", statement=""),
        delete(PatientNumber).where(PatientNumber.patient_id.in_(ids)),
        delete(VisitLink).where(VisitLink.appointment_id.in_(visits)),
    ):
        session.execute(statement, execution_options={"synchronize_session": False})


def _blank_person(session: Session, patient: Patient, now: datetime, actor: Actor) -> None:
    account = patient.phone_account
    patient.given_name = patient.family_name = BLANK_NAME
    patient.birth_date = patient.cleared_for_ims_at = patient.cleared_by = None
    patient.note = ""
    patient.feed_token = feed_token()
    patient.phone_account = None
    patient.restricted_at, patient.restricted_by = now, str(actor)
    patient.version += 1
    end_all_of(session, patient.id, now=now, why="blanked")
    session.flush()
    if account is not None and not account.patients:
        account.number = f"x{account.id}"
        session.execute(delete(LiveSession).where(LiveSession.phone_account_id == account.id))
