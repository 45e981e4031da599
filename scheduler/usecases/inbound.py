"""Texts that come in: kept, and the words that opt out, opt in or ask for help are honoured."""

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.phone import InboundWord, inbound_word
from scheduler.domain.sms_segments import spelled_in_gsm7
from scheduler.models.patient import Patient, PhoneAccount
from scheduler.models.sms import Message
from scheduler.usecases.transaction import begin_write, retry_deadlocks

ANSWERS = {
    InboundWord.HELP: {
        "en": "{clinic}: see or change your visits at {link} or call us at {phone}.",
        "fr": "{clinic} : pour voir ou changer vos rendez-vous : {link} ou {phone}.",
    },
    InboundWord.STOP: {
        "en": "{clinic}: we will not text you any more. To reach us: {phone}.",
        "fr": "{clinic} : vous ne recevrez plus de textos de notre part. Pour nous joindre : {phone}.",
    },
}


@retry_deadlocks
def receive(
    session: Session,
    *,
    sid: str,
    number: str,
    body: str,
    opt_out_type: str | None,
    clinic: ClinicSettings,
    now: datetime,
) -> str | None:
    """Keep the text and do what its word says; the answer to send, if any. One that came before is ignored.

    Twilio itself confirms STOP and START and their English kin, and after STOP lets nothing of ours through: a second
    answer would be refused or be one too many. It does not know ARRET, so we confirm that. HELP we answer though Twilio
    does, because its answer names neither the clinic nor its telephone. `opt_out_type` comes with Advanced Opt-Out,
    where the owner has worded Twilio's answers, in every language: then we are silent.
    """
    word = _word(body, opt_out_type)
    begin_write(session)
    account = session.scalar(select(PhoneAccount).where(PhoneAccount.number == number))
    session.add(_incoming(session, sid, number, body, word, account, now))
    try:
        session.flush()
    except IntegrityError:  # Twilio repeats a webhook whose answer it did not get
        session.rollback()
        return None
    if word in (InboundWord.STOP, InboundWord.START):
        opted_out = {"opted_out_at": now, "opted_out_by": body.strip()[:40]} if word is InboundWord.STOP else {}
        session.execute(
            update(PhoneAccount)
            .where(PhoneAccount.number == number)
            .values(**{"opted_out_at": None, "opted_out_by": None, **opted_out})
        )
    answer = None if opt_out_type else _answer(word, body, account, clinic)
    if answer is not None:
        session.add(
            Message(
                direction="out",
                kind="help" if word is InboundWord.HELP else "opt-out",
                number=number,
                body=answer,
                status="accepted",
                gateway="twilio",
                created_at=now,
                attempted_at=now,
                settled_at=now,
            )
        )
    session.commit()
    return answer


def _word(body: str, opt_out_type: str | None) -> InboundWord | None:
    """What Twilio says it was comes first: the owner may have taught it more words."""
    try:
        return InboundWord((opt_out_type or "").lower())
    except ValueError:
        return inbound_word(body)


def _incoming(
    session: Session,
    sid: str,
    number: str,
    body: str,
    word: InboundWord | None,
    account: PhoneAccount | None,
    now: datetime,
) -> Message:
    patients = session.scalars(select(Patient.id).where(Patient.phone_account_id == account.id)) if account else ()
    known = list(patients)
    return Message(
        direction="in",
        kind="inbound",
        number=number,
        body=body,
        status="received",
        gateway="twilio",
        sid=sid,
        opt_word=word,
        created_at=now,
        patient_id=known[0] if len(known) == 1 else None,  # a family shares the number: whose text it is, nobody knows
    )


def _answer(word: InboundWord | None, body: str, account: PhoneAccount | None, clinic: ClinicSettings) -> str | None:
    in_french = _is_french(body)
    if word is InboundWord.HELP or (word is InboundWord.STOP and in_french):
        language = "fr" if in_french or (account is not None and account.language.startswith("fr")) else "en"
        text = ANSWERS[word][language].format(clinic=clinic.name, link=f"{clinic.public_url}/me", phone=clinic.phone)
        return spelled_in_gsm7(text) or text
    return None


def _is_french(body: str) -> bool:
    """ARRET, ARRÊT or AIDE: the words Twilio does not know by itself."""
    return body.strip().upper().startswith(("ARR", "AIDE"))
