"""The house itself: short listings, a map that is true, one word for each thing."""

import re
import subprocess
from collections import defaultdict
from pathlib import Path, PurePosixPath

import pytest

ROOT = Path(__file__).resolve().parents[2]
LONGEST_LISTING = 16
# Their entries come one by one over the years, and nobody reads them as a list.
SERIES = ("migrations/versions", "docs/decisions")
TOP_AND_FIGURES = (".", "benchmarks")
DOCUMENTS = ("ARCHITECTURE.md", "CONTRIBUTING.md", "README.md", "docs/api.md", "docs/desk.md", "docs/sms.md")


def tracked() -> list[str]:
    found = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True)
    return found.stdout.splitlines()


def test_no_listing_is_longer_than_a_glance() -> None:
    entries = defaultdict(set)
    for file in tracked():
        path = PurePosixPath(file)
        for each in (path, *path.parents[:-1]):
            entries[str(each.parent)].add(each.name)
    long = {
        folder: len(names)
        for folder, names in entries.items()
        if len(names) > LONGEST_LISTING and folder not in (*SERIES, *TOP_AND_FIGURES)
    }
    assert not long


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_file_that_a_document_names_is_there(document: str) -> None:
    files = tracked()
    named = re.findall(r"`([\w/<>]+/[\w/<>.]*\w+\.(?:py|html|css|js|md))\b", (ROOT / document).read_text())
    assert not [name for name in named if not any(file == name or file.endswith(f"/{name}") for file in files)]


def test_every_file_that_the_code_names_is_there() -> None:
    files = tracked()
    lost = []
    for file in files:
        if file.endswith(".py") and file != "tests/operations/test_house.py":
            for name in re.findall(r"(?<![\w/.{}-])((?:[a-z_]+/)+[a-z_]+\.py)\b", (ROOT / file).read_text()):
                if not any(each == name or each.endswith(f"/{name}") for each in files):
                    lost.append((file, name))
    assert not lost
