"""The owner rewords a text, or goes back to ours. Each change is in the audit log."""

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import NotFound
from scheduler.domain.texts.wording import WORDINGS, checked, our_words
from scheduler.models import SmsText
from scheduler.usecases import audit
from scheduler.usecases.clinic.settings import mark_of, require_unchanged
from scheduler.usecases.transaction import begin_write, retry_deadlocks

LANGUAGES = ("en", "fr")


@retry_deadlocks
def reword(session: Session, *, kind: str, language: str, typed: str, seen: str, actor: Actor, now: datetime) -> None:
    """Our own words typed again are no others. Refuses with BadWording, NotFound and ChangedMeanwhile."""
    require_known(kind, language)
    text = checked(kind, typed)
    begin_write(session)
    _put(session, kind, language, text, seen, actor, now)
    session.commit()


@retry_deadlocks
def go_back_to_ours(session: Session, *, kind: str, language: str, seen: str, actor: Actor, now: datetime) -> None:
    """Refuses with NotFound and ChangedMeanwhile."""
    require_known(kind, language)
    begin_write(session)
    _put(session, kind, language, our_words(kind, language), seen, actor, now)
    session.commit()


def require_known(kind: str, language: str) -> None:
    if kind not in WORDINGS or language not in LANGUAGES:
        raise NotFound("text")


def text_mark(text: str) -> str:
    """What a form carries, to say which words its reader saw."""
    return mark_of({"text": text})


def _put(session: Session, kind: str, language: str, text: str, seen: str, actor: Actor, now: datetime) -> None:
    row, ours = session.get(SmsText, (kind, language)), our_words(kind, language)
    before = row.body if row is not None else ours
    if text == before:
        return
    require_unchanged({"text": before}, seen)
    if text == ours:
        session.delete(row)
    elif row is not None:
        row.body = text
    else:
        session.add(SmsText(kind=kind, language=language, body=text))
    said = "our words again" if text == ours else " ".join(text.split())
    audit.note(session, what=audit.SETTINGS, actor=actor, now=now, details=f"text {kind} {language}: {said}")
