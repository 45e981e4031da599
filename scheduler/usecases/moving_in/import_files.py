"""Uploaded files that wait to be imported: they end by the clock, whether or not anybody uploads another."""

from collections import defaultdict
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path

KEPT = timedelta(days=7)


def folder_of(instance: str) -> Path:
    return Path(instance) / "imports"


def end_old_files(folder: Path, *, now: datetime) -> int:
    """Delete what was uploaded more than `KEPT` ago, with all that stands beside it; how many files that were."""
    uploads: defaultdict[str, list[Path]] = defaultdict(list)
    with suppress(FileNotFoundError):  # nothing was ever uploaded
        for file in folder.iterdir():
            uploads[file.name.partition(".")[0]].append(file)
    ended = 0
    before = (now - KEPT).timestamp()
    for files in uploads.values():
        with suppress(FileNotFoundError):  # another process was quicker
            if min(file.stat().st_mtime for file in files) < before:
                for file in files:
                    file.unlink()
                    ended += 1
    return ended
