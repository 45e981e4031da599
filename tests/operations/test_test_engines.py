"""What the other tests lean on: clean databases, and no way out of this machine."""

import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, inspect, select, text
from sqlalchemy.orm import Session

from scheduler.models import CalendarState, Room
from scheduler.usecases.transaction import begin_write
from tests.support.loopback_only import OutsideNetwork, refuse_outside

VERSION_SEEN_FIRST: dict[str, int] = {}


def test_a_database_is_migrated_and_empty(engine: Engine) -> None:
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1
        assert connection.execute(text("SELECT count(*) FROM appointment")).scalar_one() == 0


@pytest.mark.parametrize("turn", ["first", "second"])
def test_what_one_test_writes_no_other_test_sees(session: Session, turn: str) -> None:
    assert session.scalars(select(Room)).all() == []
    # A trigger counts changes of rooms in a row that the migrations left. They may have raised its count themselves.
    version = select(CalendarState.reference_version)
    before = session.scalars(version).one()
    assert before == VERSION_SEEN_FIRST.setdefault(session.get_bind().dialect.name, before)
    session.rollback()
    begin_write(session)
    session.add(Room(name="Left behind"))
    session.commit()
    assert session.scalars(version).one() == before + 1
    assert session.scalars(select(Room.id)).one() == 1


@pytest.mark.parametrize("turn", ["first", "second"])
def test_what_one_test_does_to_the_schema_no_other_test_sees(engine: Engine, turn: str) -> None:
    tables = inspect(engine).get_table_names()
    assert "room" in tables and "left_behind" not in tables
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE left_behind (id integer)"))


def test_a_session_speaks_to_the_same_database(engine: Engine, session: Session) -> None:
    with engine.begin() as connection:
        connection.execute(text("CREATE TABLE seen (id integer)"))
        connection.execute(text("INSERT INTO seen VALUES (7)"))
    assert session.execute(text("SELECT id FROM seen")).scalar_one() == 7


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_the_server_knows_what_the_constraints_need(session: Session) -> None:
    session.execute(text("CREATE EXTENSION IF NOT EXISTS btree_gist"))
    assert session.execute(text("SHOW fsync")).scalar_one() == "off"


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("2001:db8::1", 80, 0, 0), ("sms.example", 443)])
def test_outside_addresses_are_refused_and_remembered(address: tuple[str, int]) -> None:
    with pytest.MonkeyPatch.context() as monkeypatch:
        refused = refuse_outside(monkeypatch)
        with pytest.raises(OutsideNetwork):
            if len(address) == 4:
                with socket.socket(socket.AF_INET6) as outgoing:
                    outgoing.connect(address)
            else:
                socket.create_connection(address, timeout=1)
    assert refused == [address[0]]


def test_this_machines_own_addresses_are_allowed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        with socket.create_connection(("localhost", server.getsockname()[1]), timeout=5) as client:
            assert client.getpeername()[0] == "127.0.0.1"


def test_a_postgresql_server_ends_with_its_test_process_even_when_killed(tmp_path: Path) -> None:
    program = "from tests.support.postgres_server import PostgresServer as P; print(P().folder, flush=True); input()"
    started = subprocess.Popen(
        [sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert started.stdout is not None and started.stdin is not None
    folder = Path(started.stdout.readline().strip())
    server = int((folder / "data" / "postmaster.pid").read_text().split()[0])
    started.send_signal(signal.SIGKILL)
    started.wait()
    started.stdout.close()
    started.stdin.close()
    deadline = time.monotonic() + 20
    while folder.exists() and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not folder.exists()
    with pytest.raises(ProcessLookupError):
        os.kill(server, 0)
