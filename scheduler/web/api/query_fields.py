"""What an address asks for in its query: each mistake is named by its field. Fields not known are passed over."""

from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar

from marshmallow import ValidationError

from scheduler.domain.errors import Invalid, NotFound
from scheduler.queries.clinic.reference import PractitionerInfo, Reference, TreatmentInfo
from scheduler.web.api.schemas.field_types import is_identifier, require_text
from scheduler.web.words import rfc3339

LONGEST_LIST = 200
LIST_UNLESS_ASKED = 50
LONGEST_TEXT = 200

T = TypeVar("T")


class NoSuch(NotFound):
    """Something of the right shape that is not there: `errors` names the field."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(errors)
        self.errors = errors


def no_such(field: str) -> NoSuch:
    return NoSuch({field: "There is none of this id."})


class Asked:
    """Reads fields one by one and gathers what is wrong; `done` refuses with all of it."""

    def __init__(self, given: Mapping[str, Any]) -> None:
        self._given = given
        self.errors: dict[str, str] = {}
        self.missing: dict[str, str] = {}

    def done(self) -> None:
        if self.errors:
            raise Invalid(self.errors)
        if self.missing:
            raise NoSuch(self.missing)

    def text(self, field: str, *, needed: bool = False) -> str | None:
        value = self._given.get(field)
        if not value:
            if needed or value is not None:
                self.errors[field] = "This is needed." if value is None else "This is empty."
            return None
        try:
            return require_text(value, LONGEST_TEXT)
        except ValidationError as error:
            self.errors[field] = str(error.messages[0])
            return None

    def read(self, field: str, reader: Callable[[str], T], mistake: str, *, needed: bool = False) -> T | None:
        text = self.text(field, needed=needed)
        if text is None:
            return None
        try:
            return reader(text)
        except ValueError:
            self.errors[field] = mistake
        except NotFound:
            self.missing[field] = mistake
        return None

    def identifier(self, field: str, *, needed: bool = False) -> str | None:
        return self.read(field, _identifier, "This is none: it has letters, digits, - and _ alone.", needed=needed)

    def id_of(self, field: str, look_up: Callable[[str], int | None]) -> int | None:
        """The number behind a public id."""
        public_id = self.identifier(field)
        if public_id is None:
            return None
        found = look_up(public_id)
        if found is None:
            self.missing |= no_such(field).errors
        return found

    def day(self, field: str, *, needed: bool = False) -> date | None:
        return self.read(field, rfc3339.to_day, "There is no such day; write it like 2026-12-31.", needed=needed)

    def number(self, field: str, unless_given: int, most: int) -> int:
        found = self.read(field, lambda text: _number(text, most), f"Give a whole number from 1 to {most}.")
        return unless_given if found is None else found

    def choice(self, field: str, choices: tuple[str, ...]) -> str | None:
        return self.read(field, lambda text: choices[choices.index(text)], "This is not one of the values possible.")

    def treatment(self, current: Reference) -> TreatmentInfo | None:
        return self._named("treatment", current.treatment, "There is no such treatment.", needed=True)

    def practitioner(self, current: Reference, treatment: TreatmentInfo | None = None) -> PractitionerInfo | None:
        found = self._named("practitioner", current.practitioner, "There is no such practitioner.")
        if found is not None and treatment is not None and not found.does(treatment):
            self.errors["practitioner"] = "This practitioner does not do this treatment."
        return found

    def _named(self, field: str, look_up: Callable[[str], T], mistake: str, *, needed: bool = False) -> T | None:
        slug = self.identifier(field, needed=needed)
        return None if slug is None else self.read(field, look_up, mistake)

    def days_as_range(self) -> tuple[datetime | None, datetime | None]:
        """`from` and `to`, both included, as wall-clock times: from the first, up to and without the second."""
        first, last = self.day("from"), self.day("to")
        if last == date.max:
            last = None  # as good as no end, and there is no midnight after it
        return (
            datetime.combine(first, time.min) if first else None,
            datetime.combine(last, time.min) + timedelta(days=1) if last else None,
        )


def _identifier(text: str) -> str:
    if not is_identifier(text):
        raise ValueError(text)
    return text


def _number(text: str, most: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 6 or not 1 <= int(text) <= most:
        raise ValueError(text)
    return int(text)
