"""Signing in and out at the desk."""

from datetime import datetime
from urllib.parse import urlsplit

from flask import Blueprint, current_app, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.demo.staff import DEMO_USERNAMES
from scheduler.domain.errors import TooManyTries
from scheduler.extensions import db
from scheduler.models import StaffUser
from scheduler.usecases import kept_forms, staff, staff_second_step
from scheduler.web import access
from scheduler.web.errors import explain, retry_after
from scheduler.web.reception import half_way
from scheduler.web.reception.door import EVERYBODY, KEPT_FORM, WHY_OUT, let_in, let_out, require_staff, was_away

LONGEST = 500

blueprint = Blueprint("reception_entrance", __name__, url_prefix="/desk")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("/sign-in")
@access.open_to_all
def sign_in() -> ResponseReturnValue:
    if current_user.is_authenticated and not was_away():
        return redirect(_wanted_page(), 303)
    return _page(idle=current_user.is_authenticated or session.pop(WHY_OUT, None) == "idle")


@blueprint.post("/sign-in")
@access.open_to_all
def enter() -> ResponseReturnValue:
    username, now = request.form.get("username", ""), clock.now()
    try:
        who = staff.sign_in(
            db.session(),
            username=username,
            password=request.form.get("password", ""),
            address=request.remote_addr or "",
            secret=current_app.config["SECRET_KEY"],
            now=now,
            device=half_way.known_device(username),
            refused=frozenset() if current_app.config["DEMO"] else DEMO_USERNAMES,
        )
    except staff.SignInRefused:
        return _page(error=_("The user name or the password is not right."), username=username), 422
    except TooManyTries as refusal:
        explained = explain(refusal)
        words = f"{explained.title} {explained.advice}"
        return _page(error=words, username=username), explained.status, retry_after(refusal)
    if who.totp_secret is None:
        return _enter_for_good(who, now)
    half_way.begin(who)
    return redirect(url_for("reception_entrance.second_step", next=request.form.get("next", "")[:LONGEST] or None), 303)


@blueprint.get("/sign-in/code")
@access.open_to_all
def second_step() -> ResponseReturnValue:
    if half_way.found() is None:
        return redirect(url_for("reception_entrance.sign_in", next=request.args.get("next")), 303)
    return _code_page()


@blueprint.post("/sign-in/code")
@access.open_to_all
def pass_second_step() -> ResponseReturnValue:
    half, now = half_way.found(), clock.now()
    if half is None:
        return redirect(url_for("reception_entrance.sign_in", next=request.form.get("next")), 303)
    try:
        who = staff_second_step.pass_second_step(
            db.session(),
            staff_id=half.staff_id,
            password=half.password,
            code=request.form.get("code", "")[:40],
            key=current_app.config["SECRET_KEY"],
            seals=current_app.extensions["seals"],
            now=now,
        )
    except staff.SignInRefused:
        return _code_page(_("This code is not right, or was used already. Type the one shown now.")), 422
    except TooManyTries as refusal:
        explained = explain(refusal)
        return _code_page(f"{explained.title} {explained.advice}"), explained.status, retry_after(refusal)
    return _enter_for_good(who, now)


@blueprint.post("/sign-out")
def leave() -> ResponseReturnValue:
    let_out()
    return redirect(url_for("reception_entrance.sign_in"), 303)


def _enter_for_good(who: StaffUser, now: datetime) -> ResponseReturnValue:
    kept, staff_id = session.get(KEPT_FORM), who.id
    let_in(who, now)
    wanted = _wanted_page()
    if kept and kept_forms.kept(db.session(), staff_id=staff_id, token=kept, now=now) is not None:
        session[KEPT_FORM], wanted = kept, url_for("reception_kept_form.show")
    return half_way.remember_device(make_response(redirect(wanted, 303)), who)


def _page(*, error: str = "", username: str = "", idle: bool = False) -> str:
    return render_template(
        "reception/entrance/sign_in.html",
        error=error,
        username=username,
        idle_minutes=current_app.config["DESK_IDLE_MINUTES"] if idle else None,
        next=request.values.get("next", "")[:LONGEST],
        demo=current_app.config["DEMO"],
    )


def _code_page(error: str = "") -> str:
    wanted = request.values.get("next", "")[:LONGEST]
    return render_template("reception/entrance/code.html", error=error, next=wanted)


def _wanted_page() -> str:
    """The page asked for before, if it is one of the desk's; a browser reads //host and /\\host as another site."""
    wanted = request.values.get("next", "")
    try:
        parts = urlsplit(wanted)
    except ValueError:
        parts = urlsplit("")
    ours = parts.path == "/desk" or parts.path.startswith("/desk/")
    if not ours or parts.scheme or parts.netloc or "\\" in wanted or len(wanted) > LONGEST or not wanted.isprintable():
        return url_for("reception_calendar.show")
    return wanted
