"""What patients fill in while booking. Words here, rules in the domain."""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from werkzeug.datastructures import MultiDict
from wtforms import Field, RadioField, SelectMultipleField, StringField, ValidationError
from wtforms.fields.choices import SelectChoice

from scheduler.domain.booking.screening import EarlierAnswers, ScreeningAnswers, ScreeningQuestion, screening_answers
from scheduler.domain.typed_numbers import typed_code
from scheduler.gateways import phone_numbers
from scheduler.web.forms.fields import DayMonthYearField, offered, tidy
from scheduler.web.words.dates import day_and_year_words
from scheduler.web.words.phone import no_mobile_number
from scheduler.web.words.screening import QUESTION_WORDS

NEW_PATIENT = "new"
NOTHING = "nothing"
LONGEST_NAME = 100
LONGEST_KEPT = 300  # characters of one typed value; more than any field takes
MOST_KEPT = 16  # fields of a form, and values of a field
CODE_DIGITS = 6

Typed = Mapping[str, Sequence[str]]
"""What was typed in a form, as it goes into the draft: every value of every field."""


class BookingForm(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    """Checked by hand against CSRF (access.py does that for all pages): also a draft's old typing is a form."""

    class Meta:
        csrf = False


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


SAME, CHANGED = "same", "changed"
SINCE_CHOICES = [
    SelectChoice(SAME, _l("Nothing has changed, and I have had no IMS or dry needling elsewhere")),
    SelectChoice(CHANGED, _l("Something has changed")),
]
HEALTH_CHOICES = [
    *(SelectChoice(question.value, words) for question, words in QUESTION_WORDS.items()),
    SelectChoice(NOTHING, _l("None of these")),
]


class ScreeningForm(BookingForm):
    """Every question is answered: what is not ticked is a no, and none ticked has to be said.

    Nothing is ticked but by whoever answers. Somebody who has answered before is asked whether anything has changed
    since; only then the questions again.
    """

    since = RadioField(
        choices=SINCE_CHOICES,
        validators=[offered(_l("Choose whether anything has changed."))],
        validate_choice=False,
    )
    applies = SelectMultipleField(
        _l("Does any of this apply?"),
        choices=HEALTH_CHOICES,
        validate_choice=False,
    )
    needled_on = DayMonthYearField(
        _l("On which day, the last time?"),
        missing=_l("Type the day you last had IMS or dry needling, for example 14 3 2026."),
        example=_l("For example 14 3 2026."),
        future=_l("That day is still to come. Type the day you last had IMS or dry needling."),
    )
    answers: ScreeningAnswers | None = None

    def __init__(self, *args: Any, today: date, earlier: EarlierAnswers | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today, self.earlier = today, earlier
        if earlier is None:
            del self.since
        else:
            self.since.label.text = _("Since %(day)s:", day=day_and_year_words(earlier.on, today))

    @property
    def is_unchanged(self) -> bool:
        return self.earlier is not None and bool(self.since.data == SAME)

    def validate_applies(self, field: Field) -> None:
        ticked = set(field.data or ())
        if self.earlier is not None and self.since.data != CHANGED:
            if self.is_unchanged and ticked:
                raise ValidationError(_("You ticked something here and said that nothing has changed. Which is right?"))
            return
        if not ticked & {choice.value for choice in field.choices}:
            raise ValidationError(_("Tick what applies, or “None of these”."))
        if NOTHING in ticked and len(ticked) > 1:
            raise ValidationError(_("You ticked “None of these” and something else. Which of the two is right?"))

    def validate_needled_on(self, field: DayMonthYearField) -> None:
        if ScreeningQuestion.NEEDLED_ELSEWHERE in (self.applies.data or ()):
            field.read(self.today)

    def validate(self, extra_validators: Any = None) -> bool:
        if not super().validate(extra_validators):
            return False
        if self.earlier is not None and self.is_unchanged:
            self.answers = self.earlier.unchanged(self.today)
            return True
        ticked = set(self.applies.data or ())
        said = {question.value: question.value in ticked for question in ScreeningQuestion}
        self.answers = screening_answers(said, needled_on=self.needled_on.data, today=self.today)
        return True
