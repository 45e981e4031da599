"""`flask import patients FILE` and `flask import visits FILE`."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click
from flask.cli import AppGroup

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.errors import NotFound
from scheduler.domain.moving_in.encodings import CODECS
from scheduler.domain.moving_in.problems import Report, UnusableFile
from scheduler.extensions import clinic_settings, db
from scheduler.usecases.moving_in import import_runs
from scheduler.usecases.moving_in.importing import ImportSettings, open_file, previews
from scheduler.usecases.moving_in.patients import import_patients
from scheduler.usecases.moving_in.visits import import_visits


def add_to(group: AppGroup) -> None:
    """`import patients` and `import visits`."""
    for what, work in (("patients", import_patients), ("visits", import_visits)):
        _add(group, what, work)
    group.command("list", help="The last imports, with their numbers.")(_list_runs)
    group.command("take-back", help="Take import NUMBER back as a whole, while nothing was built on it.")(
        click.argument("number", type=int)(_take_back)
    )


def _list_runs() -> None:
    for run in import_runs.latest(db.session()):
        state = f"taken back {run.taken_back_at:%Y-%m-%d}" if run.taken_back_at else f"by {run.imported_by}"
        click.echo(
            f"{run.id:6} {run.imported_at:%Y-%m-%d %H:%M} UTC {run.rows:8,} {run.what}, {run.file_name}, {state}"
        )


def _take_back(number: int) -> None:
    try:
        run = import_runs.take_back(db.session(), run_id=number, actor=Actor("system", "import"), now=clock.now())
    except NotFound:
        raise click.ClickException(f"there is no import {number} to take back.") from None
    except import_runs.BuiltOn as built_on:
        raise click.ClickException(f"{built_on}: nothing was taken back.") from None
    click.echo(f"{run.rows:,} {run.what} of {run.file_name} were taken back.")


def _add(group: AppGroup, what: str, work: Callable[..., Report]) -> None:
    @group.command(what, help=f"Import {what} from FILE: all of them, or none and a list of the problems.")
    @click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
    @click.option("--dry-run", is_flag=True, help="Only say what would happen.")
    @click.option("--date-order", type=click.Choice(["dmy", "mdy"]), help="How to read 03/04/2026.")
    @click.option("--encoding", type=click.Choice(tuple(CODECS)), help="Of the letters, when FILE is not UTF-8.")
    @click.option("--column", "chosen", multiple=True, metavar="FIELD=HEADER|LETTER", help="Instead of the guess.")
    @click.option("--alias", "aliases", multiple=True, metavar="THEIRS=OURS", help="A name in FILE and its name here.")
    @click.option("--without-bad-phones", is_flag=True, help="Leave out numbers that cannot get a text.")
    @click.option("--clear-for-ims", is_flag=True, help="Clear whoever has a past visit that needs it.")
    @click.option(
        "--cleared-by", default="", metavar="SLUG", help="Patients: the practitioner whose decision clearances are."
    )
    @click.option(
        "--same-person",
        "answers",
        multiple=True,
        metavar="ROW=yes|no",
        help="Whether a row is who is here under another name.",
    )
    def command(
        file: Path,
        encoding: str | None,
        chosen: tuple[str, ...],
        aliases: tuple[str, ...],
        answers: tuple[str, ...],
        **options: Any,
    ) -> None:
        clinic, now = clinic_settings(), clock.now()
        settings = ImportSettings(
            clinic=clinic,
            now=now,
            today=clock.to_local(now, clock.zone(clinic.zone)).date(),
            actor=Actor("system", "import"),
            columns=_pairs(chosen),
            aliases=_pairs(aliases),
            same_person=_answers(answers),
            file_name=file.name,
            **options,
        )
        data = file.read_bytes()
        try:
            opened = open_file(what, data, settings.columns, encoding=encoding)
            for field, header in opened.mapping.items():
                click.echo(f"{field:14} ← {header}")
            click.echo(f"{'not imported':14} : {', '.join(map(str, opened.unused)) or 'nothing'}")
            report = work(db.session(), opened, settings=settings, progress=_show_progress)
        except UnusableFile as unusable:
            if unusable.kind == "choose_encoding":
                _show_encodings(what, data)
            raise click.ClickException(str(unusable)) from None
        _tell(report, dry_run=settings.dry_run)


def _pairs(given: tuple[str, ...]) -> dict[str, str]:
    for one in given:
        if "=" not in one:
            raise click.UsageError(f"{one}: write it as NAME=NAME")
    return {name: value for name, _, value in (one.partition("=") for one in given)}


def _answers(given: tuple[str, ...]) -> dict[int, bool]:
    answers = {}
    for row, answer in _pairs(given).items():
        if not row.isdecimal() or answer not in ("yes", "no"):
            raise click.UsageError(f"{row}={answer}: write it as ROW=yes or ROW=no")
        answers[int(row)] = answer == "yes"
    return answers


def _show_encodings(what: str, data: bytes) -> None:
    """The rows that each encoding reads in its own way: whoever knows the names sees which is right."""
    for encoding, rows in previews(what, data).items():
        click.echo(f"--encoding {encoding}")
        for number, cells in rows:
            click.echo(f"    row {number}: {' | '.join(cells)}")


def _show_progress(stage: str, done: int, of: int) -> None:
    if sys.stderr.isatty():
        click.echo(f"\r{stage} {done:,}{f' of {of:,}' if of else ''} …", err=True, nl=False)


def _tell(report: Report, *, dry_run: bool) -> None:
    for heading, remarks in (
        ("Left out", report.left_out),
        ("Note", report.notes),
        ("Problem", report.problems),
    ):
        for remark in sorted(remarks, key=lambda remark: remark.row):
            click.echo(f"{heading}, {remark.words}")
    click.echo(
        f"{report.rows:,} rows: {report.imported:,} imported, {len(report.left_out):,} left out, "
        f"{len(report.notes):,} notes, {len(report.problems):,} problems."
    )
    if report.problems:
        raise click.ClickException("nothing was imported.")
    if dry_run:
        click.echo("A dry run: nothing was imported.")
