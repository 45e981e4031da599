"""After the code, the birth date: a number proves a telephone, not a person. One wording for whatever does not match."""

from flask import Blueprint, current_app, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_wtf.csrf import CSRFError
from wtforms import BooleanField, StringField

from scheduler import clock
from scheduler.domain.booking.steps import BookingPath
from scheduler.domain.errors import TooManyTries
from scheduler.extensions import clinic_settings, db
from scheduler.models.patients.patient import PhoneAccount
from scheduler.usecases.booking.drafts import begin_draft
from scheduler.usecases.rate_limit import network_keys
from scheduler.usecases.sign_in.known_browsers import born_then, needs_name
from scheduler.web.access import declare
from scheduler.web.forms.fields import PARTS, BookingForm, DayMonthYearField, FormError, form_errors, tidy
from scheduler.web.patient.booking.forms import LONGEST_NAME, NEW_PATIENT, Typed, birth_date_field, typed_in
from scheduler.web.patient.booking.steps import accepted, expired, expired_words
from scheduler.web.patient.sign_in.door import show_form_again, wanted_page
from scheduler.web.patient.sign_in.session import browser_id, current_account, know, now_local

blueprint = Blueprint("birth_date", __name__)
declare(blueprint, "public")
blueprint.register_error_handler(CSRFError, show_form_again)
NEW_HERE = "new"


class BirthDateForm(BookingForm):
    """`is_matched`: somebody was found. `asks_name`: several were, and they do not see each other."""

    birth_date = birth_date_field()
    given_name = StringField(filters=[tidy])
    shared = BooleanField()
    asks_name = is_unmatched = False

    def validate_birth_date(self, field: DayMonthYearField) -> None:
        field.read(now_local(clock.now()).date())


def is_recognised(form: BirthDateForm, account: PhoneAccount) -> bool:
    """The valid form's date opens patients of this number, who are known here from now on; else the form says so."""
    assert form.birth_date.data  # noqa: S101 - it is valid
    phone = clinic_settings().phone
    now = clock.now()
    try:
        found = born_then(
            db.session(),
            account=account,
            day=form.birth_date.data,
            given_name=form.given_name.data[:LONGEST_NAME],
            secret=current_app.config["SECRET_KEY"],
            now=now,
            address=request.remote_addr or "",
            shared=bool(form.shared.data),
        )
    except TooManyTries:
        form.is_unmatched = True
        form.birth_date.errors = [
            _(
                "Too many dates were typed for this number today. New here: go on. Otherwise call us at %(phone)s.",
                phone=phone,
            )
        ]
        return False
    if not found:
        form.is_unmatched = True
        form.birth_date.errors = [
            _("We could not match this. New here: go on. Otherwise call us at %(phone)s.", phone=phone)
        ]
        return False
    if needs_name(found, today=now_local(now).date()):
        form.asks_name = True
        form.given_name.errors = [_("Type the first name too.")]
        return False
    know(account, [patient.id for patient in found], shared=bool(form.shared.data))
    return True


def typed_date() -> Typed:
    """As it goes into the form for somebody new: nobody types it twice."""
    wanted = {f"birth_date_{part}" for part in PARTS}
    return {name: values for name, values in typed_in(request.form).items() if name in wanted}


def is_new_here() -> bool:
    return request.form.get("go_on") == NEW_HERE


@blueprint.route("/me/birth-date", methods=["GET", "POST"])
def ask() -> ResponseReturnValue:
    account = current_account()
    if account is None:
        return redirect(url_for("sign_in.give_number", next=wanted_page()), 303)
    form = BirthDateForm()
    if accepted(form):
        if is_new_here():
            return _book_as_new()
        if is_recognised(form, account):
            return redirect(wanted_page(), 303)
    errors = form_errors(form)
    if expired():
        errors = [FormError("", expired_words())]
    html = render_template("patient/sign_in/birth_date.html", form=form, errors=errors, next=wanted_page())
    return html, 400 if expired() else 422 if errors else 200


def _book_as_new() -> ResponseReturnValue:
    keys = network_keys(current_app.config["SECRET_KEY"], "draft", address=request.remote_addr or "")
    account = current_account()
    assert account  # noqa: S101 - the caller has looked
    fields = {
        "path": BookingPath.SIGNED_IN,
        "new_here": account.id,
        "patient": NEW_PATIENT,
        "typed_who": dict(typed_date()),
    }
    try:
        token = begin_draft(db.session(), browser=browser_id(), fields=fields, now=clock.now(), network_keys=keys)
    except TooManyTries:
        return redirect(url_for("booking.begin"), 303)
    return redirect(url_for("booking.change", token=token), 303)
