"""One's own account: the password, the second step, and "sign out everywhere"."""

import segno
from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from markupsafe import Markup

from scheduler import clock
from scheduler.domain.errors import Invalid, TooManyTries
from scheduler.domain.staff import pins
from scheduler.extensions import clinic_local, clinic_settings, db
from scheduler.usecases.staff import own_account
from scheduler.usecases.staff import second_step as staff_second_step
from scheduler.usecases.staff.staff import SignInRefused
from scheduler.web import access
from scheduler.web.desk.sign_in.door import EVERYBODY, fully_signed_in, let_in, let_out, require_staff
from scheduler.web.desk.sign_in.forms import CodeForm, ConfirmForm, DeskForm, PasswordForm, PinForm
from scheduler.web.errors import retry_after
from scheduler.web.forms.fields import form_errors
from scheduler.web.words.refusals import explain

NEW_SECRET = "new_second_step"  # noqa: S105 - where the session keeps it until a code proves that it was read

REPLACING = "replacing_second_step"

blueprint = Blueprint("desk_account", __name__, url_prefix="/desk/account")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("")
def show() -> str:
    return _page(PasswordForm(None))


@blueprint.post("/password")
def change_password() -> ResponseReturnValue:
    form, now = PasswordForm(), clock.now()
    if not form.validate():
        return _page(form), 422
    try:
        person = own_account.change_password(
            db.session(),
            staff_id=current_user.id,
            current=form.current.data or "",
            new=form.new.data or "",
            key=current_app.config["SECRET_KEY"],
            actor=current_user.actor,
            now=now,
            names=(clinic_settings().name,),
        )
    except (Invalid, TooManyTries) as refused:
        status, headers = _explain_in(form, refused)
        return _page(form), status, headers
    let_in(person, now)
    flash(_("Your password is changed. Every other browser is signed out."))
    return redirect(url_for("desk_account.show"), 303)


@blueprint.post("/pin")
def change_pin() -> ResponseReturnValue:
    form = PinForm()
    taken_away = bool(request.form.get("take"))
    if not taken_away and not form.pin.data:
        form.pin.errors = [_(pins.NOT_SIX)]
        return _page(PasswordForm(None), pin=form), 422
    try:
        own_account.change_pin(
            db.session(),
            staff_id=current_user.id,
            current=form.current.data or "",
            pin="" if taken_away else form.pin.data or "",
            key=current_app.config["SECRET_KEY"],
            actor=current_user.actor,
            now=clock.now(),
        )
    except (Invalid, TooManyTries) as refused:
        status, headers = _explain_in(form, refused)
        return _page(PasswordForm(None), pin=form), status, headers
    flash(_("The PIN is taken away.") if taken_away else _("Your PIN is set."))
    return redirect(url_for("desk_account.show"), 303)


@blueprint.post("/sign-out-everywhere")
def sign_out_everywhere() -> ResponseReturnValue:
    own_account.sign_out_everywhere(db.session(), staff_id=current_user.id, actor=current_user.actor, now=clock.now())
    let_out()
    return redirect(url_for("desk_entrance.sign_in"), 303)


@blueprint.get("/second-step")
def second_step() -> ResponseReturnValue:
    if _has_and_keeps_it():
        return redirect(url_for("desk_account.show"), 303)
    if not current_user.second_step.may_enrol(clock.now()):
        return render_template("desk/staff/second_step_too_late.html")
    return _enrolment(CodeForm(None))


@blueprint.post("/second-step")
def enrol() -> ResponseReturnValue:
    form = CodeForm()
    in_time = current_user.second_step.may_enrol(clock.now())
    if _has_and_keeps_it() or NEW_SECRET not in session or not in_time:
        return redirect(url_for("desk_account.second_step"), 303)
    try:
        codes = staff_second_step.enrol(
            db.session(),
            staff_id=current_user.id,
            secret=session[NEW_SECRET],
            code=form.code.data or "",
            seals=current_app.extensions["seals"],
            actor=current_user.actor,
            now=clock.now(),
        )
    except SignInRefused:
        form.code.errors = [_("This is not what it should show now. Wait for the next 6 digits and type those.")]
        return _enrolment(form), 422
    del session[NEW_SECRET]
    session.pop(REPLACING, None)
    fully_signed_in()
    return _codes_page(codes, new=True)


@blueprint.post("/recovery-codes")
def renew_recovery_codes() -> ResponseReturnValue:
    refused = _refused_without_password()
    if refused is not None:
        return refused
    codes = staff_second_step.renew_recovery_codes(
        db.session(), staff_id=current_user.id, actor=current_user.actor, now=clock.now()
    )
    return _codes_page(codes, new=False)


@blueprint.post("/second-step/off")
def turn_off_second_step() -> ResponseReturnValue:
    """Or, for whoever needs it, to change to another telephone: the one of before works until the new one does."""
    refused = _refused_without_password()
    if refused is not None:
        return refused
    if not current_user.second_step.exempt:
        session[REPLACING] = True
        return redirect(url_for("desk_account.second_step"), 303)
    staff_second_step.turn_off(db.session(), staff_id=current_user.id, actor=current_user.actor, now=clock.now())
    flash(_("The second step is off."))
    return redirect(url_for("desk_account.show"), 303)


def _has_and_keeps_it() -> bool:
    return current_user.has_second_step and REPLACING not in session


def _codes_page(codes: list[str], *, new: bool) -> str:
    today = clinic_local(clock.now()).date()
    return render_template("desk/staff/recovery_codes.html", codes=codes, new=new, today=today)


def _refused_without_password() -> ResponseReturnValue | None:
    form = ConfirmForm()
    try:
        own_account.require_password(
            db.session(),
            staff_id=current_user.id,
            password=form.password.data or "",
            key=current_app.config["SECRET_KEY"],
            actor=current_user.actor,
            now=clock.now(),
        )
    except (Invalid, TooManyTries) as refused:
        status, headers = _explain_in(form, refused)
        return _page(PasswordForm(None), form), status, headers
    return None


def _explain_in(form: DeskForm, refused: Invalid | TooManyTries) -> tuple[int, dict[str, str]]:
    """Status and headers of the answer."""
    explained = explain(refused)
    if isinstance(refused, Invalid):
        form.show_refusal(refused)
        return explained.status, {}
    field = next(iter(form))
    field.errors = [f"{explained.title} {explained.advice}"]
    return explained.status, retry_after(refused)


def _page(form: PasswordForm, confirm: ConfirmForm | None = None, pin: PinForm | None = None) -> str:
    confirm, pin = confirm or ConfirmForm(None), pin or PinForm(None)
    return render_template(
        "desk/staff/account.html",
        form=form,
        confirm=confirm,
        pin=pin,
        has_pin=own_account.has_pin(db.session(), current_user.id),
        errors=form_errors(form) + form_errors(confirm) + form_errors(pin),
        codes_left=staff_second_step.recovery_codes_left(db.session(), current_user.id),
        needed=not current_user.second_step.exempt,
    )


def _enrolment(form: CodeForm) -> str:
    secret = session.setdefault(NEW_SECRET, staff_second_step.new_secret())
    link = staff_second_step.enrolment_link(secret, username=current_user.username, clinic_name=clinic_settings().name)
    form.code.data = ""
    return render_template(
        "desk/staff/second_step.html",
        form=form,
        errors=form_errors(form),
        link=link,
        secret=" ".join(secret[at : at + 4] for at in range(0, len(secret), 4)),
        # White around and below it in dark mode too: cameras want dark on light.
        picture=Markup(segno.make(link, error="m").svg_inline(scale=5, dark="#000", light="#fff", border=4)),  # noqa: S704 - segno's own drawing
    )
