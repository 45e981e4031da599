"""Idempotency-Key: a POST repeated with the same key is answered the same, and done once (usecases/idempotency.py).

What was made is remembered. A refusal is not: it changed nothing, and the moment may be better the next time.
"""

import hashlib
import json
import re
from collections.abc import Callable
from datetime import datetime
from functools import wraps
from typing import Any

from flask import Response, g, request
from flask_babel import gettext as _
from sqlalchemy.orm import Session

from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.errors import Invalid
from scheduler.extensions import db
from scheduler.queries.staff import tokens
from scheduler.queries.staff.tokens import EarlierAnswer
from scheduler.usecases.idempotency import AnsweredAlready, Key, Remember, keep_answer
from scheduler.web.api.bodies import json_body

HEADER = "Idempotency-Key"
_KEY = re.compile(r"[\x21-\x7e]{1,200}", re.ASCII)


def asked_key() -> str | None:
    """The key of this request when it has one of the right shape."""
    key = request.headers.get(HEADER)
    return key if key is not None and request.method == "POST" and _KEY.fullmatch(key) else None


def once(view: Callable[..., Response]) -> Callable[..., Response]:
    """Answer a repeated POST from memory; the view keeps its answer by handing an `Answer` to the use case."""

    @wraps(view)
    def answered_once(*args: Any, **kwargs: Any) -> Response:
        if HEADER not in request.headers:
            return view(*args, **kwargs)
        key = _key_of_request()
        g.idempotency_key = key
        if g.earlier_answer is not None:
            return _again(g.earlier_answer, key)
        try:
            return view(*args, **kwargs)
        except (AnsweredAlready, BookingRefused) as error:
            # Two at the same moment: the other one is what was in the way.
            with db.reading.connect() as connection:
                earlier = tokens.answer_of(connection, key.token_id, key.key)
            if earlier is None:
                raise
            if isinstance(error, BookingRefused) and earlier.fingerprint != key.fingerprint:
                raise
            return _again(earlier, key)

    return answered_once


class Answer:
    """What a POST answers: built in the use case's transaction, and kept there under the request's key."""

    def __init__(self, describe: Callable[[Any], dict[str, Any]], *, now: datetime, status: int = 201) -> None:
        self._describe = describe
        self._now = now
        self.status = status
        self.document: dict[str, Any] = {}

    def __call__(self, session: Session, made: Any) -> None:
        self.document = self._describe(made)
        key: Key | None = g.get("idempotency_key")
        if key is not None:
            keep_answer(session.connection(), key, status=self.status, body=json.dumps(self.document), now=self._now)

    @property
    def kept(self) -> Remember | None:
        """Itself, for a use case to call, when the request has a key to keep it under."""
        return self if "idempotency_key" in g else None

    def response(self, made: Any = None) -> Response:
        """With what was `made`, where the use case was not asked to keep the answer."""
        return _response(self.document or self._describe(made), self.status)


def _key_of_request() -> Key:
    key = asked_key()
    if key is None:
        raise Invalid({HEADER: _("Give 1 to 200 characters of ASCII, without spaces.")})
    body = json.dumps(json_body(), sort_keys=True)
    asked = f"{request.method} {request.path}\n{body}"
    return Key(g.token.id, key, hashlib.sha256(asked.encode()).hexdigest())


def _again(earlier: EarlierAnswer, key: Key) -> Response:
    if earlier.fingerprint != key.fingerprint:
        raise Invalid({HEADER: _("This key was used for another request. Take a new one.")})
    return _response(json.loads(earlier.body), earlier.status)


def _response(document: dict[str, Any], status: int) -> Response:
    response = Response(json.dumps(document), status=status, mimetype="application/json")
    if status == 201:
        response.headers["Location"] = f"{request.path}/{document['id']}"
    if "version" in document:
        response.set_etag(str(document["version"]))
    return response
