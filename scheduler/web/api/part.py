"""A part of the API: flask-smorest's blueprint with one typed decorator for an address and its description."""

from collections.abc import Callable
from functools import wraps
from typing import Any, Literal, TypeVar

import flask
from flask import Response, request
from flask_smorest import Blueprint
from marshmallow import Schema

from scheduler.domain.errors import NotFound
from scheduler.web.api.bodies import json_body, loaded
from scheduler.web.api.idempotency import once
from scheduler.web.api.schemas.field_types import is_identifier

View = TypeVar("View", bound=Callable[..., Response])


class Part(Blueprint):  # type: ignore[misc]  # flask-smorest has no types
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
            served: Callable[..., Response] = view
            if takes is not None:
                told = self.arguments(takes, required=not takes_nothing)(told)
                served = _reading(takes(), view, takes_nothing)
            if "<" in path:
                served = _with_ids(served)
            # flask-smorest writes the document from `told`. What is served is without its decorators, which would load
            # and dump once more: the view answers a Response, and what it takes is read here.
            self._endpoints.append(view.__name__)
            self._store_endpoint_docs(view.__name__, told, None, None, methods=[method])
            flask.Blueprint.add_url_rule(
                self, path, view.__name__, once(served) if method == "POST" else served, methods=[method]
            )
            return view

        return add


def _reading(body: Schema, view: Callable[..., Response], may_be_missing: bool) -> Callable[..., Response]:
    @wraps(view)
    def read(**ids: str) -> Response:
        return view(loaded(body, {} if may_be_missing and not request.get_data() else json_body()), **ids)

    return read


def _with_ids(view: Callable[..., Response]) -> Callable[..., Response]:
    """Ids in the path: what has another shape is not looked up."""

    @wraps(view)
    def check(**ids: str) -> Response:
        if not all(map(is_identifier, ids.values())):
            raise NotFound(view.__name__)
        return view(**ids)

    return check
