"""Commands: `flask --app wsgi …`. Each is a few lines; what it does is a use case or serving.py."""

import sys
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from scheduler import backup, clock, serving
from scheduler.domain.errors import Invalid
from scheduler.extensions import db
from scheduler.models.access import ROLES
from scheduler.usecases import staff, tokens

tokens_group = AppGroup("tokens", help="Bearer tokens of the API.")
staff_group = AppGroup("staff", help="People who sign in at the desk.")


def init_app(app: Flask) -> None:
    """Add our commands to Flask's."""
    for command in (serve, tokens_group, staff_group, back_up):
        app.cli.add_command(command)


@click.command("serve", help="Upgrade the database, serve pages and send reminders, all in one process.")
@with_appcontext
def serve() -> None:
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    host, port = app.config["HOST"], app.config["PORT"]
    serving.require_assets(app)
    listening = serving.listen(host, port)
    serving.prepare_database(db.engine)
    serving.serve(app, listening, stop_jobs=lambda: None, ready=lambda: click.echo(app.config["PUBLIC_URL"]))


@tokens_group.command("create", help="Print a new token, once; only its hash is kept.")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), default="owner", show_default=True)
def create_token(name: str, role: str) -> None:
    try:
        click.echo(tokens.create_token(db.session(), name=name, role=role, now=clock.now()))
    except Invalid as invalid:
        raise _refused(invalid) from None


@staff_group.command("add", help="Add somebody who signs in at the desk; asks for the password twice.")
@click.argument("username")
@click.option("--role", type=click.Choice(ROLES), default="receptionist", show_default=True)
@click.option("--name", "display_name", required=True, help="As shown at the desk.")
@click.option("--password-stdin", is_flag=True, help="Read the password from standard input instead.")
def add_staff(username: str, role: str, display_name: str, password_stdin: bool) -> None:
    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
    else:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    try:
        staff.add_staff(
            db.session(),
            username=username,
            display_name=display_name,
            role=role,
            password=password,
            now=clock.now(),
        )
    except Invalid as invalid:
        raise _refused(invalid) from None
    click.echo(f"{username} can sign in at {current_app.config['PUBLIC_URL']}/desk as {role}.")


@click.command("backup", help="Copy the database into FILE while it is in use (SQLite).")
@with_appcontext
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def back_up(file: Path) -> None:
    try:
        backup.back_up(db.engine, file)
    except backup.CannotBackUp as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file} ({file.stat().st_size:,} bytes)")


def _refused(invalid: Invalid) -> click.ClickException:
    return click.UsageError("; ".join(f"{field}: {words}" for field, words in invalid.errors.items()))
