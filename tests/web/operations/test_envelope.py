"""What every answer carries, and what never leaves by the log."""

import json

import pytest
from flask import Blueprint, Flask, session
from flask.testing import FlaskClient
from werkzeug.test import create_environ

from scheduler.web import access
from tests.web.conftest import make_app

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.mark.parametrize("path", ["/healthz", "/nowhere", "/static/errors.css", "/api/v1/nowhere"])
def test_every_answer_has_the_security_headers(client: FlaskClient, path: str) -> None:
    with client.get(path) as answer:  # closes the file of a style sheet
        headers = answer.headers
    policy = headers["Content-Security-Policy"]
    assert "unsafe" not in policy
    assert "frame-ancestors 'none'" in policy
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert "Strict-Transport-Security" not in headers


def test_a_public_address_with_https_asks_for_https_for_good(database_url: str) -> None:
    client = make_app(database_url, PUBLIC_URL="https://book.example.ca").test_client()
    assert "max-age=31536000" in client.get("/healthz").headers["Strict-Transport-Security"]


def test_style_sheets_are_kept_for_a_year_under_the_hash_of_what_is_in_them(app: Flask) -> None:
    with app.test_request_context():
        address = app.url_for("static", filename="errors.css")
    assert "?v=" in address
    with app.test_client().get(address) as answer:
        assert answer.status_code == 200
        assert "max-age=31536000" in answer.headers["Cache-Control"]
    with app.test_client().get("/static/errors.css") as answer:
        assert answer.headers["Cache-Control"] == "no-cache"


def test_what_looked_at_the_session_is_not_stored(database_url: str) -> None:
    app = _app_with(
        database_url,
        private=lambda: session.get("browser", "nobody"),
        public=lambda: "for all",
    )
    assert app.test_client().get("/private").headers["Cache-Control"] == "no-store"
    assert app.test_client().get("/public").headers["Cache-Control"] == "no-cache"
    assert "Vary" not in app.test_client().get("/public").headers


def test_the_log_names_the_rule_and_an_id_but_no_path_and_no_query(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    app = _app_with(database_url, **{"feed/<token>": lambda token: "calendar"})
    answer = app.test_client().get("/feed/SECRET-TOKEN?name=Amelie")
    written = capsys.readouterr().err
    line = json.loads(written.splitlines()[-1])
    assert line["rule"] == "/feed/<token>"
    assert line["status"] == 200
    assert line["request_id"] == answer.headers["X-Request-ID"]
    assert "SECRET" not in written
    assert "Amelie" not in written


def test_an_exception_is_logged_by_type_and_place_but_not_by_its_words(
    database_url: str, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(token: str) -> str:
        raise LookupError(f"no patient with the number +16135550142 and {token}")

    app = _app_with(database_url, **{"failing/<token>": fail})
    app.config["TESTING"] = False
    answer = app.test_client().get("/failing/SECRET-TOKEN", headers={"Accept-Language": "en"})
    written = capsys.readouterr().err
    told = next(line for line in map(json.loads, written.splitlines()) if line["event"] == "exception")
    assert answer.status_code == 500
    assert "Something went wrong on our side." in answer.text
    assert answer.headers["X-Request-ID"] in answer.text
    assert told["exception"][0]["type"] == "builtins.LookupError"
    assert told["exception"][0]["at"][-1].endswith(" fail")
    assert "+1613" not in written
    assert "SECRET" not in written


def test_a_request_id_of_the_proxy_is_taken_over_only_from_a_trusted_one(database_url: str) -> None:
    asked = {"X-Request-ID": "proxys-own-id-1"}
    trusting = make_app(database_url, TRUSTED_PROXIES="1").test_client()
    assert trusting.get("/healthz", headers=asked).headers["X-Request-ID"] == "proxys-own-id-1"
    alone = make_app(database_url).test_client()
    assert alone.get("/healthz", headers=asked).headers["X-Request-ID"] != "proxys-own-id-1"


def _app_with(database_url: str, **views: object) -> Flask:
    app = make_app(database_url)
    blueprint = Blueprint("added", __name__)
    for number, (path, view) in enumerate(views.items()):
        blueprint.add_url_rule(f"/{path}", f"view{number}", view, methods=["GET"])  # type: ignore[arg-type]
    access.declare(blueprint, "public")
    app.register_blueprint(blueprint)
    app.extensions["access"].update(
        {endpoint: access.PUBLIC for endpoint in app.view_functions if endpoint.startswith("added.")}
    )
    return app


@pytest.mark.parametrize("host", ["a..b", "x" * 300, "x" * 64, ".", "a b", "é"])
def test_a_host_that_cannot_be_one_is_a_bad_request(app: Flask, host: str) -> None:
    environ = create_environ("/healthz") | {"HTTP_HOST": host}
    answered: list[str] = []
    list(app.wsgi_app(environ, lambda status, headers, exc_info=None: answered.append(status)))
    assert answered == ["400 Bad Request"]
