"""The address a request was called at: its host, http or https, and a slash too many."""

import pytest
from flask.testing import FlaskClient
from werkzeug.test import create_environ, run_wsgi_app

from tests.support.fake_twilio import signature
from tests.web.conftest import make_app
from tests.web.support.pages import plain

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
PUBLIC = "https://book.example.ca"
HERE, AWAY = "127.0.0.1", "192.0.2.7"
PAGE = "This page came over http"


def make_client(database_url: str, **settings: str) -> FlaskClient:
    return make_app(database_url, **{"PUBLIC_URL": PUBLIC, **settings}).test_client()


@pytest.mark.parametrize(
    ("proxies", "peer", "host", "headers", "seen"),
    [
        (0, AWAY, "book.example.ca", {}, 307),
        (0, HERE, "127.0.0.1:8000", {}, 307),
        (0, HERE, "book.example.ca", {}, "set TRUSTED_PROXIES"),  # a proxy here that says nothing of itself
        (0, HERE, "127.0.0.1:8000", {"X-Forwarded-For": AWAY}, "set TRUSTED_PROXIES"),
        (0, AWAY, "book.example.ca", {"X-Forwarded-Proto": "https"}, "set TRUSTED_PROXIES"),
        (0, AWAY, "book.example.ca", {"Via": "1.1 cache"}, "set TRUSTED_PROXIES"),
        (1, HERE, "book.example.ca", {"X-Forwarded-For": AWAY, "X-Forwarded-Proto": "http"}, 307),
        (1, HERE, "book.example.ca", {"X-Forwarded-For": AWAY}, "let the proxy send X-Forwarded-Proto"),
        (2, HERE, "book.example.ca", {"X-Forwarded-Proto": "http"}, "let the proxy send X-Forwarded-Proto"),
        (1, HERE, "book.example.ca", {"X-Forwarded-For": AWAY, "X-Forwarded-Proto": "https"}, 200),
    ],
)
@pytest.mark.parametrize("path", ["/me/sign-in", "/desk/sign-in"])
def test_what_is_opened_over_http_is_led_to_https_or_names_the_setting(
    database_url: str, proxies: int, peer: str, host: str, headers: dict[str, str], seen: int | str, path: str
) -> None:
    client = make_client(database_url, TRUSTED_PROXIES=str(proxies))
    environ = {"REMOTE_ADDR": peer}
    answer = client.get(f"{path}?lang=en", headers=headers, environ_base=environ, base_url=f"http://{host}")
    if seen == 307:
        assert (answer.status_code, answer.location) == (307, f"{PUBLIC}{path}?lang=en")
        assert answer.headers["Cache-Control"] == "no-store"
        again = client.get(f"{path}?lang=en", headers=headers, environ_base=environ, base_url=f"http://{host}")
        assert PAGE in plain(again), "it came back over http: something in between hides"
    elif seen == 200:
        assert answer.status_code == 200
    else:
        assert answer.status_code == 400
        assert PAGE in plain(answer) and str(seen) in plain(answer)


def test_a_form_sent_over_http_is_led_to_https_too(database_url: str) -> None:
    client = make_client(database_url)
    answer = client.post("/me/sign-in", environ_base={"REMOTE_ADDR": AWAY}, base_url="http://book.example.ca")
    assert (answer.status_code, answer.location) == (307, f"{PUBLIC}/me/sign-in")


@pytest.mark.parametrize("path", ["/api/v1/openapi.json", "/static/errors.css", "/healthz", "/readyz", "/metrics"])
def test_what_needs_no_cookie_is_answered_over_http(database_url: str, path: str) -> None:
    with make_client(database_url).get(path, base_url="http://127.0.0.1:8000") as answer:
        assert answer.status_code == 200


@pytest.mark.parametrize(
    ("host", "known"),
    [
        ("book.example.ca", True),
        ("BOOK.example.ca:443", True),
        ("book.example.ca.", True),
        ("www.example.ca", True),
        ("127.0.0.1:8000", True),
        ("127.9.9.9", True),
        ("[::1]:8000", True),
        ("localhost", True),
        ("evil.example", False),
        ("book.example.ca.evil.example", False),
        ("localhost.evil.example", False),
        ("192.0.2.7", False),
        ("example.ca", False),
    ],
)
def test_another_host_is_told_where_we_are(database_url: str, host: str, known: bool) -> None:
    client = make_client(database_url, EXTRA_HOSTS="www.example.ca")
    answer = client.get("/me/sign-in?lang=en", headers={"Host": host}, base_url=PUBLIC)
    assert answer.status_code == (200 if known else 421)
    if not known:
        assert f"Our pages are at {PUBLIC}." in plain(answer) and "EXTRA_HOSTS" in plain(answer)
        assert "csrf" not in answer.text
        told = client.get("/api/v1/openapi.json", headers={"Host": host}, base_url=PUBLIC)
        assert (told.status_code, told.mimetype, told.json["code"]) == (421, "application/problem+json", "misdirected")
        for path in ("/healthz", "/readyz"):
            assert client.get(path, headers={"Host": host}, base_url=PUBLIC).status_code == 200


@pytest.mark.parametrize("sent", [{}, {"HTTP_HOST": ""}])
def test_a_program_that_names_no_host_is_answered(database_url: str, sent: dict[str, str]) -> None:
    environ = create_environ("/privacy", PUBLIC)
    del environ["HTTP_HOST"]
    environ.update(SERVER_NAME="waitress.invalid", **sent)
    _body, status, _headers = run_wsgi_app(make_client(database_url).application, environ)
    assert status == "200 OK"


def test_without_a_public_address_every_host_is_welcome(database_url: str) -> None:
    client = make_app(database_url).test_client()
    assert client.get("/me/sign-in", headers={"Host": "clinic.local:8000"}).status_code == 200


@pytest.mark.parametrize(
    ("called", "there"),
    [
        ("/me/sign-in/", "/me/sign-in"),
        ("/me/sign-in//?next=%2Fme", "/me/sign-in?next=%2Fme"),
        ("/desk/sign-in/", "/desk/sign-in"),
        ("/feeds/abc.ics/", "/feeds/abc.ics"),
    ],
)
def test_a_slash_too_many_leads_to_the_page(database_url: str, called: str, there: str) -> None:
    client = make_app(database_url).test_client()
    for answer in (client.get(called), client.post(called)) if called.startswith("/me") else (client.get(called),):
        assert answer.status_code == 308
        assert answer.location.removeprefix("http://localhost") == there


@pytest.mark.parametrize(
    "called", ["/nowhere/", "//evil.example/", "/%2Fevil.example/", "/\\evil.example/", "/api/v1/slots/"]
)
def test_a_slash_too_many_leads_nowhere_else(database_url: str, called: str) -> None:
    answer = make_app(database_url).test_client().get("/", environ_overrides={"PATH_INFO": called})
    assert answer.status_code == 404 or answer.location.startswith("http://localhost/evil.example"), answer.location


@pytest.mark.parametrize("called", ["/twilio/inbound/", "/twilio/inbound//", "//twilio/inbound", "/twilio//inbound/"])
def test_twilio_with_a_slash_too_many_is_answered_in_place_and_checked_as_it_called(
    database_url: str, called: str
) -> None:
    twilio = {"TWILIO_ACCOUNT_SID": "AC1", "TWILIO_AUTH_TOKEN": "token", "TWILIO_FROM": "+16135550100"}
    client = make_client(database_url, **twilio)
    form = {"MessageSid": "SM1", "From": "+16135550142", "Body": "hello"}
    asked = [
        client.post(
            called,
            data=form,
            headers={"X-Twilio-Signature": signature("token", PUBLIC + signed, form)},
            base_url="http://book.example.ca",
            environ_overrides={"PATH_INFO": called},
        )
        for signed in (called, "/twilio/inbound")
    ]
    assert [answer.status_code for answer in asked] == [200, 403]


@pytest.mark.parametrize("called", ["//twilio/inbound", "///twilio/inbound/"])
def test_twilio_is_checked_as_it_called_also_where_the_server_drops_slashes_at_the_beginning(
    database_url: str, called: str
) -> None:
    """As waitress does."""
    client = make_client(database_url, TWILIO_ACCOUNT_SID="AC1", TWILIO_AUTH_TOKEN="token", TWILIO_FROM="+16135550100")
    form = {"MessageSid": "SM1", "From": "+16135550142", "Body": "hello"}
    answer = client.post(
        "/twilio/inbound",
        data=form,
        headers={"X-Twilio-Signature": signature("token", PUBLIC + called, form)},
        base_url="http://book.example.ca",
        environ_overrides={"PATH_INFO": "/" + called.lstrip("/"), "REQUEST_URI": called},
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("setting", "said"), [("off", "max-age=31536000"), ("on", "max-age=31536000; includeSubDomains")]
)
def test_other_sites_below_our_name_are_asked_for_https_only_when_the_owner_says_so(
    database_url: str, setting: str, said: str
) -> None:
    client = make_client(database_url, HSTS_SUBDOMAINS=setting)
    assert client.get("/healthz").headers["Strict-Transport-Security"] == said
