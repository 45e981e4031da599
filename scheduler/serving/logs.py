"""Logs: one JSON object a line, with ids and never a name, a number, a token or an address that holds one.

Exceptions are logged by type and place only: their messages may quote what a patient typed, and their variables are
patients. LOG_FORMAT=text is the same for eyes instead of programs.
"""

import errno
import logging
import sys
import traceback
from typing import Any

import structlog
from flask import has_request_context, request
from sqlalchemy.exc import DBAPIError
from structlog.typing import EventDict, Processor

REQUEST_ID = "clinic.request_id"
"""Where the WSGI environment of a request keeps its id."""

QUIET_LIBRARIES = ("twilio", "alembic", "apscheduler", "waitress", "werkzeug", "urllib3", "sqlalchemy")
"""Their warnings are heard; what they say at INFO and DEBUG may hold telephone numbers and texts."""


def configure(log_format: str) -> None:
    """Send structlog's and everybody else's lines to standard error; `log_format` is json or text."""
    first: list[Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_request_id,
    ]
    last: list[Processor] = [_exception_without_words]
    if log_format == "text":
        last += [_exception_in_lines, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty())]
    else:
        last.append(structlog.processors.JSONRenderer())
    structlog.configure(
        processors=[*first, *last],
        wrapper_class=structlog.make_filtering_bound_logger(logging.INFO),
        logger_factory=lambda *_: _StandardError(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(_CurrentStandardError())
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[structlog.stdlib.add_logger_name, *first],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [ours for ours in root.handlers if not isinstance(ours.formatter, type(handler.formatter))]
    root.addHandler(handler)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(logging.WARNING)


def request_id() -> str:
    """The id of the request being answered (made in web/requests/envelope.py)."""
    found: str = request.environ.get(REQUEST_ID, "")
    return found


def _add_request_id(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if has_request_context():
        event.setdefault("request_id", request_id())
    return event


def _exception_without_words(_logger: Any, _method: str, event: EventDict) -> EventDict:
    given = event.pop("exc_info", None)
    if given is True:
        given = sys.exc_info()
    error = given[1] if isinstance(given, tuple) else given
    if isinstance(error, BaseException):
        event["exception"] = [_told(link) for link in _chain(error)]
    return event


def _exception_in_lines(_logger: Any, _method: str, event: EventDict) -> EventDict:
    if "exception" in event:
        event["exception"] = "\n".join("\n  ".join([_headline(link), *link["at"]]) for link in event["exception"])
    return event


def _headline(link: dict[str, Any]) -> str:
    return " ".join([link["type"], *(f"{name}={code}" for name, code in link.items() if name not in ("type", "at"))])


def _chain(error: BaseException | None) -> list[BaseException]:
    links: list[BaseException] = []
    while error is not None and error not in links:
        links.append(error)
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return links


_EVENTS = {
    "SQLITE_FULL": "disk full",
    "53100": "disk full",
    "SQLITE_BUSY": "database busy",
    "SQLITE_LOCKED": "database busy",
    "55P03": "database busy",
    "SQLITE_READONLY": "database cannot be written",
    "SQLITE_IOERR": "database cannot be written",
}
"""How an error's code begins, in SQLite or PostgreSQL, and what it means."""


def _told(error: BaseException) -> dict[str, Any]:
    frames = traceback.extract_tb(error.__traceback__)
    return {
        "type": f"{type(error).__module__}.{type(error).__qualname__}",
        **_codes(error),
        "at": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def _codes(error: BaseException) -> dict[str, str]:
    """What the database or the system calls the error (SQLITE_FULL, 53100, ENOSPC): codes hold no words of anybody."""
    of_system = error.errno if isinstance(error, OSError) else None
    given = {
        "sqlite_errorname": getattr(error, "sqlite_errorname", None),
        "sqlstate": getattr(error, "sqlstate", None),
        "errno": None if of_system is None else errno.errorcode.get(of_system, str(of_system)),
    }
    return {name: str(code) for name, code in given.items() if code}


def what_failed(error: DBAPIError) -> str:
    """The event of an error of the database, named so that whoever is woken by it knows where to look."""
    codes = _codes(error.orig) if error.orig is not None else {}
    for code in (codes.get("sqlite_errorname", ""), codes.get("sqlstate", "")):
        for beginning, event in _EVENTS.items():
            if code.startswith(beginning):
                return event
    return "database away"


class _CurrentStandardError:
    """Whatever sys.stderr is when a line is written: tests exchange it."""

    def write(self, text: str) -> None:
        sys.stderr.write(text)

    def flush(self) -> None:
        sys.stderr.flush()


class _StandardError:
    def msg(self, line: str) -> None:
        sys.stderr.write(line + "\n")  # one write, so that lines of threads don't mix

    log = debug = info = warning = error = critical = exception = msg
