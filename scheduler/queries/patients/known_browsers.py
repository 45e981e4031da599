"""Which patients may this browser see and change? Every page and every change of a patient's asks `opened_by`, and only that."""

from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import ColumnElement, and_, exists, or_, select
from sqlalchemy.orm import Session

from scheduler.domain.errors import NotFound
from scheduler.domain.patients.coming_of_age import OF_AGE, born_before_is, is_of
from scheduler.models import Appointment, KnownBrowser, LiveSession, MayActFor, Patient, PhoneAccount
from scheduler.models.patients.known_browser import CHILD
from scheduler.models.texts.wrong_number import is_marked, is_said_wrong
from scheduler.queries.staff.live_sessions import id_hash
from scheduler.queries.visits.private_visits import is_private


@dataclass(frozen=True, slots=True)
class Opened:
    """A code to `account` was typed here. `person`: who has shown who they are, if anybody; `patients`: they and those
    they may act for. `whole`: the ids of those whose private visits show as well."""

    account: PhoneAccount
    ends_at: datetime
    browser: KnownBrowser | None = None
    person: Patient | None = None
    patients: tuple[Patient, ...] = ()
    whole: tuple[int, ...] = ()

    @property
    def ids(self) -> tuple[int, ...]:
        return tuple(patient.id for patient in self.patients)

    def patient(self, public_id: str) -> Patient:
        """NotFound for everybody else's."""
        found = next((patient for patient in self.patients if patient.public_id == public_id), None)
        if found is None:
            raise NotFound("patient")
        return found

    def shows(self) -> ColumnElement[bool]:
        """Of the `Appointment` of a query: it is one of theirs, and may be shown here."""
        return and_(Appointment.patient_id.in_(self.ids), or_(Appointment.patient_id.in_(self.whole), ~is_private()))


def opened_by(session: Session, session_id: str, *, now: datetime, today: date) -> Opened | None:
    """None once it was signed out, here or everywhere. Two SELECTs."""
    found = session.execute(
        select(PhoneAccount, LiveSession.ends_at, KnownBrowser, Patient)
        .join(LiveSession, LiveSession.phone_account_id == PhoneAccount.id)
        .outerjoin(KnownBrowser, and_(KnownBrowser.id == LiveSession.known_browser_id, _lasts(now)))
        .outerjoin(Patient, and_(Patient.id == KnownBrowser.patient_id, _opens_on(KnownBrowser.phone_account_id)))
        .where(LiveSession.id_hash == id_hash(session_id), LiveSession.ends_at > now)
    ).one_or_none()
    if found is None:
        return None
    account, ends_at, browser, person = found
    if browser is None or person is None or person.phone_account_id != account.id:
        return Opened(account, ends_at)
    others = _others(session, browser, person, now, today)
    whole = [person.id] if is_of(OF_AGE, person.birth_date, today) else []
    return Opened(account, ends_at, browser, person, (person, *others), tuple(whole))


def is_open_to(session: Session, opened: Opened, public_id: str) -> bool:
    """Whether this visit is to be seen here."""
    found = session.scalar(select(Appointment.id).where(Appointment.public_id == public_id, opened.shows()))
    return found is not None


def known_here(session: Session, browser: str, *, account_id: int, now: datetime) -> list[tuple[KnownBrowser, Patient]]:
    """Who of this number is known on the browser that holds this value."""
    rows = session.execute(
        select(KnownBrowser, Patient)
        .join(Patient, Patient.id == KnownBrowser.patient_id)
        .where(
            KnownBrowser.browser_hash == id_hash(browser),
            KnownBrowser.phone_account_id == account_id,
            _lasts(now),
            _opens_on(KnownBrowser.phone_account_id),
        )
        .order_by(KnownBrowser.used_at.desc())
    )
    return [(known, patient) for known, patient in rows]


def born_on(session: Session, account_id: int, day: date | None) -> list[Patient]:
    """Patients of the number with this birth date, or with none: those whom it may open."""
    wanted = select(Patient).where(Patient.phone_account_id == account_id, _opens_on(Patient.phone_account_id))
    wanted = wanted.where(Patient.birth_date == day) if day else wanted.where(Patient.birth_date.is_(None))
    return list(session.scalars(wanted.order_by(Patient.id)))


def _others(session: Session, browser: KnownBrowser, person: Patient, now: datetime, today: date) -> list[Patient]:
    """Whom they may act for, and children whose birth date was typed on this same browser."""
    is_child = Patient.birth_date > born_before_is(OF_AGE, today)
    may_act = exists().where(
        MayActFor.actor_id == person.id,
        MayActFor.patient_id == Patient.id,
        MayActFor.ended_at.is_(None),
        or_(MayActFor.kind != CHILD, is_child),
    )
    known_child = and_(
        is_child,
        exists().where(
            KnownBrowser.browser_hash == browser.browser_hash,
            KnownBrowser.patient_id == Patient.id,
            KnownBrowser.phone_account_id == browser.phone_account_id,
            KnownBrowser.phone_account_id == Patient.phone_account_id,
            _lasts(now),
        ),
    )
    found = select(Patient).where(
        Patient.id != person.id,
        Patient.restricted_at.is_(None),
        or_(and_(may_act, ~is_said_wrong()), and_(known_child, ~is_marked())),
    )
    return list(session.scalars(found.order_by(Patient.id)))


def _lasts(now: datetime) -> ColumnElement[bool]:
    return and_(KnownBrowser.ended_at.is_(None), KnownBrowser.ends_at > now)


def _opens_on(account_id: ColumnElement[int] | object) -> ColumnElement[bool]:
    """The number is the patient's, nobody said otherwise, and the record is not locked."""
    return and_(Patient.phone_account_id == account_id, Patient.restricted_at.is_(None), ~is_marked())
