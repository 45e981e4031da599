"""A browser comes to know a patient by the birth date, typed after a code; and what ends it."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from sqlalchemy import ColumnElement, and_, case, delete, or_, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.domain.errors import TooManyTries
from scheduler.domain.folding import typed_words
from scheduler.domain.patients.coming_of_age import OF_AGE, birthday, is_of
from scheduler.models import BirthDateAsked, KnownBrowser, LiveSession, Patient
from scheduler.models.patients.patient import PhoneAccount
from scheduler.models.texts.wrong_number import is_marked
from scheduler.queries.patients.known_browsers import Opened, born_on, known_here
from scheduler.queries.staff.live_sessions import id_hash
from scheduler.usecases.rate_limit import rate_key, require_allowed, take_back
from scheduler.usecases.staff.sign_in_audit import SignIn, note_sign_in, patient_actor
from scheduler.usecases.transaction import begin_write, retry_deadlocks

WRONG_DATES_A_DAY = 5
UNUSED, SHARED, UNNAMED = timedelta(days=180), timedelta(hours=1), timedelta(hours=2)
"""How long a browser is known, on a shared device, and how long a code alone goes on asking who it is."""


@dataclass(frozen=True, slots=True)
class Begun:
    """`session_id` for the session's cookie, `browser` for the browser's own; none: it is not to be remembered."""

    session_id: str
    browser: str | None
    lasts: timedelta


@retry_deadlocks
def born_then(
    session: Session,
    *,
    account: PhoneAccount,
    day: date,
    given_name: str = "",
    secret: str,
    now: datetime,
    address: str,
    shared: bool = False,
    what: str = "birth-date",
) -> list[Patient]:
    """The patients of this number whom this birth date opens; of several grown-ups born that day, the one so called.

    Counted before anything is compared; a right one is not a wrong one. Refuses by TooManyTries after five wrong ones of
    a day. Whether the number has patients makes no difference. Who has no birth date is noted, so that the desk asks.
    """
    begin_write(session)
    key = rate_key(secret, what, account.number)
    account_id = account.id
    actor = patient_actor(account_id, address)
    try:
        require_allowed(session, key=key, limit=WRONG_DATES_A_DAY, window=timedelta(days=1), now=now)
    except TooManyTries:
        note_sign_in(session, outcome=SignIn.LOCKED, actor=actor, step="birth date, locked for the day", now=now)
        session.commit()  # the counter stands
        raise
    for undated in born_on(session, account_id, None):
        _note_asked(session, undated.id, now)
    found = _so_called(born_on(session, account_id, day), given_name)
    if found:
        take_back(session, key=key)
    outcome, step = _as_noted(session, account_id, day, found, shared)
    who = found[0].id if len(found) == 1 else None
    note_sign_in(session, outcome=outcome, actor=actor, step=step, now=now, patient_id=who)
    session.commit()
    return found


def needs_name(found: Sequence[Patient], *, today: date) -> bool:
    """Grown-ups born on the same day, as twins are, do not see each other."""
    return len(found) > 1 and any(is_of(OF_AGE, patient.birth_date, today) for patient in found)


@retry_deadlocks
def begin_for_number(
    session: Session,
    *,
    account_id: int,
    browser: str | None,
    instead_of: str | None,
    now: datetime,
    now_local: datetime,
    life: timedelta,
) -> Begun:
    """After a code. Somebody known on this browser goes straight in; of several grown-ups it is asked who it is."""
    begin_write(session)
    known = known_here(session, browser, account_id=account_id, now=now) if browser else []
    grown_up = [found for found in known if is_of(OF_AGE, found[1].birth_date, now_local.date())]
    one = grown_up[0] if len(grown_up) == 1 else known[0] if known and not grown_up else None
    if one is not None:
        _use(one[0], one[1], now, now_local)
    lasts = life if one else UNNAMED
    session_id = _begin(session, account_id, one[0] if one else None, instead_of, now, lasts)
    session.commit()
    return Begun(session_id, browser if one else None, lasts)


@retry_deadlocks
def know_patients(
    session: Session,
    *,
    account_id: int,
    patient_ids: Sequence[int],
    browser: str | None,
    shared: bool,
    instead_of: str | None,
    now: datetime,
    now_local: datetime,
    life: timedelta,
) -> Begun:
    """From now on this browser knows these patients, and is signed in as the first."""
    begin_write(session)
    value = secrets.token_urlsafe(32) if shared or browser is None else browser
    rows = [_known(session, value, account_id, patient_id, shared, now, now_local) for patient_id in patient_ids]
    session.flush()
    lasts = SHARED if shared else life
    session_id = _go_on_as(session, account_id, rows[0], instead_of, now + lasts)
    session_id = session_id or _begin(session, account_id, rows[0], instead_of, now, lasts)
    session.commit()
    return Begun(session_id, None if shared else value, lasts)


@retry_deadlocks
def go_on_using(
    session: Session, session_id: str, opened: Opened, *, now: datetime, now_local: datetime, life: timedelta
) -> None:
    """Used, both live on: noted once a day. Not a shared device, nor a number of which nobody knows who has it."""
    if opened.browser is None or opened.person is None or opened.browser.shared:
        return
    if now + life - opened.ends_at < timedelta(days=1):
        return
    browser_id, person_id = opened.browser.id, opened.person.id
    begin_write(session)
    _use(session.get_one(KnownBrowser, browser_id), session.get_one(Patient, person_id), now, now_local)
    session.execute(update(LiveSession).where(LiveSession.id_hash == id_hash(session_id)).values(ends_at=now + life))
    session.commit()


@retry_deadlocks
def sign_out_everywhere(session: Session, opened: Opened, *, address: str, now: datetime) -> None:
    """Every browser that knows those who are open here, and every session of the number."""
    ids, account_id = list(opened.ids), opened.account.id
    begin_write(session)
    for patient_id in ids:
        end_known(session, patient_id=patient_id, why="signed out everywhere", now=now)
    session.execute(delete(LiveSession).where(LiveSession.phone_account_id == account_id))
    note_sign_in(session, outcome=SignIn.OUT, actor=patient_actor(account_id, address), step="everywhere", now=now)
    session.commit()


@retry_deadlocks
def forget_browser(session: Session, opened: Opened, *, address: str, now: datetime) -> None:
    """A shared device after all: it knows nobody any more, at once."""
    hashed = opened.browser.browser_hash if opened.browser else None
    actor = patient_actor(opened.account.id, address)
    begin_write(session)
    if hashed is not None:
        session.execute(
            update(KnownBrowser)
            .where(KnownBrowser.browser_hash == hashed, KnownBrowser.ended_at.is_(None))
            .values(ended_at=now, ended_why="shared device")
        )
    note_sign_in(session, outcome=SignIn.OUT, actor=actor, step="shared device", now=now)
    session.commit()


def end_known(session: Session, *, patient_id: int, why: str, now: datetime, account_id: int | None = None) -> None:
    """Every browser that knows the patient asks again. In the caller's transaction."""
    known = update(KnownBrowser).where(KnownBrowser.patient_id == patient_id, KnownBrowser.ended_at.is_(None))
    if account_id is not None:
        known = known.where(KnownBrowser.phone_account_id == account_id)
    session.execute(known.values(ended_at=now, ended_why=why).execution_options(synchronize_session=False))


def _so_called(found: list[Patient], given_name: str) -> list[Patient]:
    """All of them when no name was asked for."""
    if not given_name:
        return found
    asked = "".join(typed_words(given_name))
    return [patient for patient in found if "".join(typed_words(patient.given_name)) == asked]


def _as_noted(session: Session, account_id: int, day: date, found: list[Patient], shared: bool) -> tuple[SignIn, str]:
    """For the audit log: what came of it, and why not."""
    if found:
        return SignIn.RIGHT, "birth date, shared device" if shared else "birth date"
    locked = or_(Patient.restricted_at.is_not(None), is_marked())
    theirs = session.execute(
        select(Patient.birth_date, case((locked, 1), else_=0)).where(Patient.phone_account_id == account_id)
    ).all()
    if not theirs:
        return SignIn.WRONG, "birth date, nobody on this number"
    if any(born == day and is_locked for born, is_locked in theirs):
        return SignIn.WRONG, "birth date, record locked"
    if any(born is None for born, _is_locked in theirs):
        return SignIn.WRONG, "birth date, none on file"
    return SignIn.WRONG, "birth date"


def _note_asked(session: Session, patient_id: int, now: datetime) -> None:
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    asked = insert(BirthDateAsked).values(patient_id=patient_id, asked_at=now)
    session.execute(
        asked.on_conflict_do_update(index_elements=[BirthDateAsked.patient_id], set_={"asked_at": now}),
        execution_options={"synchronize_session": False},
    )


def _known(
    session: Session, value: str, account_id: int, patient_id: int, shared: bool, now: datetime, now_local: datetime
) -> KnownBrowser:
    """The row that stands, or a new one. Two presses at the same moment find the same."""
    hashed = id_hash(value)
    patient = session.get_one(Patient, patient_id)
    session.execute(
        update(KnownBrowser)
        .where(
            _is_row(hashed, patient_id), or_(KnownBrowser.ends_at <= now, KnownBrowser.phone_account_id != account_id)
        )
        .values(ended_at=now, ended_why=case((KnownBrowser.ends_at <= now, "unused"), else_="number changed"))
        .execution_options(synchronize_session=False)
    )
    insert = postgresql.insert if session.get_bind().dialect.name == "postgresql" else sqlite.insert
    begun = insert(KnownBrowser).values(
        browser_hash=hashed,
        patient_id=patient_id,
        phone_account_id=account_id,
        shared=shared,
        began_at=now,
        used_at=now,
        ends_at=now + SHARED,
    )
    session.execute(
        begun.on_conflict_do_nothing(
            index_elements=[KnownBrowser.browser_hash, KnownBrowser.patient_id],
            index_where=KnownBrowser.ended_at.is_(None),
        )
    )
    row = session.scalars(
        select(KnownBrowser).where(_is_row(hashed, patient_id)).execution_options(populate_existing=True)
    ).one()
    if not shared:
        _use(row, patient, now, now_local)
    return row


def _is_row(hashed: str, patient_id: int) -> ColumnElement[bool]:
    return and_(
        KnownBrowser.browser_hash == hashed, KnownBrowser.patient_id == patient_id, KnownBrowser.ended_at.is_(None)
    )


def _use(row: KnownBrowser, patient: Patient, now: datetime, now_local: datetime) -> None:
    """A child's browser asks again on the 16th birthday: it may be a parent's."""
    row.used_at, row.ends_at = now, now + UNUSED
    born = patient.birth_date
    if born is not None and not is_of(OF_AGE, born, now_local.date()):
        row.ends_at = min(row.ends_at, now + (datetime.combine(birthday(born, OF_AGE), time.min) - now_local))


def _go_on_as(
    session: Session, account_id: int, known: KnownBrowser, session_id: str | None, ends_at: datetime
) -> str | None:
    """The session that the code began stays the same one: a button pressed twice sends its old cookie twice."""
    if session_id is None:
        return None
    same = and_(LiveSession.id_hash == id_hash(session_id), LiveSession.phone_account_id == account_id)
    named = update(LiveSession).where(same).values(known_browser_id=known.id, ends_at=ends_at)
    found = session.execute(named.returning(LiveSession.id_hash)).first()
    return session_id if found else None


def _begin(
    session: Session,
    account_id: int,
    known: KnownBrowser | None,
    instead_of: str | None,
    now: datetime,
    lasts: timedelta,
) -> str:
    if instead_of is not None:
        session.execute(delete(LiveSession).where(LiveSession.id_hash == id_hash(instead_of)))
    session_id = secrets.token_urlsafe(32)
    session.add(
        LiveSession(
            id_hash=id_hash(session_id),
            phone_account_id=account_id,
            known_browser_id=known.id if known else None,
            started_at=now,
            ends_at=now + lasts,
        )
    )
    return session_id
