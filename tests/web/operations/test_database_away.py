"""The database restarts, or is away for a while: nobody's request fails for the one, everybody is told of the other."""

import sqlite3
from collections.abc import Iterator

import psycopg
import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import Engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from scheduler.extensions import db
from scheduler.models import engine as engines
from scheduler.serving.logs import what_failed
from scheduler.usecases.staff.tokens import create_token
from tests.factories import MONDAY, NOW, make_clinic, make_patient
from tests.web.support.booking_clinic import MONDAY_10, BookingVisitor

SLOTS = f"/api/v1/slots?treatment=ims&from={MONDAY}&to={MONDAY}"
EARLIEST = "/api/v1/slots/earliest?treatment=ims"
PAGES = ["/", "/book", "/desk/sign-in", "/me/sign-in", SLOTS, EARLIEST, "/api/v1/treatments", "/api/v1/practitioners"]

on_postgresql = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)


@pytest.fixture
def around_now() -> Iterator[None]:
    with time_machine.travel(NOW):
        yield


@pytest.fixture
def server(database_url: str) -> Iterator[psycopg.Connection]:
    """By way of another database, for what is done to the one of the test."""
    url = make_url(database_url).set(drivername="postgresql", database="postgres")
    with psycopg.connect(url.render_as_string(hide_password=False), autocommit=True) as connection:
        yield connection


def hang_up(server: psycopg.Connection, url: str) -> int:
    """As a restart of the server does to every connection; how many there were."""
    ended = server.execute(
        "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE datname = %s", [make_url(url).database]
    )
    return len(ended.fetchall())


@on_postgresql
def test_nobody_notices_a_restart(
    client: FlaskClient, session: Session, server: psycopg.Connection, database_url: str
) -> None:
    make_clinic(session)
    feed = f"/feeds/{make_patient(session).feed_token}.ics"
    session.close()
    hung_up = 0
    for address in [*PAGES, feed]:
        assert client.get(address).status_code == 200, address
        hung_up += hang_up(server, database_url)
        assert client.get(address).status_code == 200, address
    assert hung_up >= len(PAGES) // 2  # some pages need no database


@on_postgresql
def test_while_the_database_is_away_all_say_so_and_afterwards_all_is_well(
    client: FlaskClient, session: Session, server: psycopg.Connection, database_url: str
) -> None:
    make_clinic(session)
    session.close()
    for address in PAGES:
        client.get(address)
    name = make_url(database_url).database
    server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
    try:
        hang_up(server, database_url)
        for address in ("/book", SLOTS, EARLIEST):
            answer = client.get(address)
            assert (answer.status_code, answer.headers.get("Retry-After")) == (503, "10"), address
            assert "not available for a moment" in answer.text, address
    finally:
        server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())
    for address in PAGES:
        assert client.get(address).status_code == 200, address


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_whoever_waits_too_long_for_a_writer_is_told_to_try_again_and_has_lost_nothing(
    visitor: BookingVisitor, engine: Engine, monkeypatch: pytest.MonkeyPatch, around_now: None
) -> None:
    visitor.begin()
    address = visitor.choose(MONDAY_10).path
    monkeypatch.setattr(engines, "BUSY_TIMEOUT", "PRAGMA busy_timeout = 1")
    with engine.execution_options(**engines.WRITING).begin():
        posted = visitor.client.post(**visitor.request(visitor.page.form("number"), number="613-555-0177"))
        assert (posted.status_code, posted.headers.get("Retry-After")) == (503, "10")

    visitor.get(address)
    assert visitor.give_number().status == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_full_disk_is_said_in_the_log_and_the_visitor_is_told_to_come_again(
    client: FlaskClient, session: Session, capsys: pytest.CaptureFixture[str]
) -> None:
    make_clinic(session)
    bearer = {"Authorization": f"Bearer {create_token(session, name='website', role='owner', now=NOW)}"}
    session.close()
    with client.application.app_context():
        engine = db.engine
    event.listen(engine, "connect", grow_no_more)
    engine.dispose()
    answers = []
    for number in range(60):
        typed = {"given_name": "A" * 90, "family_name": "B" * 90, "birth_date": f"1990-01-{number % 28 + 1:02}"}
        answers.append(client.post("/api/v1/patients", json=typed, headers=bearer).status_code)
    assert set(answers) == {201, 503}
    logged = capsys.readouterr().err
    assert '"sqlite_errorname": "SQLITE_FULL"' in logged
    assert '"event": "disk full"' in logged and "database away" not in logged
    assert client.get("/").status_code == 200


@pytest.mark.parametrize(
    "code, event",
    [
        ({"sqlite_errorname": "SQLITE_FULL"}, "disk full"),
        ({"sqlite_errorname": "SQLITE_BUSY_SNAPSHOT"}, "database busy"),
        ({"sqlite_errorname": "SQLITE_READONLY_DBMOVED"}, "database cannot be written"),
        ({"sqlite_errorname": "SQLITE_IOERR_WRITE"}, "database cannot be written"),
        ({"sqlstate": "53100"}, "disk full"),
        ({"sqlstate": "57P01"}, "database away"),
        ({}, "database away"),
    ],
)
def test_an_error_of_the_database_is_named_by_its_code(code: dict[str, str], event: str) -> None:
    raised = Exception()
    vars(raised).update(code)
    assert what_failed(OperationalError("SELECT 1", None, raised)) == event


def grow_no_more(connection: sqlite3.Connection, _record: object) -> None:
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages + 5}")
