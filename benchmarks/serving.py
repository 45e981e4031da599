"""Starting what is measured: gunicorn on a core of its own, so that the client takes nothing from it."""

import os
import secrets
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from benchmarks import load, yardsticks

ROOT = Path(__file__).resolve().parent.parent
CORES = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
START_SECONDS = 60


def stay_off_the_server() -> None:
    """This process, and what it starts (PostgreSQL), leave the first core to the server."""
    if len(CORES) > 1:
        os.sched_setaffinity(0, CORES[1:])


class Server:
    """One gunicorn worker with 8 threads on the first core; several workers spread over all cores."""

    def __init__(self, database_url: str, *, workers: int = 1, threads: int = 8, log: Path, **environ: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.address: tuple[str, int] = probe.getsockname()
        host, port = self.address
        options = [
            "--workers",
            str(workers),
            "--threads",
            str(threads),
            "--worker-class",
            "gthread",
            "--keep-alive",
            "75",
        ]
        self._log = log.open("ab")
        self._process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "gunicorn",
                "--no-control-socket",
                "--bind",
                f"{host}:{port}",
                *options,
                "benchmarks.server:app",
            ],
            cwd=ROOT,
            env={
                **os.environ,
                "DATABASE_URL": database_url,
                "SECRET_KEY": secrets.token_hex(16),
                "PUBLIC_URL": f"http://{host}:{port}",
                **environ,
            },
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,
        )
        if CORES:
            os.sched_setaffinity(self._process.pid, CORES[:1] if workers == 1 else CORES)
        self._wait(log)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._log.close()

    def _wait(self, log: Path) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                load.one(self.address, load.get(yardsticks.EMPTY))  # the port is open before the workers are there
                return
            except OSError:
                time.sleep(0.05)
        raise RuntimeError(f"the server did not start:\n{log.read_text()[-4000:]}")
