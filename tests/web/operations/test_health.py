"""What the operator's monitor is told."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, text, update
from sqlalchemy.orm import Session

from scheduler.models import Heartbeat, Message
from tests.factories import make_clinic
from tests.web.conftest import make_app
from tests.web.support.desk_staff import make_staff, sign_in


def tick(engine: Engine, ago: timedelta) -> None:
    with Session(engine) as session:
        session.add(Heartbeat(name="scheduler", at=datetime.now(UTC) - ago))
        session.commit()


def test_alive_asks_nothing_of_the_database(client: FlaskClient, engine: Engine) -> None:
    assert client.get("/healthz").text == "ok\n"


def test_ready_whatever_the_scheduler_and_the_texts_do(client: FlaskClient, engine: Engine) -> None:
    """A load balancer asks it: an outage of the provider must not end booking."""
    assert (client.get("/readyz").status_code, client.get("/readyz").json) == (200, {"ready": True, "problems": {}})
    tick(engine, timedelta(hours=9))
    with Session(engine) as session:
        waiting = datetime.now(UTC) - timedelta(hours=1)
        session.add(Message(direction="out", kind="code", number="+1", body="", status="queued", created_at=waiting))
        session.commit()
    assert client.get("/readyz").status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_desk_is_told_that_texts_do_not_go_out(app: Flask, session: Session, engine: Engine) -> None:
    def said() -> str:
        app.extensions.pop("sending_state", None)  # half a minute later
        return client.get("/desk/list", headers={"Accept-Language": "en"}).text

    make_clinic(session)
    make_staff(session, "receptionist")
    client = app.test_client()
    sign_in(client, session, "receptionist")
    tick(engine, timedelta(seconds=20))
    assert "No texts go out" not in said() and "A text has waited" not in said()
    with Session(engine) as other:
        waiting = datetime.now(UTC) - timedelta(minutes=7)
        other.add(Message(direction="out", kind="code", number="+1", body="", status="queued", created_at=waiting))
        other.commit()
    assert "A text has waited for 7 minutes" in said()
    with Session(engine) as other:
        other.execute(update(Heartbeat).values(at=datetime.now(UTC) - timedelta(hours=1)))
        other.commit()
    assert "the scheduler is not running" in said()


def test_the_figures_tell_that_texts_wait_and_that_no_scheduler_ticks(
    app: Flask, client: FlaskClient, engine: Engine
) -> None:
    assert "clinic_sms_scheduler_ticked_seconds" not in client.get("/metrics").text, "never: absent() finds it"
    tick(engine, timedelta(seconds=70))
    with Session(engine) as session:
        waiting = datetime.now(UTC) - timedelta(minutes=6)
        session.add(Message(direction="out", kind="code", number="+1", body="", status="queued", created_at=waiting))
        session.commit()
    told = client.get("/metrics").text
    ticked = re.search(r"^clinic_sms_scheduler_ticked_seconds (\d+)", told, re.MULTILINE)
    oldest = re.search(r"^clinic_sms_oldest_due_seconds (\d+)", told, re.MULTILINE)
    assert ticked and 70 <= int(ticked[1]) < 100
    assert oldest and 360 <= int(oldest[1]) < 400
    assert re.search(
        r"^scheduler ticked +7\d s ago", app.test_cli_runner().invoke(args=["jobs", "status"]).output, re.M
    )


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
    away = make_app(f"sqlite:///{tmp_path}/not/there.sqlite")
    answer = away.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json["problems"] == {"database": "cannot be reached"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_requests_are_counted(client: FlaskClient, engine: Engine) -> None:
    client.get("/healthz")
    assert 'clinic_request_seconds_count{endpoint="health.alive",status="200"}' in client.get("/metrics").text


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("proxies", "address", "headers", "status"),
    [
        (0, "127.0.0.1", {}, 200),
        (0, "::1", {}, 200),
        (0, "192.168.7.7", {}, 200),
        (0, "8.8.8.8", {}, 403),
        (0, "::ffff:8.8.8.8", {}, 403),
        (0, "", {}, 403),
        (0, "8.8.8.8", {"X-Forwarded-For": "127.0.0.1"}, 403),
        (0, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1"}, 403),  # of a proxy that nobody has told us of
        (0, "127.0.0.1", {"X-Real-IP": "8.8.8.8"}, 403),
        (1, "127.0.0.1", {"X-Forwarded-For": "8.8.8.8"}, 403),
        (1, "127.0.0.1", {"X-Forwarded-For": "127.0.0.1, 8.8.8.8"}, 403),  # the first one is the visitor's own saying
        (1, "127.0.0.1", {"X-Forwarded-For": "10.0.0.5"}, 200),
        (1, "127.0.0.1", {"X-Forwarded-For": "10.0.0.5:51234"}, 200),
        (1, "127.0.0.1", {"X-Forwarded-For": "[2001:db8::1]:443"}, 403),
        (1, "127.0.0.1", {"X-Forwarded-For": "nobody we know"}, 403),
        (1, "10.0.0.5", {}, 200),
        (2, "127.0.0.1", {"X-Forwarded-For": "8.8.8.8"}, 403),
        (0, "8.8.8.8", {"Authorization": "Bearer 0123456789abcdef"}, 200),
        (0, "8.8.8.8", {"Authorization": "Bearer 0123456789abcdeg"}, 403),
        (0, "8.8.8.8", {"Authorization": "Bearer "}, 403),
    ],
)
def test_metrics_are_for_neighbours_and_for_the_token(
    database_url: str, proxies: int, address: str, headers: dict[str, str], status: int
) -> None:
    app = make_app(database_url, TRUSTED_PROXIES=str(proxies), METRICS_TOKEN="0123456789abcdef")
    answer = app.test_client().get("/metrics", headers=headers, environ_base={"REMOTE_ADDR": address})
    assert answer.status_code == status


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_a_token_no_token_opens_the_metrics(client: FlaskClient) -> None:
    for given in ("Bearer", "Bearer ", "Bearer x"):
        answer = client.get("/metrics", headers={"Authorization": given}, environ_base={"REMOTE_ADDR": "8.8.8.8"})
        assert answer.status_code == 403


def test_the_gauges_are_those_that_the_operators_read_about(app: Flask, client: FlaskClient, engine: Engine) -> None:
    now = datetime.now(UTC)
    with Session(engine) as session:
        session.add(
            Message(
                direction="out",
                kind="code",
                number="+16135550142",
                body="a word for nobody else",
                status="delivered",
                created_at=now,
                attempted_at=now - timedelta(seconds=9),
                settled_at=now,
            )
        )
        session.commit()
    app.test_cli_runner().invoke(args=["jobs", "tick"])
    told = client.get("/metrics").text
    section = (Path(app.root_path).parent / "docs" / "sms.md").read_text().partition("## For operators")[2]
    names = re.findall(r"`(?:clinic_sms)?(_\w+)(?:\{(\w+)\})?`", section.partition("`flask jobs status`")[0])
    assert len(names) > 10
    for name, label in names:
        assert re.search(rf"^clinic_sms{name}{rf'{{{label}=' if label else ' '}", told, re.MULTILINE), name
    assert "+1613" not in told and "for nobody else" not in told
