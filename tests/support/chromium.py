"""The browser that tests of pages drive. `python -m tests.support.chromium` prints where it is, or fails."""

import functools
import shutil
import subprocess
import sys
from pathlib import Path

import playwright

from tests.support.node import node_path

NAMES = (
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)

UNPACKED = Path(__file__).resolve().parents[2] / "build" / "chromium" / "chromium"  # by setup/browser.sh

FLAGS = (
    "--headless",
    "--no-sandbox",  # as root it starts in no other way; it only ever sees our own pages
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",  # containers have little of it
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",  # the browser too stays on this machine
)


@functools.cache
def chromium_path() -> str:
    """For Playwright's `executable_path`, together with FLAGS as its `args`. Never absent: set-up brings one or fails."""
    for name in (*NAMES, str(UNPACKED)):
        path = shutil.which(name)
        if path and _runs(path):
            return path
    raise RuntimeError("no Chromium: run `make setup`, which brings one or says how")


def playwright_node() -> str | None:
    """A Node for Playwright's driver where its own cannot run (it wants a library that small machines lack), else none."""
    own = Path(playwright.__file__).parent / "driver" / "node"
    if _runs(str(own)):
        return None
    return node_path()


def _runs(path: str) -> bool:
    """Ubuntu's chromium-browser is only an advertisement for another package; a program may be another machine's."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    try:
        sys.stdout.write(chromium_path() + "\n")
    except RuntimeError as error:
        sys.exit(str(error))
