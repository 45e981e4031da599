"""Writes the demo clinic into an empty database, through the same constraints as everything else."""

from __future__ import annotations

from datetime import datetime
from random import Random

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.demo import house, people
from scheduler.demo.diary import Diary
from scheduler.demo.records import Records, unguessable
from scheduler.demo.staff import add_demo_staff
from scheduler.demo.texts import write_texts
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.patients.coming_of_age import OF_AGE, is_of
from scheduler.models import (
    Closure,
    MayActFor,
    Patient,
    PhoneAccount,
    Practitioner,
    PractitionerTreatment,
    Room,
    SpacingGroup,
    TextAgreement,
    TimeOff,
    Treatment,
    WorkingHours,
)
from scheduler.models.patients.known_browser import CHILD
from scheduler.usecases.transaction import begin_write

ANY_NUMBER = 20261122
"""The seed of everything invented."""


class NotEmpty(Exception):
    """Somebody works with this database already."""


def is_empty(session: Session) -> bool:
    return not any(
        session.scalar(select(func.count()).select_from(table)) for table in (Practitioner, Patient, Treatment)
    )


def seed(session: Session, *, clinic: ClinicSettings, now: datetime) -> None:
    """All of it in one transaction: what a day's demo holds depends on the day alone, and how far its visits have
    come on the time. Refuses (NotEmpty) a database that somebody has begun to use."""
    begin_write(session)
    if not is_empty(session):
        session.rollback()
        raise NotEmpty
    random = Random(ANY_NUMBER)  # noqa: S311 - invents people, keeps no secrets
    zone = clock.zone(clinic.zone)
    local_now = clock.to_local(now, zone)
    today = local_now.date()
    invented = people.invent(random)
    absences = house.away(today)
    diary = Diary(today, random, absences)
    visits = diary.write(invented)
    _write_house(session, absences)
    assessed = {
        visit.patient: clock.to_utc_or_near(visit.busy_until, zone)
        for visit in visits
        if visit.treatment == house.ASSESSMENT.slug and visit.fate == "kept" and visit.busy_until < local_now
    }
    patients = _write_people(session, invented, random, now, assessed)
    records = Records(session, clinic=clinic, now=now, patients=patients, invented=invented, random=random)
    records.write(visits)
    records.write_holds(*diary.two_free_starts())
    write_texts(session, records)
    add_demo_staff(session, now=now)
    session.commit()


def _write_house(session: Session, absences: tuple[house.Away, ...]) -> None:
    group = SpacingGroup(slug="ims", name="IMS", min_days=7, needling=True)
    session.add(group)
    session.flush()
    treatments = [
        Treatment(
            slug=treatment.slug,
            name_en=treatment.name_en,
            name_fr=treatment.name_fr,
            minutes=treatment.minutes,
            buffer_minutes=treatment.buffer_minutes,
            kind=treatment.kind,
            needs_clearance=treatment.needling,
            spacing_group_id=group.id if treatment.needling else None,
            position=position,
        )
        for position, treatment in enumerate(house.TREATMENTS)
    ]
    session.add_all(treatments)
    session.add_all(Room(name=name, position=position) for position, name in enumerate(house.ROOMS))
    practitioners = {
        who.slug: Practitioner(
            slug=who.slug,
            given_name=who.given_name,
            family_name=who.family_name,
            can_needle=who.can_needle,
            position=position,
        )
        for position, who in enumerate(house.PRACTITIONERS)
    }
    session.add_all(practitioners.values())
    session.flush()
    for who in house.PRACTITIONERS:
        session.add_all(
            PractitionerTreatment(practitioner_id=practitioners[who.slug].id, treatment_id=treatment.id)
            for treatment in treatments
            if who.can_needle or not treatment.needling
        )
        session.add_all(
            WorkingHours(practitioner_id=practitioners[who.slug].id, weekday=weekday, opens=opens, closes=closes)
            for weekday, hours in who.hours.items()
            for opens, closes in house.stretches(hours)
        )
    for absence in absences:
        begins, ends, reason = absence.starts_local, absence.ends_local, absence.reason
        if absence.practitioner is None:
            session.add(Closure(starts_local=begins, ends_local=ends, name=reason))
        else:
            who_id = practitioners[absence.practitioner].id
            session.add(TimeOff(practitioner_id=who_id, starts_local=begins, ends_local=ends, reason=reason))
    session.flush()


AGREED = {
    "en": "With the code you agree to reminders and replies by text to this number, unless you have told us no. "
    "Answer STOP to end them.",
    "fr": "En tapant le code, vous acceptez de recevoir à ce numéro des rappels et des réponses par texto, sauf si vous "
    "nous avez dit non. Répondez ARRET pour y mettre fin.",
}
"""As the page that asks for the code says it."""


def _write_people(
    session: Session,
    invented: list[people.DemoPatient],
    random: Random,
    now: datetime,
    assessed: dict[int, datetime],
) -> dict[int, Patient]:
    """Everybody by key; cleared when they were assessed, or before what the diary knows."""
    since = now.replace(minute=0, second=0, microsecond=0) - people.KNOWN_FOR
    accounts = {
        who.number: PhoneAccount(number=who.number, language=who.language, verified_at=since, created_at=since)
        for who in invented
        if who.number is not None
    }
    session.add_all(accounts.values())
    session.flush()
    session.add_all(
        TextAgreement(
            phone_account_id=account.id,
            agrees=True,
            said_at=since,
            words=AGREED[account.language],
            language=account.language,
            how="booking",
            said_by=f"patient:{account.id}",
        )
        for account in accounts.values()
    )
    priya = session.scalars(select(Practitioner.id).where(Practitioner.slug == "priya-nair")).one()
    patients = {
        who.key: Patient(
            public_id=unguessable(random),
            given_name=who.given_name,
            family_name=who.family_name,
            birth_date=who.birth_date,
            phone_account_id=accounts[who.number].id if who.number else None,
            language=who.language,
            cleared_for_ims_at=assessed.get(who.key, since) if who.cleared else None,
            cleared_by="staff:demo-priya" if who.cleared else None,
            clearing_practitioner_id=priya if who.cleared else None,
            feed_token=unguessable(random, 24),
            created_at=since,
        )
        for who in invented
    }
    session.add_all(patients.values())
    session.flush()
    _let_parents_act(session, invented, patients, now)
    return patients


def _let_parents_act(
    session: Session, invented: list[people.DemoPatient], patients: dict[int, Patient], now: datetime
) -> None:
    """The first of a number may act for its children."""
    first: dict[str, int] = {}
    for who in invented:
        if who.number is None:
            continue
        adult = patients[first.setdefault(who.number, who.key)]
        if adult.id != patients[who.key].id and not is_of(OF_AGE, who.birth_date, now.date()):
            session.add(
                MayActFor(
                    actor_id=adult.id,
                    patient_id=patients[who.key].id,
                    kind=CHILD,
                    granted_at=now,
                    granted_by="system:demo",
                    how_asked="registered the child",
                )
            )
    session.flush()
