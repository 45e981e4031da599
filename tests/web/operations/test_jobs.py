"""The scheduler itself: it goes on ticking, whatever the clock does."""

import dataclasses
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import time_machine
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler import clock, jobs
from scheduler.extensions import db
from scheduler.gateways.sms import SmsAccepted
from scheduler.models import Heartbeat, Message
from scheduler.usecases.texts.sending.status import SCHEDULER
from tests.factories import NOW, local, make_appointment, make_clinic, make_patient
from tests.fakes import FakeSms, Sent
from tests.support.fake_twilio import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio
from tests.usecases.texts.sms_clinic import make_reminder
from tests.web.conftest import make_app


def test_a_clock_set_back_by_hours_stops_no_tick(app: Flask, engine: Engine) -> None:
    def beaten_at() -> object:
        with Session(engine) as session:
            return session.scalar(select(Heartbeat.at).where(Heartbeat.name == SCHEDULER))

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


def test_a_worker_started_as_a_service_gives_way_to_other_services() -> None:
    """Linux weighs sessions before the processes in them; where it does not, its niceness is all there is."""
    autogroup = Path("/proc/self/autogroup")
    tell = f"from scheduler import jobs; jobs.give_way(); import os; print(os.nice(0)); print(open({str(autogroup)!r}).read())"
    tell = tell if autogroup.exists() else tell.rpartition(";")[0]
    told = subprocess.run(
        [sys.executable, "-c", tell], capture_output=True, text=True, check=True, start_new_session=True
    ).stdout.split()
    assert int(told[0]) >= jobs.NICENESS
    assert told[-1] == str(jobs.NICENESS) if autogroup.exists() else told[1:] == []


def test_a_reply_that_reached_no_webhook_is_found_at_twilio(database_url: str, session: Session) -> None:
    make_clinic(session)
    with FakeTwilio() as twilio, time_machine.travel(NOW, tick=False) as traveller:
        app = make_app(
            database_url,
            PUBLIC_URL="https://book.example.ca",
            TWILIO_ACCOUNT_SID=ACCOUNT_SID,
            TWILIO_AUTH_TOKEN=AUTH_TOKEN,
            TWILIO_FROM="+16135550100",
            TWILIO_API_ORIGIN=twilio.origin,
        )
        jobs.tick(app)
        texted = twilio.take_in(from_="+16135550142", body="Can I bring my dog?", at=NOW + timedelta(minutes=1))
        traveller.shift(timedelta(hours=8))
        jobs.tick(app)
        with app.app_context():
            db.engine.dispose()
    session.rollback()
    [kept] = session.scalars(select(Message))
    assert (kept.sid, kept.body, kept.for_desk) == (texted.sid, "Can I bring my dog?", True)


def test_changed_settings_hold_for_what_a_long_tick_has_not_claimed_yet(
    another_app: Callable[..., Flask], session: Session
) -> None:
    app = another_app(SMS_CONCURRENCY="1", QUIET_HOURS="00:00-00:00")
    make_clinic(session)
    day = (clock.now() + timedelta(days=2)).date()
    for hour in range(9, 16):
        visit = make_appointment(session, patient=make_patient(session), starts_local=local(day, f"{hour:02}:00"))
        make_reminder(session, visit, due_at=clock.now() - timedelta(minutes=1))

    def renamed_meanwhile(text: Sent) -> SmsAccepted:
        app.config["CLINIC"] = dataclasses.replace(app.config["CLINIC"], name="West Side Physio")
        return SmsAccepted(text.sid, "queued")

    app.extensions["sms_gateway"] = sms = FakeSms()
    sms.next_outcomes = [renamed_meanwhile]
    jobs.tick(app)
    assert len(sms.sent) == 6
    assert "West Side Physio" in sms.sent[-1].body
