"""The owner's large file is let in; of everybody else's not a byte is kept, whichever server reads it."""

import io
from functools import partial
from types import SimpleNamespace

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient

from scheduler.models import StaffUser
from scheduler.serving.large_bodies import HearingOutParser
from tests.web.calendar import test_desk
from tests.web.calendar.test_desk import enter

staff, at_the_clinic = test_desk.staff, test_desk.at_the_clinic  # fixtures
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
USUAL = 2_000_000
SENT = 3_000_000


def kept(app: Flask, client: FlaskClient, *, path: str = "/desk/imports", chunked: bool = False) -> int:
    """How much waitress keeps of a large body, with this client's cookies."""

    class Parser(HearingOutParser):
        limit = partial(app.extensions["body_limit"], app)

    parser = Parser(
        SimpleNamespace(
            max_request_header_size=32_768, max_request_body_size=USUAL, url_scheme="http", inbuf_overflow=100_000
        )
    )
    cookies = "; ".join(f"{c.decoded_key}={c.value}" for c in client._cookies.values() if path.startswith(c.path))
    length = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {SENT}"
    parser.received(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {cookies}\r\n{length}\r\n\r\n".encode())
    body = f"{SENT:x}\r\n".encode() + b"x" * SENT + b"\r\n0\r\n\r\n" if chunked else b"x" * SENT
    for at in range(0, len(body), 65_536):
        piece = body[at : at + 65_536]
        while piece and not parser.completed:
            piece = piece[parser.received(piece) :]
    assert parser.completed
    read = len(parser.get_body_stream().read())
    parser.close()
    return read


@pytest.mark.parametrize("chunked", [False, True])
def test_only_an_owners_file_is_kept(app: Flask, staff: dict[str, StaffUser], chunked: bool) -> None:
    owner, receptionist, nobody, forger = (app.test_client() for _ in range(4))
    enter(owner, "owner")
    enter(receptionist, "receptionist")
    nobody.get("/desk/sign-in")
    forger.set_cookie("clinic_desk", "e30.forged.forged", path="/desk")
    assert kept(app, owner, chunked=chunked) == SENT
    for client in (receptionist, nobody, forger):
        assert kept(app, client, chunked=chunked) == 0
    for path in ("/desk/patients", "/desk/imports/x", "/book", "/desk/%00", "/nowhere"):
        assert kept(app, owner, path=path, chunked=chunked) == 0


@pytest.mark.parametrize("outer", ["app_context", "test_request_context"])
def test_the_server_thread_forgets_who_asked_before(app: Flask, staff: dict[str, StaffUser], outer: str) -> None:
    """`flask serve` reads bodies within the context of its command; a request may be answered in such a thread, too."""
    owner, nobody = app.test_client(), app.test_client()
    enter(owner, "owner")
    with getattr(app, outer)():
        for client, size in ((nobody, 0), (owner, SENT), (nobody, 0), (owner, SENT)):
            assert kept(app, client) == size


def test_an_owner_who_was_away_signs_in_first(
    app: Flask, staff: dict[str, StaffUser], at_the_clinic: time_machine.Traveller
) -> None:
    owner = app.test_client()
    enter(owner, "owner")
    at_the_clinic.shift(31 * 60)
    assert kept(app, owner) == 0
    assert owner.get("/desk/imports").location.startswith("/desk/sign-in"), "and is told why"


@pytest.mark.parametrize("who", [None, "receptionist"])
def test_a_server_that_hands_bodies_over_unread_is_not_asked_for_them(
    app: Flask, staff: dict[str, StaffUser], who: str | None
) -> None:
    client = app.test_client()
    if who:
        enter(client, who)
    body = io.BytesIO(b"x" * SENT)
    unread = {"wsgi.input": body, "wsgi.input_terminated": True, "CONTENT_TYPE": "application/x-www-form-urlencoded"}
    assert client.post("/desk/imports", environ_overrides=unread).status_code == (403 if who else 303)
    assert body.tell() == 0


def test_every_view_that_takes_much_is_behind_a_sign_in(app: Flask) -> None:
    large = [name for name, view in app.view_functions.items() if hasattr(view, "largest_body")]
    assert large == ["desk_imports.upload"]
    assert all(app.extensions["access"][name].roles for name in large)
