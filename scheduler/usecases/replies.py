"""What a patient's reply does: C confirms the visit last reminded of, M is answered with a link to move it.

Everything happens in the transaction that keeps the text (inbound.py), so a webhook that Twilio repeats does nothing
twice. The answer is queued as a message of its own and sent like every other: neither lost nor doubled.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import case, func, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.appointment_status import AppointmentStatus
from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.errors import TooLateToChange
from scheduler.domain.reply import Reply, Wish
from scheduler.models import Appointment, Message, Patient, PhoneAccount, Reminder, ReplyChoice
from scheduler.queries.appointments import WHOLE
from scheduler.queries.displaced import TEXT_KIND
from scheduler.usecases.changing import change_to, locked, require_changeable
from scheduler.usecases.move_links import make_link
from scheduler.usecases.reply_texts import reply_text, which_text

LOOK_BACK = timedelta(days=30)
TOGETHER = timedelta(hours=6)
"""Visits reminded of within this time of each other: which of them a reply means is asked."""
CHOICES_LAST = timedelta(days=3)
MOST_CHOICES = 5


@dataclass(frozen=True, slots=True)
class Told:
    """A visit of this number, and at which `schedule_version` it was last texted about. `asked_away`: that text asked to
    choose another time, so that "ok" is no yes to it."""

    visit: Appointment
    version: int
    asked_away: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What to text back. `visit` none: it is about several, numbered in `choices`."""

    kind: str
    text: str
    visit: Appointment | None = None
    choices: tuple[Appointment, ...] = ()
    wish: Wish = Wish.CONFIRM


def answer_reply(
    session: Session, reply: Reply, *, account: PhoneAccount, clinic: ClinicSettings, now: datetime
) -> Answer | None:
    """Do what the reply asks for. None: it cannot be told what it means, and somebody has to read it."""
    wish = reply.wish
    if reply.place is not None:
        chosen = _remembered(session, account, reply.place, now)
        if chosen is not None:
            wish = Wish(chosen.wish) if wish is Wish.CHOOSE else wish
            visit = _visit(session, chosen.appointment_id)
            return _answer_about(session, Told(visit, chosen.schedule_version), wish, account, clinic, now)
    if wish is Wish.CHOOSE:
        return None
    told = _told_last(session, account, now)
    if not told:
        return None
    still_open = [one for one in told if _stands(one, now)]
    if wish is Wish.CONFIRM and len(still_open) > 1:
        unconfirmed = [one for one in still_open if one.visit.status == AppointmentStatus.BOOKED]
        still_open = unconfirmed or still_open[:1]  # all are confirmed: say so of one
    if len(still_open) > 1:
        return _ask_which([one.visit for one in still_open], wish, account, clinic)
    return _answer_about(session, (still_open or told)[0], wish, account, clinic, now)


def keep_choices(session: Session, message: Message, answer: Answer) -> None:
    """Once the message that asks has its id."""
    session.add_all(
        ReplyChoice(
            message_id=message.id,
            place=place,
            wish=answer.wish.value,
            appointment_id=visit.id,
            schedule_version=visit.schedule_version,
        )
        for place, visit in enumerate(answer.choices, start=1)
    )


def _told_last(session: Session, account: PhoneAccount, now: datetime) -> list[Told]:
    """The visit last reminded of, with those reminded of at about the same time; by the time of the visit."""
    rows = session.execute(
        select(
            Message.appointment_id,
            func.max(Message.created_at).label("at"),
            func.max(Reminder.version).label("version"),
            func.max(case((Message.kind == TEXT_KIND, Message.created_at))).label("asked_away_at"),
        )
        .join(Reminder, Reminder.id == Message.reminder_id)
        .join(Appointment, Appointment.id == Message.appointment_id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .where(
            Message.number == account.number,
            Message.direction == "out",
            Message.appointment_id.is_not(None),
            Message.created_at > now - LOOK_BACK,
            Message.status.not_in(("failed", "expired")),
            Patient.phone_account_id == account.id,
        )
        .group_by(Message.appointment_id)
    ).all()
    if not rows:
        return []
    latest = max(row.at for row in rows)
    found = [
        Told(_visit(session, row.appointment_id), row.version, asked_away=row.asked_away_at == row.at)
        for row in rows
        if row.appointment_id is not None and row.at > latest - TOGETHER
    ]
    return sorted(found, key=lambda told: (told.visit.starts_at, told.visit.id))


def _remembered(session: Session, account: PhoneAccount, place: int, now: datetime) -> ReplyChoice | None:
    """What this number meant in the last text to them that numbered visits."""
    last = (
        select(func.max(Message.id))
        .join(ReplyChoice, ReplyChoice.message_id == Message.id)
        .where(Message.number == account.number, Message.created_at > now - CHOICES_LAST)
        .scalar_subquery()
    )
    return session.scalar(
        select(ReplyChoice)
        .join(Appointment, Appointment.id == ReplyChoice.appointment_id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .where(ReplyChoice.message_id == last, ReplyChoice.place == place, Patient.phone_account_id == account.id)
    )


def _visit(session: Session, appointment_id: int) -> Appointment:
    return session.scalars(select(Appointment).options(*WHOLE).where(Appointment.id == appointment_id)).one()


def _stands(told: Told, now: datetime) -> bool:
    """It is still ahead, and at the time that they were told."""
    visit = told.visit
    is_ahead = visit.status in (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED) and visit.starts_at > now
    return is_ahead and visit.schedule_version == told.version


def _ask_which(visits: Sequence[Appointment], wish: Wish, account: PhoneAccount, clinic: ClinicSettings) -> Answer:
    shown = tuple(visits[:MOST_CHOICES])
    text = which_text(shown, wish=wish, clinic=clinic, language=account.language)
    return Answer("reply", text, choices=shown, wish=wish)


def _answer_about(
    session: Session, told: Told, wish: Wish, account: PhoneAccount, clinic: ClinicSettings, now: datetime
) -> Answer | None:
    if told.visit.patient is None or told.visit.patient.restricted_at is not None:
        return None  # gets no texts
    if told.asked_away and wish is Wish.CONFIRM:
        return None
    visit = locked(session, told.visit.public_id)
    language = told.visit.patient.language

    def say(name: str) -> Answer:
        return Answer("reply", reply_text(name, clinic=clinic, visit=visit, language=language), visit)

    if visit.status == AppointmentStatus.CANCELLED:
        return say("cancelled")
    if visit.status not in (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED) or visit.starts_at <= now:
        return say("begun")
    if visit.schedule_version != told.version:
        return say("moved-meanwhile")
    actor = Actor("patient", str(account.id))
    if wish is Wish.CONFIRM:
        if visit.status == AppointmentStatus.BOOKED:
            change_to(visit, AppointmentStatus.CONFIRMED, now=now, actor=actor, why="by text")
        return say("confirmed")
    try:
        require_changeable(visit, clinic=clinic, now=now, actor=actor)
    except TooLateToChange:
        return say("too-late")
    link, expires_at = make_link(session, visit, clinic=clinic, now=now)
    text = reply_text("move-link", clinic=clinic, visit=visit, language=language, link=link, lasts=expires_at - now)
    return Answer("move-link", text, visit)
