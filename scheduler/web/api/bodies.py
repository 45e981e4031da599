"""The body of a request: JSON, read strictly; every field's mistake is named."""

import json
from typing import Any, NoReturn

from flask import request
from marshmallow import Schema, ValidationError
from werkzeug.exceptions import BadRequest, UnsupportedMediaType

from scheduler.domain.errors import Invalid


def json_body() -> Any:
    """The parsed body, None when there is none. 415 for another kind of content, 400 for what is not JSON,
    413 for too much."""
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


def loaded(schema: Schema, body: Any) -> dict[str, Any]:
    """What the schema makes of the body; Invalid names each field."""
    try:
        fields: dict[str, Any] = schema.load(body)
    except ValidationError as error:
        raise Invalid(_flat(error.messages)) from None
    return fields


def _flat(messages: Any) -> dict[str, str]:
    """Field → its first mistake; what is wrong with the whole body is said of `body`."""
    if not isinstance(messages, dict):
        return {"body": str(messages[0])}
    return {"body" if field == "_schema" else str(field): _first(said) for field, said in messages.items()}


def _first(said: Any) -> str:
    while isinstance(said, dict):
        said = next(iter(said.values()))
    return str(said[0] if isinstance(said, list) else said)
