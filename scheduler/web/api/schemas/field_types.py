"""Fields of a JSON body. Their words are gettext message ids, said in the caller's language by problems.py."""

import re
from datetime import date, datetime, time
from typing import Any

from marshmallow import ValidationError, fields

from scheduler.extensions import clinic_zone
from scheduler.gateways.phone_numbers import BadPhoneNumber, parse, pattern
from scheduler.web.api.schemas import patterns
from scheduler.web.words import rfc3339

COMMON: dict[str, Any] = {
    "required": "This is needed.",
    "null": "This cannot be null.",
    "validator_failed": "This is not one of the values possible.",
}
LONGEST_ID = 80
_ID = re.compile(patterns.ID)
_NO_TEXT = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def require_text(value: Any, longest: int) -> str:
    """ValueError for anything but text that can be kept: no control characters, no half characters."""
    if not isinstance(value, str):
        raise ValidationError("This has to be text.")
    if _NO_TEXT.search(value):
        raise ValidationError("There are characters in this that cannot be kept.")
    if len(value) > longest:
        raise ValidationError("This is too long.")
    return value


def is_identifier(text: str) -> bool:
    return len(text) <= LONGEST_ID and _ID.fullmatch(text) is not None


class Text(fields.Field[str]):
    """At most `longest` characters of what `pattern` allows, in any script."""

    default_error_messages = COMMON

    def __init__(self, *, longest: int, pattern: str = patterns.KEPT_TEXT, **options: Any) -> None:
        shape = {"type": "string", "maxLength": longest, "pattern": pattern}
        super().__init__(metadata=shape | options.pop("metadata", {}), **options)
        self.longest = longest
        self.pattern = re.compile(pattern)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        text = require_text(value, self.longest)
        if not self.pattern.fullmatch(text):
            raise ValidationError(
                "There are characters in this that cannot be kept." if text.strip() else "This is empty."
            )
        return text


class Identifier(Text):
    """A slug, or an unguessable id."""

    def __init__(self, **options: Any) -> None:
        super().__init__(longest=LONGEST_ID, pattern=patterns.ID, **options)


class Day(fields.Field[date]):
    default_error_messages = COMMON

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "date"} | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> date:
        try:
            return rfc3339.to_day(require_text(value, 40))
        except ValueError:
            raise ValidationError("There is no such day; write it like 2026-12-31.") from None


class TimeOfDay(fields.Field[time]):
    default_error_messages = COMMON

    def __init__(self, **options: Any) -> None:
        shape = {"type": "string", "pattern": patterns.TIME_OF_DAY}
        super().__init__(metadata=shape | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> time:
        try:
            return rfc3339.to_time(require_text(value, 40))
        except ValueError:
            raise ValidationError("There is no such time; write it like 14:30.") from None


class Moment(fields.Field[datetime]):
    """RFC 3339 with an offset; loads the clinic's wall clock."""

    default_error_messages = COMMON

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"type": "string", "format": "date-time"} | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> datetime:
        text = require_text(value, 60)
        try:
            return rfc3339.to_wall_clock(text, clinic_zone())
        except ValueError:
            raise ValidationError(
                "Write the day, the time and the offset from UTC, like 2026-12-31T10:00:00-05:00."
            ) from None


class Phone(fields.Field[str]):
    """A number of the clinic's countries; loads E.164. Described as one of Canada or the US, as it is unless others are set."""

    default_error_messages = COMMON

    def __init__(self, **options: Any) -> None:
        shape = {"type": "string", "pattern": pattern()}
        super().__init__(metadata=shape | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        try:
            return parse(require_text(value, 40))
        except BadPhoneNumber:
            raise ValidationError("Give a telephone number that the clinic can text.") from None


class YesNo(fields.Field[bool]):
    default_error_messages = COMMON

    def __init__(self, **options: Any) -> None:
        super().__init__(metadata={"type": "boolean"} | options.pop("metadata", {}), **options)

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> bool:
        if not isinstance(value, bool):
            raise ValidationError("This has to be true or false.")
        return value


class OneOf(fields.Field[str]):
    default_error_messages = COMMON

    def __init__(self, choices: tuple[str, ...], **options: Any) -> None:
        super().__init__(metadata={"type": "string", "enum": list(choices)} | options.pop("metadata", {}), **options)
        self.choices = choices

    def _deserialize(self, value: Any, attr: str | None, data: Any, **options: Any) -> str:
        if not isinstance(value, str) or value not in self.choices:
            raise ValidationError("This is not one of the values possible.")
        return value
