"""Who saw whom on a list, kept for a moment so that a page that is asked for every few seconds writes hardly ever.

A process notes what is new to it, and writes it together two seconds later, and what is left when it ends. A process that
is killed loses those two seconds (docs/decisions/0022-looks.md).
"""

import atexit
import threading
from collections.abc import Iterable, Set
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Literal

import structlog
from flask import Flask
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.extensions import db
from scheduler.usecases.staff.looks import AT_ONCE, Listing, Onlooker, Seen, write_looks

HELD_SECONDS = 2.0
SHOWN = timedelta(seconds=2)
"""A search that is followed by another of the same person within this time was only typed through."""
MOST_KNOWN = 100_000  # ids; then all are forgotten, and the database says which it has
MOST_WAITING = 50_000  # while there is no database

log = structlog.get_logger("looks")


class Looks:
    """Of one process; any thread may note."""

    def __init__(self, app: Flask) -> None:
        self._app = app
        self._lock = threading.Lock()
        self._writing = threading.Lock()
        self._known: dict[Onlooker, set[str]] = {}
        self._waiting: dict[Onlooker, Seen] = {}
        self._searches: dict[tuple[str, str], tuple[Onlooker, Seen]] = {}
        self._timer: threading.Timer | None = None
        self._engine: Engine | None = None
        self._ended = False

    def note(self, onlooker: Onlooker, ids: Set[str], *, now: datetime, address: str) -> None:
        """A list that somebody is shown."""
        with self._lock:
            if new := ids - self._known.get(onlooker, set()):
                self._add(onlooker, Seen(set(new), now, address))

    def note_search(self, onlooker: Onlooker, ids: Set[str], *, now: datetime, address: str) -> None:
        """What a search shows; whoever types on within two seconds has not looked at it."""
        with self._lock:
            who = (onlooker.actor, address)
            before = self._searches.pop(who, None)
            if before is not None and now - before[1].at >= SHOWN:
                self._add(*before)
            if ids:
                self._searches[who] = (onlooker, Seen(set(ids), now, address))
                self._write_soon()

    def flush(self, now: datetime | None = None) -> None:
        """Write what waits; searches too that have been shown for long enough, and without `now` all of them."""
        with self._writing:
            with self._lock:
                for who, (onlooker, seen) in list(self._searches.items()):
                    if now is None or now - seen.at >= SHOWN:
                        del self._searches[who]
                        self._add(onlooker, seen)
                waiting, self._waiting, self._timer = self._waiting, {}, None
            left = self._write(waiting)
            with self._lock:
                for onlooker, seen in left.items():
                    self._add(onlooker, seen)
                if self._searches and now is not None:
                    self._write_soon()

    def end(self) -> None:
        """At the end of the process."""
        self._ended = True
        self.flush()

    def _write(self, waiting: dict[Onlooker, Seen]) -> dict[Onlooker, Seen]:
        """Some at a time: nobody who books waits for long. What could not be written is handed back."""
        left = dict(waiting)
        while left and self._engine is not None:
            some: dict[Onlooker, Seen] = {}
            for onlooker, seen in left.items():
                some[onlooker] = seen
                if sum(len(one.ids) for one in some.values()) >= AT_ONCE:
                    break
            try:
                with Session(self._engine) as session:
                    write_looks(session, some)
            except SQLAlchemyError as error:
                log.warning("looks not written yet", error=type(error).__name__)
                break
            left = {onlooker: seen for onlooker, seen in left.items() if onlooker not in some}
        return left

    def _add(self, onlooker: Onlooker, seen: Seen) -> None:
        """Under the lock."""
        if sum(len(one.ids) for one in self._waiting.values()) > MOST_WAITING:
            log.error("looks lost", number=len(seen.ids))
            return
        if sum(map(len, self._known.values())) > MOST_KNOWN:
            self._known.clear()
        self._known.setdefault(onlooker, set()).update(seen.ids)
        before = self._waiting.get(onlooker)
        self._waiting[onlooker] = replace(before, ids=before.ids | seen.ids) if before else seen
        self._write_soon()

    def _write_soon(self) -> None:
        """Under the lock, in a request or in the thread that this starts. Tests write when they say so."""
        if self._engine is None:
            self._engine = db.engine
            if not self._app.testing:
                atexit.register(self.end)
        if self._timer is None and not self._app.testing and not self._ended:
            self._timer = threading.Timer(HELD_SECONDS, lambda: self.flush(clock.now()))
            self._timer.daemon = True  # what it has not written at the end of the process, `atexit` does
            self._timer.start()


def of(app: Flask) -> Looks:
    found: Looks = app.extensions["looks"]
    return found


def init_app(app: Flask) -> None:
    app.extensions["looks"] = Looks(app)


def note_list(
    app: Flask, actor: Actor, listing: Listing, of_what: Literal["visit", "patient"], ids: Iterable[str]
) -> None:
    now = clock.now()
    onlooker = Onlooker(str(actor), listing, _clinics_day(app, now), of_what)
    of(app).note(onlooker, ids if isinstance(ids, Set) else set(ids), now=now, address=actor.address)


def note_search(app: Flask, actor: Actor, listing: Listing, patients: Iterable[str]) -> None:
    now = clock.now()
    onlooker = Onlooker(str(actor), listing, _clinics_day(app, now), "patient")
    of(app).note_search(onlooker, set(patients), now=now, address=actor.address)


def _clinics_day(app: Flask, now: datetime) -> date:
    return clock.to_local(now, clock.zone(app.config["CLINIC"].zone)).date()
