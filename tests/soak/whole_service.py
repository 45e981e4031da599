"""The service as `make run` starts it, in a process of its own."""

import os
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 120


class WholeService:
    """`flask serve` on a database, which it migrates and, when empty, fills with the demo clinic."""

    def __init__(self, database_url: str, *, port: int, log: Path, **environ: str) -> None:
        self.address = ("127.0.0.1", port)
        self._flask = [sys.executable, "-m", "flask", "--app", "wsgi"]
        self._environ = {**os.environ, "DATABASE_URL": database_url, "PORT": str(port), **environ}
        self._environ.setdefault("SECRET_KEY", "a key for this run alone")
        self._log = log
        with log.open("wb") as written:
            self._process = subprocess.Popen(
                [*self._flask, "serve"], cwd=ROOT, env=self._environ, stdout=written, stderr=written
            )
        self._wait()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.terminate()
        self._process.wait(timeout=60)

    def token(self, name: str) -> str:
        made = subprocess.run(
            [*self._flask, "tokens", "create", name, "--role", "owner"],
            cwd=ROOT,
            env=self._environ,
            capture_output=True,
            text=True,
            check=True,
        )
        return made.stdout.strip()

    def resident_mb(self) -> float:
        """The memory of the whole process, in millions of bytes (Linux)."""
        for line in Path(f"/proc/{self._process.pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                return int(line.split()[1]) * 1024 / 1e6
        raise RuntimeError("the process is gone")

    def _wait(self) -> None:
        ready = f"http://127.0.0.1:{self.address[1]}\n"
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self._process.poll() is None:
            if self._log.read_text().endswith(ready):
                return
            time.sleep(0.1)
        raise RuntimeError(f"the service did not start:\n{self._log.read_text()[-4000:]}")
