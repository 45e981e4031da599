"""Who may enter. Every blueprint declares it; one that does not stops the start, and nothing is let in by default."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, TypeVar

from flask import Blueprint, Flask, current_app, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import Forbidden, NotFound

from scheduler.extensions import csrf

Who = Literal["public", "patient", "staff", "token", "twilio"]
Guard = Callable[[], ResponseReturnValue | None]
"""Answers None to let the request in; a response (to sign in, say), or an exception, to keep it out."""

BY_COOKIE = ("public", "patient", "staff")
"""Who is known by a cookie, which a browser also sends along with a forged form: these need a CSRF token."""

CHANGING = frozenset({"POST", "PUT", "PATCH", "DELETE"})

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class Access:
    who: Who
    roles: tuple[str, ...] = ()
    guard: Guard | None = None


PUBLIC = Access("public")

# What the envelope around Flask (envelope.py) wants to know of a request, in its WSGI environment.
ENDPOINT, RULE, MAY_BE_STORED = "clinic.endpoint", "clinic.rule", "clinic.may_be_stored"

_declared: dict[str, Access] = {}


def declare(blueprint: Blueprint, who: Who, *, roles: tuple[str, ...] = (), guard: Guard | None = None) -> None:
    """Say who may enter `blueprint`; whoever is not the public is checked by `guard` before every view.

    `roles` are the staff roles let in, for the guard to read from `entered()`.
    """
    if (who == "public") != (guard is None):
        raise ValueError(f"{blueprint.name}: the public passes no guard, everybody else passes one")
    _declared[blueprint.name] = Access(who, roles, guard)


def open_to_all(view: View) -> View:
    """For the one view of a guarded blueprint that is before its door: the sign-in page."""
    view.open_to_all = True  # type: ignore[attr-defined]
    return view


def takes_large_body(size: int) -> Callable[[View], View]:
    """For a view whose bodies may have more than MAX_CONTENT_LENGTH, from whoever its guard has let in."""

    def mark(view: View) -> View:
        view.largest_body = size  # type: ignore[attr-defined]  # a function keeps what it is given
        return view

    return mark


def largest_body(app: Flask, endpoint: str | None) -> int | None:
    """None where the usual limit holds."""
    return getattr(app.view_functions.get(endpoint or ""), "largest_body", None)


def is_open(endpoint: str) -> bool:
    return getattr(current_app.view_functions[endpoint], "open_to_all", False)


def entered() -> Access | None:
    """What the blueprint being asked declares, for its guard; None where routing found nothing (404, 405)."""
    found: Access | None = current_app.extensions["access"].get(request.endpoint)
    return found


def init_app(app: Flask) -> None:
    """After all blueprints are there: resolve what each address declares, and enforce it."""
    undeclared = sorted(name for name in app.blueprints if _of_blueprint(name) is None)
    if undeclared:
        raise RuntimeError(f"blueprints that don't declare who may enter (web/access.py): {', '.join(undeclared)}")
    app.extensions["access"] = {
        endpoint: _of_blueprint(endpoint.rpartition(".")[0]) if "." in endpoint else PUBLIC
        for endpoint in app.view_functions
        if "." in endpoint or endpoint == "static"
    }
    app.before_request(_enter)


def _of_blueprint(name: str) -> Access | None:
    """Its own declaration, or that of the blueprint it is nested in."""
    while name not in _declared and "." in name:
        name = name.rpartition(".")[0]
    return _declared.get(name)


def _enter() -> ResponseReturnValue | None:
    rule = request.url_rule
    if rule is None:  # 404, 405
        return None
    environ = request.environ
    if "\0" in environ["PATH_INFO"]:
        raise NotFound  # PostgreSQL cannot even be asked for it
    environ[ENDPOINT], environ[RULE] = rule.endpoint, rule.rule
    access: Access | None = current_app.extensions["access"].get(rule.endpoint)
    if access is None:
        raise Forbidden  # a route added past the check at the start
    environ[MAY_BE_STORED] = access.who == "public"
    if access.guard is not None and not is_open(rule.endpoint):
        kept_out = access.guard()
        if kept_out is not None:
            return kept_out
        if large := largest_body(current_app, rule.endpoint):
            request.max_content_length = large
    if environ["REQUEST_METHOD"] in CHANGING and access.who in BY_COOKIE and current_app.config["WTF_CSRF_ENABLED"]:
        csrf.protect()
    return None
