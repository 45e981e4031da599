"""Fields that speak for themselves: dates typed in three parts, names in any script, the same words everywhere."""

from dataclasses import dataclass
from datetime import date
from typing import Any, TypeVar

from flask_babel import gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, Form, ValidationError
from wtforms.utils import unset_value

from scheduler.domain.typed_numbers import plain_number

LONGEST_PART = 20  # of what is echoed back; nobody types more for a day, a month or a year
PARTS = ("day", "month", "year")
OLDEST = 120  # years

F = TypeVar("F", bound=Form)


@dataclass(frozen=True, slots=True)
class FormError:
    """`field_id`: of the element the summary leads to; none when the error is of no one field."""

    field_id: str
    message: str


class BookingForm(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    """Checked by hand against CSRF (access.py does that for all pages): also a draft's old typing is a form."""

    class Meta:
        csrf = False


def form_errors(form: FlaskForm) -> list[FormError]:
    """One a field, in the order of the page."""
    return [
        FormError(_target(field), str(field.errors[0])) for field in form if field.errors and field.name != "csrf_token"
    ]


def tidy(text: str | None) -> str:
    """Without control characters (PostgreSQL refuses NUL) and stray spaces."""
    return " ".join("".join(c if c.isprintable() else " " for c in text or "").split())


def offered(message: Any) -> Any:
    """One of the choices on the page."""

    def check(_form: Form, field: Field) -> None:
        if field.data not in [choice.value for choice in field.choices or ()]:
            raise ValidationError(str(message))

    return check


def _number_typed(text: str | None) -> str:
    return tidy(plain_number((text or "")[:200])).rstrip(" .,")[:LONGEST_PART]


class DayMonthYearField(Field):  # type: ignore[misc]  # wtforms has no types
    """`data` is a date or none; `typed` what stands in the three parts, kept whatever it is."""

    def __init__(
        self, label: Any, *, missing: Any, example: Any, future: Any, oldest_years: int = OLDEST, **kwargs: Any
    ):
        super().__init__(label, **kwargs)
        self.missing, self.example, self.future, self.oldest_years = missing, example, future, oldest_years
        self.typed = dict.fromkeys(PARTS, "")
        self.wrong_part = "day"
        self.data: date | None = None

    def process(self, formdata: Any, data: Any = unset_value, extra_filters: Any = None) -> None:
        self.process_errors: list[str] = []
        self.data = None if data is unset_value else data
        if self.data is not None:
            self.typed = {part: str(getattr(self.data, part)) for part in PARTS}
        if formdata is not None:
            self.typed = {part: _number_typed(formdata.get(f"{self.name}_{part}")) for part in PARTS}

    def read(self, today: date) -> None:
        """Sets `data`, or refuses with words that say which part is wrong and why."""
        empty = [part for part in PARTS if not self.typed[part]]
        if len(empty) == len(PARTS):
            raise ValidationError(str(self.missing))
        if empty:
            self.wrong_part = empty[0]
            raise self._refused(_missing_part(empty[0]))
        odd = [part for part in PARTS if not self.typed[part].isdecimal()]
        if odd:
            self.wrong_part = odd[0]
            raise self._refused(_("Use numbers for day, month and year."))
        self.data = self._day_of_calendar()
        if self.data > today:
            self.wrong_part, self.data = "year", None
            raise ValidationError(str(self.future))
        if self.data.year < today.year - self.oldest_years:
            self.wrong_part, year = "year", self.data.year
            self.data = None
            raise self._refused(_("The year %(year)s is too long ago.", year=year))

    def _refused(self, what: str) -> ValidationError:
        return ValidationError(f"{what} {self.example}")

    def _day_of_calendar(self) -> date:
        if len(self.typed["day"]) > 2 or len(self.typed["month"]) > 2:  # more digits than int() may take
            self.wrong_part = "day" if len(self.typed["day"]) > 2 else "month"
            raise ValidationError(_("That day does not exist in that month. Check the day."))
        day, month = int(self.typed["day"]), int(self.typed["month"])
        if not 1 <= month <= 12:
            self.wrong_part = "month"
            raise ValidationError(_("There are 12 months: type a number from 1 to 12."))
        if len(self.typed["year"]) != 4:
            self.wrong_part = "year"
            raise self._refused(_("Type all 4 digits of the year."))
        year = int(self.typed["year"])
        try:
            return date(year, month, day)
        except ValueError:
            raise ValidationError(_("That day does not exist in that month. Check the day.")) from None


def _missing_part(part: str) -> str:
    words = {"day": _("The day is missing."), "month": _("The month is missing."), "year": _("The year is missing.")}
    return str(words[part])


def _target(field: Field) -> str:
    """Where typing mends it."""
    if isinstance(field, DayMonthYearField):
        return f"{field.id}-{field.wrong_part}"
    if hasattr(field, "iter_choices"):
        return f"{field.id}-0"
    return str(field.id)
