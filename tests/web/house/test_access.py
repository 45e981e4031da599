"""Every way in says who may enter, and what it takes."""

import ast
from pathlib import Path

import pytest
from flask import Blueprint, Flask
from flask.testing import FlaskClient

import scheduler.web
from scheduler.web import access

pytestmark = [
    pytest.mark.usefixtures("database_url"),
    pytest.mark.parametrize("database_url", ["sqlite"], indirect=True),
]

WEB = Path(scheduler.web.__file__).parent


def test_every_blueprint_declares_who_may_enter(app: Flask) -> None:
    assert app.blueprints
    for name in app.blueprints:
        assert access._of_blueprint(name) is not None, f"{name} declares nobody"
    for rule in app.url_map.iter_rules():
        assert app.extensions["access"].get(rule.endpoint), f"{rule} is behind no door"


def test_every_route_lists_its_methods(app: Flask) -> None:
    routes = [call for path in WEB.rglob("*.py") for call in _route_calls(path)]
    assert routes
    for place, call in routes:
        said = call.func.attr != "route" or any(keyword.arg == "methods" for keyword in call.keywords)
        assert said, f"{place}: say which methods (methods=…, or .get/.post)"


def _route_calls(path: Path) -> list[tuple[str, ast.Call]]:
    """`….route(…)` over functions; classes of an API list their methods by having them."""
    functions = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.FunctionDef)]
    return [
        (f"{path.name}:{decorator.lineno}", decorator)
        for function in functions
        for decorator in function.decorator_list
        if isinstance(decorator, ast.Call)
        and isinstance(decorator.func, ast.Attribute)
        and decorator.func.attr in ("route", "get", "post", "put", "patch", "delete")
    ]


def test_a_blueprint_that_declares_nobody_stops_the_start(app: Flask) -> None:
    naked = Flask("naked")
    naked.register_blueprint(Blueprint("undeclared", __name__))
    with pytest.raises(RuntimeError, match="undeclared"):
        access.init_app(naked)


def test_a_route_added_past_the_check_lets_nobody_in(app: Flask) -> None:
    app.add_url_rule("/late", "late", lambda: "in", methods=["GET"])
    assert app.test_client().get("/late").status_code == 403


def test_everybody_but_the_public_passes_a_guard() -> None:
    with pytest.raises(ValueError, match="guard"):
        access.declare(Blueprint("ajar", __name__), "patient")


def test_a_guard_keeps_out_and_lets_an_open_view_through(app: Flask) -> None:
    guarded = Blueprint("guarded", __name__)
    access.declare(guarded, "staff", roles=("owner",), guard=lambda: ("out", 403))
    guarded.add_url_rule("/in", "inside", lambda: "in", methods=["GET"])
    guarded.add_url_rule("/before", "before", access.open_to_all(lambda: "before"), methods=["GET"])
    doors = _app_with(guarded)
    assert doors.get("/in").status_code == 403
    assert doors.get("/before").text == "before"


def test_a_form_of_whoever_is_known_by_a_cookie_needs_its_token(app: Flask) -> None:
    by_cookie, by_token = Blueprint("by_cookie", __name__), Blueprint("by_token", __name__)
    access.declare(by_cookie, "public")
    access.declare(by_token, "token", guard=lambda: None)
    for blueprint in (by_cookie, by_token):
        blueprint.add_url_rule(f"/{blueprint.name}", "post", lambda: "changed", methods=["POST"])
    doors = _app_with(by_cookie, by_token)
    assert doors.post("/by_cookie").status_code == 400
    assert doors.post("/by_token").text == "changed"


def _app_with(*blueprints: Blueprint) -> FlaskClient:
    app = Flask("doors")
    app.config.update(SECRET_KEY="x" * 20, WTF_CSRF_CHECK_DEFAULT=False)
    access.csrf.init_app(app)
    for blueprint in blueprints:
        app.register_blueprint(blueprint)
    access.init_app(app)
    return app.test_client()
