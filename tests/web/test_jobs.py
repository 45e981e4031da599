"""The scheduler itself: it goes on ticking, whatever the clock does."""

import time
from datetime import timedelta

import time_machine
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler import clock, jobs
from scheduler.models import Heartbeat


def test_a_clock_set_back_by_hours_stops_no_tick(app: Flask, engine: Engine) -> None:
    def beaten_at() -> object:
        with Session(engine) as session:
            return session.scalar(select(Heartbeat.at).where(Heartbeat.name == jobs.HEARTBEAT))

    real = clock.now()
    with time_machine.travel(real + timedelta(hours=5), tick=True) as traveller:
        scheduler = jobs.start(app)
        try:
            end = time.monotonic() + 20
            while beaten_at() is None and time.monotonic() < end:
                time.sleep(0.05)
            traveller.move_to(real, tick=True)
            while time.monotonic() < end and not (at := beaten_at()) < real + timedelta(hours=1):  # type: ignore[operator]
                time.sleep(0.05)
        finally:
            jobs.stop(app, scheduler)
    assert at < real + timedelta(hours=1)
