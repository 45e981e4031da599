"""The health questions before IMS, as patients answer them and as the desk asks them. Words here, rules in the domain."""

from datetime import date
from typing import Any

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from wtforms import Field, RadioField, SelectMultipleField, ValidationError
from wtforms.fields.choices import SelectChoice

from scheduler.domain.booking.screening import EarlierAnswers, ScreeningAnswers, ScreeningQuestion, screening_answers
from scheduler.web.forms.fields import BookingForm, DayMonthYearField, offered
from scheduler.web.words.dates import day_and_year_words
from scheduler.web.words.screening import QUESTION_WORDS

NOTHING = "nothing"
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
