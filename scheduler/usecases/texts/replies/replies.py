"""What a patient's reply does: C confirms the visit last reminded of, M is answered with a link to move it.

What a word means depends on the text that it answers, the last one on the telephone:

    last text                                       C               OK, OUI        M            a number
    ───────────────────────────────────────────────────────────────────────────────────────────────────────────────
    confirmation, moved, reminder                   confirms        confirms       link         of the last question
    our question, which visit?                      asks again      asks again     asks again   that visit
    our answer: the visit has moved meanwhile       confirms        confirms       link         of the last question
    our answer: confirmed, too late, begun, link    confirms        (read)         link         of the last question
    cancellation, our answer: cancelled             what was told   (read)         "cancelled"  of the last question
                                                    before, or
                                                    "cancelled"
    asked to choose another time                    desk            desk           link         of the last question
    written by the desk                             confirms, desk  desk           link, desk   desk

"(read)": kept with the visit; there is nothing to say or to do. "desk": a person reads it, who knows what was asked. Of
visits that have begun, moved or been cancelled since, the answer says that instead.

Everything happens in the transaction that keeps the text (inbound.py), so a webhook that Twilio repeats does nothing
twice. The answer is queued as a message of its own and sent like every other: neither lost nor doubled.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.reminder_plan import CANCELLATION
from scheduler.domain.texts.reply import Reply, Wish
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.domain.visits.refusals import TooLateToChange
from scheduler.models import Appointment, Message, Patient, PhoneAccount, Reminder, ReplyChoice
from scheduler.models.texts.wrong_number import is_marked
from scheduler.queries.visits.appointments import WHOLE
from scheduler.queries.visits.must_move import TEXT_KIND
from scheduler.queries.visits.private_visits import kept_off
from scheduler.usecases.texts.replies.answers import language_spoken, reply_text, which_text
from scheduler.usecases.visits.changing import change_to, locked, require_changeable
from scheduler.usecases.visits.links import SHORTEST_LINK, make_link

LOOK_BACK = timedelta(days=30)
TOGETHER = timedelta(hours=6)
"""Visits reminded of within this time of each other: which of them a reply means is asked."""
CHOICES_LAST = timedelta(days=3)
CLOCKS_APART = timedelta(minutes=15)
"""Of the machines that send and that receive."""
SECONDS_APART = timedelta(seconds=30)
"""Of our clock and the provider's, which names whole seconds. Nobody answers a text sooner than some seconds after it came."""
MOST_CHOICES = 5
DESK = "desk"
ANSWERS = (DESK, "reply", "move-link")
NOT_ARRIVED = ("queued", "failed", "undelivered", "expired")


@dataclass(frozen=True, slots=True)
class Told:
    """A visit of this number, and at which `schedule_version` it was last texted about. `asked_away`: that text asked to
    choose another time, so that "C" is no yes to it."""

    visit: Appointment
    version: int
    asked_away: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What to text back; an empty `text`, nothing. `visit` none: it is about several, numbered in `choices`. `for_desk`:
    somebody reads the reply all the same."""

    kind: str
    text: str
    visit: Appointment | None = None
    choices: tuple[Appointment, ...] = ()
    wish: Wish = Wish.CONFIRM
    for_desk: bool = False


@dataclass(frozen=True, slots=True)
class _Text:
    """One that this number got. `version` none: it told no time of a visit. `asks`: C or OK answers it."""

    kind: str
    at: datetime
    visit_id: int | None
    version: int | None

    @property
    def asks(self) -> bool:
        return self.version is not None and self.kind != CANCELLATION


def answer_reply(
    session: Session,
    reply: Reply,
    *,
    account: PhoneAccount,
    clinic: ClinicSettings,
    now: datetime,
    said_at: datetime | None = None,
) -> Answer | None:
    """Do what the reply asks for. None: it cannot be told what it means, and somebody has to read it.

    `said_at`: when it was sent, of one that is found later; what they were texted since is not what they answered.
    """
    until = said_at + SECONDS_APART if said_at else now + CLOCKS_APART
    texts = _texts(session, account, until)
    if not texts:
        return None
    is_talking = texts[0].kind == DESK
    if is_talking and reply.wish in (Wish.AGREE, Wish.CHOOSE):
        return None
    answer = _answer_to(session, reply, texts, until, account, clinic, now)
    return replace(answer, for_desk=True) if answer and is_talking else answer


def _answer_to(
    session: Session,
    reply: Reply,
    texts: Sequence[_Text],
    until: datetime,
    account: PhoneAccount,
    clinic: ClinicSettings,
    now: datetime,
) -> Answer | None:
    wish = reply.wish
    if reply.place is not None:
        chosen = _remembered(session, account, reply.place, until)
        if chosen is not None:
            wish = Wish(chosen.wish) if wish in (Wish.CHOOSE, Wish.AGREE) else wish
            visit = _visit(session, chosen.appointment_id)
            return _answer_about(session, Told(visit, chosen.schedule_version), wish, account, clinic, now)
    if wish is Wish.CHOOSE:
        return None
    if not texts[0].asks and wish is not Wish.CONFIRM:
        about = _own_visit(session, account, texts[0])
        if wish is Wish.AGREE:
            return Answer("reply", "", about) if about else None
        if about and about.status == AppointmentStatus.CANCELLED:
            return _answer_about(session, Told(about, about.schedule_version), wish, account, clinic, now)
    told, still_open = _told_and_open(session, account, texts, now, may_be_over=wish is Wish.MOVE)
    if wish is not Wish.MOVE:
        return _confirm(session, reply, texts, told, still_open, account, clinic, now)
    if len(still_open) > 1:
        return _ask_which([one.visit for one in still_open], wish, account, clinic)
    meant = still_open or told
    return _answer_about(session, meant[0], wish, account, clinic, now) if meant else None


def _confirm(
    session: Session,
    reply: Reply,
    texts: Sequence[_Text],
    told: Sequence[Told],
    still_open: Sequence[Told],
    account: PhoneAccount,
    clinic: ClinicSettings,
    now: datetime,
) -> Answer | None:
    """Not to a text that asked to choose another time. A number that no visit was given may mean a time: "ok 5"."""
    if texts[0].kind == TEXT_KIND:
        return None
    names_one = reply.place is not None and reply.place > 1
    able = [one for one in still_open if not one.asked_away]
    if len(able) > 1 and not names_one:  # all are confirmed: say so of one
        able = [one for one in able if one.visit.status == AppointmentStatus.BOOKED] or able[:1]
    if len(able) > 1:
        return _ask_which([one.visit for one in able], Wish.CONFIRM, account, clinic)
    meant = able or told
    if not meant or names_one:
        return None
    return _answer_about(session, meant[0], Wish.CONFIRM, account, clinic, now)


def _told_and_open(
    session: Session, account: PhoneAccount, texts: Sequence[_Text], now: datetime, *, may_be_over: bool
) -> tuple[list[Told], list[Told]]:
    """What was told last, and what stands of it, or else of what was told before the last cancellation; `may_be_over`:
    or before the visits that are over."""
    told = _told_last(session, account, texts)
    still_open = [one for one in told if _stands(one, now)]
    if not still_open:  # what was cancelled last is not what they confirm
        gone = {text.visit_id for text in texts if text.kind == CANCELLATION}
        if may_be_over:
            gone |= _over(session, texts, now)
        before = _told_last(session, account, [text for text in texts if text.visit_id not in gone])
        still_open = [one for one in before if _stands(one, now)]
    return told, still_open


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


def _texts(session: Session, account: PhoneAccount, until: datetime) -> list[_Text]:
    """That this number got by then and may be answering, the newest first. A text that numbered visits told the time of
    each."""
    at = func.coalesce(Message.attempted_at, Message.created_at)
    rows = session.execute(
        select(
            Message.kind,
            at.label("at"),
            func.coalesce(ReplyChoice.appointment_id, Message.appointment_id).label("visit_id"),
            func.coalesce(ReplyChoice.schedule_version, Reminder.version).label("version"),
        )
        .outerjoin(Reminder, Reminder.id == Message.reminder_id)
        .outerjoin(ReplyChoice, ReplyChoice.message_id == Message.id)
        .where(
            Message.number == account.number,
            Message.direction == "out",
            Message.status.not_in(NOT_ARRIVED),
            at > until - LOOK_BACK,
            at <= until,
        )
        .order_by(at.desc(), Message.id.desc())
    )
    texts = [_Text(*row) for row in rows]
    return [text for text in texts if text.version is not None or text.kind in ANSWERS]


def _told_last(session: Session, account: PhoneAccount, texts: Sequence[_Text]) -> list[Told]:
    """The visit last told of, with those told of at about the same time; by the time of the visit."""
    last: dict[int, _Text] = {}
    for text in texts:
        if text.visit_id is not None and text.version is not None:
            last.setdefault(text.visit_id, text)
    own = {text: visit for text in last.values() if (visit := _own_visit(session, account, text)) is not None}
    own = {text: visit for text, visit in own.items() if not kept_off(session, visit.id, text.at)}
    latest = max((text.at for text in own), default=None)
    found = [
        Told(visit, text.version or 0, asked_away=text.kind == TEXT_KIND)
        for text, visit in own.items()
        if latest is not None and text.at > latest - TOGETHER
    ]
    return sorted(found, key=lambda told: (told.visit.starts_at, told.visit.id))


def _remembered(session: Session, account: PhoneAccount, place: int, until: datetime) -> ReplyChoice | None:
    """What this number meant in the last text to them that numbered visits, two at least, and that has arrived."""
    last = (
        select(func.max(Message.id))
        .join(ReplyChoice, ReplyChoice.message_id == Message.id)
        .where(
            Message.number == account.number,
            Message.status.not_in(NOT_ARRIVED),
            Message.created_at > until - CHOICES_LAST,
            Message.created_at <= until,
            ReplyChoice.place > 1,
        )
        .scalar_subquery()
    )
    return session.scalar(
        select(ReplyChoice)
        .join(Appointment, Appointment.id == ReplyChoice.appointment_id)
        .join(Patient, Patient.id == Appointment.patient_id)
        .where(ReplyChoice.message_id == last, ReplyChoice.place == place, Patient.phone_account_id == account.id)
        .where(~is_marked())
    )


def _own_visit(session: Session, account: PhoneAccount, text: _Text) -> Appointment | None:
    """The one it was about, unless its patient has another number by now, may never have had this one, or gets no texts any
    more."""
    visit = _visit(session, text.visit_id) if text.visit_id is not None else None
    if visit is None or visit.patient is None or visit.patient.restricted_at is not None:
        return None
    if visit.patient.phone_account_id != account.id:
        return None
    said = select(Patient.id).where(Patient.id == visit.patient_id, is_marked())
    return visit if session.scalar(said) is None else None


def _visit(session: Session, appointment_id: int) -> Appointment:
    return session.scalars(select(Appointment).options(*WHOLE).where(Appointment.id == appointment_id)).one()


def _over(session: Session, texts: Sequence[_Text], now: datetime) -> set[int | None]:
    ids = {text.visit_id for text in texts}
    return set(
        session.scalars(select(Appointment.id).where(Appointment.id.in_(ids - {None}), Appointment.ends_at <= now))
    )


def _stands(told: Told, now: datetime) -> bool:
    """It is still ahead, and at the time that they were told."""
    visit = told.visit
    is_ahead = visit.status in (AppointmentStatus.BOOKED, AppointmentStatus.CONFIRMED) and visit.starts_at > now
    return is_ahead and visit.schedule_version == told.version


def _ask_which(visits: Sequence[Appointment], wish: Wish, account: PhoneAccount, clinic: ClinicSettings) -> Answer:
    shown = tuple(visits[:MOST_CHOICES])
    language = language_spoken((visit.patient for visit in shown), account)
    text = which_text(shown, wish=wish, clinic=clinic, language=language)
    return Answer("reply", text, choices=shown, wish=wish)


def _answer_about(
    session: Session, told: Told, wish: Wish, account: PhoneAccount, clinic: ClinicSettings, now: datetime
) -> Answer | None:
    if (
        told.visit.patient is None
        or told.visit.patient.restricted_at is not None
        or kept_off(session, told.visit.id, now)
    ):
        return None  # gets no texts, or none about this
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
        return replace(say("moved-meanwhile"), choices=(visit,))  # it names a time, and asks for C
    actor = Actor("patient", str(account.id))
    if wish is Wish.CONFIRM:
        if visit.status == AppointmentStatus.BOOKED:
            change_to(visit, AppointmentStatus.CONFIRMED, now=now, actor=actor, why="by text")
        return say("confirmed")
    try:
        require_changeable(visit, clinic=clinic, now=now + SHORTEST_LINK, actor=actor)
    except TooLateToChange:
        return say("too-late")
    link, expires_at = make_link(session, visit, account_id=account.id, clinic=clinic, now=now)
    text = reply_text("move-link", clinic=clinic, visit=visit, language=language, link=link, lasts=expires_at - now)
    return Answer("move-link", text, visit)
