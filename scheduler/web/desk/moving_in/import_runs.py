"""Uploaded files on their way in: each is a file in the instance folder, with its state beside it.

Not in the database: while an import is being written SQLite takes no other writer, and its progress must be seen.
All processes that serve the desk have to share that folder; with several machines use `flask import`.
"""

import fcntl
import json
import re
import secrets
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from typing import IO, Any

import structlog
from flask import Flask

from scheduler import clock, private_files
from scheduler.domain.errors import NotFound
from scheduler.domain.moving_in.problems import Remark, Report, UnusableFile
from scheduler.extensions import db
from scheduler.usecases.moving_in.import_files import end_old_files, folder_of
from scheduler.usecases.moving_in.importing import ImportSettings, Opened
from scheduler.usecases.moving_in.patients import import_patients
from scheduler.usecases.moving_in.visits import import_visits

SHOWN = 200  # remarks of each kind on the page; all of them are in the file to download
REMARKS = ("problems", "left_out", "notes")
SAID_EVERY = timedelta(seconds=0.5)
TOKEN = re.compile(r"[A-Za-z0-9_-]{22}")

log = structlog.get_logger("imports")


@dataclass(slots=True)
class Run:
    """`state`: new, running, checked, imported or failed (`error`, what UnusableFile says)."""

    what: str
    name: str
    state: str = "new"
    mode: str = ""
    stage: str = ""
    done: int = 0
    of: int = 0
    error: tuple[str, ...] = ("", "", "")
    options: dict[str, Any] = field(default_factory=dict)
    rows: int = 0
    imported: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(REMARKS, 0))
    first: dict[str, list[list[Any]]] = field(default_factory=dict)
    asked: dict[str, list[str]] = field(default_factory=dict)  # row → a name, and the names here it may be another of

    def first_remarks(self, kind: str) -> list[Remark]:
        return [Remark(*one) for one in self.first.get(kind, ())]


class Runs:
    def __init__(self, app: Flask) -> None:
        self.app = app
        self.folder = folder_of(app.instance_path)

    def keep(self, what: str, name: str, data: bytes) -> str:
        """The token of the new run."""
        private_files.make_folder(self.folder)
        end_old_files(self.folder, now=clock.now())
        token = secrets.token_urlsafe(16)
        kept = self.folder / f"{token}.csv"
        try:
            with open(kept, "xb", opener=private_files.opener) as file:
                file.write(data)
        except OSError:  # the disk is full
            kept.unlink(missing_ok=True)
            raise
        self.write(token, Run(what, name[:120]))
        return token

    def read(self, token: str) -> Run:
        if not TOKEN.fullmatch(token):
            raise NotFound("import")
        run = self._written(token)
        if run.state == "running" and (lock := self._locked(token)) is not None:
            lock.close()
            run = self._written(token)  # it may just have ended
            if run.state == "running":
                run.state, run.error = "failed", ("interrupted", "", "")
        return run

    def _written(self, token: str) -> Run:
        try:
            return Run(**json.loads((self.folder / f"{token}.json").read_text()))
        except FileNotFoundError:
            raise NotFound("import") from None

    def _locked(self, token: str) -> IO[bytes] | None:
        """Held for as long as the file is open, and so by a process that is alive; None while another one holds it."""
        lock = open(self.folder / f"{token}.lock", "ab", opener=private_files.opener)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return None
        return lock

    def data(self, token: str) -> bytes:
        try:
            return (self.folder / f"{token}.csv").read_bytes()
        except FileNotFoundError:
            raise NotFound("import") from None

    def remarks(self, token: str) -> Iterator[tuple[str, Remark]]:
        """All of them, with their kind (of REMARKS)."""
        with suppress(FileNotFoundError), (self.folder / f"{token}.remarks").open() as lines:
            for line in lines:
                kind, *remark = json.loads(line)
                yield kind, Remark(*remark)

    def write(self, token: str, run: Run) -> None:
        fresh = self.folder / f"{token}.{secrets.token_hex(4)}"
        with open(fresh, "x", opener=private_files.opener) as file:
            json.dump(asdict(run), file)
        fresh.replace(self.folder / f"{token}.json")

    def start(self, token: str, run: Run, opened: Opened, settings: ImportSettings) -> None:
        """In a thread of its own; the page asks how far it is. Nothing when it is under way already."""
        lock = self._locked(token)
        if lock is None:
            return
        mode = "check" if settings.dry_run else "import"
        run = Run(run.what, run.name, state="running", mode=mode, options=run.options, asked=run.asked)
        self.write(token, run)
        threading.Thread(target=self._work, args=(lock, token, run, opened, settings), daemon=True).start()

    def _work(self, lock: IO[bytes], token: str, run: Run, opened: Opened, settings: ImportSettings) -> None:
        with lock:
            self._import(token, run, opened, settings)

    def _import(self, token: str, run: Run, opened: Opened, settings: ImportSettings) -> None:
        work: Callable[..., Report] = import_patients if run.what == "patients" else import_visits
        said = clock.now()

        def progress(stage: str, done: int, of: int) -> None:
            nonlocal said
            if stage != run.stage or clock.now() - said >= SAID_EVERY:
                run.stage, run.done, run.of, said = stage, done, of, clock.now()
                self.write(token, run)

        with self.app.app_context():
            try:
                report = work(db.session(), opened, settings=settings, progress=progress)
                self._note(token, run, report, dry_run=settings.dry_run)
            except UnusableFile as unusable:
                run.state, run.error = "failed", (unusable.kind, unusable.value, unusable.other)
            except Exception:  # nobody else would say it
                log.exception("import failed")
                run.state, run.error = "failed", ("interrupted", "", "")
            finally:
                db.session.remove()
        self.write(token, run)
        if run.state == "imported":
            (self.folder / f"{token}.csv").unlink(missing_ok=True)

    def _note(self, token: str, run: Run, report: Report, *, dry_run: bool) -> None:
        run.state = "checked" if dry_run or report.problems else "imported"
        run.rows, run.imported = report.rows, report.imported
        asked = [one for one in report.problems if one.kind == "same_person"][:SHOWN]
        run.asked |= {str(one.row): [one.value, one.other] for one in asked}
        with open(self.folder / f"{token}.remarks", "w", opener=private_files.opener) as lines:
            for kind in REMARKS:
                remarks = sorted(getattr(report, kind), key=lambda remark: remark.row)
                run.counts[kind] = len(remarks)
                run.first[kind] = [_kept(one) for one in remarks[:SHOWN]]
                lines.writelines(f"{json.dumps([kind, *_kept(one)])}\n" for one in remarks)


def _kept(one: Remark) -> list[Any]:
    return [one.row, one.kind, one.value[:200], one.other]
