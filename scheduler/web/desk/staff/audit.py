"""Who looked at whom and changed what: the owner's page."""

from collections.abc import Callable
from datetime import date, datetime, time, timedelta

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler import clock
from scheduler.extensions import clinic_zone, db
from scheduler.queries.patients import page
from scheduler.queries.staff import audit as queries
from scheduler.queries.staff.audit import Filter
from scheduler.web import access
from scheduler.web.desk.patients.patients import local
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.words.actor import actor_words

PAGE = 100

blueprint = Blueprint("desk_audit", __name__, url_prefix="/desk/audit")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)


@blueprint.get("")
def show() -> ResponseReturnValue:
    """`?patient=`, `?staff=` and `?day=` narrow it; `?before=` is the page after."""
    before = request.args.get("before", "")
    before_id = int(before) if before.isdecimal() and len(before) < 10 else None
    wanted = _wanted()
    with db.reading.connect() as connection:
        found = queries.lines(connection, wanted, before_id=before_id, limit=PAGE + 1)
        names = page.names_of_staff(connection, [line.actor for line in found])
        staff = queries.staff(connection)
    return render_template(
        "desk/staff/audit.html",
        lines=found[:PAGE],
        older=found[PAGE - 1].id if len(found) > PAGE else None,
        newest=before_id is None,
        wanted=wanted,
        day=_asked_day(),
        staff=staff,
        by=lambda actor: actor_words(actor, names),
        what_words=what_words,
        details_words=details_words,
        local=local,
    )


def what_words(what: str) -> str:
    found = _WORDS.get(what)
    return found() if found else what


def details_words(details: str) -> str:
    """Fields by the names that the pages give them; days and whatever else is said stay as they are."""
    parts = details.split(", ") if details else []
    return ", ".join(_DETAILS[part]() if part in _DETAILS else part for part in parts)


def _wanted() -> Filter:
    patient, staff, day = request.args.get("patient", "")[:40], request.args.get("staff", "")[:60], _asked_day()
    since = until = None
    if day is not None:
        zone = clinic_zone()
        midnight = datetime.combine(day, time.min)
        since = clock.to_utc_or_near(midnight, zone)
        until = clock.to_utc_or_near(midnight + timedelta(days=1), zone)
    return Filter(patient or None, f"staff:{staff}" if staff else None, since, until)


def _asked_day() -> date | None:
    try:
        day = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None


_WORDS: dict[str, Callable[[], str]] = {
    "clinic.import_taken_back": lambda: _("took an import back"),
    "patient.viewed": lambda: _("looked at"),
    "patient.listed": lambda: _("listed"),
    "patient.exported": lambda: _("exported"),
    "patient.printed": lambda: _("printed"),
    "patient.registered": lambda: _("registered"),
    "patient.not_registered": lambda: _("told to call instead of registering"),
    "patient.changed": lambda: _("changed"),
    "patient.merged": lambda: _("merged"),
    "patient.cleared": lambda: _("cleared for IMS"),
    "patient.ims_reviewed": lambda: _("looked at booked IMS"),
    "patient.clearance_taken_back": lambda: _("took the clearance back"),
    "patient.restricted": lambda: _("restricted"),
    "patient.released": lambda: _("ended the restriction"),
    "patient.protected": lambda: _("protected the record"),
    "patient.protection_ended": lambda: _("ended the protection"),
    "patient.opened_in_emergency": lambda: _("opened the protected record in an emergency"),
    "patient.feed_renewed": lambda: _("renewed the calendar address"),
    "patient.ims_elsewhere": lambda: _("recorded IMS elsewhere"),
    "patient.ims_elsewhere_taken_back": lambda: _("took IMS elsewhere back"),
    "patient.acting": lambda: _("let somebody act for somebody"),
    "patient.acting_code": lambda: _("made a code to let somebody act"),
    "patient.acting_ended": lambda: _("ended that somebody acts for somebody"),
    "patient.correction_asked": lambda: _("asked for a correction"),
    "patient.correction_answered": lambda: _("answered a request for a correction"),
    "patient.disagreed": lambda: _("added a statement of disagreement"),
    "patient.called": lambda: _("telephoned"),
    "patient.call_taken_back": lambda: _("took a call back"),
    "retention.held": lambda: _("held an old record"),
    "retention.hold_lifted": lambda: _("held an old record no longer"),
    "retention.blanked": lambda: _("blanked an old record"),
    "settings.changed": lambda: _("changed settings"),
    "staff.changed": lambda: _("changed staff"),
    "sign_in.right": lambda: _("signed in"),
    "sign_in.wrong": lambda: _("tried to sign in, wrongly"),
    "sign_in.locked": lambda: _("was locked out of signing in"),
    "sign_in.refused": lambda: _("was refused"),
    "sign_in.signed_out": lambda: _("signed out"),
}

_DETAILS: dict[str, Callable[[], str]] = {
    "given_name": lambda: _("First name"),
    "family_name": lambda: _("Last name"),
    "birth_date": lambda: _("Date of birth"),
    "phone_account": lambda: _("Mobile number"),
    "language": lambda: _("Language of texts"),
    "note": lambda: _("Note"),
    "corrected": lambda: _("corrected"),
    "refused": lambda: _("not corrected"),
    "correction": lambda: _("to ask for a correction"),
    "edit": lambda: _("to change details"),
    "acting": lambda: _("who may act for whom"),
    "merging": lambda: _("to merge"),
    "restriction": lambda: _("to restrict"),
    "lock-box": lambda: _("to protect"),
    "IMS elsewhere": lambda: _("IMS elsewhere"),
    "visit": lambda: _("a visit"),
    "booking": lambda: _("to book a visit"),
    "kept": lambda: _("stays"),
    "merged into another": lambda: _("goes into the other"),
    "password": lambda: _("password"),
    "second step": lambda: _("second step"),
    "recovery code": lambda: _("recovery code"),
    "PIN": lambda: _("PIN"),
    "let in without the second step": lambda: _("let in without the second step"),
    "code": lambda: _("code by text"),
    "birth date": lambda: _("date of birth"),
    "locked for the day": lambda: _("too many today"),
    "nobody on this number": lambda: _("the number is nobody’s yet"),
    "record locked": lambda: _("the number is marked wrong, or the record is restricted"),
    "none on file": lambda: _("none on file"),
    "shared device": lambda: _("shared device"),
    "everywhere": lambda: _("everywhere"),
    "away": lambda: _("away for too long"),
    "locked by a press": lambda: _("locked the computer"),
    "password again": lambda: _("password asked for again"),
    "code request": lambda: _("a code"),
    "too often": lambda: _("asked for too often"),
    "kept for patients": lambda: _("few left, kept for patients’ numbers"),
    "token": lambda: _("token"),
    "ended": lambda: _("ended or revoked"),
}
