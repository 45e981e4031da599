"""Answers to refusals and errors: a page, a problem document for programs, a line for Twilio. Their words are in words/refusals.py."""

from __future__ import annotations

from math import ceil
from typing import Any

import structlog
from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from scheduler import clock
from scheduler.domain.errors import Busy, TooManyTries
from scheduler.serving import logs
from scheduler.serving.logs import request_id
from scheduler.web.words.refusals import REFUSALS, Explained, explain

log = structlog.get_logger("errors")


AGAIN_SECONDS = 10  # when a database that did not answer may be asked again


def init_app(app: Flask) -> None:
    for kind in (*REFUSALS, HTTPException):
        app.register_error_handler(kind, answer)
    app.register_error_handler(OperationalError, _database_away)


def _database_away(error: OperationalError) -> ResponseReturnValue:
    """It does not answer, cannot be written, or was busy for longer than anybody should wait."""
    log.error(logs.what_failed(error), exc_info=error)
    return answer(ServiceUnavailable(retry_after=AGAIN_SECONDS))


def answer(error: Exception) -> ResponseReturnValue:
    """The error page; for programs a problem document (RFC 9457), for Twilio a line. For what a view has not answered itself."""
    if isinstance(error, HTTPException) and error.response is not None:
        return error.get_response()
    if request.path.startswith("/twilio/") and isinstance(error, HTTPException):
        # Nobody reads it, and whoever floods the webhooks without a signature must not have a page made each time.
        response = Response(f"{error.name}\n", status=error.code, mimetype="text/plain")
    elif request.path.startswith("/api/"):
        response = problem(explain(error))
    else:
        explained = explain(error)
        response = Response(_page(explained), status=explained.status)
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value  # Allow of a 405, Retry-After of a 429
    if isinstance(error, TooManyTries):
        response.headers.update(retry_after(error))
    if isinstance(error, Busy):
        response.headers["Retry-After"] = str(AGAIN_SECONDS)
    return response


def retry_after(refused: TooManyTries) -> dict[str, str]:
    """The header that belongs to a 429: in how many seconds it may be tried again."""
    return {"Retry-After": str(max(1, ceil((refused.again_at - clock.now()).total_seconds())))}


def problem(explained: Explained, **facts: Any) -> Response:
    response = jsonify(
        type="about:blank",
        title=explained.title,
        status=explained.status,
        detail=explained.advice,
        code=explained.code,
        **facts,
    )
    response.status_code = explained.status
    response.mimetype = "application/problem+json"
    return response


def _page(explained: Explained) -> str:
    at_the_desk = request.path.startswith("/desk")
    return render_template(
        "errors/page.html",
        explained=explained,
        reference=request_id(),
        at_the_desk=at_the_desk,
        back="/desk" if at_the_desk else "/",
        back_words=_("Back to the desk") if at_the_desk else _("Back to the first page"),
    )
