"""Patients: registering, changing details, clearing for IMS."""

from datetime import date, datetime

from sqlalchemy import inspect, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.patients import person_name
from scheduler.domain.patients.person_name import tidy_name
from scheduler.domain.patients.refusals import PatientChanged
from scheduler.models import Patient, PhoneAccount
from scheduler.queries.patients.patients import of_account
from scheduler.usecases import audit
from scheduler.usecases.feeds.addresses import end_calendar_addresses
from scheduler.usecases.idempotency import Remember
from scheduler.usecases.patients import clearance
from scheduler.usecases.patients.clearance import Decider
from scheduler.usecases.sign_in.known_browsers import end_known
from scheduler.usecases.texts import agreements
from scheduler.usecases.texts.agreements import TOLD_US, Said
from scheduler.usecases.transaction import begin_write, retry_deadlocks

OLDEST = 120  # years
LANGUAGES = ("en", "fr")
LONGEST_NOTE = 2_000
DETAILS = ("given_name", "family_name", "birth_date", "phone_account", "language", "note")


@retry_deadlocks
def register_patient(
    session: Session,
    *,
    given_name: str,
    family_name: str,
    birth_date: date | None,
    phone: str | None,
    language: str,
    now: datetime,
    today: date,
    actor: Actor,
    texts: Said | None = None,
    cleared: Decider | None = None,
    clinic: ClinicSettings | None = None,
    remember: Remember | None = None,
) -> Patient:
    """A new patient; the same name and birth date on the same number is the patient that is there already.

    `phone` is E.164. `texts`: what was said about texts to it, if anything. `cleared` for IMS at once by that decision.
    Refuses with Invalid, naming the field.
    """
    given_name, family_name = tidy_name(given_name), tidy_name(family_name)
    require_details(given_name, family_name, birth_date, language, today)
    begin_write(session)
    account = _account(session, phone, language, now) if phone else None
    patient = _same_person(session, account, given_name, family_name, birth_date) if account else None
    if patient is None:
        patient = Patient(
            given_name=given_name,
            family_name=family_name,
            birth_date=birth_date,
            phone_account=account,
            language=language,
            created_at=now,
        )
        session.add(patient)
        session.flush()
        audit.note(session, what=audit.REGISTERED, actor=actor, now=now, patient_id=patient.id)
    if account is not None and texts is not None:
        agreements.say_of_new_number(session, texts, account=account, patient=patient, actor=actor, now=now)
    if cleared is not None:
        clearance.clear(session, patient, cleared, clinic=clinic or ClinicSettings(), actor=actor, now=now)
    session.flush()
    if remember is not None:
        remember(session, patient)
    session.commit()
    return patient


@retry_deadlocks
def update_patient(
    session: Session,
    *,
    public_id: str,
    now: datetime,
    today: date,
    actor: Actor,
    given_name: str | None = None,
    family_name: str | None = None,
    birth_date: date | None = None,
    phone: str | None = None,
    language: str | None = None,
    note: str | None = None,
    texts: Said | None = None,
    cleared: Decider | None = None,
    takes_clearance_back: bool = False,
    clinic: ClinicSettings | None = None,
    expected_version: int | None = None,
) -> Patient:
    """Change what is given; none leaves a detail as it is, an empty `phone` takes the number away.

    `texts`: what was said about texts to the number. `cleared` for IMS by that decision. Refuses with PatientChanged when the details are no longer those of
    `expected_version`.
    """
    begin_write(session)
    patient = locked(session, public_id)
    if expected_version is not None and patient.version != expected_version:
        raise PatientChanged(patient.version)
    given_name = patient.given_name if given_name is None else tidy_name(given_name)
    family_name = patient.family_name if family_name is None else tidy_name(family_name)
    language = language or patient.language
    require_details(given_name, family_name, birth_date, language, today)
    account = _account(session, phone, language, now) if phone else None  # asks, so before anything changes
    patient.given_name, patient.family_name, patient.language = given_name, family_name, language
    patient.birth_date = birth_date or patient.birth_date
    if note is not None:
        patient.note = note.replace("\0", "").strip()[:LONGEST_NOTE]
    new_number = phone is not None and patient.phone_account_id != (account.id if account else None)
    if new_number:
        patient.phone_account = account
        end_calendar_addresses([patient])
    _note_changes(session, patient, actor, now)  # before anything asks: a question writes the changes, and they are old
    if new_number:
        end_known(session, patient_id=patient.id, why="number changed", now=now)
    if texts is not None and new_number and account is not None:
        agreements.say_of_new_number(session, texts, account=account, patient=patient, actor=actor, now=now)
    elif texts is not None:
        _say_about_texts(session, texts, patient=patient, actor=actor, now=now)
    if cleared is not None:
        clearance.clear(session, patient, cleared, clinic=clinic or ClinicSettings(), actor=actor, now=now)
    elif takes_clearance_back:
        clearance.take_back(session, patient, actor=actor, now=now)
    session.commit()
    return patient


@retry_deadlocks
def say_about_texts(session: Session, said: Said, *, public_id: str, now: datetime, actor: Actor) -> Patient:
    """A patient's yes or no to texts to their number. Refuses with Invalid when they have none, and a yes to a number
    that has answered STOP."""
    begin_write(session)
    patient = locked(session, public_id)
    _say_about_texts(session, said, patient=patient, actor=actor, now=now)
    session.commit()
    return patient


@retry_deadlocks
def clear_for_ims(
    session: Session, *, public_id: str, decider: Decider, clinic: ClinicSettings, now: datetime, actor: Actor
) -> Patient:
    """A practitioner has examined the patient, who is a candidate for IMS."""
    begin_write(session)
    patient = locked(session, public_id)
    clearance.clear(session, patient, decider, clinic=clinic, actor=actor, now=now)
    session.commit()
    return patient


@retry_deadlocks
def take_back_clearance(session: Session, *, public_id: str, now: datetime, actor: Actor) -> Patient:
    """IMS visits booked already stand, for a physiotherapist to look at; no further one can be booked."""
    begin_write(session)
    patient = locked(session, public_id)
    clearance.take_back(session, patient, actor=actor, now=now)
    session.commit()
    return patient


@retry_deadlocks
def restrict_patient(session: Session, *, public_id: str, restricted: bool, now: datetime, actor: Actor) -> Patient:
    """Instead of deletion, and back again: a restricted patient books nothing online and gets no texts.

    The caller checks the role.
    """
    begin_write(session)
    patient = locked(session, public_id)
    if restricted != (patient.restricted_at is not None):
        patient.restricted_at, patient.restricted_by = (now, str(actor)) if restricted else (None, None)
        if restricted:
            end_calendar_addresses([patient])
        end_known(session, patient_id=patient.id, why="locked", now=now)
        what = audit.RESTRICTED if restricted else audit.RELEASED
        audit.note(session, what=what, actor=actor, now=now, patient_id=patient.id)
    session.commit()
    return patient


@retry_deadlocks
def renew_feed(session: Session, *, public_id: str, now: datetime, actor: Actor) -> Patient:
    """A new private calendar address; the old one is dead at once, and so are those of single visits."""
    begin_write(session)
    patient = locked(session, public_id)
    end_calendar_addresses([patient])
    audit.note(session, what=audit.FEED_RENEWED, actor=actor, now=now, patient_id=patient.id)
    session.commit()
    return patient


def locked(session: Session, public_id: str) -> Patient:
    """The patient as it is now, its row locked. NotFound when there is none."""
    patient = session.scalar(
        select(Patient).where(Patient.public_id == public_id).with_for_update(key_share=True, of=Patient)
    )
    if patient is None:
        raise NotFound("patient")
    return patient


def require_details(given_name: str, family_name: str, birth_date: date | None, language: str, today: date) -> None:
    errors = {}
    for field, name in (("given_name", given_name), ("family_name", family_name)):
        if not name:
            errors[field] = "Enter a name."
        elif len(name) > person_name.LONGEST:
            errors[field] = "This name is too long: 100 letters at most."
    if birth_date is not None and birth_date > today:
        errors["birth_date"] = "This birth date is in the future."
    elif birth_date is not None and birth_date.year < today.year - OLDEST:
        errors["birth_date"] = "This birth date is too long ago."
    if language not in LANGUAGES:
        errors["language"] = "Choose English or French."
    if errors:
        raise Invalid(errors)


def _say_about_texts(session: Session, said: Said, *, patient: Patient, actor: Actor, now: datetime) -> None:
    account = patient.phone_account
    if account is None:
        raise Invalid({"agrees_to_texts": "There is no number to text."})
    if said.agrees and account.opted_out_at is not None and account.opted_out_by != TOLD_US:
        raise Invalid({"agrees_to_texts": "This number has answered STOP: only a START texted from it ends that."})
    agreements.say(session, said, account=account, patient=patient, actor=actor, now=now)
    details = "agrees to texts" if said.agrees else "wants no texts"
    audit.note(session, what=audit.CHANGED, actor=actor, now=now, patient_id=patient.id, details=details)


def _note_changes(session: Session, patient: Patient, actor: Actor, now: datetime) -> None:
    """The names of the fields that change, into the audit log; nothing when nothing does."""
    attributes = inspect(patient).attrs
    changed = [field for field in DETAILS if attributes[field].history.has_changes()]
    if changed:
        patient.version += 1
        session.flush()
        details = ", ".join(changed)
        audit.note(session, what=audit.CHANGED, actor=actor, now=now, patient_id=patient.id, details=details)


def _account(session: Session, phone: str, language: str, now: datetime) -> PhoneAccount:
    """Its row is locked: a form sent twice at once must find the patient that the first one made."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    session.execute(
        dialect.insert(PhoneAccount)
        .values(number=phone, language=language, created_at=now)
        .on_conflict_do_nothing(index_elements=[PhoneAccount.number])
    )
    return session.scalars(
        select(PhoneAccount).where(PhoneAccount.number == phone).with_for_update(key_share=True)
    ).one()


def _same_person(
    session: Session, account: PhoneAccount, given_name: str, family_name: str, birth_date: date | None
) -> Patient | None:
    """Never one whose number this is not: whoever has the telephone now is somebody else."""
    wanted = (given_name.casefold(), family_name.casefold(), birth_date)
    return next(
        (
            p
            for p in of_account(session, account.id)
            if (p.given_name.casefold(), p.family_name.casefold(), p.birth_date) == wanted
        ),
        None,
    )
