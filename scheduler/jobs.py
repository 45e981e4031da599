"""What goes on without anybody asking. APScheduler is only the clock that ticks: what is due lives in the database,
so two schedulers, a restart, or none for an hour lose and repeat nothing. Never started at import."""

import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

import structlog
from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.jobstores.base import JobLookupError
from apscheduler.jobstores.memory import MemoryJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.extensions import db
from scheduler.gateways.outbox_sms import OutboxSms
from scheduler.gateways.sms import SmsGateway
from scheduler.gateways.twilio_sms import TwilioSettings, TwilioSms
from scheduler.serving import live_settings
from scheduler.usecases import housekeeping
from scheduler.usecases.moving_in import import_files
from scheduler.usecases.patients import acting
from scheduler.usecases.texts import retention
from scheduler.usecases.texts.replies import missed
from scheduler.usecases.texts.sending import in_doubt, prices, receipts, reminders, unplanned
from scheduler.usecases.texts.sending.budget import SmsBudget, mark_waiting
from scheduler.usecases.texts.sending.pace import Pace, WatchedGateway, sender_name
from scheduler.usecases.texts.sending.pool import send_all
from scheduler.usecases.texts.sending.reminders import Claim
from scheduler.usecases.texts.sending.sms_states import gateway_name
from scheduler.usecases.texts.sending.status import SCHEDULER, WORKER

WORKER_NAME = f"{WORKER}{socket.gethostname()[:24]} {os.getpid()}"
BEAT_EVERY = timedelta(seconds=10)
LONGEST_WAIT_SECONDS = 5.0  # for the sender's pace, before looking again and showing that this worker is there
IN_DOUBT_AT_ONCE = 50
NICENESS = 10  # beside a process that never rests a tenth of the processor is left, enough for some 100 texts a second

log = structlog.get_logger("jobs")


def start(app: Flask) -> BackgroundScheduler:
    """Begin to tick in this process; `stop` it before the process ends."""
    logging.getLogger("apscheduler.scheduler").setLevel(logging.ERROR)  # "still running" is no news for a tick
    work = app.extensions["jobs"] = _Work(app)
    scheduler = BackgroundScheduler(
        jobstores={"default": MemoryJobStore()},
        executors={"default": ThreadPoolExecutor(len(work.every))},
        timezone="UTC",  # else it looks for the machine's zone files
    )
    for name, (seconds, job) in work.every.items():
        scheduler.add_job(
            partial(_go_on, name, job),
            "interval",
            seconds=seconds,
            id=name,
            max_instances=1,
            coalesce=True,
            misfire_grace_time=None,
            next_run_time=clock.now(),
        )
    scheduler.start()
    threading.Thread(
        target=_mind_the_clock, args=(scheduler, work.stopping), name="mind-the-clock", daemon=True
    ).start()
    return scheduler


def stop(app: Flask, scheduler: BackgroundScheduler) -> None:
    """Finish what is being sent, give back what was claimed, and end."""
    app.extensions["jobs"].stopping.set()
    scheduler.shutdown(wait=True)


def run(app: Flask) -> None:
    """Tick until SIGTERM or Ctrl-C. For the main thread of a process of its own; several may run at once."""
    give_way()
    ending = {signal.SIGTERM, signal.SIGINT}
    signal.pthread_sigmask(signal.SIG_BLOCK, ending)  # before there are threads, so that none of them is hit
    scheduler = start(app)
    log.info("ticking")
    signal.sigwait(ending)
    stop(app, scheduler)


def give_way() -> None:
    """Where the processor is wanted by both, a person who books comes before texts. For a process of its own."""
    os.nice(NICENESS)
    if os.getsid(0) == os.getpid():  # started as a service: Linux weighs sessions first, and niceness only within one
        with suppress(OSError):  # another system, or a container, where niceness is enough
            Path("/proc/self/autogroup").write_text(str(NICENESS))


def tick(app: Flask) -> None:
    """Everything that is due, once."""
    work = _Work(app)
    for _seconds, job in work.every.values():
        job()


def gateway_for(app: Flask) -> SmsGateway:
    """Twilio when it is set, else the outbox, which prints to the console. One for the process: it keeps connections."""
    if "sms_gateway" not in app.extensions:
        app.extensions["sms_gateway"] = _new_gateway(app)
    gateway: SmsGateway = app.extensions["sms_gateway"]
    return gateway


def _new_gateway(app: Flask) -> SmsGateway:
    settings: dict[str, str] = app.config["SMS"]
    if not settings:
        return OutboxSms(sys.stdout)
    return TwilioSms(
        TwilioSettings(
            account_sid=settings["account_sid"],
            auth_token=settings["auth_token"],
            public_url=app.config["PUBLIC_URL"],
            from_number=settings["from"] or None,
            messaging_service_sid=settings["messaging_service_sid"] or None,
            api_origin=settings["api_origin"] or None,
        )
    )


def _mind_the_clock(scheduler: BackgroundScheduler, stopping: threading.Event) -> None:
    """APScheduler waits for an hour of the day: were the clock set back by an hour, nothing would tick for that long."""
    while not stopping.wait(1):
        now = clock.now()
        for job in scheduler.get_jobs():
            if job.next_run_time is not None and job.next_run_time > now + job.trigger.interval + timedelta(seconds=1):
                log.warning("the clock was set back", job=job.id)
                with suppress(JobLookupError):
                    job.modify(next_run_time=now)


def _go_on(name: str, job: Callable[[], None]) -> None:
    """A tick that fails is logged, and the next one comes: a database restart must not end the reminders."""
    try:
        job()
    except Exception:
        log.exception("tick failed", job=name)


class _Work:
    """The jobs, by name: how many seconds between two ticks, and what is done."""

    def __init__(self, app: Flask) -> None:
        with app.app_context():
            self._engine = db.engine
        self._gateway = gateway_for(app)
        self._app = app
        settings = app.config["SMS"]
        sender = sender_name(settings)
        self._pace = Pace(self._engine, sender=sender, per_second=app.config["SMS_PER_SECOND"] if settings else 0)
        self._watched = WatchedGateway(self._gateway, self._pace, clock.now)
        self._budget = SmsBudget(self._engine, lambda: app.config["CLINIC"])
        self._bodies_days: int = app.config["SMS_BODIES_DAYS"]
        self._concurrency: int = app.config["SMS_CONCURRENCY"]
        self._beaten_at: datetime | None = None
        self.stopping = threading.Event()
        self.every: dict[str, tuple[int, Callable[[], None]]] = {
            "codes": (1, self._send_codes),
            "in doubt": (5, self._settle),
            "reminders": (15, self._send_reminders),
            "receipts": (60, self._chase_receipts),
            "missed replies": (60, self._take_missed_replies),
            "housekeeping": (60, self._tidy),
            "prices": (600, self._ask_prices),
        }

    def _send_reminders(self) -> None:
        live_settings.of(self._app).refresh(self._engine)
        if self._budget.is_used_up(clock.now()):
            mark_waiting(self._engine, now=clock.now())
            self._beat()
            return

        # A tick lasts as long as anything is due: the settings of now, not those it began with.
        def claim(engine: Engine, *, now: datetime, limit: int, gateway: str) -> Claim:
            clinic = self._app.config["CLINIC"]
            return reminders.claim_due(engine, clinic=clinic, now=now, limit=limit, gateway=gateway)

        def is_due(engine: Engine, *, now: datetime) -> bool:
            return reminders.anything_due(engine, clinic=self._app.config["CLINIC"], now=now)

        self._send(claim, is_due, before=self._beat)

    def _send_codes(self) -> None:
        def only() -> str | None:
            return "code" if self._budget.is_used_up(clock.now()) else None

        def claim(engine: Engine, *, now: datetime, limit: int, gateway: str) -> Claim:
            return unplanned.claim_codes(engine, now=now, limit=limit, gateway=gateway, only=only())

        self._send(claim, lambda engine, now: unplanned.anything_waiting(engine, now=now, only=only()), urgent=True)

    def _send(
        self,
        claim: Callable[..., Claim],
        is_due: Callable[..., bool],
        *,
        urgent: bool = False,
        before: Callable[[], None] = lambda: None,
    ) -> None:
        def claim_some(limit: int) -> Claim:
            """As many as the sender's pace allows, after waiting for it; nothing while the provider is left alone."""
            while not self.stopping.is_set():
                before()
                live_settings.of(self._app).refresh(self._engine)
                now = clock.now()
                affordable = self._budget.state(now).at_most(limit)
                if urgent:  # a code goes out whatever is used up
                    affordable = max(affordable, 1)
                if not affordable or not is_due(self._engine, now=now):
                    break
                allowed = self._pace.take(affordable, now=now, urgent=urgent)
                if allowed:
                    gateway = gateway_name(self._gateway)
                    claimed = claim(self._engine, now=now, limit=allowed, gateway=gateway)
                    self._budget.count(claimed.outgoing)
                    self._pace.give_back(allowed - len(claimed.outgoing))
                    return claimed
                wait = self._pace.wait_seconds(now)
                if wait is None:
                    break
                self.stopping.wait(min(wait, LONGEST_WAIT_SECONDS))
            return Claim(0, [])

        send_all(
            self._engine,
            self._watched,
            claim=claim_some,
            clock=clock.now,
            concurrency=self._concurrency,
            stopping=self.stopping,
        )

    def _settle(self) -> None:
        in_doubt.take_stale(self._engine, now=clock.now())
        in_doubt.settle_some(
            self._engine, self._gateway, clock=clock.now, limit=IN_DOUBT_AT_ONCE, stopping=self.stopping
        )

    def _chase_receipts(self) -> None:
        receipts.match_early(self._engine, now=clock.now())
        receipts.ask_about_silent(self._engine, self._gateway, clock=clock.now, limit=IN_DOUBT_AT_ONCE)

    def _take_missed_replies(self) -> None:
        live_settings.of(self._app).refresh(self._engine)
        clinic = self._app.config["CLINIC"]
        missed.take_missed(self._engine, self._gateway, clinic=clinic, now=clock.now())

    def _ask_prices(self) -> None:
        prices.ask_prices(self._engine, self._gateway, now=clock.now())

    def _tidy(self) -> None:
        unplanned.blank_old_codes(self._engine, now=clock.now())
        retention.blank_old_bodies(self._engine, days=self._bodies_days, now=clock.now())
        retention.blank_at_provider(self._engine, self._gateway, now=clock.now())
        with Session(self._engine) as session:
            now = clock.now()
            housekeeping.tidy(session, now=now)
            zone = clock.zone(self._app.config["CLINIC"].zone)
            acting.end_come_of_age(session, now=now, today=clock.to_local(now, zone).date())
        import_files.end_old_files(import_files.folder_of(self._app.instance_path), now=clock.now())

    def _beat(self) -> None:
        now = clock.now()
        if self._beaten_at is None or abs(now - self._beaten_at) >= BEAT_EVERY:  # the clock may be set back
            with Session(self._engine) as session:
                housekeeping.beat(session, name=SCHEDULER, now=now)
                housekeeping.beat(session, name=WORKER_NAME, now=now)
            self._beaten_at = now
