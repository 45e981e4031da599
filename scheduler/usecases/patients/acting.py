"""Who may act for whom: the desk names and ends it, a patient lets somebody by their own press, and the 16th birthday ends it."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.patients.coming_of_age import ADULT, OF_AGE, born_before_is, is_of
from scheduler.models import KnownBrowser, MayActFor, Patient, PatientMerge
from scheduler.models.patients.known_browser import ADULT as GROWN_UP
from scheduler.models.patients.known_browser import CHILD
from scheduler.usecases import audit
from scheduler.usecases.feeds.addresses import end_calendar_addresses
from scheduler.usecases.patients.patients import locked
from scheduler.usecases.texts.wrong_numbers import close_number
from scheduler.usecases.transaction import begin_write, retry_deadlocks

LONGEST_HOW = 200
BIRTHDAY = "system:16th birthday"


@retry_deadlocks
def let_act(
    session: Session, *, acting: str, patient: str, how_asked: str, now: datetime, today: date, actor: Actor
) -> None:
    """The desk says that `acting` may act for `patient` (public ids). Refuses with Invalid. Said twice is said once."""
    how_asked = " ".join(how_asked.split())
    if not 1 <= len(how_asked) <= LONGEST_HOW:
        raise Invalid({"how_asked": "Say how it was asked, in 1 to 200 letters."})
    begin_write(session)
    add_acting(session, acting=acting, patient=patient, how_asked=how_asked, now=now, today=today, actor=actor)
    session.commit()


def add_acting(
    session: Session,
    *,
    acting: str,
    patient: str,
    how_asked: str,
    now: datetime,
    today: date,
    actor: Actor,
    granted_by: str | None = None,
) -> None:
    """The same in the caller's transaction. `granted_by`: when that is not whom it is written by."""
    if acting == patient:
        raise Invalid({"other": "Nobody acts for themselves."})
    in_order = {public_id: locked(session, public_id) for public_id in sorted((acting, patient))}
    who, whom = in_order[acting], in_order[patient]
    _require_may(session, who, whom, today)
    _end_of_age(session, and_(MayActFor.actor_id == who.id, MayActFor.patient_id == whom.id), now, today)
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    added = session.scalar(
        insert(MayActFor)
        .values(
            actor_id=who.id,
            patient_id=whom.id,
            kind=GROWN_UP if is_of(OF_AGE, whom.birth_date, today) else CHILD,
            granted_at=now,
            granted_by=granted_by or str(actor)[:80],
            how_asked=how_asked,
        )
        .on_conflict_do_nothing(
            index_elements=[MayActFor.actor_id, MayActFor.patient_id], index_where=MayActFor.ended_at.is_(None)
        )
        .returning(MayActFor.id)
    )
    if added is not None:
        _note(session, audit.ACTING, who, whom, now, actor)


@retry_deadlocks
def end_acting(session: Session, *, acting: str, patient: str, now: datetime, actor: Actor) -> bool:
    """Ends at once; what shows the patient's visits elsewhere ends with it. NotFound when there is nothing to end.

    When the desk ends it for a child on the same number, who acted knows the birth date and has the telephone: from then
    on that number neither opens the child nor gets texts about them, until the desk lifts it. Answers whether that is so.
    """
    begin_write(session)
    in_order = {public_id: locked(session, public_id) for public_id in sorted((acting, patient))}
    who, whom = in_order[acting], in_order[patient]
    ended = session.execute(
        update(MayActFor)
        .where(MayActFor.actor_id == who.id, MayActFor.patient_id == whom.id, MayActFor.ended_at.is_(None))
        .values(ended_at=now, ended_by=str(actor)[:80])
        .returning(MayActFor.kind)
        .execution_options(synchronize_session=False)
    ).all()
    if not ended:
        raise NotFound("acting")
    account_id = whom.phone_account_id
    closes = actor.kind == "staff" and ended[0].kind == CHILD and account_id is not None
    if closes and account_id is not None and account_id == who.phone_account_id:
        close_number(session, whom, account_id=account_id, now=now, actor=actor)
    else:
        closes = False
    _forget_beside(session, who, whom, now)
    end_calendar_addresses([whom])  # which the other may have subscribed to
    _note(session, audit.ACTING_ENDED, who, whom, now, actor)
    session.commit()
    return closes


@retry_deadlocks
def end_come_of_age(session: Session, *, now: datetime, today: date) -> None:
    """Reading has ended it with the birthday; here the calendar address ends too, which a parent may have subscribed to."""
    due = select(MayActFor.patient_id).join(Patient, Patient.id == MayActFor.patient_id).where(_is_over(today))
    if session.scalar(due.limit(1)) is None:
        return
    begin_write(session)
    ids = set(session.scalars(due))
    _end_of_age(session, MayActFor.patient_id.in_(ids), now, today)
    end_calendar_addresses(session.scalars(select(Patient).where(Patient.id.in_(ids)).order_by(Patient.id)).all())
    session.commit()


@dataclass(frozen=True, slots=True)
class AfterMerge:
    """What becomes of one row that names the record which goes: `carried` over to the one that stays, or it ends."""

    row: MayActFor
    acting: Patient
    patient: Patient
    carried: bool


def after_merge(session: Session, *, kept: Patient, merged: Patient) -> list[AfterMerge]:
    """Only looks. Certain is that the person acts for others, and who the desk has said acts for them; that somebody acts
    by a press on the record which goes is not: whoever made that record may have pressed it."""
    standing = select(MayActFor).where(MayActFor.ended_at.is_(None))
    pairs = {(row.actor_id, row.patient_id) for row in session.scalars(standing)}
    born = kept.birth_date or merged.birth_date
    found = []
    ours = standing.where(or_(MayActFor.actor_id == merged.id, MayActFor.patient_id == merged.id))
    for row in session.scalars(ours.order_by(MayActFor.id)):
        acts = row.actor_id == merged.id
        other = session.get_one(Patient, row.patient_id if acts else row.actor_id)
        is_there = other is kept or ((kept.id, other.id) if acts else (other.id, kept.id)) in pairs
        is_certain = acts or row.granted_by.startswith("staff:")
        carried = is_certain and not is_there and born is not None and other.birth_date is not None
        who, whom = (merged, other) if acts else (other, merged)
        found.append(AfterMerge(row, who, whom, carried))
    return found


def follow_merge(session: Session, *, kept: Patient, merged: Patient, now: datetime, actor: Actor) -> None:
    """In the caller's transaction."""
    for one in after_merge(session, kept=kept, merged=merged):
        if one.carried:
            if one.row.actor_id == merged.id:
                one.row.actor_id = kept.id
            else:
                one.row.patient_id = kept.id
        who = kept if one.acting is merged else one.acting
        whom = kept if one.patient is merged else one.patient
        if who is not whom:
            _note(session, audit.ACTING if one.carried else audit.ACTING_ENDED, who, whom, now, actor)
    session.flush()
    end_all_of(session, merged.id, now=now, why="merged")


def end_all_of(session: Session, patient_id: int, *, now: datetime, why: str) -> None:
    """The record is no longer used. In the caller's transaction."""
    session.execute(
        update(MayActFor)
        .where(or_(MayActFor.actor_id == patient_id, MayActFor.patient_id == patient_id), MayActFor.ended_at.is_(None))
        .values(ended_at=now, ended_by=f"system:{why}"[:80])
        .execution_options(synchronize_session=False)
    )


def _require_may(session: Session, who: Patient, whom: Patient, today: date) -> None:
    if session.scalar(select(PatientMerge.id).where(PatientMerge.merged_patient_id.in_((who.id, whom.id)))):
        raise Invalid({"other": "One of the two has been merged already."})
    if whom.birth_date is None or who.birth_date is None:
        raise Invalid({"other": "Ask for the birth dates of both first."})
    if not is_of(OF_AGE if is_of(OF_AGE, whom.birth_date, today) else ADULT, who.birth_date, today):
        raise Invalid({"other": "Who acts for somebody is grown up: 18 or older for a child, else 16 or older."})


def _is_over(today: date) -> ColumnElement[bool]:
    """Of a `MayActFor` with its `Patient`: a child's, and the child is 16."""
    of_age = Patient.birth_date <= born_before_is(OF_AGE, today)
    return and_(MayActFor.kind == CHILD, MayActFor.ended_at.is_(None), or_(of_age, Patient.birth_date.is_(None)))


def _end_of_age(session: Session, which: ColumnElement[bool], now: datetime, today: date) -> None:
    """What the birthday has ended stands in nobody's way, who is let in by the patient's own press."""
    over = select(MayActFor.id).join(Patient, Patient.id == MayActFor.patient_id).where(which, _is_over(today))
    session.execute(
        update(MayActFor)
        .where(MayActFor.id.in_(session.scalars(over).all()))
        .values(ended_at=now, ended_by=BIRTHDAY)
        .execution_options(synchronize_session=False)
    )


def _forget_beside(session: Session, who: Patient, whom: Patient, now: datetime) -> None:
    """On the browsers that know who acted, the other's birth date is asked again: typed there, it opens a child as well."""
    theirs = select(KnownBrowser.browser_hash).where(KnownBrowser.patient_id == who.id, KnownBrowser.ended_at.is_(None))
    session.execute(
        update(KnownBrowser)
        .where(
            KnownBrowser.patient_id == whom.id,
            KnownBrowser.ended_at.is_(None),
            KnownBrowser.browser_hash.in_(session.scalars(theirs).all()),
        )
        .values(ended_at=now, ended_why="acting ended")
        .execution_options(synchronize_session=False)
    )


def _note(session: Session, what: str, who: Patient, whom: Patient, now: datetime, actor: Actor) -> None:
    details = f"{who.public_id} → {whom.public_id}"
    for patient in (who, whom):
        audit.note(session, what=what, actor=actor, now=now, patient_id=patient.id, details=details)
