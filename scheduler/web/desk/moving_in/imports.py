"""Moving in and out, for the owner: upload, see what the columns mean, check, import; and the same files back."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import structlog
from flask import (
    Blueprint,
    Response,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    stream_with_context,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.exceptions import RequestEntityTooLarge

from scheduler import clock
from scheduler.domain.moving_in.columns import FIELDS
from scheduler.domain.moving_in.encodings import CODECS, NAMES
from scheduler.domain.moving_in.problems import UnusableFile
from scheduler.domain.moving_in.table import column_letter
from scheduler.extensions import clinic_settings, db, now_at_the_clinic
from scheduler.queries.patients import page
from scheduler.usecases import audit
from scheduler.usecases.moving_in import exporting, import_runs
from scheduler.usecases.moving_in.importing import ImportSettings, Opened, UnusedColumn, open_file, previews
from scheduler.usecases.transaction import begin_write
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_import_run, of_upload
from scheduler.web.desk.moving_in.import_runs import Run, Runs
from scheduler.web.desk.moving_in.words import column_words, field_words, file_words, remark_words
from scheduler.web.desk.patients.deciders import deciders
from scheduler.web.desk.patients.patients import local
from scheduler.web.desk.query_fields import text
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.desk.sign_in.weighty import weighty
from scheduler.web.words.actor import actor_words

ALIASES = 100
UNCLEAR = "?"  # of several columns with one header none is chosen yet
LONGEST_PREVIEW = 200
LARGEST_UPLOAD = 60_000_000  # bytes
MUCH = 100_000  # rows that SQLite may write for longer than others wait (models/engine.IMPATIENT)

log = structlog.get_logger("imports")

blueprint = Blueprint("desk_imports", __name__)
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)


@blueprint.get("/desk/imports")
def show() -> ResponseReturnValue:
    runs = import_runs.latest(db.session())
    names = page.names_of_staff(db.session.connection(), [run.imported_by for run in runs])
    return render_template(
        "desk/moving_in/imports.html", runs=runs, local=local, by=lambda actor: actor_words(actor, names)
    )


def _run_now(run_id: int) -> Facts:
    return of_import_run(next((run for run in import_runs.latest(db.session()) if run.id == run_id), None))


def _upload_now(token: str) -> Facts | None:
    """None while it is being imported, and afterwards: then a press begins nothing."""
    found = _runs().read(token)
    return of_upload(found) if found.state not in ("running", "imported") else None


@blueprint.post("/desk/imports/runs/<int:run_id>/take-back")
@acts_on(_run_now)
def take_back(run_id: int) -> ResponseReturnValue:
    """`sure` yes."""
    if text("sure") != "yes":
        flash(_("Tick that you are sure: nothing was taken back."))
        return redirect(url_for("desk_imports.show"), 303)
    try:
        run = import_runs.take_back(db.session(), run_id=run_id, actor=current_user.actor, now=clock.now())
        flash(_("Taken back: %(file)s.", file=run.file_name))
    except import_runs.BuiltOn as built_on:
        flash(
            ngettext(
                "Nothing was taken back: %(num)d row of this import has been used or changed since.",
                "Nothing was taken back: %(num)d rows of this import have been used or changed since.",
                built_on.rows,
            )
        )
    return redirect(url_for("desk_imports.show"), 303)


@blueprint.post("/desk/imports")
@access.takes_large_body(LARGEST_UPLOAD)
def upload() -> ResponseReturnValue:
    """`what` patients or visits, `file`."""
    what, file = text("what"), request.files.get("file")
    if what not in FIELDS or file is None or not file.filename:
        flash(_("Choose what to import, and a file."))
        return redirect(url_for("desk_imports.show"), 303)
    with file.stream:
        try:
            token = _runs().keep(what, file.filename, file.read())
        except OSError:
            log.exception("an uploaded file could not be kept")
            flash(
                _("The file could not be kept. Either the disk is full, or the service may not write (INSTANCE_DIR).")
            )
            return redirect(url_for("desk_imports.show"), 303)
    return redirect(url_for("desk_imports.run", token=token), 303)


@blueprint.errorhandler(RequestEntityTooLarge)
def too_large(_error: RequestEntityTooLarge) -> ResponseReturnValue:
    flash(_("The file has more than 60 MB. Divide it into several."))
    return redirect(url_for("desk_imports.show"), 303)


@blueprint.get("/desk/imports/<token>")
def run(token: str) -> ResponseReturnValue:
    found = _runs().read(token)
    return render_template("desk/moving_in/run.html", token=token, run=found, **_shown(token, found))


@blueprint.post("/desk/imports/<token>")
@acts_on(_upload_now)
def begin(token: str) -> ResponseReturnValue:
    """`mode` check or import; `column_<field>`, `date_order`, `aliases` line by line, and the two choices."""
    runs = _runs()
    found = runs.read(token)
    if found.state not in ("running", "imported"):
        found.options, found.error = _asked_options(found), ("", "", "")
        opened = _open(token, found)
        if opened is not None:
            runs.start(token, found, opened, _settings(found, dry_run=text("mode") != "import"))
    return redirect(url_for("desk_imports.run", token=token), 303)


@blueprint.get("/desk/imports/<token>/remarks.csv")
def remarks(token: str) -> ResponseReturnValue:
    """Everything that was remarked, row by row."""
    runs = _runs()
    runs.read(token)
    headings = {"problems": _("Problem"), "left_out": _("Left out"), "notes": _("Note")}

    def pieces() -> Iterator[str]:
        yield "\ufeff" + exporting.line((_("Row"), "", ""))
        for kind, remark in runs.remarks(token):
            yield exporting.line((remark.row, headings[kind], remark_words(remark)))

    return _download(Response(stream_with_context(pieces()), mimetype="text/csv"), "remarks.csv")


@blueprint.post("/desk/exports/<what>")
@weighty
def export(what: str) -> ResponseReturnValue:
    """POST, for it is noted in the audit log."""
    what = "visits" if what == "visits" else "patients"
    begin_write(db.session())
    audit.note(db.session(), what=audit.EXPORTED_ALL, actor=current_user.actor, now=clock.now(), details=what)
    db.session.commit()
    engine = db.engine

    def pieces() -> Iterator[str]:
        with engine.connect() as connection:
            yield from exporting.export(connection, what)

    return _download(Response(pieces(), mimetype="text/csv"), f"{what}.csv")


def _download(response: Response, name: str) -> Response:
    response.headers["Content-Disposition"] = f"attachment; filename={name}"
    return response


def _runs() -> Runs:
    return Runs(current_app._get_current_object())  # type: ignore[attr-defined]


def _asked_options(run: Run) -> dict[str, Any]:
    names = (line.partition("=") for line in request.form.get("aliases", "")[:20_000].splitlines()[:ALIASES])
    chosen = {name: text(f"column_{name}") for name in FIELDS[run.what] if f"column_{name}" in request.form}
    answers = {row: text(f"same_{row}") for row in run.asked}
    return {
        "encoding": text("encoding") if text("encoding") in CODECS else None,
        "columns": {name: letter for name, letter in chosen.items() if letter != UNCLEAR},
        "date_order": text("date_order") if text("date_order") in ("dmy", "mdy") else None,
        "aliases": {theirs.strip(): ours.strip() for theirs, is_pair, ours in names if is_pair and theirs.strip()},
        "same_person": {row: answer == "yes" for row, answer in answers.items() if answer in ("yes", "no")},
        "without_bad_phones": text("without_bad_phones") == "yes",
        "clear_for_ims": text("clear_for_ims") == "yes",
        "cleared_by": text("cleared_by")[:60],
    }


def _settings(run: Run, *, dry_run: bool) -> ImportSettings:
    now, now_local = now_at_the_clinic()
    clinic, actor = clinic_settings(), current_user.actor
    options = {name: value for name, value in run.options.items() if name != "encoding"}
    options["same_person"] = {int(row): answer for row, answer in options.get("same_person", {}).items()}
    return ImportSettings(
        clinic=clinic, now=now, today=now_local.date(), actor=actor, dry_run=dry_run, file_name=run.name, **options
    )


def _open(token: str, run: Run) -> Opened | None:
    """None once it cannot be read; the run says why."""
    options = run.options
    try:
        return open_file(run.what, _runs().data(token), options.get("columns"), encoding=options.get("encoding"))
    except UnusableFile as unusable:
        if not run.error[0]:  # what broke off the import is said first
            run.state, run.error = "failed", (unusable.kind, unusable.value, unusable.other)
            _runs().write(token, run)
        return None


def _shown(token: str, run: Run) -> dict[str, object]:
    opened = _open(token, run) if run.state in ("new", "checked", "failed") else None
    unused = opened.unused if opened else []
    return {
        "columns": [_column(opened, name, unused) for name in FIELDS[run.what]] if opened else (),
        "unused": [column_words(one) for one in unused],
        "encodings": _encodings(token, run, opened),
        "error": file_words(*run.error) if run.error[0] else "",
        "lists": [
            (name, run.first_remarks(kind), run.counts[kind])
            for kind, name in (("problems", _("Problems")), ("left_out", _("Left out")), ("notes", _("Notes")))
        ],
        "aliases": "\n".join(f"{theirs} = {ours}" for theirs, ours in run.options.get("aliases", {}).items()),
        "remark_words": remark_words,
        "deciders": deciders(),
        "holds_others_up": run.rows >= MUCH and db.engine.dialect.name == "sqlite",
    }


@dataclass(frozen=True, slots=True)
class ColumnChoice:
    """`options`: what may be chosen, a letter or nothing, with its words."""

    field: str
    words: str
    options: list[tuple[str, str]]
    chosen: str


def _column(opened: Opened, field: str, unused: list[UnusedColumn]) -> ColumnChoice:
    header = opened.table.header
    bare = {one.place: column_words(one) for one in unused if not one.name}
    taken = opened.places.get(field)
    options = [("", _("not there"))]
    for place, name in enumerate(header):
        if name or place in bare or place == taken:
            letter = column_letter(place)
            options.append((letter, f"{letter}: {name}" if name else bare.get(place, letter)))
    if unclear := opened.meaning.unclear.get(field):
        letters = ", ".join(column_letter(place) for place in unclear)
        options.insert(0, (UNCLEAR, _("Choose one of %(letters)s", letters=letters)))
        return ColumnChoice(field, field_words(field), options, UNCLEAR)
    return ColumnChoice(field, field_words(field), options, "" if taken is None else column_letter(taken))


def _encodings(token: str, run: Run, opened: Opened | None) -> list[tuple[str, str, bool, list[tuple[int, str]]]]:
    """Each that may be chosen: its key, its name, whether it is in use, and rows as it reads them."""
    if run.state in ("running", "imported") or run.error[0] in ("excel", "binary", "empty", "stray_byte"):
        return []
    used = run.options.get("encoding") or ("utf-8" if opened else "")
    return [
        (key, NAMES[key], key == used, [(number, " | ".join(cells)[:LONGEST_PREVIEW]) for number, cells in rows])
        for key, rows in previews(run.what, _runs().data(token)).items()
    ]
