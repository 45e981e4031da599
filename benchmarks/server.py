"""`gunicorn benchmarks.server:app`: the product, and beside it the yardsticks.

A path below /cold is answered by the product as if the calendar had changed since the last request, whatever it keeps in
memory. With COUNT_QUERIES set, /yardstick/queries says how many statements the process has sent to its database; whoever
listens to an engine slows it down, so that speed is measured without.
"""

import itertools
import os
from collections.abc import Callable, Iterable
from contextvars import ContextVar
from typing import Any, ParamSpec, TypeVar

from flask import Flask
from sqlalchemy.engine import Engine

from benchmarks.yardsticks import QUERIES, make_yardsticks
from config import Config
from scheduler import create_app
from scheduler.extensions import db
from scheduler.queries.clinic import reference
from scheduler.web.desk.calendar import calendar
from tests.support.statements import statements_of

P = ParamSpec("P")
S = TypeVar("S", reference.State, reference.DeskState)
COLD = "/cold"
_cold: ContextVar[bool] = ContextVar("cold", default=False)
_changes = itertools.count(1)


def _forgetful(state: Callable[P, S]) -> Callable[P, S]:
    """What is kept, is kept for a state of the calendar: when that always differs, nothing kept is found."""

    def read(*args: P.args, **kwargs: P.kwargs) -> S:
        found = state(*args, **kwargs)
        return found._replace(calendar_version=found.calendar_version + next(_changes)) if _cold.get() else found

    return read


def _make_app() -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    product = create_app(Config(os.environ))
    with product.app_context():
        engine = db.engine
    yardsticks = make_yardsticks(engine)
    reference.state = _forgetful(reference.state)  # read by its module everywhere
    reference.state_now = _forgetful(reference.state_now)
    calendar.desk_state = _forgetful(calendar.desk_state)

    if "COUNT_QUERIES" in os.environ:
        _count(engine, yardsticks)

    def app(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        if path.startswith("/yardstick"):
            return yardsticks(environ, start_response)
        cold = path.startswith(COLD)
        if cold:
            environ["PATH_INFO"] = path[len(COLD) :]
        _cold.set(cold)
        return product(environ, start_response)

    return app


def _count(engine: Engine, yardsticks: Flask) -> None:
    sent = statements_of(engine)

    @yardsticks.get(QUERIES)
    def queries() -> str:
        return str(len(sent))


app = _make_app()
