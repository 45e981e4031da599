"""Whom somebody was shown on a list: the owner's page beside the audit log."""

from collections.abc import Callable

from flask import Blueprint, render_template, request
from flask_babel import gettext as _

from scheduler.extensions import db
from scheduler.queries.patients import page
from scheduler.queries.staff import audit as audit_queries
from scheduler.queries.staff import looks as queries
from scheduler.queries.staff.looks import ListLooks, LookFilter, ShownLook
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.calendar.day import asked_day
from scheduler.web.desk.patients.patients import local
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.words.actor import actor_words

MOST = 200

blueprint = Blueprint("desk_audit_lists", __name__, url_prefix="/desk/audit/lists")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)


@blueprint.get("")
def show() -> str:
    """`?staff=`, `?day=`, `?patient=` and `?list=` narrow it; of one patient or one list each line is a patient."""
    wanted = _wanted()
    with db.reading.connect() as connection:
        lists: list[ListLooks] = []
        looks: list[ShownLook] = []
        if wanted.patient or wanted.list_name:
            looks = queries.looks(connection, wanted, limit=MOST)
        else:
            lists = queries.lists(connection, wanted, limit=MOST)
        names = page.names_of_staff(connection, [*(one.actor for one in lists), *(one.actor for one in looks)])
        staff = audit_queries.staff(connection)
    return render_template(
        "desk/staff/audit_lists.html",
        lists=lists,
        looks=looks,
        wanted=wanted,
        full=len(lists or looks) == MOST,
        staff=staff,
        by=lambda actor: actor_words(actor, names),
        list_words=list_words,
        local=local,
    )


def list_words(name: str) -> str:
    found = _WORDS.get(name)
    return found() if found else name


def _wanted() -> LookFilter:
    staff, patient, name = (request.args.get(key, "")[:60].replace("\0", "") for key in ("staff", "patient", "list"))
    actor = staff if staff.startswith("token:") else f"staff:{staff}"
    known = name if name in {listing.value for listing in Listing} else None
    return LookFilter(patient or None, actor if staff else None, asked_day(), known)


_WORDS: dict[str, Callable[[], str]] = {
    "calendar": lambda: _("Calendar"),
    "day": lambda: _("Day’s list"),
    "sheet": lambda: _("Day sheet"),
    "outbox": lambda: _("Texts"),
    "inbox": lambda: _("Inbox"),
    "calls": lambda: _("Calls"),
    "must_move": lambda: _("Visits to move"),
    "ims_given": lambda: _("IMS given?"),
    "ims_reviews": lambda: _("IMS to look at"),
    "corrections": lambda: _("Corrections asked for"),
    "who_is_who": lambda: _("Numbers and birth dates"),
    "old_records": lambda: _("Old records"),
    "same_person": lambda: _("Records that look alike"),
    "api_patients": lambda: _("API: patients"),
    "api_appointments": lambda: _("API: appointments"),
    "search_name": lambda: _("Search by name"),
    "search_number": lambda: _("Search by number"),
    "search_birth_date": lambda: _("Search by birth date"),
    "search_several": lambda: _("Search by several things"),
}
