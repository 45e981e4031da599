"""Addresses of style sheets and scripts carry the file's hash, so that browsers may keep them for a year."""

import hashlib
from functools import lru_cache
from pathlib import Path
from typing import Any

from flask import Flask, request

A_YEAR = 31_536_000
NEEDED = (
    "vendor/pico.min.css",
    "vendor/htmx.min.js",
    "vendor/event-calendar.min.css",
    "vendor/event-calendar.min.js",
)


def init_app(app: Flask) -> None:
    folder = Path(app.static_folder or "")

    @app.url_defaults
    def add_hash(endpoint: str, values: dict[str, Any]) -> None:
        if endpoint == "static" and "v" not in values:
            found = _hash(folder / values["filename"])
            if found:
                values["v"] = found


def max_age() -> int | None:
    """How long a browser may keep the style sheet being asked for without asking again."""
    return A_YEAR if request.args.get("v") else None


def missing(app: Flask) -> list[str]:
    """What set-up should have copied and has not."""
    return [name for name in NEEDED if not (Path(app.static_folder or "") / name).is_file()]


def _hash(path: Path) -> str | None:
    try:
        return _hash_of_version(path, path.stat().st_mtime_ns)
    except OSError:
        return None


@lru_cache(maxsize=200)
def _hash_of_version(path: Path, _mtime_ns: int) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()[:12]
