"""Whoever at the desk sees a patient is in the audit log before anything is shown."""

from flask_login import current_user

from scheduler import clock
from scheduler.extensions import db
from scheduler.usecases import audit


def note_seen(patient_id: int, details: str = "", what: str = audit.VIEWED) -> None:
    """`details`: on which page, in the words that the audit page knows."""
    actor = current_user.actor
    audit.note_view(db.session(), actor=actor, now=clock.now(), patient_id=patient_id, what=what, details=details)
