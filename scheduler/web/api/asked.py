"""What an address asks for in its query: each mistake is named by its field. Fields not known are passed over."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from marshmallow import ValidationError

from scheduler.domain.errors import Invalid, NotFound
from scheduler.queries.reference import PractitionerInfo, Reference, TreatmentInfo
from scheduler.web.api import rfc3339
from scheduler.web.api.fields import require_text

LONGEST_LIST = 200
LIST_UNLESS_ASKED = 50
LONGEST_NAME = 80  # of a slug or an id: longer ones need not be looked up

T = TypeVar("T")


class Asked:
    """Reads fields one by one and gathers what is wrong; `done` refuses with all of it."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self.errors: dict[str, str] = {}

    def done(self) -> None:
        if self.errors:
            raise Invalid(self.errors)

    def text(self, field: str, *, needed: bool = False) -> str | None:
        value = self._given.get(field)
        if not value:
            if needed or value is not None:
                self.errors[field] = "This is needed." if value is None else "This is empty."
            return None
        try:
            return require_text(value, LONGEST_NAME)
        except ValidationError as error:
            self.errors[field] = str(error.messages[0])
            return None

    def read(self, field: str, reader: Callable[[str], T], mistake: str, *, needed: bool = False) -> T | None:
        text = self.text(field, needed=needed)
        if text is None:
            return None
        try:
            return reader(text)
        except (ValueError, NotFound):
            self.errors[field] = mistake
            return None

    def day(self, field: str, *, needed: bool = False) -> date | None:
        return self.read(field, rfc3339.to_day, "There is no such day; write it like 2026-12-31.", needed=needed)

    def number(self, field: str, unless_given: int, most: int) -> int:
        found = self.read(field, lambda text: _number(text, most), f"Give a whole number from 1 to {most}.")
        return unless_given if found is None else found

    def choice(self, field: str, choices: tuple[str, ...]) -> str | None:
        return self.read(field, lambda text: choices[choices.index(text)], "This is not one of the values possible.")

    def treatment(self, current: Reference) -> TreatmentInfo | None:
        return self.read("treatment", current.treatment, "There is no such treatment.", needed=True)

    def practitioner(self, current: Reference, treatment: TreatmentInfo | None = None) -> PractitionerInfo | None:
        found = self.read("practitioner", current.practitioner, "There is no such practitioner.")
        if found is not None and treatment is not None and not found.does(treatment):
            self.errors["practitioner"] = "This practitioner does not do this treatment."
        return found

    def days_as_range(self) -> tuple[datetime | None, datetime | None]:
        """`from` and `to`, both included, as wall-clock times: from the first, up to and without the second."""
        first, last = self.day("from"), self.day("to")
        if first and last and last < first:
            self.errors["to"] = "This day is before the first one."
        if last == date.max:
            last = None  # as good as no end, and there is no midnight after it
        return (
            datetime.combine(first, time.min) if first else None,
            datetime.combine(last, time.min) + timedelta(days=1) if last else None,
        )


def _number(text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= most:
        raise ValueError(text)
    return int(text)
