"""Workers to be killed by a test. `python -m tests.faults.worker` loads everything once, and then forks one for each
line on stdin: the settings, as JSON. SHIFT_SECONDS puts the worker's clock forward, so that a test need not wait for
an attempt to grow old; FAST_SINCE makes it run fast (fast_time.py). Each prints its process id once it is ready; the
worker ticks without pause, and ends after a tick at SIGTERM."""

import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

import time_machine
from flask import Flask

from config import Config
from scheduler import clock, create_app, jobs
from tests.faults.fast_time import FastTime, QuickEvent, running

PAUSE_SECONDS = 0.1  # between two ticks, where time is fast: as the scheduler's own pauses are


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # the dead need no burying
    nursery = os.getpid()
    apps: dict[str, Flask] = {}
    for line in sys.stdin:
        settings = json.loads(line)
        lasting = json.dumps({name: value for name, value in settings.items() if name != "SHIFT_SECONDS"})
        if lasting not in apps:  # no connection is open before the fork
            apps.clear()
            apps[lasting] = create_app(Config(settings))
        if os.fork():
            continue
        work(apps[lasting], settings, nursery)
        os._exit(0)


def work(app: Flask, settings: dict[str, str], nursery: int) -> None:
    ending = threading.Event()
    signal.signal(signal.SIGTERM, lambda *_: ending.set())
    sys.stdout.write(f"{os.getpid()}\n")  # from now on it heeds SIGTERM
    sys.stdout.flush()

    def goes_on() -> bool:
        """No worker outlives its test."""
        return os.getppid() == nursery and not ending.is_set()

    if since := settings.get("FAST_SINCE"):
        with running(FastTime(float(since))):
            tick_fast(app, goes_on)
        return
    with time_machine.travel(clock.now() + timedelta(seconds=float(settings["SHIFT_SECONDS"])), tick=True):
        while goes_on():
            jobs.tick(app)


def tick_fast(app: Flask, goes_on: Callable[[], bool]) -> None:
    all_jobs = jobs._Work(app)
    all_jobs.stopping = QuickEvent()
    while goes_on():
        for name, (_seconds, job) in all_jobs.every.items():
            jobs._go_on(name, job)  # a database kept by a process that stands still
        time.sleep(PAUSE_SECONDS)


main()
