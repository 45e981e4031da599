"""Texts that come in: kept, the words that opt out, opt in or ask for help honoured, replies acted upon, and the rest
laid on the desk's table (`for_desk`)."""

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.folding import words_of
from scheduler.domain.phone import InboundWord, bare_letters, inbound_word
from scheduler.domain.texts.reply import ATTACHED, NO_WORDS, Reply, Wish, is_signed_stop, read_reply, without_signature
from scheduler.domain.texts.sms_segments import segments
from scheduler.domain.texts.wording import filled, words
from scheduler.gateways import phone_numbers
from scheduler.models.patients.patient import PhoneAccount
from scheduler.models.texts.sms import Message
from scheduler.usecases.texts.agreements import Said, record
from scheduler.usecases.texts.reminder_times import FRESH, is_night
from scheduler.usecases.texts.replies.answers import language_spoken
from scheduler.usecases.texts.replies.replies import Answer, answer_reply, keep_choices
from scheduler.usecases.texts.replies.unanswered import ANSWERS_TO_REPLIES
from scheduler.usecases.texts.sending.budget import parts_used
from scheduler.usecases.texts.wrong_numbers import doubt_number, is_nobodys
from scheduler.usecases.transaction import begin_write, retry_deadlocks

E164 = re.compile(r"\+[1-9]\d{7,14}", re.ASCII)
SENDER = re.compile(r"\+?[A-Za-z0-9]{1,19}")
"""Short codes and names text us as well."""
LONGEST_BODY = 1600
UNSEEN = ("Cc", "Cf", "Zs", "Zl", "Zp")

ANSWERS = {InboundWord.HELP: "help", InboundWord.STOP: "opt-out"}
UNDONE_BY = {InboundWord.STOP: InboundWord.START, InboundWord.START: InboundWord.STOP}
AUTOMATIC = (*ANSWERS_TO_REPLIES, "help", "opt-out")
AUTOMATIC_A_DAY = 10
"""To one number; two robots must not talk for ever. What comes beyond it still takes effect, and the desk reads it."""
OLD = timedelta(days=1)
"""A reply found later than this is for people to read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class IncomingText:
    """As the provider tells of it. `opt_out_type` comes with Advanced Opt-Out. `said_at`: when one was sent that is found
    later (missed.py); none when it has just come."""

    sid: str
    number: str
    body: str
    opt_out_type: str | None = None
    attachments: int = 0
    said_at: datetime | None = None


@retry_deadlocks
def receive(session: Session, text: IncomingText, *, clinic: ClinicSettings, now: datetime) -> str | None:
    """Keep the text and do what it says; the answer to give with the webhook, if any. One that came before is ignored.

    Twilio itself confirms STOP and START and their English kin, and after STOP lets nothing of ours through: a second
    answer would be refused or be one too many. It does not know ARRET, nor a STOP with a signature below, so we confirm
    these; the second, which Twilio goes on delivering to, is read at the desk too. HELP we answer though Twilio does,
    because its answer names neither the clinic nor its telephone. With Advanced Opt-Out the owner has worded Twilio's
    answers, in every language: then we are silent.

    Replies about a visit (C, M …) are answered by a text of their own, queued here (replies.py). With a picture somebody
    reads them all the same.

    One found later answers the texts of before, no words of Twilio's own are answered, and the others not at night. Where
    they have texted since, or a day has gone, somebody reads it; STOP and START count even then, the last of them.
    """
    text = replace(text, body=_keepable(text.body))
    word, said_at = _word(text), text.said_at
    begin_write(session)
    account = session.scalar(select(PhoneAccount).where(PhoneAccount.number == text.number))
    incoming = _incoming(session, text, word, account, now)
    session.add(incoming)
    try:
        session.flush()
    except IntegrityError:  # Twilio repeats a webhook whose answer it did not get
        session.rollback()
        return None
    if said_at is not None and (said_at < now - OLD or _has_texted_since(session, text.number, said_at)):
        _lay_by(session, incoming, text, word, account, now=now, said_at=said_at)
        session.commit()
        return None
    would_wake = said_at is not None and said_at < now - FRESH and is_night(clinic, now)
    may_answer = not would_wake and _may_answer(session, text.number, now)
    if word is None:
        _take_reply(session, incoming, account, clinic, now, said_at, may_answer=may_answer)
        incoming.for_desk |= text.attachments > 0
        session.commit()
        return None
    may_answer &= not text.opt_out_type and said_at is None and _is_paid_for(session, text.number, clinic, now)
    answer = _answer(word, text.body, account, clinic) if may_answer else None
    is_unanswered_help = word is InboundWord.HELP and answer is None and not text.opt_out_type
    says_more = _says_more_than_its_word(word, text.body, account)
    incoming.for_desk = text.attachments > 0 or is_unanswered_help or says_more
    _obey(session, word, text, said_at or now)
    if answer is not None:
        session.add(
            Message(
                direction="out",
                kind="help" if word is InboundWord.HELP else "opt-out",
                number=text.number,
                body=answer,
                status="accepted",
                gateway="twilio",
                segments=segments(answer),
                created_at=now,
                attempted_at=now,
                settled_at=now,
            )
        )
    session.commit()
    return answer


def _lay_by(
    session: Session,
    incoming: Message,
    text: IncomingText,
    word: InboundWord | None,
    account: PhoneAccount | None,
    *,
    now: datetime,
    said_at: datetime,
) -> None:
    """One found too late to be acted upon, but for what it says of the number itself."""
    incoming.for_desk = True
    reply = _read(incoming.body, account)
    if account is not None and reply is not None and reply.wish is Wish.WRONG_NUMBER:
        doubt_number(session, account, said_at=said_at)
    if word not in UNDONE_BY or _has_texted_since(session, text.number, said_at, UNDONE_BY[word]):
        return
    # The provider, too, may have said since that the number has opted out.
    said_since = account is not None and account.opted_out_at is not None and account.opted_out_at > said_at
    if word is InboundWord.STOP or not said_since:
        _obey(session, word, text, said_at)


def _obey(session: Session, word: InboundWord, text: IncomingText, said_at: datetime) -> None:
    """A STOP also of a number that nobody has booked with yet: once somebody does, the word counts."""
    if word is InboundWord.HELP:
        return
    opted_out: dict[str, object] = {"opted_out_at": None, "opted_out_by": None}
    if word is InboundWord.STOP:
        _expect(session, text.number, "fr" if _is_french(text.body) else "en", said_at)
        opted_out = {"opted_out_at": said_at, "opted_out_by": without_signature(text.body).strip()[:40]}
    account_id = session.scalar(
        update(PhoneAccount).where(PhoneAccount.number == text.number).values(**opted_out).returning(PhoneAccount.id)
    )
    if account_id is not None:
        said = Said(word is InboundWord.START, "text", words=without_signature(text.body).strip()[:40])
        record(session.connection(), said, account_id=account_id, by=f"patient:{account_id}", now=said_at)


def _take_reply(
    session: Session,
    incoming: Message,
    account: PhoneAccount | None,
    clinic: ClinicSettings,
    now: datetime,
    said_at: datetime | None,
    *,
    may_answer: bool,
) -> None:
    reply = _read(incoming.body, account)
    incoming.for_desk = True
    if account is None or reply is None:
        return
    if reply.wish is Wish.WRONG_NUMBER:
        doubt_number(session, account, said_at=said_at or now)
        return
    if is_nobodys(session, account):
        return
    answer = answer_reply(session, reply, account=account, clinic=clinic, now=now, said_at=said_at)
    if answer is None:
        return
    if answer.visit is not None:
        incoming.appointment_id, incoming.patient_id = answer.visit.id, answer.visit.patient_id
    if not answer.text:
        incoming.for_desk = False
    elif may_answer and account.opted_out_at is None:
        incoming.for_desk = answer.for_desk
        _queue(session, answer, account.number, now)


def _read(body: str, account: PhoneAccount | None) -> Reply | None:
    patients = account.patients if account is not None else ()
    return read_reply(
        body, {word for patient in patients for word in words_of(patient.given_name, patient.family_name)}
    )


def _queue(session: Session, answer: Answer, number: str, now: datetime) -> None:
    message = Message(
        direction="out",
        kind=answer.kind,
        number=number,
        body=answer.text,
        status="queued",
        created_at=now,
        next_attempt_at=now,
        segments=segments(answer.text),
        appointment_id=answer.visit.id if answer.visit else None,
        patient_id=answer.visit.patient_id if answer.visit else None,
    )
    session.add(message)
    session.flush()
    keep_choices(session, message, answer)


def _has_texted_since(session: Session, number: str, said_at: datetime, word: InboundWord | None = None) -> bool:
    """`word`: that word."""
    later = select(Message.id).where(Message.number == number, Message.direction == "in", Message.created_at > said_at)
    if word is not None:
        later = later.where(Message.opt_word == word)
    return session.scalar(later.limit(1)) is not None


def _may_answer(session: Session, number: str, now: datetime) -> bool:
    answered = session.scalar(
        select(func.count())
        .select_from(Message)
        .where(
            Message.number == number,
            Message.direction == "out",
            Message.kind.in_(AUTOMATIC),
            Message.created_at > now - timedelta(days=1),
        )
    )
    return (answered or 0) < AUTOMATIC_A_DAY


def _is_paid_for(session: Session, number: str, clinic: ClinicSettings, now: datetime) -> bool:
    """Anybody may ask for help, as often as they have numbers; abroad it is dear, and what has no telephone is a robot."""
    try:
        phone_numbers.parse(number)
    except phone_numbers.BadPhoneNumber:
        return False
    parts = clinic.sms_parts_monthly
    return not parts or parts_used(session.get_bind().engine, zone=clinic.zone, now=now) < parts


def _says_more_than_its_word(word: InboundWord, body: str, account: PhoneAccount | None) -> bool:
    """CANCEL is Twilio's word for STOP, but its sender may mean the visit; YES is START, but may answer a reminder. And
    Twilio itself does not keep us from texting who has signed their STOP."""
    if word is InboundWord.STOP:
        return bare_letters(body) == "CANCEL" or is_signed_stop(body)
    return word is InboundWord.START and (account is None or account.opted_out_at is None)


def _keepable(body: str) -> str:
    """No database keeps a NUL or half of a pair."""
    return body.replace("\x00", "").encode(errors="replace").decode()[:LONGEST_BODY]


def _word(text: IncomingText) -> InboundWord | None:
    """What Twilio says it was comes first: the owner may have taught it more words."""
    try:
        return InboundWord((text.opt_out_type or "").lower())
    except ValueError:
        return InboundWord.STOP if is_signed_stop(text.body) else inbound_word(text.body)


def _expect(session: Session, number: str, language: str, now: datetime) -> None:
    if E164.fullmatch(number):
        dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
        session.execute(
            dialect.insert(PhoneAccount)
            .values(number=number, language=language, created_at=now)
            .on_conflict_do_nothing(index_elements=[PhoneAccount.number])
        )


def _incoming(
    session: Session, text: IncomingText, word: InboundWord | None, account: PhoneAccount | None, now: datetime
) -> Message:
    is_seen = any(unicodedata.category(sign) not in UNSEEN for sign in text.body)
    kept = (text.body if is_seen else "") + ATTACHED * text.attachments
    known = account.patients if account else []
    only = known[0] if len(known) == 1 else None  # a family shares the number: whose text it is, nobody knows
    return Message(
        direction="in",
        kind="inbound",
        number=text.number,
        body=kept or NO_WORDS,
        status="received",
        gateway="twilio",
        sid=text.sid,
        opt_word=word,
        created_at=text.said_at or now,
        patient_id=only.id if only else None,
    )


def _answer(word: InboundWord | None, body: str, account: PhoneAccount | None, clinic: ClinicSettings) -> str | None:
    in_french = _is_french(body)
    if word is InboundWord.HELP or (word is InboundWord.STOP and (in_french or is_signed_stop(body))):
        spoken = language_spoken(account.patients, account) if account is not None else "en"
        language = "fr" if in_french or spoken.startswith("fr") else "en"
        values = {"clinic": clinic.name, "link": f"{clinic.public_url}/me", "phone": clinic.phone}
        return filled(words(clinic, ANSWERS[word], language), values)
    return None


def _is_french(body: str) -> bool:
    """ARRET, ARRÊT or AIDE: the words Twilio does not know by itself."""
    return bare_letters(body).startswith(("ARR", "AIDE"))
