"""The API keeps what its OpenAPI document says, whatever is sent: schemathesis as a stranger would run it."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import waitress
from flask import Flask
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.usecases.staff.tokens import create_token
from tests.factories import make_clinic, make_patient

SCHEMATHESIS = Path(sys.executable).with_name("schemathesis")
EXAMPLES = int(
    os.environ.get("SCHEMA_EXAMPLES", "6")
)  # for each address, besides those that it makes of every boundary in the document
LONGEST = 100 * EXAMPLES  # seconds, on a machine that is busy


@pytest.fixture
def address(app: Flask, session: Session) -> Iterator[str]:
    app.config["TESTING"] = False  # a crash is answered as in real life: with a 500, which the checks refuse
    make_clinic(session)
    server = waitress.create_server(app, host="127.0.0.1", port=0, threads=4)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.effective_port}"
    server.close()
    server.task_dispatcher.shutdown()
    thread.join(timeout=10)


def test_whatever_is_sent_is_answered_as_described(address: str, session: Session, tmp_path: Path) -> None:
    patient = make_patient(session)
    token = create_token(session, name="schemathesis", role="owner", now=clock.now())
    # A patient who is there, so that more than 404 is seen.
    (tmp_path / "schemathesis.toml").write_text(f'[parameters]\n"path.patient_id" = "{patient.public_id}"\n')
    command = [SCHEMATHESIS, "run", f"{address}/api/v1/openapi.json", "--url", address, "--checks", "all"]
    options = ["--max-examples", str(EXAMPLES), "--seed", "7", "--header", f"Authorization: Bearer {token}"]
    run = subprocess.run(
        [*command, *options, "--warnings", "off"], cwd=tmp_path, capture_output=True, text=True, timeout=LONGEST
    )
    assert run.returncode == 0, run.stdout[-6000:] + run.stderr[-2000:]
    assert "14 selected / 14 total" in run.stdout
