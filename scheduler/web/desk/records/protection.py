"""What the desk keeps from somebody whom a patient's lock-box does not let in: every list and every address asks here."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol, TypeVar

from flask import g, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import db
from scheduler.queries.patients.protection import NOTHING, Hidden, Viewer, hidden_from, is_any_unseen
from scheduler.queries.texts import inbox

DOORS = ("desk_protection.ask", "desk_protection.open_it")
MOVES = (
    "desk_calendar.show",
    "desk_calendar.days",
    "desk_calendar_forbidden.ranges",
    "desk_visit.show",
    "desk_visit_change.move",
    "desk_visit_change.room",
)
"""Where a visit of a protected patient may be named by anybody; what they answer tells nothing of the patient."""


class OfPatient(Protocol):
    @property
    def public_id(self) -> str: ...


Row = TypeVar("Row", bound=Any)
Found = TypeVar("Found", bound=OfPatient)


def viewer() -> Viewer:
    return Viewer(current_user.id, current_user.role)


def hidden() -> Hidden:
    """From whoever is signed in; looked up once a request."""
    if current_user.role == "owner":
        return NOTHING
    if "hidden" not in g:
        with db.reading.connect() as connection:
            g.hidden = hidden_from(connection, viewer(), clock.now())
    found: Hidden = g.hidden
    return found


def protected_words() -> str:
    return str(_("Protected"))


def masked(visits: Iterable[Row], *, key: str = "public_id", **blank: Any) -> list[Row]:
    """Visits with the fields of `blank` in place of what tells of a protected patient; `key`: the visit's public id."""
    kept_from = hidden().visits
    return [replace(visit, **blank) if getattr(visit, key) in kept_from else visit for visit in visits]


def allowed(patients: Sequence[Found]) -> list[Found]:
    """Without protected ones."""
    kept_from = hidden().patients
    return [patient for patient in patients if patient.public_id not in kept_from]


def allowed_number(number: str | None) -> str | None:
    """None where the texts of the number may be about somebody protected."""
    return None if number in hidden().numbers else number


def ask_instead() -> ResponseReturnValue | None:
    """For the guard of the desk: whatever names a protected patient, or a visit of theirs, leads to the same page."""
    kept_from = hidden()
    if not kept_from.patients or request.endpoint in DOORS:
        return None
    named = {str(value) for value in (request.view_args or {}).values()}
    named |= {value for values in (request.args, request.form) for _name, lot in values.lists() for value in lot}
    if _is_thread_of(kept_from):
        return _page(None)
    if patients := named & kept_from.patients:
        return _page(min(patients))
    if named & kept_from.visits and request.endpoint not in MOVES:
        return _page(None)
    return None


def unseen_openings() -> bool:
    """For the note to the owners at the top of every page."""
    if current_user.role != "owner":
        return False
    with db.reading.connect() as connection:
        return is_any_unseen(connection)


def _is_thread_of(kept_from: Hidden) -> bool:
    message_id = (request.view_args or {}).get("message_id")
    if message_id is None:
        return False
    with db.reading.connect() as connection:
        return inbox.number_of(connection, message_id) in kept_from.numbers


def _page(patient: str | None) -> ResponseReturnValue:
    return render_template("desk/records/protection_ask.html", patient=patient, problem="", typed=""), 403
