"""The Node that set-up found, or brought into .venv where the machine's was missing or too old."""

import os
import shutil
import sys
from pathlib import Path


def node_path() -> str:
    path = shutil.which("node", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}")
    if path is None:
        raise RuntimeError("no Node: run `make setup`, which brings one")
    return path
