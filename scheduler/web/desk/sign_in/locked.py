"""A clinic computer that is locked: by a press, a key or ten idle minutes. A name and a PIN open it again."""

import json

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.exceptions import HTTPException

from scheduler import clock
from scheduler.extensions import db
from scheduler.queries.staff.clinic_computers import Colleague, who_comes_back
from scheduler.usecases.staff import clinic_computers, kept_forms
from scheduler.web import access
from scheduler.web.desk.acting_on.typed import NEVER_KEPT
from scheduler.web.desk.sign_in import computers
from scheduler.web.desk.sign_in.door import (
    EVERYBODY,
    KEPT_FORM,
    OWN_DOOR,
    WHY_OUT,
    come_back,
    lock,
    require_staff,
    tell_of_wrong_tries,
    was_away,
)
from scheduler.web.desk.sign_in.paths import desk_path, page_at

WRONG_PINS = "wrong_pins"
LONGEST = 500

blueprint = Blueprint("desk_locked", __name__, url_prefix="/desk")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.post("/lock")
@access.open_to_all
def lock_now() -> ResponseReturnValue:
    if current_user.is_authenticated and computers.COMPUTER in session:
        lock(desk_path(request.form.get("page", "")), _keep_typed(), why="locked by a press")
        session.pop(WHY_OUT)
    return redirect(url_for("desk_locked.show"), 303)


@blueprint.get("/sign-in/pin")
@access.open_to_all
def show() -> ResponseReturnValue:
    if current_user.is_authenticated and not was_away():
        return redirect(desk_path(request.args.get("next", "")) or url_for("desk_calendar.show"), 303)
    people = _people()
    return _page(people) if people else _to_password()


@blueprint.post("/sign-in/pin")
@access.open_to_all
def open_again() -> ResponseReturnValue:
    now, people = clock.now(), _people()
    computer = computers.here(now)
    if computer is None or not people:
        return _to_password()
    chosen = request.form.get("who", "")
    if chosen not in {str(one.id) for one in people}:
        return _page(people, _("Choose your name.")), 422
    try:
        back = clinic_computers.pass_pin(
            db.session(),
            computer_id=computer.id,
            staff_id=int(chosen),
            pin="".join(request.form.get("pin", "")[:40].split()),
            address=request.remote_addr or "",
            now=now,
        )
    except clinic_computers.WrongPin as wrong:
        if wrong.left == 0:
            session[WRONG_PINS] = True
            return _to_password()
        words = _("This PIN is not right.")
        left = ngettext("%(num)d try is left.", "%(num)d tries are left.", wrong.left)
        return _page(people, f"{words} {left}", chosen), 422
    kept, page, staff_id = back.kept_form, back.page, back.staff.id
    come_back(back.staff, now, since=back.given_at, computer_id=computer.id)
    tell_of_wrong_tries(back.wrong)
    form = kept_forms.kept(db.session(), staff_id=staff_id, token=kept, now=now) if kept else None
    if form is not None:
        session[KEPT_FORM] = kept
        return redirect(form.page, 303)
    wanted = desk_path(request.form.get("next", "")) or desk_path(page or "")
    return redirect(wanted or url_for("desk_calendar.show"), 303)


def _people() -> list[Colleague]:
    now = clock.now()
    computer = computers.here(now)
    return who_comes_back(db.session(), computer.id, now=now) if computer else []


def _to_password() -> ResponseReturnValue:
    return redirect(url_for("desk_entrance.sign_in", next=request.values.get("next", "")[:LONGEST] or None), 303)


def _keep_typed() -> str | None:
    """A form that stood half written on the page. Its words come from the page's script, so all of it is looked at."""
    path = desk_path(request.form.get("typed_at", ""))
    try:
        fields = json.loads(request.form.get("typed", "") or "[]")
        endpoint, _values = current_app.url_map.bind("").match((path or "").partition("?")[0], method="POST")
    except (ValueError, RecursionError, HTTPException):
        return None
    if not isinstance(fields, list) or endpoint.rpartition(".")[0] in OWN_DOOR:
        return None
    pairs = [pair for pair in fields if isinstance(pair, list) and len(pair) == 2 and all(map(_is_text, pair))]
    pairs = [pair for pair in pairs if pair[0] not in NEVER_KEPT]
    page = page_at(request.form.get("page", ""))
    return kept_forms.keep(
        db.session(), staff_id=current_user.id, page=page, path=path or "", fields=pairs, now=clock.now()
    )


def _is_text(value: object) -> bool:
    return isinstance(value, str) and "\0" not in value


def _page(people: list[Colleague], error: str = "", chosen: str = "") -> str:
    return render_template(
        "desk/sign_in/locked.html",
        people=people,
        error=error,
        chosen=chosen or (str(people[0].id) if len(people) == 1 else ""),
        next=request.values.get("next", "")[:LONGEST],
    )
