"""Who may see and change whose visits: let somebody by a code, act for somebody by theirs, and end it, from either side."""

from flask import Blueprint, current_app, flash, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import StringField
from wtforms.validators import InputRequired

from scheduler import clock
from scheduler.domain.errors import Invalid, NotFound, TooManyTries
from scheduler.domain.patients.acting_code import shown_code
from scheduler.domain.patients.coming_of_age import OF_AGE, is_of
from scheduler.domain.sign_in.refusals import CodeGone
from scheduler.extensions import db
from scheduler.models import Patient
from scheduler.models.patients.known_browser import CHILD
from scheduler.queries.patients.acting import Acting, acting_of
from scheduler.usecases.patients.acting import end_acting
from scheduler.usecases.patients.acting_codes import act_by_code, make_acting_code, works
from scheduler.usecases.rate_limit import network_keys
from scheduler.web.forms.fields import BookingForm, FormError, form_errors
from scheduler.web.patient.booking.steps import accepted, expired, expired_words
from scheduler.web.patient.sign_in.door import patient_actor, signed_in
from scheduler.web.patient.sign_in.session import now_local
from scheduler.web.words.dates import time_words

ACTS, IS_ACTED_FOR = "acts-for-me", "i-act-for"
LAST_CODE = "acting_code"
"""In the session's cookie, so that the page can be loaded again: the patient's own browser may read it."""


class CodeForm(BookingForm):
    code = StringField(_l("The code"), validators=[InputRequired(_l("Type the code."))])


def add_routes(blueprint: Blueprint) -> None:
    add = blueprint.add_url_rule
    add("/me/acting/let", "let_act", let_act, methods=["GET", "POST"])
    add("/me/acting/for-somebody", "act_for", act_for, methods=["GET", "POST"])
    add("/me/acting/<who>/<public_id>/end", "end_acting", end, methods=["GET", "POST"])


def acting_shown() -> list[Acting]:
    """Who acts for the person signed in, and for whom they act."""
    return acting_of(db.session().connection(), _person().id, now_local(clock.now()).date())


def is_of_age() -> bool:
    """Who is younger lets nobody in, nor puts anybody out: a parent may be at that telephone."""
    return is_of(OF_AGE, _person().birth_date, now_local(clock.now()).date())


def may_end(one: Acting) -> bool:
    return is_of_age() and not (one.acts and one.kind == CHILD)


def let_act() -> ResponseReturnValue:
    """GET explains, and shows the code that was made; POST makes one."""
    if not is_of_age():
        raise NotFound("acting")
    if request.method == "GET":
        return _show_let()
    if expired():
        return _show_let([expired_words()], 400)
    now = clock.now()
    try:
        code = make_acting_code(
            db.session(),
            public_id=_person().public_id,
            number=signed_in().account.number,
            secret=current_app.config["SECRET_KEY"],
            now=now,
            today=now_local(now).date(),
            actor=patient_actor(),
        )
    except TooManyTries:
        return _show_let([_("You have made many codes today. Please try again tomorrow, or call us.")], 429)
    session[LAST_CODE] = code
    return redirect(url_for(".let_act"), 303)


def act_for() -> ResponseReturnValue:
    """GET asks for the code and says what it means, POST does it."""
    if not is_of_age():
        raise NotFound("acting")
    form = CodeForm()
    more: list[str] = []
    status = 422
    if accepted(form):
        now = clock.now()
        secret, address = current_app.config["SECRET_KEY"], request.remote_addr or ""
        try:
            whom = act_by_code(
                db.session(),
                typed=form.code.data,
                acting=_person().public_id,
                number=signed_in().account.number,
                secret=secret,
                network_keys=network_keys(secret, "acting-code", address=address),
                now=now,
                today=now_local(now).date(),
                actor=patient_actor(),
            )
        except CodeGone:
            form.code.errors = [_("This code does not work. A code works once, for an hour: ask for a new one.")]
        except Invalid as refusal:
            form.code.errors = [_(words) for words in refusal.errors.values()]
        except TooManyTries as refusal:
            until = time_words(now_local(refusal.again_at).time())
            more, status = [_("Too many codes were tried. You can try again at %(time)s.", time=until)], 429
        else:
            flash(_("You now see and change the visits of %(name)s.", name=whom.full_name))
            return redirect(url_for(".visits", _anchor="acting"), 303)
    errors = [FormError("", words) for words in more] + form_errors(form)
    if expired():
        errors, status = [FormError("", expired_words())], 400
    html = render_template("patient/patients/act_for.html", form=form, errors=errors)
    return html, status if errors else 200


def end(who: str, public_id: str) -> ResponseReturnValue:
    """GET asks, POST does it. `who`: the other acts for me, or I act for the other."""
    found = next((one for one in acting_shown() if one.public_id == public_id and one.acts == (who == ACTS)), None)
    if who not in (ACTS, IS_ACTED_FOR) or found is None or not may_end(found):
        raise NotFound("acting")
    if request.method == "GET" or expired():
        errors = [FormError("", expired_words())] if request.method == "POST" else []
        return _show_end(found, errors), 400 if errors else 200
    mine, name = _person().public_id, found.full_name
    acting, patient = (public_id, mine) if found.acts else (mine, public_id)
    end_acting(db.session(), acting=acting, patient=patient, now=clock.now(), actor=patient_actor())
    if found.acts:
        flash(_("Ended: %(name)s no longer sees your visits. Your calendar has a new address as well.", name=name))
    else:
        flash(_("Ended: you no longer see the visits of %(name)s.", name=name))
    return redirect(url_for(".visits", _anchor="acting"), 303)


def _show_let(problems: list[str] | None = None, status: int = 200) -> ResponseReturnValue:
    code: str | None = session.get(LAST_CODE)
    secret = current_app.config["SECRET_KEY"]
    now = clock.now()
    until = works(db.session(), code, patient_id=_person().id, secret=secret, now=now) if code else None
    html = render_template(
        "patient/patients/let_act.html",
        errors=[FormError("", words) for words in problems or ()],
        code=shown_code(code) if code and until else None,
        until_local=now_local(until) if until else None,
    )
    return html, status


def _show_end(found: Acting, errors: list[FormError]) -> str:
    shares = any(one.public_id == found.public_id for one in signed_in().account.patients)
    return render_template("patient/patients/end_acting.html", one=found, errors=errors, shares=shares)


def _person() -> Patient:
    person = signed_in().person
    assert person is not None  # noqa: S101 - the guard let it in
    return person
