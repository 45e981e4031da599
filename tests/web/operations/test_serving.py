"""`flask serve`, as a process: it begins, it ends, and it says in one line why it cannot."""

import contextlib
import http.client
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.orm import Session

from scheduler.models.engine import create_engine
from scheduler.usecases.staff.tokens import create_token

ROOT = Path(__file__).resolve().parents[3]

SLOW = """
import time
from flask import Blueprint, request
from scheduler.web import access, blueprints
slow = Blueprint("slow", __name__)
access.declare(slow, "public")
@slow.get("/slow")
def slowly():
    time.sleep(1.5)
    return "x" * 3_000_000
@slow.get("/who")
def who():
    return f"{request.remote_addr} {request.scheme}"
first = blueprints.register_blueprints
blueprints.register_blueprints = lambda app: (first(app), app.register_blueprint(slow))
import scheduler
scheduler.register_blueprints = blueprints.register_blueprints
from wsgi import app
"""


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return int(server.getsockname()[1])


def environment(database: str, port: int) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return kept | {
        "DATABASE_URL": database,
        "PORT": str(port),
        "SECRET_KEY": "a key for tests alone",
        "DEMO": "off",
        "PYTHONPATH": str(ROOT),
    }


def flask(*words: str, application: str = "wsgi") -> list[str]:
    return [sys.executable, "-m", "flask", "--app", application, *words]


@contextlib.contextmanager
def serving(database: str, port: int, *, application: str = "wsgi", **settings: str) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        flask("serve", application=application),
        cwd=ROOT,
        env=environment(database, port) | settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
    )
    try:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("http://"):
                break
        yield process
    finally:
        process.kill()
        process.communicate()


def get(port: int, path: str, **headers: str) -> tuple[int, bytes]:
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        return answer.status, answer.read()


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_finishes_the_request_in_flight_and_takes_no_more(
    tmp_path: Path, port: int, stop: signal.Signals
) -> None:
    program = tmp_path / "slow.py"
    program.write_text(SLOW)
    with serving(f"sqlite:///{tmp_path}/clinic.sqlite", port, application=f"{program}:app") as process:
        assert get(port, "/healthz")[0] == 200
        answers: list[tuple[int, bytes]] = []
        asking = threading.Thread(target=lambda: answers.append(get(port, "/slow")))
        asking.start()
        time.sleep(0.5)
        process.send_signal(stop)
        time.sleep(0.3)
        with pytest.raises(OSError):
            get(port, "/healthz")
        asking.join(timeout=20)
        assert [(status, len(body)) for status, body in answers] == [(200, 3_000_000)]
        assert process.wait(timeout=10) == 0


@pytest.mark.parametrize("stop", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize(
    "command", [flask("serve"), [sys.executable, "setup/serve.py"]], ids=["flask serve", "make run"]
)
def test_a_stop_while_it_is_still_importing_is_no_traceback(
    tmp_path: Path, port: int, stop: signal.Signals, command: list[str]
) -> None:
    (tmp_path / "prometheus_client.py").write_text("import time; print('importing', flush=True); time.sleep(60)")
    settings = environment(f"sqlite:///{tmp_path}/clinic.sqlite", port) | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    with subprocess.Popen(
        command,
        cwd=ROOT,
        env=settings,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        # What a shell runs behind its back is deaf to Ctrl-C, and so would be what these tests start then.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    ) as process:
        assert process.stdout is not None and process.stderr is not None
        assert process.stdout.readline() == "importing\n"
        process.send_signal(stop)
        assert process.wait(timeout=10) == -stop, "ended by the signal: 130 or 143 to a shell"
        assert process.stderr.read() == ""


@pytest.mark.parametrize(("proxies", "seen"), [("1", b"192.0.2.7 https"), ("0", b"127.0.0.1 http")])
def test_what_a_proxy_says_is_believed_only_from_as_many_as_are_trusted(
    tmp_path: Path, port: int, proxies: str, seen: bytes
) -> None:
    program = tmp_path / "slow.py"
    program.write_text(SLOW)
    database = f"sqlite:///{tmp_path}/clinic.sqlite"
    with serving(database, port, application=f"{program}:app", TRUSTED_PROXIES=proxies):
        for written in ("198.51.100.1, 192.0.2.7", "192.0.2.7:51234"):
            assert get(port, "/who", X_Forwarded_For=written, X_Forwarded_Proto="https") == (200, seen)


def test_two_hundred_idle_connections_shut_nobody_out_and_are_closed(tmp_path: Path, port: int) -> None:
    with serving(f"sqlite:///{tmp_path}/clinic.sqlite", port), contextlib.ExitStack() as open_ones:
        idle = [
            open_ones.enter_context(socket.create_connection(("127.0.0.1", port), timeout=40)) for _turn in range(200)
        ]
        began = time.monotonic()
        assert {get(port, "/healthz")[0] for _turn in range(20)} == {200}
        assert time.monotonic() - began < 10
        assert idle[0].recv(1) == b"", "ended from the other side"
        assert time.monotonic() - began < 35


def test_what_listens_everywhere_is_reached_by_either_kind_of_address(tmp_path: Path, port: int) -> None:
    if not socket.has_dualstack_ipv6():
        pytest.skip("this machine has no IPv6")
    with serving(f"sqlite:///{tmp_path}/clinic.sqlite", port, HOST="::"):
        for host in ("127.0.0.1", "::1"):
            with contextlib.closing(http.client.HTTPConnection(host, port, timeout=20)) as connection:
                connection.request("GET", "/healthz")
                assert connection.getresponse().status == 200


def test_a_body_that_is_too_large_is_answered_by_us(tmp_path: Path, port: int) -> None:
    database = f"sqlite:///{tmp_path}/clinic.sqlite"
    with serving(database, port):
        engine = create_engine(database)
        with Session(engine) as session:
            token = create_token(session, name="large", role="owner", now=datetime.now(UTC))
        engine.dispose()
        json = {"Content-Type": "application/json", "Authorization": f"Bearer {token}"}
        form = {"Content-Type": "application/x-www-form-urlencoded"}
        for megabytes in (1.5, 3, 40):
            whole = b"x" * int(megabytes * 1_000_000)
            pieces = (b"x" * 1_000_000 for _ in range(int(megabytes) + 1))
            for path, headers, body in (
                ("/api/v1/patients", json, whole),
                ("/api/v1/patients", json, pieces),
                ("/book", form, whole),
            ):
                with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
                    connection.request("POST", path, body=body, headers=headers)
                    answer = connection.getresponse()
                    kind = answer.getheader("Content-Type", "").partition(";")[0]
                    answer.read()
                    assert (answer.status, kind) == (
                        413,
                        "application/problem+json" if headers is json else "text/html",
                    )
                    connection.request("GET", "/healthz")  # the connection is still good
                    assert connection.getresponse().status == 200


def test_gunicorn_too_has_a_body_that_is_too_large_answered_by_us(tmp_path: Path, port: int) -> None:
    database = f"sqlite:///{tmp_path}/clinic.sqlite"
    settings = environment(database, port)
    subprocess.run(flask("db", "upgrade"), cwd=ROOT, env=settings, check=True, capture_output=True)
    words = ["--no-control-socket", "--worker-class", "gthread", "--bind", f"127.0.0.1:{port}", "wsgi:app"]
    with subprocess.Popen(
        [sys.executable, "-m", "gunicorn", *words], cwd=ROOT, env=settings, stderr=subprocess.DEVNULL
    ) as process:
        try:
            _wait_for(port)
            pieces = (b"x" * 100_000 for _ in range(30))
            with contextlib.closing(http.client.HTTPConnection("127.0.0.1", port, timeout=20)) as connection:
                with contextlib.suppress(OSError):  # it may end before all is sent
                    form = {"Content-Type": "application/x-www-form-urlencoded"}
                    connection.request("POST", "/book", body=pieces, headers=form)
                assert connection.getresponse().status == 413
        finally:
            process.terminate()


def test_gunicorn_does_not_start_on_a_backup_beside_the_wal_of_another_database(tmp_path: Path, port: int) -> None:
    file = tmp_path / "clinic.sqlite"
    settings = environment(f"sqlite:///{file}", port)
    subprocess.run(flask("db", "upgrade"), cwd=ROOT, env=settings, check=True, capture_output=True)
    backup = tmp_path / "backup.sqlite"
    subprocess.run(flask("backup", str(backup)), cwd=ROOT, env=settings, check=True, capture_output=True)
    with contextlib.closing(sqlite3.connect(file)) as killed:
        killed.execute("INSERT INTO setting (name, value) VALUES ('clinic_name', 'Never checkpointed')")
        killed.commit()
        left = file.with_name("clinic.sqlite-wal").read_bytes()
    shutil.copy(backup, file)
    file.with_name("clinic.sqlite-wal").write_bytes(left)
    words = ["--no-control-socket", "--bind", f"127.0.0.1:{port}", "wsgi:app"]
    started = subprocess.run(
        [sys.executable, "-m", "gunicorn", *words], cwd=ROOT, env=settings, capture_output=True, text=True, timeout=60
    )
    assert started.returncode != 0 and "is a backup, and the clinic.sqlite-wal beside it" in started.stderr
    assert file.read_bytes() == backup.read_bytes()


def test_a_command_beside_the_server_leaves_it_its_wal(tmp_path: Path, port: int) -> None:
    file = tmp_path / "clinic.sqlite"
    settings = environment(f"sqlite:///{file}", port)
    with serving(f"sqlite:///{file}", port):
        assert get(port, "/book")[0] == 200
        wal = file.with_name("clinic.sqlite-wal")
        before = wal.stat().st_ino
        for command in (["tokens", "create", "t", "--role", "owner"], ["backup", str(tmp_path / "copy.sqlite")]):
            subprocess.run(flask(*command), cwd=ROOT, env=settings, check=True, capture_output=True)
        assert wal.stat().st_ino == before, "else the server would write to a file that nobody else sees"


def _wait_for(port: int) -> None:
    until = time.monotonic() + 20
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=5).close()
        except OSError:
            assert time.monotonic() < until, "gunicorn did not start"
            time.sleep(0.1)
        else:
            return


def refused(database: str, port: int) -> str:
    answer = subprocess.run(flask("serve"), cwd=ROOT, env=environment(database, port), capture_output=True, text=True)
    assert answer.returncode in (1, 2)
    lines = answer.stderr.strip().splitlines()
    assert len(lines) == 1, answer.stderr
    return lines[0]


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        taken = int(server.getsockname()[1])
        assert f"127.0.0.1:{taken} cannot be listened on" in refused(f"sqlite:///{tmp_path}/clinic.sqlite", taken)
    assert not (tmp_path / "clinic.sqlite").exists(), "a second start must not touch the database"


def test_a_database_of_newer_code(tmp_path: Path, port: int) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "newer.sqlite")) as newer:
        newer.executescript(
            "CREATE TABLE alembic_version (version_num text); INSERT INTO alembic_version VALUES ('9999')"
        )
    assert "of a newer version (9999)" in refused(f"sqlite:///{tmp_path}/newer.sqlite", port)


def test_a_backup_copied_over_a_database_whose_process_was_killed_is_not_served(tmp_path: Path, port: int) -> None:
    file, copy = tmp_path / "clinic.sqlite", tmp_path / "backup.sqlite"
    settings = environment(f"sqlite:///{file}", port)
    with serving(f"sqlite:///{file}", port) as process:
        subprocess.run(flask("backup", str(copy)), cwd=ROOT, env=settings, check=True, capture_output=True)
        with contextlib.closing(sqlite3.connect(file)) as booking:
            for number in range(300):
                booking.execute("INSERT INTO heartbeat (name, at) VALUES (?, '2026-11-30')", (f"booking {number}",))
            booking.commit()
            process.kill()
            process.wait()
            # Ours is still open here: the last one to close would tidy the -wal away, which a killed one does not.
            left = (file.with_name("clinic.sqlite-wal")).read_bytes()
    file.write_bytes(copy.read_bytes())
    file.with_name("clinic.sqlite-wal").write_bytes(left)
    said = refused(f"sqlite:///{file}", port)
    assert "clinic.sqlite is a backup, and the clinic.sqlite-wal beside it is of another database" in said
    assert "move clinic.sqlite-wal and clinic.sqlite-shm away, copy the backup once more" in said
    assert file.read_bytes() == copy.read_bytes(), "left as it was found"
    (tmp_path / "clinic.sqlite-wal").unlink()
    (tmp_path / "clinic.sqlite-shm").unlink(missing_ok=True)
    with serving(f"sqlite:///{file}", port):
        assert get(port, "/readyz")[0] == 200


def test_a_database_of_somebody_else(tmp_path: Path, port: int) -> None:
    with contextlib.closing(sqlite3.connect(tmp_path / "other.sqlite")) as other:
        other.execute("CREATE TABLE accounts (id integer)")
    assert "tables that are not ours" in refused(f"sqlite:///{tmp_path}/other.sqlite", port)


def test_a_file_that_is_no_database(tmp_path: Path, port: int) -> None:
    (tmp_path / "letter.txt").write_text("Dear clinic, " * 500)
    assert "file is not a database" in refused(f"sqlite:///{tmp_path}/letter.txt", port)


def test_a_folder_that_is_not_there(tmp_path: Path, port: int) -> None:
    assert "unable to open database file" in refused(f"sqlite:///{tmp_path}/no/such/folder/clinic.sqlite", port)


def test_a_server_that_does_not_answer(port: int) -> None:
    assert "cannot be used" in refused("postgresql://clinic:SECRET@127.0.0.1:1/clinic", port)
    assert "SECRET" not in refused("postgresql://clinic:SECRET@127.0.0.1:1/clinic", port)


def test_a_machine_whose_language_is_older_than_utf_8_starts_and_imports(tmp_path: Path, port: int) -> None:
    """As on fr_CA.ISO-8859-1, of which "…" and "←" are no signs."""
    database = f"sqlite:///{tmp_path}/clinic.sqlite"
    old = {"PYTHONIOENCODING": "latin-1:strict", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "LC_ALL": "C"}
    with serving(database, port, DEMO="on", **old):
        assert get(port, "/healthz")[0] == 200
    file = tmp_path / "patients.csv"
    file.write_bytes("Prénom,Nom,Télécopieur\nThérèse,L’Œil,1\n".encode())
    asked = flask("import", "patients", str(file), "--dry-run")
    told = subprocess.run(asked, cwd=ROOT, env=environment(database, port) | old, capture_output=True, check=True)
    assert b"given_name     <- Pr\xe9nom" in told.stdout and b"1 rows: 0 imported" in told.stdout
