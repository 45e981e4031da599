"""What is kept about a patient, as they may see and change it: texts to the number, and what they want corrected."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError

from scheduler import clock
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.patients.coming_of_age import OF_AGE, is_of
from scheduler.domain.patients.corrections import REFUSED
from scheduler.extensions import db
from scheduler.gateways import phone_numbers
from scheduler.models import Patient
from scheduler.queries.patients import corrections
from scheduler.queries.patients.corrections import Correction
from scheduler.queries.texts import agreements
from scheduler.usecases.patients.corrections import LONGEST, LONGEST_STATEMENT, ask_for_correction, state_disagreement
from scheduler.usecases.patients.patients import say_about_texts
from scheduler.usecases.texts.agreements import TOLD_US
from scheduler.web.access import declare
from scheduler.web.forms.fields import FormError
from scheduler.web.forms.pressed import pressed_yes
from scheduler.web.patient.booking.steps import expired, expired_words
from scheduler.web.patient.sign_in.door import patient_actor, require_sign_in, show_form_again, signed_in
from scheduler.web.patient.sign_in.session import now_local
from scheduler.web.words.agreement import agreement_words, on_page, page_words

blueprint = Blueprint("my_record", __name__, url_prefix="/me/patients")
declare(blueprint, "patient", guard=require_sign_in)
blueprint.register_error_handler(CSRFError, show_form_again)


@blueprint.get("/<public_id>/details")
def show(public_id: str) -> str:
    found = signed_in()
    patient = found.patient(public_id)
    connection = db.session().connection()
    said = agreements.latest(connection, found.account.id)
    own = is_own_record(patient)
    return render_template(
        "patient/patients/details.html",
        patient=patient,
        number=phone_numbers.display(found.account.number),
        agreement=agreement_words(said, now_local, lambda _actor: _("the clinic")),
        agreed_words=said.words if said else "",
        agreeing=page_words(),
        is_stopped=found.account.opted_out_at is not None,
        told_us=found.account.opted_out_by == TOLD_US,
        own=own,
        corrections=corrections.of_patient(connection, patient.id) if own else [],
        local=now_local,
    )


@blueprint.post("/<public_id>/texts")
def say(public_id: str) -> ResponseReturnValue:
    """`agrees`: yes or no, for the number that is signed in."""
    patient = signed_in().patient(public_id)
    agrees = pressed_yes("agrees")
    if patient.phone_account_id != signed_in().account.id:
        raise NotFound("number")
    try:
        say_about_texts(
            db.session(), on_page(agrees=agrees), public_id=public_id, now=clock.now(), actor=patient_actor()
        )
    except Invalid as refused:
        db.session.rollback()
        sentence = next(iter(refused.errors.values()))
        flash(_(sentence))
    else:
        flash(_("You get texts again.") if agrees else _("You get no more texts, but for codes that you ask for."))
    return redirect(url_for(".show", public_id=public_id), 303)


@blueprint.route("/<public_id>/correction", methods=["GET", "POST"])
def ask(public_id: str) -> ResponseReturnValue:
    patient = _own_record(public_id)
    typed = {name: request.form.get(name, "")[: LONGEST * 2] for name in ("what_is_wrong", "should_say")}
    if request.method == "GET" or expired():
        return _show("correct", patient, typed=typed)
    try:
        ask_for_correction(db.session(), public_id=public_id, **typed, now=clock.now(), actor=patient_actor())
    except Invalid as refused:
        db.session.rollback()
        return _show("correct", patient, refused, typed=typed)
    flash(_("The clinic has your request. It answers within 30 days; you can read the answer here."))
    return redirect(url_for(".show", public_id=public_id), 303)


@blueprint.route("/<public_id>/corrections/<int:request_id>/statement", methods=["GET", "POST"])
def disagree(public_id: str, request_id: int) -> ResponseReturnValue:
    patient = _own_record(public_id)
    asked = refused_one(patient.id, request_id)
    typed = request.form.get("statement", "")[: LONGEST_STATEMENT * 2]
    if request.method == "GET" or expired():
        return _show("disagree", patient, asked=asked, typed=typed)
    try:
        state_disagreement(
            db.session(),
            public_id=public_id,
            request_id=request_id,
            statement=typed,
            now=clock.now(),
            actor=patient_actor(),
        )
    except Invalid as refused:
        db.session.rollback()
        return _show("disagree", patient, refused, asked=asked, typed=typed)
    flash(_("Your statement is in the record now."))
    return redirect(url_for(".show", public_id=public_id), 303)


def is_own_record(patient: Patient) -> bool:
    """Of whoever is signed in, or of a child: somebody else of 16 or over asks for their corrections alone."""
    today = now_local(clock.now()).date()
    return patient == signed_in().person or not is_of(OF_AGE, patient.birth_date, today)


def refused_one(patient_id: int, request_id: int) -> Correction:
    """A request of the patient's that was answered with no. NotFound when it is none."""
    asked = corrections.one(db.session().connection(), request_id, patient_id)
    if asked is None or asked.answer != REFUSED:
        raise NotFound("request")
    return asked


def _own_record(public_id: str) -> Patient:
    patient = signed_in().patient(public_id)
    if not is_own_record(patient):
        raise NotFound("patient")
    return patient


def _show(page: str, patient: Patient, refused: Invalid | None = None, **shown: object) -> ResponseReturnValue:
    errors = [FormError(name, _(words)) for name, words in (refused.errors if refused else {}).items()]
    if expired():
        errors = [FormError("", expired_words())]
    html = render_template(f"patient/patients/{page}.html", patient=patient, errors=errors, **shown)
    return html, 400 if expired() else 422 if errors else 200
