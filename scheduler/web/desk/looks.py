"""Whoever at the desk sees a patient is in the audit log: of a record before anything is shown, of a list soon after."""

from collections.abc import Iterable, Sequence

from flask import current_app
from flask_login import current_user

from scheduler import clock
from scheduler.domain.patients.search import Criterion
from scheduler.extensions import db
from scheduler.serving import looks_kept
from scheduler.usecases import audit
from scheduler.usecases.staff.looks import Listing, search_listing
from scheduler.web.desk.records.protection import hidden


def note_seen(patient_id: int, details: str = "", what: str = audit.VIEWED) -> None:
    """`details`: on which page, in the words that the audit page knows."""
    actor = current_user.actor
    audit.note_view(db.session(), actor=actor, now=clock.now(), patient_id=patient_id, what=what, details=details)


def note_visits(listing: Listing, visits: Iterable[str]) -> None:
    """Whose visits these are, by their public ids."""
    looks_kept.note_list(current_app, current_user.actor, listing, "visit", set(visits) - hidden().visits)


def note_patients(listing: Listing, patients: Iterable[str]) -> None:
    """By their public ids."""
    looks_kept.note_list(current_app, current_user.actor, listing, "patient", patients)


def note_search(criteria: Sequence[Criterion], patients: Iterable[str]) -> None:
    """What is found while somebody types counts once it has been shown for two seconds."""
    if criteria:
        looks_kept.note_search(current_app, current_user.actor, search_listing(criteria), patients)
