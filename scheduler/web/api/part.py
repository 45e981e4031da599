"""A part of the API: flask-smorest's blueprint with one typed decorator for an address and its description."""

from collections.abc import Callable
from typing import Any, Literal, TypeVar

from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema

from scheduler.domain.errors import NotFound
from scheduler.web.api.bodies import BodyParser
from scheduler.web.api.fields import is_identifier
from scheduler.web.api.once import once

View = TypeVar("View", bound=Callable[..., Response])


class Part(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
    ARGUMENTS_PARSER = BodyParser()

    def __init__(self, name: str, import_name: str, *, url_prefix: str) -> None:
        super().__init__(name, import_name, url_prefix=url_prefix)
        self.before_request(_require_ids)

    def address(
        self,
        method: Literal["GET", "POST", "PATCH"],
        path: str,
        *,
        answers: type[Schema],
        status: int = 200,
        takes: type[Schema] | None = None,
        takes_nothing: bool = False,
        **described: Any,
    ) -> Callable[[View], View]:
        """The view answers a Response that `answers` describes; the body that it `takes` is its first argument.

        With `takes_nothing` the body may be missing. `described` goes into the OpenAPI document as it is.
        """

        def add(view: View) -> View:
            told = self.response(status, answers)(self.doc(**described)(view))
            if takes is not None:
                told = self.arguments(takes, required=not takes_nothing)(told)
            self.route(path, methods=[method])(once(told) if method == "POST" else told)
            return view

        return add


def _require_ids() -> None:
    """Ids in the path: what has another shape is not looked up. (PostgreSQL refuses NUL with an error of its own.)"""
    for given in (request.view_args or {}).values():
        if not is_identifier(given):
            raise NotFound(request.endpoint)
