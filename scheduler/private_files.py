"""Files and folders that only their owner reads, whatever the umask.

What we make is private from its first moment. What was there before keeps its mode: whoever can read it may be meant
to (a backup program, say), so we only say so, with the command that closes it.
"""

import os
import shlex
import stat
import threading
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

FILE, FOLDER = 0o600, 0o700
OTHERS = 0o077  # what group and others may do
_one_at_a_time = threading.Lock()  # no thread connects to a new file before its maker has closed it
BESIDE_SQLITE = ("-wal", "-shm", "-journal")


def make_folder(folder: Path) -> None:
    """With the folders above it that are not there yet."""
    for each in reversed((folder, *folder.parents)):
        if not each.exists():
            with suppress(FileExistsError):  # another process was quicker
                each.mkdir(FOLDER)
                each.chmod(FOLDER)  # a umask can only have taken from it


def opener(path: str, flags: int) -> int:
    """For open(…, opener=opener). A file that is there already stays as it is."""
    try:
        made = os.open(path, flags | os.O_EXCL if flags & os.O_CREAT else flags, FILE)
    except FileExistsError:
        if flags & os.O_EXCL:
            raise
        return os.open(path, flags, FILE)
    if flags & os.O_CREAT:
        os.fchmod(made, FILE)
    return made


def make_sqlite_file(name: str, options: Mapping[str, Any]) -> None:
    """Before SQLite makes it by the umask; what SQLite puts beside it takes its mode. `name` and `options` as they go to
    sqlite3.connect. What goes wrong here SQLite says in its own words.

    A file that is there is never opened: to close any descriptor of a file ends, on POSIX, all locks that this process
    has on it. Without SQLite's own lock the next process to finish would take the -wal away that this one writes to.
    """
    file = name
    if options.get("uri"):
        address = urlsplit(name)
        if "mode=memory" in address.query or "mode=ro" in address.query:
            return
        file = unquote(address.path)
    if file and file != ":memory:":
        with _one_at_a_time, suppress(OSError):
            if not os.path.exists(file):
                os.close(opener(file, os.O_CREAT | os.O_EXCL | os.O_RDWR))


def warning(paths: Iterable[Path]) -> str | None:
    """What to say of those that others can read or enter; None when there are none."""
    commands = []
    for mode, kind in ((FOLDER, stat.S_ISDIR), (FILE, stat.S_ISREG)):
        found = [path for path in paths if (has := _mode(path)) is not None and kind(has) and has & OTHERS]
        if found:
            commands.append(f"chmod {mode:o} {' '.join(shlex.quote(str(path)) for path in found)}")
    if not commands:
        return None
    return f"Others on this machine may read the clinic's files. If nobody else is meant to: {' && '.join(commands)}"


def of_sqlite(file: Path) -> tuple[Path, ...]:
    return (file, *(file.with_name(f"{file.name}{ending}") for ending in BESIDE_SQLITE))


def _mode(path: Path) -> int | None:
    try:
        return path.stat().st_mode
    except OSError:
        return None
