"""What the operator's monitor is told."""

from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session

from scheduler.models import Heartbeat


def tick(engine: Engine, ago: timedelta) -> None:
    with Session(engine) as session:
        session.add(Heartbeat(name="scheduler", at=datetime.now(UTC) - ago))
        session.commit()


def test_alive_asks_nothing_of_the_database(client: FlaskClient, engine: Engine) -> None:
    assert client.get("/healthz").text == "ok\n"


def test_ready_while_the_scheduler_ticks(client: FlaskClient, engine: Engine) -> None:
    tick(engine, timedelta(seconds=20))
    answer = client.get("/readyz")
    assert (answer.status_code, answer.json) == (200, {"ready": True, "problems": {}})


def test_not_ready_when_the_scheduler_stopped_or_never_began(client: FlaskClient, engine: Engine) -> None:
    assert client.get("/readyz").json["problems"] == {"scheduler": "has never ticked"}
    tick(engine, timedelta(seconds=70))
    answer = client.get("/readyz")
    assert answer.status_code == 503
    assert "last ticked" in answer.json["problems"]["scheduler"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_not_ready_when_a_constraint_is_missing(client: FlaskClient, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("DROP TRIGGER treatment_spacing_insert"))
    assert "treatment_spacing_insert" in client.get("/readyz").json["problems"]["constraints"]


def test_not_ready_when_the_database_is_older_than_the_code(client: FlaskClient, engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = 'old'"))
    assert "flask db upgrade" in client.get("/readyz").json["problems"]["migrations"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_not_ready_without_a_database(app: Flask, tmp_path: object) -> None:
    from tests.web.conftest import make_app

    away = make_app(f"sqlite:///{tmp_path}/not/there.sqlite")
    answer = away.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json["problems"] == {"database": "cannot be reached"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_requests_are_counted(client: FlaskClient, engine: Engine) -> None:
    client.get("/healthz")
    assert 'clinic_request_seconds_count{endpoint="health.alive",status="200"}' in client.get("/metrics").text
