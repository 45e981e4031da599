"""The commands of the README."""

import re
import sqlite3
import stat
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import click
import pytest
from flask import Flask
from flask.cli import FlaskGroup
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from scheduler.clock import to_local, zone
from scheduler.models import ApiToken, Heartbeat, StaffUser
from scheduler.usecases.staff.staff import password_matches
from scheduler.usecases.staff.tokens import token_hash
from tests.factories import make_appointment, make_clinic, make_patient
from tests.web.conftest import make_app
from tests.web.support.signing_in import make_staff


def test_a_token_is_printed_once_and_kept_as_a_hash(app: Flask, session: Session) -> None:
    result = app.test_cli_runner().invoke(args=["tokens", "create", "website", "--role", "receptionist"])
    token = result.stdout.strip()
    assert result.exit_code == 0
    assert "\n" not in token
    kept = session.scalars(select(ApiToken)).one()
    assert (kept.name, kept.role, kept.token_hash) == ("website", "receptionist", token_hash(token))
    assert token not in kept.token_hash


def test_a_token_needs_a_role_and_says_beside_it_when_it_ends_and_names_are_given_once(
    app: Flask, session: Session
) -> None:
    run = app.test_cli_runner()
    assert "--role" in run.invoke(args=["tokens", "create", "website"]).stderr
    assert session.scalars(select(ApiToken.role)).all() == []
    session.rollback()
    made = run.invoke(args=["tokens", "create", "website", "--role", "owner"])
    ends_at = session.scalars(select(ApiToken.ends_at)).one()
    assert abs(ends_at - datetime.now(UTC) - timedelta(days=365)) < timedelta(minutes=5)
    assert f"It acts as owner until {to_local(ends_at, zone('America/Toronto')):%Y-%m-%d %H:%M}." in made.stderr
    for days in ("0", "1096", "-1"):
        refused = run.invoke(args=["tokens", "create", "other", "--role", "owner", "--days", days])
        assert (refused.exit_code, refused.stdout) == (2, "")
    again = run.invoke(args=["tokens", "create", "website", "--role", "owner"])
    assert again.exit_code == 2
    assert "a token of this name already" in again.stderr
    assert again.stdout == ""


def test_staff_are_added_with_a_password_typed_twice_or_read(app: Flask, session: Session) -> None:
    run = app.test_cli_runner()
    typed = run.invoke(args=["staff", "add", "jo", "--name", "Jo Roy"], input="correct horse\ncorrect horse\n")
    assert typed.exit_code == 0, typed.output
    read = run.invoke(
        args=["staff", "add", "max", "--name", "Max", "--role", "owner", "--password-stdin"], input="a long password\n"
    )
    assert read.exit_code == 0, read.output
    jo, maximilian = session.scalars(select(StaffUser).order_by(StaffUser.username))
    assert (jo.role, maximilian.role) == ("receptionist", "owner")
    assert jo.password_hash.startswith("$argon2id$")
    assert password_matches(jo, "correct horse")
    assert not password_matches(jo, "correct horsE")
    assert not password_matches(None, "nobody has this password")


@pytest.mark.parametrize(
    ("arguments", "typed", "words"),
    [
        (["Jo", "--name", "Jo"], "a long password", "small letters"),
        (["jo", "--name", " "], "a long password", "Give a name"),
        (["jo", "--name", "Jo"], "short", "12 characters"),
        (["jo", "--name", "Jo", "--role", "king"], "a long password", "king"),
    ],
)
def test_unfit_staff_are_refused_with_words(app: Flask, arguments: list[str], typed: str, words: str) -> None:
    result = app.test_cli_runner().invoke(args=["staff", "add", *arguments, "--password-stdin"], input=f"{typed}\n")
    assert result.exit_code == 2
    assert words in result.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_backup_is_a_whole_database_for_its_owner_alone(app: Flask, tmp_path: Path) -> None:
    run = app.test_cli_runner()
    run.invoke(args=["tokens", "create", "website", "--role", "owner"])
    copy = tmp_path / "copy.sqlite"
    assert run.invoke(args=["backup", str(copy)]).exit_code == 0
    assert stat.S_IMODE(copy.stat().st_mode) == 0o600
    with closing(sqlite3.connect(copy)) as database:
        assert database.execute("SELECT name FROM api_token").fetchall() == [("website",)]
    assert [path.name for path in tmp_path.iterdir() if "copy" in path.name] == ["copy.sqlite"]
    again = run.invoke(args=["backup", str(copy)])
    assert again.exit_code == 1
    assert "there already" in again.stderr


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_backup_of_postgresql_names_the_tool(app: Flask, tmp_path: Path) -> None:
    result = app.test_cli_runner().invoke(args=["backup", str(tmp_path / "copy")])
    assert result.exit_code == 1
    assert "pg_dump" in result.stderr


def test_the_demo_fills_an_empty_database_once(app: Flask, session: Session) -> None:
    run = app.test_cli_runner()
    first = run.invoke(args=["demo"])
    assert first.exit_code == 0, first.output
    assert "613-555-0142  Amélie Lévesque" in first.stdout
    again = run.invoke(args=["demo"])
    assert again.exit_code == 1
    assert "not empty" in again.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_refreshing_the_clock_lists_what_moved(app: Flask, session: Session, database_url: str) -> None:
    make_clinic(session)
    make_appointment(session, patient=make_patient(session), starts_local=datetime(2037, 12, 7, 10))
    elsewhere = make_app(database_url, CLINIC_TIMEZONE="America/Vancouver")
    result = elsewhere.test_cli_runner().invoke(args=["clock", "refresh"])
    assert "2037-12-07 10:00 America/Vancouver: 2037-12-07 15:00 → 2037-12-07 17:00 UTC" in result.stdout
    assert result.stdout.endswith("1 moved.\n")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_jobs_tick_once_and_leave_a_heartbeat(app: Flask, session: Session) -> None:
    assert app.test_cli_runner().invoke(args=["jobs", "tick"]).exit_code == 0
    assert "scheduler" in session.scalars(select(Heartbeat.name)).all()


def commands_of(group: click.Group, *before: str) -> Iterator[list[str]]:
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands_of(command, *before, name)
        else:
            arguments = [given for given in command.params if isinstance(given, click.Argument)]
            yield [*before, name, *("1" if given.type is click.INT else __file__ for given in arguments)]


def every_command(app: Flask) -> list[list[str]]:
    """Those that use the database, Alembic's among them; `serve` has tests of its own (test_serving.py)."""
    ours = [command for command in commands_of(app.cli) if command[0] not in ("serve", "openapi", "db")]
    assert len(ours) >= 7
    return [*ours, *(["db", name] for name in ("upgrade", "downgrade", "check", "current", "stamp"))]


def refused(app: Flask, command: list[str]) -> str:
    """The one line on standard error."""
    options = {"staff add": ["--name", "X", "--password-stdin"], "tokens create": ["--role", "owner"]}
    needed = options.get(" ".join(command[:2]), [])
    result = app.test_cli_runner().invoke(
        FlaskGroup(create_app=lambda: app), [*command, *needed], input="ten letters\n"
    )
    assert (result.exit_code, result.stdout) == (1, ""), (command, result.output)
    assert len(result.stderr.strip().splitlines()) == 1, (command, result.stderr)
    return result.stderr


def test_no_command_touches_a_database_of_newer_code(app: Flask, session: Session) -> None:
    session.execute(text("UPDATE alembic_version SET version_num = 'ffff'"))
    session.commit()
    for command in every_command(app):
        assert "Cannot start: the database is of a newer version (ffff)" in refused(app, command)
    assert session.scalars(select(ApiToken)).all() == []
    assert session.scalars(select(Heartbeat)).all() == []
    assert session.execute(text("SELECT version_num FROM alembic_version")).scalar() == "ffff"


@pytest.mark.parametrize("address", ["sqlite:////no/such/folder/x.sqlite", "postgresql://x:SECRET@127.0.0.1:1/x"])
def test_every_command_says_that_the_database_cannot_be_used(address: str) -> None:
    app = make_app(address)
    for command in every_command(app):
        line = refused(app, command)
        assert "cannot be used" in line and "SECRET" not in line


def test_commands_refuse_a_database_that_nobody_has_upgraded(tmp_path: Path) -> None:
    app = make_app(f"sqlite:///{tmp_path}/empty.sqlite")
    for command in every_command(app):
        if command[0] not in ("demo", "backup", "db"):
            assert "run `.venv/bin/flask --app wsgi db upgrade`" in refused(app, command)
    with closing(sqlite3.connect(tmp_path / "empty.sqlite")) as empty:
        assert empty.execute("SELECT name FROM sqlite_master").fetchall() == []


def test_import_and_export_from_the_command_line(app: Flask, session: Session, tmp_path: Path) -> None:
    file, out = tmp_path / "p.csv", tmp_path / "out.csv"
    file.write_bytes("Prénom;Nom;Fax\nZoë;Côté;1\n".encode("cp1252"))
    runner = app.test_cli_runner()
    unsure = runner.invoke(args=["import", "patients", str(file)])
    assert unsure.exit_code == 1
    assert "--encoding windows-1252\n    row 1: Prénom | Nom | Fax\n" in unsure.output
    assert "--encoding mac-roman\n    row 1: PrÈnom | Nom | Fax\n" in unsure.output
    told = ["import", "patients", str(file), "--encoding", "windows-1252"]
    dry = runner.invoke(args=[*told, "--dry-run"])
    assert dry.exit_code == 0, dry.output
    assert "given_name     ← Prénom" in dry.output and "not imported   : Fax" in dry.output
    assert "1 rows: 0 imported" in dry.output
    assert "1 imported" in runner.invoke(args=told).output
    assert runner.invoke(args=["export", "patients", str(out)]).exit_code == 0
    assert out.read_bytes().decode("utf-8-sig").splitlines()[1].endswith(",Zoë,Côté,,,en,no")
    file.write_text("Prénom;Nom;Date de naissance\nEva;Roy;1/2/1990\n")
    refused = runner.invoke(args=["import", "patients", str(file)])
    assert refused.exit_code == 1
    assert "row 2: “1/2/1990” may be day first or month first" in refused.output
    assert "no column was found" in runner.invoke(args=["import", "visits", str(file)]).output.lower()


def test_jobs_status_is_a_table(app: Flask) -> None:
    result = app.test_cli_runner().invoke(args=["jobs", "status"])
    assert result.exit_code == 0, result.output
    assert "due now                     0\n" in result.output
    assert "No worker has been seen" in result.output
    assert app.test_cli_runner().invoke(args=["jobs", "tick"]).exit_code == 0
    assert re.search(r"seen \d+ s ago", app.test_cli_runner().invoke(args=["jobs", "status"]).output)


def test_a_second_step_is_reset_from_the_command_line(app: Flask, session: Session) -> None:
    robin = make_staff(session, "robin", "receptionist", totp_secret="JBSWY3DPEHPK3PXP")
    run = app.test_cli_runner()
    assert run.invoke(args=["staff", "reset-second-step", "nobody"]).exit_code == 1
    assert run.invoke(args=["staff", "reset-second-step", "Robin"]).exit_code == 0
    session.refresh(robin)
    assert robin.totp_secret is None
