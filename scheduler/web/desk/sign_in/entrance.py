"""Signing in and out at the desk."""

from datetime import datetime

from flask import Blueprint, current_app, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.demo.staff import DEMO_USERNAMES
from scheduler.domain.errors import TooManyTries
from scheduler.extensions import db
from scheduler.models import StaffUser
from scheduler.usecases.staff import clinic_computers, kept_forms, staff
from scheduler.usecases.staff import second_step as staff_second_step
from scheduler.usecases.staff.sign_in_audit import SignIn, WrongTries, record_sign_in, staff_actor, wrong_tries_since
from scheduler.web import access
from scheduler.web.desk.sign_in import computers, half_way
from scheduler.web.desk.sign_in.door import (
    EVERYBODY,
    KEPT_FORM,
    WHY_OUT,
    let_in,
    let_out,
    require_staff,
    signed_in,
    tell_of_wrong_tries,
    was_away,
)
from scheduler.web.desk.sign_in.locked import WRONG_PINS
from scheduler.web.desk.sign_in.paths import desk_path
from scheduler.web.errors import retry_after
from scheduler.web.words.refusals import explain

LONGEST = 500

blueprint = Blueprint("desk_entrance", __name__, url_prefix="/desk")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("/sign-in")
@access.open_to_all
def sign_in() -> ResponseReturnValue:
    if current_user.is_authenticated and not was_away():
        return redirect(_wanted_page(), 303)
    away = computers.idle_minutes() if current_user.is_authenticated else session.pop(WHY_OUT, None)
    return _page(idle_minutes=away, wrong_pins=session.pop(WRONG_PINS, False))


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
        _record(SignIn.WRONG, username, "password", now)
        return _page(error=_("The user name or the password is not right."), username=username), 422
    except TooManyTries as refusal:
        _record(SignIn.LOCKED, username, "password", now)
        explained = explain(refusal)
        words = f"{explained.title} {explained.advice}"
        return _page(error=words, username=username), explained.status, retry_after(refusal)
    second_step = signed_in(who).second_step
    if not second_step.is_asked(now):
        step = "let in without the second step" if second_step.is_let_in(now) and second_step.enrolled else "password"
        tries = _wrong_tries(username)
        _record(SignIn.RIGHT, username, step, now)
        return _enter_for_good(who, now, tries, fully=second_step.exempt)
    half_way.begin(who)
    return redirect(url_for("desk_entrance.second_step", next=request.form.get("next", "")[:LONGEST] or None), 303)


@blueprint.get("/sign-in/code")
@access.open_to_all
def second_step() -> ResponseReturnValue:
    if half_way.found() is None:
        return redirect(url_for("desk_entrance.sign_in", next=request.args.get("next")), 303)
    return _code_page()


@blueprint.post("/sign-in/code")
@access.open_to_all
def pass_second_step() -> ResponseReturnValue:
    half, now = half_way.found(), clock.now()
    if half is None:
        return redirect(url_for("desk_entrance.sign_in", next=request.form.get("next")), 303)
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
        _record(SignIn.WRONG, half.username, "second step", now)
        return _code_page(_("This code is not right, or was used already. Type the one shown now.")), 422
    except TooManyTries as refusal:
        _record(SignIn.LOCKED, half.username, "second step", now)
        explained = explain(refusal)
        return _code_page(f"{explained.title} {explained.advice}"), explained.status, retry_after(refusal)
    tries = _wrong_tries(who.username)
    _record(SignIn.RIGHT, who.username, "second step", now)
    return _enter_for_good(who, now, tries, fully=True)


@blueprint.post("/sign-out")
def leave() -> ResponseReturnValue:
    _record(SignIn.OUT, current_user.username, "", clock.now())
    if computers.COMPUTER in session:
        clinic_computers.forget(db.session(), computer_id=session[computers.COMPUTER], staff_id=current_user.id)
    let_out()
    return redirect(url_for("desk_entrance.sign_in"), 303)


def _enter_for_good(who: StaffUser, now: datetime, tries: WrongTries | None, *, fully: bool) -> ResponseReturnValue:
    kept, staff_id = session.get(KEPT_FORM), who.id
    let_in(who, now, fully=fully)
    tell_of_wrong_tries(tries)
    wanted = _wanted_page()
    form = kept_forms.kept(db.session(), staff_id=staff_id, token=kept, now=now) if kept else None
    if form is not None:
        session[KEPT_FORM], wanted = kept, form.page
    return half_way.remember_device(make_response(redirect(wanted, 303)), who)


def _page(*, error: str = "", username: str = "", idle_minutes: int | None = None, wrong_pins: bool = False) -> str:
    return render_template(
        "desk/sign_in/sign_in.html",
        error=error,
        username=username,
        idle_minutes=idle_minutes,
        wrong_pins=wrong_pins,
        next=request.values.get("next", "")[:LONGEST],
        demo=current_app.config["DEMO"],
    )


def _code_page(error: str = "") -> str:
    wanted = request.values.get("next", "")[:LONGEST]
    return render_template("desk/sign_in/code.html", error=error, next=wanted)


def _wanted_page() -> str:
    return desk_path(request.values.get("next", "")) or url_for("desk_calendar.show")


def _wrong_tries(username: str) -> WrongTries | None:
    return wrong_tries_since(db.session(), staff_actor(username, ""))


def _record(outcome: SignIn, username: str, step: str, now: datetime) -> None:
    actor = staff_actor(username, request.remote_addr or "")
    record_sign_in(db.session(), outcome=outcome, actor=actor, step=step, now=now)
