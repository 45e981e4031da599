"""Whose decisions about IMS somebody at the desk may enter."""

from flask import abort, g
from flask_login import current_user

from scheduler.extensions import db
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import PractitionerInfo
from scheduler.usecases.patients.clearance import Decider
from scheduler.web.desk.query_fields import text


def decider() -> Decider:
    """Who is signed in, and whose decision the form says that it is. Forbidden to who has none to make."""
    if not may_decide():
        abort(403)
    return Decider(current_user.role, current_user.practitioner_id, text("cleared_by") or None)


def may_decide() -> bool:
    """A practitioner who may needle decides; an owner enters what one of them has decided."""
    if current_user.role == "owner":
        return True
    return any(who.id == current_user.practitioner_id for who in deciders()) and current_user.role == "practitioner"


def deciders() -> list[PractitionerInfo]:
    current = reference.current_at(db.engine, g.desk_state.reference_version)
    return [who for who in current.practitioners if who.can_needle]
