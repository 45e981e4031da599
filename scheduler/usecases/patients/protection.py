"""A record is protected at the patient's request, opened in an emergency, and freed again."""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid
from scheduler.models import LockBox, LockBoxOpening, LockBoxPerson, PatientMerge, StaffUser
from scheduler.queries.patients.protection import Viewer, closed_boxes
from scheduler.usecases import audit
from scheduler.usecases.patients.patients import locked
from scheduler.usecases.transaction import begin_write, retry_deadlocks

OPEN_FOR = timedelta(hours=1)
LONGEST_REASON, LONGEST_WORDS = 300, 500


@retry_deadlocks
def place_lock_box(
    session: Session, *, public_id: str, named: Collection[int], words: str, now: datetime, actor: Actor
) -> None:
    """Only owners and the people named (ids of staff) see the patient from now on. One that stands already is replaced."""
    asked = " ".join(words.split())
    if len(asked) > LONGEST_WORDS:
        raise Invalid({"words": "Use at most 500 letters."})
    begin_write(session)
    patient = locked(session, public_id)
    _lift(session, patient.id, now, actor)
    box = LockBox(patient_id=patient.id, words=asked, placed_at=now, placed_by=str(actor))
    session.add(box)
    session.flush()
    known = session.scalars(select(StaffUser.id).where(StaffUser.id.in_(named)))
    session.add_all(LockBoxPerson(lock_box_id=box.id, staff_user_id=staff_id) for staff_id in known)
    audit.note(session, what=audit.PROTECTED, actor=actor, now=now, patient_id=patient.id)
    session.commit()


@retry_deadlocks
def lift_lock_box(session: Session, *, public_id: str, now: datetime, actor: Actor) -> None:
    begin_write(session)
    patient = locked(session, public_id)
    if _lift(session, patient.id, now, actor):
        audit.note(session, what=audit.PROTECTION_ENDED, actor=actor, now=now, patient_id=patient.id)
    session.commit()


@retry_deadlocks
def open_in_emergency(
    session: Session, *, public_id: str, viewer: Viewer, reason: str, now: datetime, actor: Actor
) -> None:
    """For this person alone, for an hour. Noted in the audit log, and the owners are told. Refuses with Invalid."""
    words = " ".join(reason.split())
    if not 1 <= len(words) <= LONGEST_REASON:
        raise Invalid({"reason": "Give the reason in 1 to 300 letters."})
    begin_write(session)
    patient = locked(session, public_id)
    boxes = session.scalars(closed_boxes(viewer, now)).all()
    from_merged = _with_merged(session, patient.id)
    for box in session.scalars(select(LockBox).where(LockBox.id.in_(boxes), LockBox.patient_id.in_(from_merged))):
        session.add(
            LockBoxOpening(
                lock_box_id=box.id,
                patient_id=patient.id,
                staff_user_id=viewer.staff_user_id,
                reason=words,
                opened_at=now,
                ends_at=now + OPEN_FOR,
            )
        )
    audit.note(session, what=audit.OPENED_PROTECTED, actor=actor, now=now, patient_id=patient.id, details=words)
    session.commit()


@retry_deadlocks
def note_openings_seen(session: Session, *, up_to: int, now: datetime, actor: Actor) -> None:
    """An owner has looked at the list, whose newest is `up_to`."""
    begin_write(session)
    unseen = (LockBoxOpening.seen_at.is_(None), LockBoxOpening.id <= up_to)
    session.execute(update(LockBoxOpening).where(*unseen).values(seen_at=now, seen_by=str(actor)))
    session.commit()


def _lift(session: Session, patient_id: int, now: datetime, actor: Actor) -> bool:
    standing = (LockBox.patient_id.in_(_with_merged(session, patient_id)), LockBox.lifted_at.is_(None))
    boxes = session.scalars(select(LockBox).where(*standing)).all()
    for box in boxes:
        box.lifted_at, box.lifted_by = now, str(actor)
    return bool(boxes)


def _with_merged(session: Session, patient_id: int) -> list[int]:
    """The record and those that became part of it or that it became part of."""
    merge = PatientMerge
    merged = session.scalars(select(merge.merged_patient_id).where(merge.kept_patient_id == patient_id)).all()
    kept = session.scalars(select(merge.kept_patient_id).where(merge.merged_patient_id == patient_id)).all()
    return [patient_id, *merged, *kept]
