"""A SQLite file is looked at before it is served."""

import contextlib
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import Engine

from scheduler.models.engine import create_engine
from scheduler.serving.serving_lock import DatabaseHeld, hold, lock_file
from scheduler.serving.sound_database import CannotStart, require_own_wal, require_sound


def write(file: Path, rows: int, first: int = 0) -> None:
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("CREATE TABLE IF NOT EXISTS visits (name)")
        database.execute("CREATE INDEX IF NOT EXISTS by_name ON visits (name)")
        database.executemany("INSERT INTO visits VALUES (?)", [(f"visit {first + n}",) for n in range(rows)])
        database.commit()


def killed_while_it_wrote(file: Path) -> bytes:
    """What a process writes and never gets to tidy away; afterwards the file is as before."""
    before = file.read_bytes()
    database = sqlite3.connect(file)
    database.execute("PRAGMA wal_autocheckpoint = 0")
    database.executemany("INSERT INTO visits VALUES (?)", [(f"later {n}",) for n in range(400)])
    database.commit()
    left = file.with_name(f"{file.name}-wal").read_bytes()
    database.close()
    for ending in ("-wal", "-shm"):
        file.with_name(f"{file.name}{ending}").unlink(missing_ok=True)
    file.write_bytes(before)
    return left


@pytest.fixture
def file(tmp_path: Path) -> Path:
    write(tmp_path / "clinic.sqlite", 2000)
    return tmp_path / "clinic.sqlite"


@pytest.fixture
def engine(file: Path) -> Engine:
    return create_engine(f"sqlite:///{file}")


def leave_wal(file: Path, left: bytes) -> None:
    file.with_name(f"{file.name}-wal").write_bytes(left)


def test_what_a_killed_process_left_is_its_own_and_is_served(file: Path, engine: Engine) -> None:
    leave_wal(file, killed_while_it_wrote(file))
    require_sound(engine, alone=True)
    with contextlib.closing(sqlite3.connect(file)) as database:
        assert database.execute("SELECT count(*) FROM visits WHERE name LIKE 'later%'").fetchone() == (400,)


def test_another_database_under_what_was_left_is_refused_and_left_as_it_is(
    file: Path, engine: Engine, tmp_path: Path
) -> None:
    left = killed_while_it_wrote(file)
    write(tmp_path / "other.sqlite", 900, first=50_000)
    file.write_bytes((tmp_path / "other.sqlite").read_bytes())
    leave_wal(file, left)
    before = file.read_bytes()
    with pytest.raises(CannotStart, match=r"is damaged .* move clinic.sqlite-wal and clinic.sqlite-shm away"):
        require_sound(engine, alone=True)
    assert file.read_bytes() == before


def test_a_backup_under_what_was_left_is_refused_by_every_command(file: Path, engine: Engine) -> None:
    left = killed_while_it_wrote(file)
    with contextlib.closing(sqlite3.connect(file)) as database:
        database.execute("PRAGMA journal_mode = DELETE")  # as backups are written
    leave_wal(file, left)
    with pytest.raises(CannotStart, match="is a backup"):
        require_own_wal(engine)


def test_a_damaged_page_is_found(file: Path, engine: Engine) -> None:
    content = bytearray(file.read_bytes())
    content[8192:8300] = b"\xff" * 108
    file.write_bytes(content)
    with pytest.raises(CannotStart, match="is damaged"):
        require_sound(engine, alone=False)


def test_nothing_yet_is_nothing_wrong(tmp_path: Path) -> None:
    require_sound(create_engine(f"sqlite:///{tmp_path}/new.sqlite"), alone=True)
    (tmp_path / "empty.sqlite").touch()
    require_sound(create_engine(f"sqlite:///{tmp_path}/empty.sqlite"), alone=True)


def test_the_first_at_work_is_alone_and_the_others_are_not(engine: Engine, file: Path) -> None:
    first, second = hold(engine), hold(engine)
    assert (first.alone, second.alone) == (True, False)
    first.close()
    assert not hold(engine).alone, "the second one is still there"
    second.close()
    assert lock_file(file).stat().st_mode & 0o777 == 0o600


def test_nobody_takes_part_while_somebody_has_the_database_alone(
    engine: Engine, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import fcntl

    monkeypatch.setattr("scheduler.serving.serving_lock.PATIENCE_SECONDS", 0.05)
    with lock_file(file).open("w") as restoring:
        fcntl.flock(restoring, fcntl.LOCK_EX)
        with pytest.raises(DatabaseHeld):
            hold(engine)
    hold(engine).close()


def test_the_process_that_serves_keeps_its_locks_whatever_it_looks_at(file: Path, engine: Engine) -> None:
    """Else the next process that ends would take the -wal away while this one goes on writing to it."""
    wal = file.with_name("clinic.sqlite-wal")
    with engine.connect() as first:
        first.exec_driver_sql("SELECT count(*) FROM visits")
        before = wal.stat().st_ino
        require_own_wal(engine)
        with engine.connect() as second:
            second.exec_driver_sql("SELECT 1")
        require_sound(engine, alone=False)
        another_process = (
            "import sqlite3, sys; sqlite3.connect(sys.argv[1]).execute('SELECT count(*) FROM visits').fetchall()"
        )
        subprocess.run([sys.executable, "-c", another_process, str(file)], check=True)
        assert wal.stat().st_ino == before


def test_what_was_looked_at_and_is_gone_is_let_go(file: Path, engine: Engine) -> None:
    leave_wal(file, killed_while_it_wrote(file))
    open_before = len(os.listdir("/dev/fd"))
    for number in range(30):
        copy = file.with_name(f"copy{number}.sqlite")
        write(copy, 1)
        leave_wal(copy, b"x" * 50)
        require_own_wal(create_engine(f"sqlite:///{copy}"))
        copy.unlink()
    assert len(os.listdir("/dev/fd")) - open_before < 5
