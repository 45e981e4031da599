"""What patients fill in while booking. Words here, rules in the domain."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.datastructures import MultiDict
from wtforms import Field, RadioField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice

from scheduler.domain.typed_numbers import typed_code
from scheduler.gateways import phone_numbers
from scheduler.web.forms.fields import BookingForm, DayMonthYearField, offered, tidy
from scheduler.web.words.phone import no_mobile_number

NEW_PATIENT = "new"
LONGEST_NAME = 100
LONGEST_KEPT = 300  # characters of one typed value; more than any field takes
MOST_KEPT = 16  # fields of a form, and values of a field
CODE_DIGITS = 6

Typed = Mapping[str, Sequence[str]]
"""What was typed in a form, as it goes into the draft: every value of every field."""


def typed_in(form: MultiDict[str, str]) -> dict[str, list[str]]:
    """For the draft: tidied, and cut where nothing honest is that long."""
    return {
        name[:40]: [tidy(value)[:LONGEST_KEPT] for value in values[:MOST_KEPT]]
        for name, values in list(form.lists())[:MOST_KEPT]
        if name != "csrf_token"
    }


def as_formdata(typed: Typed) -> MultiDict[str, str]:
    return MultiDict([(name, value) for name, values in typed.items() for value in values])


def patient_choices(patients: Sequence[tuple[str, str]]) -> list[SelectChoice]:
    """Public id and name of each, and one for somebody who is not here yet."""
    return [*(SelectChoice(*patient) for patient in patients), SelectChoice(NEW_PATIENT, _("Somebody new"))]


class BeginForm(BookingForm):
    """`been_before` for visitors not signed in, `patient` for those who are."""

    been_before = RadioField(
        _l("Have you been here before?"),
        choices=[
            SelectChoice("no", _l("No, this is my first visit")),
            SelectChoice("yes", _l("Yes, I am a patient here")),
        ],
        validators=[offered(_l("Choose whether you have been here before."))],
        validate_choice=False,
    )
    patient = RadioField(
        _l("Who is the visit for?"), validators=[offered(_l("Choose who the visit is for."))], validate_choice=False
    )
    treatment = RadioField(
        _l("What would you like to book?"),
        validators=[offered(_l("Choose what you would like to book."))],
        validate_choice=False,
    )


class NumberForm(BookingForm):
    number = StringField(_l("Mobile number"))
    e164 = ""
    """Once it is valid."""

    def validate_number(self, field: Field) -> None:
        field.data = tidy(field.data)
        if not field.data:
            raise ValidationError(_("Type your mobile number, for example 613-555-0142."))
        try:
            self.e164 = phone_numbers.parse(field.data)
        except phone_numbers.BadPhoneNumber:
            raise ValidationError(no_mobile_number()) from None


class CodeForm(BookingForm):
    code = StringField(_l("6-digit code"))

    def validate_code(self, field: Field) -> None:
        self.digits = typed_code(field.data or "")
        if not (self.digits.isdecimal() and len(self.digits) == CODE_DIGITS):
            raise ValidationError(_("Type the 6 digits from the text message."))


def birth_date_field() -> DayMonthYearField:
    return DayMonthYearField(
        _l("Date of birth"),
        missing=_l("Type the date of birth, for example 14 3 1986."),
        example=_l("For example 14 3 1986."),
        future=_l("This date of birth is in the future. Check the year."),
    )


class WhoForm(BookingForm):
    """An existing patient of the number, or the details of a new one."""

    patient = RadioField(
        _l("Who is the visit for?"), validators=[offered(_l("Choose who the visit is for."))], validate_choice=False
    )
    given_name = StringField(_l("First name"), filters=[tidy])
    family_name = StringField(_l("Last name"), filters=[tidy])
    birth_date = birth_date_field()

    def __init__(self, *args: Any, today: date, patients: Sequence[tuple[str, str]] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.patient.choices = patient_choices(patients)
        if not patients:
            self.patient.data = NEW_PATIENT

    @property
    def is_new(self) -> bool:
        return bool(self.patient.data == NEW_PATIENT)

    def validate_given_name(self, field: Field) -> None:
        self._require_name(field, _("Type the first name."))

    def validate_family_name(self, field: Field) -> None:
        self._require_name(field, _("Type the last name. If there is only one name, type it in both places."))

    def validate_birth_date(self, field: DayMonthYearField) -> None:
        if self.is_new:
            field.read(self.today)

    def _require_name(self, field: Field, missing: str) -> None:
        if not self.is_new:
            return
        if not any(c.isalpha() for c in field.data):
            raise ValidationError(missing)
        if len(field.data) > LONGEST_NAME:
            raise ValidationError(_("This name is too long: at most 100 letters fit."))
