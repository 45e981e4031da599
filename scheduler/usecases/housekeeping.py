"""What is over and of no more use is forgotten, so that nothing grows for ever. Nothing about a patient or a visit."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, and_, delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.models.base import Base
from scheduler.models.patients.known_browser import ActingCode
from scheduler.models.staff.access import BookingDraft, Heartbeat, IdempotentAnswer, RateCounter, SignInCode
from scheduler.models.staff.clinic_computer import ComputerSignIn
from scheduler.models.staff.kept_form import KeptForm
from scheduler.models.staff.live_session import LiveSession
from scheduler.models.visits.visit_link import VisitLink
from scheduler.usecases.booking.holds import expire_holds
from scheduler.usecases.transaction import begin_write, retry_deadlocks

FORM_KEPT = timedelta(minutes=30)
DRAFT_KEPT = timedelta(days=1)
ANSWER_KEPT = timedelta(days=2)
CODE_KEPT = timedelta(days=1)
LINK_KEPT = timedelta(days=1)  # for a button pressed twice
COMPUTER_KEPT = timedelta(days=1)
WORKER_KEPT = timedelta(days=1)


def tidy(session: Session, *, now: datetime) -> None:
    """Expire holds that ran out; forget old drafts, idempotent answers, codes, rate counters and sessions."""
    expire_holds(session, now=now)
    forgotten: tuple[tuple[type[Base], ColumnElement[bool]], ...] = (
        (BookingDraft, BookingDraft.changed_at < now - DRAFT_KEPT),
        (IdempotentAnswer, IdempotentAnswer.created_at < now - ANSWER_KEPT),
        (SignInCode, SignInCode.expires_at < now - CODE_KEPT),
        (RateCounter, RateCounter.ends_at < now),
        (KeptForm, KeptForm.kept_at < now - FORM_KEPT),
        (VisitLink, VisitLink.expires_at < now - LINK_KEPT),
        (Heartbeat, and_(Heartbeat.at < now - WORKER_KEPT, Heartbeat.name.startswith("worker "))),
        (LiveSession, LiveSession.ends_at < now),
        (ActingCode, ActingCode.expires_at < now - CODE_KEPT),
        (ComputerSignIn, ComputerSignIn.given_at < now - COMPUTER_KEPT),
    )
    for table, over in forgotten:
        if session.scalar(select(table).where(over).limit(1)) is not None:  # most times there is nothing to write
            _forget(session, table, over)
    session.rollback()


@retry_deadlocks
def beat(session: Session, *, name: str, now: datetime) -> None:
    """`name` was seen going on."""
    begin_write(session)
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(
        dialect.insert(Heartbeat)
        .values(name=name, at=now)
        .on_conflict_do_update(index_elements=[Heartbeat.name], set_={"at": now})
    )
    session.commit()


@retry_deadlocks
def _forget(session: Session, table: type[Base], over: ColumnElement[bool]) -> None:
    begin_write(session)
    session.execute(delete(table).where(over))
    session.commit()
