"""The owner rewrites one of the clinic's pages, or goes back to our words. Each change is in the audit log."""

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.clinic.page_texts import PAGES, checked
from scheduler.models import PageText
from scheduler.queries.clinic.page_texts import page_text
from scheduler.usecases import audit
from scheduler.usecases.clinic.settings import mark_of, require_unchanged
from scheduler.usecases.transaction import begin_write, retry_deadlocks


def page_mark(text: str) -> str:
    """What a form carries, to say which words its reader saw."""
    return mark_of({"text": text})


@retry_deadlocks
def rewrite_page(
    session: Session, *, page: str, language: str, typed: str, seen: str, actor: Actor, now: datetime
) -> None:
    """Our own words typed again are ours. Refuses with Invalid, NotFound and ChangedMeanwhile."""
    text = checked(typed)
    begin_write(session)
    before = page_text(session.connection(), page, language)
    if text == before:
        return
    require_unchanged({"text": before}, seen)
    row = session.get(PageText, (page, language))
    if text == PAGES[page][language]:
        session.delete(row)
    elif row is not None:
        row.body, row.changed_at, row.changed_by = text, now, str(actor)
    else:
        session.add(PageText(page=page, language=language, body=text, changed_at=now, changed_by=str(actor)))
    said = "our words again" if text == PAGES[page][language] else f"{len(text)} letters"
    audit.note(session, what=audit.SETTINGS, actor=actor, now=now, details=f"page {page} {language}: {said}")
    session.commit()
