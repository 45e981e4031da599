"""The body of a request: JSON, read strictly; every field's mistake is named."""

import json
from typing import Any, NoReturn

from flask import Request, request
from marshmallow import RAISE, Schema, ValidationError
from webargs.flaskparser import FlaskParser
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from scheduler.domain.errors import Invalid


def json_body() -> Any:
    """The parsed body, None when there is none. 415 for another kind of content, 400 for what is not JSON."""
    raw = request.get_data()
    if not raw:
        return None
    if not request.is_json:
        raise UnsupportedMediaType
    try:
        return json.loads(raw.decode(), parse_constant=_not_a_number)
    except (ValueError, RecursionError):  # a body may be nested as deep as it is long
        raise BadRequest from None


def _not_a_number(_name: str) -> NoReturn:
    raise ValueError("NaN and Infinity are not JSON")


class BodyParser(FlaskParser):
    """webargs' parser, answering in our own way."""

    DEFAULT_UNKNOWN_BY_LOCATION = {"json": RAISE}  # noqa: RUF012 - as the parent has it

    def load_json(self, req: Request, schema: Schema) -> Any:
        if getattr(schema, "may_be_missing", False) and not request.get_data():
            return {}
        return json_body()

    def handle_error(
        self,
        error: ValidationError,
        req: Request,
        schema: Schema,
        *,
        error_status_code: int | None,
        error_headers: Any,
    ) -> NoReturn:
        raise Invalid(flat(error.messages_dict["json"]))


def flat(messages: Any) -> dict[str, str]:
    """Field → its first mistake; what is wrong with the whole body is said of `body`."""
    if not isinstance(messages, dict):
        return {"body": str(messages[0])}
    return {"body" if field == "_schema" else str(field): _first(said) for field, said in messages.items()}


def _first(said: Any) -> str:
    while isinstance(said, dict):
        said = next(iter(said.values()))
    return str(said[0] if isinstance(said, list) else said)
