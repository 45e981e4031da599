"""A patient signs in: mobile number, code, and on to where they were going."""

from flask import Blueprint, current_app, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_wtf.csrf import CSRFError

from scheduler import clock
from scheduler.domain.errors import TooManyTries
from scheduler.domain.sign_in.refusals import CodeGone, CodeWrong
from scheduler.extensions import clinic_settings, db
from scheduler.gateways import phone_numbers
from scheduler.models.patients.patient import PhoneAccount
from scheduler.usecases.sign_in import known_browsers
from scheduler.usecases.sign_in import sign_in as codes
from scheduler.usecases.sign_in.code_limits import CodeLimits
from scheduler.usecases.staff.sign_in_audit import SignIn
from scheduler.web.access import declare
from scheduler.web.errors import retry_after
from scheduler.web.forms.fields import FormError, form_errors
from scheduler.web.patient.booking.forms import CodeForm, NumberForm
from scheduler.web.patient.booking.steps import accepted, expired, expired_words
from scheduler.web.patient.sign_in.code_words import sparing_words, too_often_words
from scheduler.web.patient.sign_in.door import show_form_again, wanted_page
from scheduler.web.patient.sign_in.session import browser_id, current_account, end_session, opened, start_session
from scheduler.web.patient.sign_in.typed_code import account_of_code, note_outcome
from scheduler.web.requests.language import template_variables
from scheduler.web.words.agreement import code_words

blueprint = Blueprint("sign_in", __name__)
declare(blueprint, "public")
blueprint.register_error_handler(CSRFError, show_form_again)


@blueprint.route("/me/sign-in", methods=["GET", "POST"])
def give_number() -> ResponseReturnValue:
    if current_account():
        return redirect(wanted_page(), 303)
    form = NumberForm()
    if not accepted(form):
        return _show_number(form)
    refused = _send_code(form.e164)
    if refused:
        return _show_number(form, refused)
    return redirect(_code_page(), 303)


@blueprint.route("/me/sign-in/code", methods=["GET", "POST"])
def type_code() -> ResponseReturnValue:
    if current_account():
        return redirect(wanted_page(), 303)
    number = _number_asked()
    if number is None:
        return redirect(url_for(".give_number", next=wanted_page()), 303)
    form = CodeForm()
    if not accepted(form):
        return _show_code(form, number)
    try:
        account = account_of_code(challenge=session["challenge"], digits=form.digits, where=_where(), now=clock.now())
    except CodeWrong as wrong:
        tries = ngettext("You have %(num)d try left.", "You have %(num)d tries left.", wrong.tries_left)
        form.code.errors = [" ".join((_("This is not the code we sent."), tries))]
        return _show_code(form, number)
    except CodeGone:
        form.code.errors = [_("This code can no longer be used. Ask for a new one below.")]
        return _show_code(form, number)
    return _let_in(account)


@blueprint.post("/me/sign-in/code/again")
def send_again() -> ResponseReturnValue:
    number = _number_asked()
    if number is None:
        return redirect(url_for(".give_number", next=wanted_page()), 303)
    refused = _send_code(number)
    if refused:
        return _show_code(CodeForm(None), number, refused)
    return redirect(_code_page(sent="again"), 303)


@blueprint.post("/me/sign-out")
def sign_out() -> ResponseReturnValue:
    account = current_account()
    if account:
        note_outcome(SignIn.OUT, account.id, clock.now())
    end_session()
    return redirect(url_for("site.home"), 303)


@blueprint.post("/me/forget-this-browser")
def forget_browser() -> ResponseReturnValue:
    """A shared device after all: signed out, and known to nobody."""
    found = opened()
    if found:
        known_browsers.forget_browser(db.session(), found, address=request.remote_addr or "", now=clock.now())
    end_session()
    return redirect(url_for("site.home"), 303)


@blueprint.post("/me/sign-out-everywhere")
def sign_out_everywhere() -> ResponseReturnValue:
    found = opened()
    if found:
        known_browsers.sign_out_everywhere(db.session(), found, address=request.remote_addr or "", now=clock.now())
    end_session()
    return redirect(url_for(".give_number"), 303)


def _let_in(account: PhoneAccount) -> ResponseReturnValue:
    wanted = wanted_page()
    start_session(account)
    session.setdefault("lang", account.language)
    return redirect(wanted, 303)  # where it is asked who it is, unless this browser knows


def _send_code(number: str) -> TooManyTries | None:
    """Queue a code and keep its challenge; or why none is sent."""
    try:
        session["challenge"] = codes.request_code(
            db.session(),
            number=number,
            address=request.remote_addr or "",
            language=template_variables()["language"],
            secret=current_app.config["SECRET_KEY"],
            clinic=clinic_settings(),
            now=clock.now(),
            limits=CodeLimits(per_day=current_app.config["CODES_PER_DAY"]),
            after=session.get("challenge") or browser_id(),
        )
    except TooManyTries as refused:
        return refused
    return None


def _where() -> str:
    """For the agreement to texts: which page the code is for."""
    return "new_number" if wanted_page().partition("?")[0] == url_for("new_number.ask") else "sign_in"


def _number_asked() -> str | None:
    challenge = session.get("challenge")
    return codes.number_of(db.session(), challenge=challenge) if challenge else None


def _code_page(sent: str | None = None) -> str:
    return url_for(".type_code", next=wanted_page(), sent=sent)


def _show_number(form: NumberForm, refused: TooManyTries | None = None) -> ResponseReturnValue:
    browser_id()  # the cookie is there before the form is sent, so that a double click is one sending
    return _show("number", form, refused, form.e164)


def _show_code(form: CodeForm, number: str, refused: TooManyTries | None = None) -> ResponseReturnValue:
    sent_again = request.args.get("sent") == "again"
    sent_to, sparing = phone_numbers.display(number), sparing_words(number)
    shown = {"sent_to": sent_to, "sent_again": sent_again, "sparing": sparing, "agreeing": code_words()}
    return _show("code", form, refused, number, **shown)


def _show(
    page: str, form: NumberForm | CodeForm, refused: TooManyTries | None, number: str, **shown: object
) -> ResponseReturnValue:
    too_often = too_often_words(refused, challenge=session.get("challenge"), number=number) if refused else None
    errors = [*([FormError("", too_often)] if too_often else ()), *form_errors(form)]
    if expired():
        errors = [FormError("", expired_words())]
    html = render_template(f"patient/sign_in/{page}.html", form=form, errors=errors, next=wanted_page(), **shown)
    if refused:
        return html, 429, retry_after(refused)
    return html, 400 if expired() else 422 if errors else 200
