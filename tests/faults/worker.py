"""Workers to be killed by a test. `python -m tests.faults.worker` loads everything once, and then forks one for each
line on stdin: the settings, as JSON. SHIFT_SECONDS puts the worker's clock forward, so that a test need not wait for
an attempt to grow old. Each prints its process id once it is ready; the worker ticks without pause, and ends
after a tick at SIGTERM."""

import json
import os
import signal
import sys
import threading
from datetime import timedelta

import time_machine

from config import Config
from scheduler import clock, create_app, jobs


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need no burying
    nursery = os.getpid()
    for line in sys.stdin:
        if os.fork():
            continue
        work(json.loads(line), nursery)
        os._exit(0)


def work(settings: dict[str, str], nursery: int) -> None:
    app = create_app(Config(settings))
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    sys.stdout.write(f"{os.getpid()}\n")  # from now on it heeds SIGTERM
    sys.stdout.flush()
    shift = timedelta(seconds=float(settings["SHIFT_SECONDS"]))
    with time_machine.travel(clock.now() + shift, tick=True):
        while os.getppid() == nursery and not ending.is_set():  # no worker outlives its test
            jobs.tick(app)


main()
