""" "I have a new number": after a code to it, the old number and the birth date make a request at the desk."""

from flask import Blueprint, current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf.csrf import CSRFError
from wtforms import Field, StringField, ValidationError

from scheduler import clock
from scheduler.domain.errors import TooManyTries
from scheduler.extensions import db
from scheduler.gateways import phone_numbers
from scheduler.usecases.patients.number_requests import ask_for_new_number
from scheduler.web.access import declare
from scheduler.web.forms.fields import BookingForm, DayMonthYearField, FormError, form_errors, tidy
from scheduler.web.patient.booking.forms import birth_date_field
from scheduler.web.patient.booking.steps import accepted, expired, expired_words
from scheduler.web.patient.sign_in.door import show_form_again
from scheduler.web.patient.sign_in.session import current_account, now_local
from scheduler.web.words.phone import no_mobile_number

blueprint = Blueprint("new_number", __name__)
declare(blueprint, "public")
blueprint.register_error_handler(CSRFError, show_form_again)


class NewNumberForm(BookingForm):
    old_number = StringField(_l("Your old mobile number"))
    birth_date = birth_date_field()
    e164 = ""

    def validate_old_number(self, field: Field) -> None:
        field.data = tidy(field.data)
        try:
            self.e164 = phone_numbers.parse(field.data)
        except phone_numbers.BadPhoneNumber:
            raise ValidationError(no_mobile_number()) from None

    def validate_birth_date(self, field: DayMonthYearField) -> None:
        field.read(now_local(clock.now()).date())


@blueprint.route("/me/new-number", methods=["GET", "POST"])
def ask() -> ResponseReturnValue:
    account = current_account()
    if account is None:
        return redirect(url_for("sign_in.give_number", next=url_for(".ask")), 303)
    form = NewNumberForm()
    more = []
    if accepted(form):
        assert form.birth_date.data  # noqa: S101 - it is valid
        try:
            ask_for_new_number(
                db.session(),
                account_id=account.id,
                old_number=form.e164,
                birth_date=form.birth_date.data,
                secret=current_app.config["SECRET_KEY"],
                now=clock.now(),
            )
        except TooManyTries:
            more = [FormError("", _("You have asked several times today. Please call us."))]
        else:
            return redirect(url_for(".asked"), 303)
    errors = [*more, *form_errors(form)]
    if expired():
        errors = [FormError("", expired_words())]
    html = render_template(
        "patient/sign_in/new_number.html", form=form, errors=errors, number=phone_numbers.display(account.number)
    )
    return html, 400 if expired() else 429 if more else 422 if errors else 200


@blueprint.get("/me/new-number/asked")
def asked() -> str:
    return render_template("patient/sign_in/new_number_asked.html")
