"""A number that is not its patient's any more: somebody says so, reception agrees or not, and reception alone lifts it.

The mark names a patient and a number. Somebody else may have the telephone by now and be a patient as well: nothing of
theirs is touched.
"""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.models import Patient, PhoneAccount, WrongNumber
from scheduler.models.texts.wrong_number import ACTING_ENDED, is_marked, is_stopped
from scheduler.usecases import audit
from scheduler.usecases.feeds.addresses import end_calendar_addresses
from scheduler.usecases.sign_in.known_browsers import end_known
from scheduler.usecases.transaction import begin_write, retry_deadlocks


def doubt_number(session: Session, account: PhoneAccount, *, said_at: datetime) -> None:
    """Somebody wrote from there that they are not the patient: what they may have been given is closed at once. In the
    caller's transaction.

    Of a text found late, nothing is said about whoever registered on the number since.
    """
    doubted = session.scalars(
        select(Patient).where(Patient.phone_account_id == account.id, Patient.created_at <= said_at, ~is_marked())
    ).all()
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    for patient in doubted:  # another text may say it at the same moment
        session.execute(
            insert(WrongNumber)
            .values(patient_id=patient.id, phone_account_id=account.id, said_at=said_at)
            .on_conflict_do_nothing(
                index_elements=[WrongNumber.patient_id, WrongNumber.phone_account_id],
                index_where=WrongNumber.lifted_at.is_(None),
            )
        )
        end_known(session, patient_id=patient.id, account_id=account.id, why="wrong number", now=said_at)
    end_calendar_addresses(doubted)
    session.flush()


def close_number(session: Session, patient: Patient, *, account_id: int, now: datetime, actor: Actor) -> None:
    """The desk has ended that somebody on this number acts for the child. In the caller's transaction."""
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    session.execute(
        insert(WrongNumber)
        .values(
            patient_id=patient.id,
            phone_account_id=account_id,
            said_at=now,
            stopped_at=now,
            stopped_by=str(actor)[:80],
            why=ACTING_ENDED,
        )
        .on_conflict_do_nothing(
            index_elements=[WrongNumber.patient_id, WrongNumber.phone_account_id],
            index_where=WrongNumber.lifted_at.is_(None),
        )
    )
    end_known(session, patient_id=patient.id, account_id=account_id, why=ACTING_ENDED, now=now)


def is_nobodys(session: Session, account: PhoneAccount) -> bool:
    """Everybody who was registered on this number is marked: whoever writes from it is a stranger."""
    marks = session.execute(
        select(is_marked()).select_from(Patient).where(Patient.phone_account_id == account.id)
    ).all()
    return bool(marks) and all(marked for (marked,) in marks)


def is_stopped_for_all(session: Session, account: PhoneAccount) -> bool:
    marks = session.execute(
        select(is_stopped()).select_from(Patient).where(Patient.phone_account_id == account.id)
    ).all()
    return bool(marks) and all(stopped for (stopped,) in marks)


@retry_deadlocks
def settle_wrong_number(session: Session, *, number: str, stop: bool, now: datetime, actor: Actor) -> None:
    """What was said of the number is true, and the patients it was said of get no texts there; or it is their number."""
    begin_write(session)
    account = session.scalar(select(PhoneAccount).where(PhoneAccount.number == number))
    if account is not None:
        open_marks = select(WrongNumber).where(
            WrongNumber.phone_account_id == account.id,
            WrongNumber.lifted_at.is_(None),
            WrongNumber.stopped_at.is_(None),
        )
        for mark in session.scalars(open_marks).all():
            if stop:
                mark.stopped_at, mark.stopped_by = now, str(actor)
            else:
                mark.lifted_at, mark.lifted_by = now, str(actor)
            _note(session, mark.patient_id, "no more texts" if stop else "right after all", now, actor)
    session.commit()


@retry_deadlocks
def lift_mark(session: Session, *, patient_id: int, now: datetime, actor: Actor) -> None:
    """The number in the patient's record is theirs after all."""
    begin_write(session)
    lifted = session.scalars(
        update(WrongNumber)
        .where(
            WrongNumber.patient_id == patient_id,
            WrongNumber.lifted_at.is_(None),
            WrongNumber.phone_account_id
            == select(Patient.phone_account_id).where(Patient.id == patient_id).scalar_subquery(),
        )
        .values(lifted_at=now, lifted_by=str(actor))
        .returning(WrongNumber.id)
        .execution_options(synchronize_session=False)
    ).all()
    if lifted:
        _note(session, patient_id, "right after all", now, actor)
    session.commit()


def follow_merge(session: Session, *, kept_id: int, merged_id: int) -> None:
    """What was said of a record's number holds for the record that takes it over. In the caller's transaction."""
    held = select(WrongNumber.phone_account_id).where(
        WrongNumber.patient_id == kept_id, WrongNumber.lifted_at.is_(None)
    )
    session.execute(
        update(WrongNumber)
        .where(
            WrongNumber.patient_id == merged_id,
            WrongNumber.lifted_at.is_(None),
            WrongNumber.phone_account_id.not_in(held),
        )
        .values(patient_id=kept_id)
        .execution_options(synchronize_session=False)
    )


def _note(session: Session, patient_id: int, what: str, now: datetime, actor: Actor) -> None:
    details = f"wrong number: {what}"
    audit.note(session, what=audit.CHANGED, actor=actor, now=now, patient_id=patient_id, details=details)
