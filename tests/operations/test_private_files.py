"""Only their owner reads the files that we make, whatever the umask; and those that were there before stay as they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import config
from scheduler import private_files

MAKES_EVERYTHING = """
import os, pathlib, sys
import config
from scheduler import create_app
from scheduler.serving.database_check import upgrade_database
from scheduler.extensions import db
from scheduler.web.desk.moving_in.import_runs import Runs
for umask in (0o000, 0o777):
    os.umask(umask)
    there = config.INSTANCE = pathlib.Path(sys.argv[1]) / f"new{umask}" / "instance"
    app = create_app(config.Config({"CLINIC_TIMEZONE": "America/Toronto"}))
    app.instance_path = str(there)
    with app.app_context():
        upgrade_database(db.engine)
        Runs(app).keep("patients", "x.csv", b"a,b")
        for command in (["backup", str(there / "copy")], ["export", "visits", str(there / "visits.csv")]):
            done = app.test_cli_runner().invoke(args=command)
            assert done.exit_code == 0, done.output
        with db.engine.connect():  # -wal and -shm are there while somebody is connected
            for found in (there.parent, *there.parent.rglob("*")):
                print(umask, f"{found.stat().st_mode & 0o777:o}", found.name)
"""


def test_whatever_we_make_is_its_owners_alone_whatever_the_umask(tmp_path: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(config.__file__).parent)}
    ran = subprocess.run(
        [sys.executable, "-c", MAKES_EVERYTHING, str(tmp_path)], capture_output=True, text=True, env=environment
    )
    assert ran.returncode == 0, ran.stderr
    for umask in ("0", "511"):
        lines = [line.split(" ") for line in ran.stdout.splitlines() if line.startswith(f"{umask} ")]
        modes = {name: mode for _, mode, name in lines}
        assert {"clinic.sqlite", "clinic.sqlite-wal", "clinic.sqlite-shm", "secret_key", "copy", "visits.csv"} < set(
            modes
        )
        folders = {f"new{umask}", "instance", "imports"}
        assert {name: mode for name, mode in modes.items() if mode != ("700" if name in folders else "600")} == {}


def test_what_was_there_keeps_its_mode_and_is_told_of_in_one_line_with_the_command(tmp_path: Path) -> None:
    folder, file, closed = tmp_path / "in stance", tmp_path / "old.csv", tmp_path / "closed"
    folder.mkdir()
    for each, mode in ((folder, 0o755), (file, 0o640), (closed, 0o600)):
        if each is not folder:
            each.touch()
        each.chmod(mode)
    private_files.make_folder(folder)
    open(file, "a", opener=private_files.opener).close()
    assert [each.stat().st_mode & 0o777 for each in (folder, file)] == [0o755, 0o640]
    said = private_files.warning([folder, file, closed, tmp_path / "nowhere"]) or ""
    assert said.endswith(f": chmod 700 '{folder}' && chmod 600 {file}")
    assert private_files.warning([closed, tmp_path / "nowhere"]) is None


@pytest.mark.parametrize(
    ("name", "options", "made"),
    [
        ("{0}/a b.sqlite", {}, True),
        ("file:{0}/a%20b.sqlite?mode=rwc", {"uri": True}, True),
        ("file:{0}/a%20b.sqlite?mode=ro", {"uri": True}, False),
        ("file:shared?mode=memory", {"uri": True}, False),
        (":memory:", {}, False),
        ("{0}/nowhere/a b.sqlite", {}, False),
    ],
)
def test_sqlites_file_is_made_before_sqlite_makes_it(
    tmp_path: Path, name: str, options: dict[str, bool], made: bool
) -> None:
    private_files.make_sqlite_file(name.format(tmp_path), options)
    assert (tmp_path / "a b.sqlite").exists() == made
    assert not (Path.cwd() / ":memory:").exists()
