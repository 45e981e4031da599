"""A patient asks that something in their record be corrected; it is answered within 30 days, and a no may be disputed."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.patients.corrections import CORRECTED, REFUSED
from scheduler.models import CorrectionRequest
from scheduler.usecases import audit
from scheduler.usecases.patients.patients import locked
from scheduler.usecases.transaction import begin_write, retry_deadlocks

LONGEST, LONGEST_STATEMENT = 1000, 2000
MOST_OPEN = 5


@retry_deadlocks
def ask_for_correction(
    session: Session, *, public_id: str, what_is_wrong: str, should_say: str, actor: Actor, now: datetime
) -> None:
    """The same words twice are one request. Refuses with Invalid, naming the field, and when five wait for an answer."""
    wrong, right = _tidied(what_is_wrong), _tidied(should_say)
    errors = {
        field: "Fill this in, with at most 1,000 characters."
        for field, words in (("what_is_wrong", wrong), ("should_say", right))
        if not 1 <= len(words) <= LONGEST
    }
    if errors:
        raise Invalid(errors)
    begin_write(session)
    patient = locked(session, public_id)
    still_open = CorrectionRequest.patient_id == patient.id, CorrectionRequest.answer.is_(None)
    waiting = session.execute(
        select(CorrectionRequest.what_is_wrong, CorrectionRequest.should_say).where(*still_open)
    ).all()
    if (wrong, right) not in [tuple(row) for row in waiting]:
        if len(waiting) >= MOST_OPEN:
            raise Invalid({"what_is_wrong": "Five requests wait for an answer already. Please call the clinic."})
        session.add(
            CorrectionRequest(
                patient_id=patient.id,
                what_is_wrong=wrong,
                should_say=right,
                asked_at=now,
                asked_by=str(actor)[:80],
            )
        )
        audit.note(session, what=audit.CORRECTION_ASKED, actor=actor, now=now, patient_id=patient.id)
    session.commit()


@retry_deadlocks
def answer_correction(
    session: Session, *, request_id: int, answer: str, words: str, actor: Actor, now: datetime
) -> None:
    """Corrected, or refused and why. NotFound when there is none, or it was answered meanwhile."""
    words = _tidied(words)
    if answer not in (CORRECTED, REFUSED):
        raise Invalid({"answer": "Choose one of the two answers."})
    if len(words) > LONGEST:
        raise Invalid({"words": "Fill this in, with at most 1,000 characters."})
    if answer == REFUSED and not words:
        raise Invalid({"words": "Say why it is not corrected."})
    begin_write(session)
    asked = _locked(session, request_id)
    if asked.answer is not None:
        raise NotFound("request")
    asked.answer, asked.answer_words = answer, words
    asked.answered_at, asked.answered_by = now, str(actor)[:80]
    audit.note(
        session, what=audit.CORRECTION_ANSWERED, actor=actor, now=now, patient_id=asked.patient_id, details=answer
    )
    session.commit()


@retry_deadlocks
def state_disagreement(
    session: Session, *, public_id: str, request_id: int, statement: str, actor: Actor, now: datetime
) -> None:
    """To a no, once; it stays with the record. NotFound when it is not this patient's, or there is no no."""
    statement = _tidied(statement)
    if not 1 <= len(statement) <= LONGEST_STATEMENT:
        raise Invalid({"statement": "Write your statement in at most 2,000 characters."})
    begin_write(session)
    patient = locked(session, public_id)
    asked = _locked(session, request_id)
    if asked.patient_id != patient.id or asked.answer != REFUSED:
        raise NotFound("request")
    if asked.stated_at is not None:
        if asked.statement != statement:
            raise Invalid({"statement": "Your statement is in the record already. Please call the clinic."})
        session.rollback()
        return
    asked.statement, asked.stated_at, asked.stated_by = statement, now, str(actor)[:80]
    audit.note(session, what=audit.DISAGREED, actor=actor, now=now, patient_id=patient.id)
    session.commit()


def _locked(session: Session, request_id: int) -> CorrectionRequest:
    asked = session.scalar(
        select(CorrectionRequest)
        .where(CorrectionRequest.id == request_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if asked is None:
        raise NotFound("request")
    return asked


def _tidied(words: str) -> str:
    return words.replace("\0", "").replace("\r\n", "\n").strip()
