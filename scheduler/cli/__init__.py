"""Commands: `flask --app wsgi …`. Each is a few lines; what it does is a use case or serving/serve.py."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import IO, Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup
from sqlalchemy import select

from scheduler import clock, demo, jobs, private_files
from scheduler.cli import importing
from scheduler.demo import welcome
from scheduler.demo.staff import DEMO_USERNAMES
from scheduler.domain.actor import Actor
from scheduler.domain.errors import Invalid
from scheduler.domain.staff.second_step import GRACE
from scheduler.extensions import clinic_local, clinic_settings, db
from scheduler.models.staff.access import ROLES, StaffUser
from scheduler.queries.patients.retention import due_records
from scheduler.serving import backup, live_settings
from scheduler.serving import serve as serving
from scheduler.serving.database_check import require_database, require_known_database, take_part, upgrade_database
from scheduler.serving.start_check import check_start
from scheduler.usecases.calendar.clock_refresh import MovedInstant, refresh_instants
from scheduler.usecases.moving_in import exporting
from scheduler.usecases.staff import accounts, staff, tokens
from scheduler.usecases.texts.sending.pace import sender_name
from scheduler.usecases.texts.sending.status import sms_status


class Commands(AppGroup):
    """Before a command of ours does anything the database is found fit for it; what is not said otherwise takes one
    that is at the code's version, and `check=None` looks for itself. (Alembic's `flask db …` asks the same in
    migrations/env.py.)"""

    def command(  # type: ignore[override]  # without click's bare @group.command
        self, *named: Any, **options: Any
    ) -> Callable[[Callable[..., Any]], click.Command]:
        check = options.pop("check", require_database)

        def decorate(work: Callable[..., Any]) -> click.Command:
            @wraps(work)
            def checked(*arguments: Any, **given: Any) -> Any:
                if check is not None:
                    check(db.engine)
                    live_settings.of(current_app).refresh(db.engine)
                return work(*arguments, **given)

            command: click.Command = super(Commands, self).command(*named, **options)(checked)
            return command

        return decorate


ours = Commands()
tokens_group = Commands("tokens", help="Bearer tokens of the API.")
staff_group = Commands("staff", help="People who sign in at the desk.")
jobs_group = Commands("jobs", help="Reminders, codes and tidying, apart from the web processes.")
clock_group = Commands("clock", help="Time zones.")
import_group = Commands("import", help="Patients and visits from another system's CSV files.")
export_group = Commands("export", help="The same as CSV files.")
GROUPS = (tokens_group, staff_group, jobs_group, clock_group, import_group, export_group)


def init_app(app: Flask) -> None:
    """Add our commands to Flask's."""
    for command in (*ours.commands.values(), *GROUPS):
        app.cli.add_command(command)


@ours.command(
    "serve",
    help="Upgrade the database, serve pages and send reminders, all in one process.",
    check=None,  # nothing is touched before the port is taken
)
def serve() -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C while migrating or seeding: each is one transaction
    serving.require_assets(app)
    listening = serving.listen(app.config["HOST"], app.config["PORT"])
    app.extensions["serving_lock"] = take_part(db.engine)
    upgrade_database(db.engine)
    live_settings.of(app).refresh(db.engine)
    _check_what_lies_here()
    if app.config["DEMO"] and demo.is_empty(db.session()):
        click.echo("Making the demo clinic …")
        demo.seed(db.session(), clinic=app.config["CLINIC"], now=clock.now())
    if db.session.scalar(select(StaffUser.id).where(StaffUser.username.in_(DEMO_USERNAMES))):
        for line in welcome.lines(app.config["PUBLIC_URL"]):
            click.echo(line)
    db.session.remove()
    ticking = jobs.start(app)
    serving.serve(
        app,
        listening,
        stop_jobs=lambda: jobs.stop(app, ticking),
        ready=lambda: click.echo(app.config["PUBLIC_URL"]),
    )


@ours.command("demo", help="Fill an empty database with the demo clinic.", check=upgrade_database)
def fill_demo() -> None:
    try:
        demo.seed(db.session(), clinic=clinic_settings(), now=clock.now())
    except demo.NotEmpty:
        raise click.ClickException(
            "this database is not empty: the demo needs one of its own (DATABASE_URL)."
        ) from None
    for line in welcome.lines(current_app.config["PUBLIC_URL"]):
        click.echo(line)


@jobs_group.command("run", help="Tick until stopped; several may run at once.", check=None)
def run_jobs() -> None:
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    app.extensions["serving_lock"] = take_part(db.engine)  # before anything opens the database
    require_database(db.engine)
    live_settings.of(app).refresh(db.engine)
    _check_what_lies_here()
    jobs.run(app)


def _check_what_lies_here() -> None:
    for line in check_start():
        click.echo(line, err=True)


@jobs_group.command("tick", help="Do everything that is due, once, and exit.")
def tick_jobs() -> None:
    jobs.tick(current_app._get_current_object())  # type: ignore[attr-defined]


@jobs_group.command("status", help="Print how sending goes, as a table.")
def show_status() -> None:
    with db.engine.connect() as connection:
        sender = sender_name(current_app.config["SMS"])
        status = sms_status(connection, clinic=clinic_settings(), now=clock.now(), sender=sender)
    lag = "-" if status.lag_seconds is None else f"{status.lag_seconds:.0f} s"
    ticked = "never" if status.ticked_seconds is None else f"{status.ticked_seconds:.0f} s ago"
    rows = [
        ("scheduler ticked", ticked),
        ("due now", f"{status.due}"),
        ("oldest due", f"{status.oldest_due_seconds:.0f} s"),
        ("being sent", f"{status.attempting}"),
        ("in doubt", f"{status.in_doubt}, {status.unsettled} of them for the call list"),
        ("no final state for 4 hours", f"{status.silent}"),
        ("receipts of unknown texts", f"{status.early_receipts}"),
        ("receipts come after", lag),
        ("provider", f"{status.outages} outages in a row, left alone for {status.paused_seconds:.0f} s"),
        *((f"last hour: {state}", f"{count}") for state, count in sorted(status.last_hour.items())),
        *((f"worker {name}", f"seen {seconds:.0f} s ago") for name, seconds in sorted(status.workers.items())),
    ]
    width = max(len(name) for name, _value in rows)
    for name, value in rows:
        click.echo(f"{name:<{width}}  {value}")
    if not status.workers:
        click.echo("No worker has been seen for 5 minutes: start `flask jobs run`.")


@tokens_group.command("create", help="Print a new token, once; only its hash is kept.")
@click.argument("name")
@click.option("--role", type=click.Choice(ROLES), required=True)
@click.option("--days", type=int, default=tokens.DAYS, show_default=True, help="How long it is good for.")
def create_token(name: str, role: str, days: int) -> None:
    now = clock.now()
    try:
        token = tokens.create_token(db.session(), name=name, role=role, now=now, days=days)
    except Invalid as invalid:
        raise _refused(invalid) from None
    click.echo(token)
    last = clinic_local(now + timedelta(days=days))
    click.echo(f"It acts as {role} until {last:%Y-%m-%d %H:%M}.", err=True)


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


@staff_group.command(
    "reset-second-step",
    help="For a lost telephone, or days that are over: USERNAME has 7 days to set up an authenticator.",
)
@click.argument("username")
def reset_second_step(username: str) -> None:
    staff_id = db.session.scalar(select(StaffUser.id).where(StaffUser.username == username.strip().lower()))
    if staff_id is None:
        raise click.ClickException(f"there is nobody of the user name {username}.")
    now = clock.now()
    accounts.reset_second_step(
        db.session(), staff_id=staff_id, due_at=now + GRACE, actor=Actor("system", "command"), now=now
    )
    last = clinic_local(now + GRACE)
    click.echo(f"{username} is signed out, and sets up another authenticator before {last:%Y-%m-%d %H:%M}.")


@clock_group.command(
    "refresh", help="Derive instants anew after zone rules or CLINIC_TIMEZONE changed; list what moved."
)
def refresh_clock() -> None:
    moved = refresh_instants(db.session(), clinic=clinic_settings(), now=clock.now())
    for one in moved:
        click.echo(_told(one))
    click.echo(f"{sum(not one.refused for one in moved)} moved.")


@ours.command(
    "backup",
    help="Copy the database into FILE while it is in use (SQLite).",
    check=require_known_database,  # an older one too: whoever upgrades takes a backup first
)
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def back_up(file: Path) -> None:
    try:
        backup.back_up(db.engine, file)
    except backup.CannotBackUp as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"{file} ({file.stat().st_size:,} bytes)")


@ours.command("retention", help="How many records are older than they must be. The owner blanks them at the desk.")
def retention_command() -> None:
    clinic = clinic_settings()
    today = clinic_local(clock.now()).date()
    due = due_records(db.session.connection(), today=today, years=clinic.retention_years)
    held = sum(record.hold is not None for record in due)
    click.echo(f"{len(due):,} records are older than {clinic.retention_years} years, {held:,} of them held.")


def _exporting(what: str) -> None:
    @export_group.command(what, help=f"Write all {what} as CSV to FILE, or - for standard output.")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False, allow_dash=True))
    def command(file: Path) -> None:
        with _private(file) as out:
            for piece in exporting.export(db.session.connection(), what):
                out.write(piece.replace("\r\n", "\n"))


@contextmanager
def _private(file: Path) -> Iterator[IO[str]]:
    if str(file) == "-":
        yield sys.stdout
        return
    if warning := private_files.warning([file]):
        click.echo(warning, err=True)
    try:
        out = open(file, "w", encoding="utf-8", opener=private_files.opener)
    except OSError as error:
        raise click.ClickException(f"{file}: {error.strerror}") from None
    with out:
        yield out


for _what in ("patients", "visits"):
    _exporting(_what)
importing.add_to(import_group)


def _told(one: MovedInstant) -> str:
    line = (
        f"{one.starts_local:%Y-%m-%d %H:%M} {one.zone}: {one.from_at:%Y-%m-%d %H:%M} → {one.to_at:%Y-%m-%d %H:%M} UTC, "
    )
    line += f"appointment {one.public_id}"
    if one.refused:
        return f"{line}: NOT MOVED, it would overlap another visit or be over. Give it another time."
    return line if one.exists else f"{line}: the clock skips or repeats this time. Give it another one."


def _refused(invalid: Invalid) -> click.ClickException:
    return click.UsageError("; ".join(f"{field}: {words}" for field, words in invalid.errors.items()))
