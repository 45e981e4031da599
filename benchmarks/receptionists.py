"""Twenty receptionists at one service with SQLite: every calendar asks for changes, and ten of them book as well."""

import random
import re
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice

from benchmarks import desk
from benchmarks.clinics import ORDINARY, Size, free_places, today
from benchmarks.databases import SQLITE, Databases, connected
from benchmarks.report import Line, Report
from benchmarks.rounds import QUICK
from tests.soak.traffic import CSRF, Answers, Caller
from tests.soak.whole_service import WholeService

SIZE = 50_000
RECEPTIONISTS, BOOKING = 20, 10
SECONDS = 10 if QUICK else 60
POLL = 4.0  # as scheduler/static/desk-calendar.js has it
BETWEEN_BOOKINGS = 5.0  # four times as fast as a telephone call
LIMIT = 300  # ms
CALENDAR_CSRF = re.compile(r'name="csrf" content="([^"]+)"')
WATCH = re.compile(r'data-watch="([^"]+)"')


@dataclass
class Waits:
    """Milliseconds, of every answer."""

    looking: list[float] = field(default_factory=list)
    booking: list[float] = field(default_factory=list)


def run(report: Report, databases: Databases) -> None:
    report.section(
        f"{RECEPTIONISTS} receptionists at `flask serve` with SQLite, {BOOKING} of them booking, {SECONDS} s"
    )
    url = databases.clinic(SQLITE, SIZE, ORDINARY)
    with connected(url) as made:
        desk.fill(made, desk.busy_day())
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    waits, answers = Waits(), Answers()
    log = databases.folder / "receptionists.log"
    with WholeService(url, port=port, log=log, HORIZON_DAYS="366") as service:
        people = [_Receptionist(service.address, answers, waits) for _ in range(RECEPTIONISTS)]
        places = [place for place in free_places(today(), 300) if place[1].date() != desk.busy_day()]
        newcomers = Size(SIZE).regulars + 1
        each = len(places) // BOOKING
        until = time.monotonic() + SECONDS
        threads = [
            threading.Thread(
                target=person.work,
                args=(
                    until,
                    number,
                    iter(islice(places, number * each, (number + 1) * each)),
                    newcomers + number * each,
                ),
                kwargs={"books": number < BOOKING},
            )
            for number, person in enumerate(people)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    report.at_most("errors", len(answers.wrong), 0, note="; ".join(answers.wrong[:2]))
    report.at_most("p95 of all answers", _p95(waits.looking + waits.booking), LIMIT, unit=" ms")
    report.add(Line("p95 of looking", f"{_p95(waits.looking):.0f} ms", note=f"{len(waits.looking):,} answers"))
    report.add(Line("p95 of booking", f"{_p95(waits.booking):.0f} ms", note=f"{len(waits.booking):,} bookings"))


class _Receptionist:
    """Signed in, with a calendar open."""

    def __init__(self, address: tuple[str, int], answers: Answers, waits: Waits) -> None:
        self._caller, self._answers, self._waits = Caller(address, answers), answers, waits
        (csrf,) = CSRF.findall(self._caller.get("/desk/sign-in").text)
        fields = {"csrf_token": csrf, "next": "", "username": desk.USERNAME, "password": desk.PASSWORD}
        self._caller.post_form("/desk/sign-in", **fields)
        page = self._caller.get("/desk").text
        (self._csrf,), (self._watch,) = CALENDAR_CSRF.findall(page), WATCH.findall(page)
        self._seen, self._etag = "", ""

    def work(
        self, until: float, number: int, places: Iterator[tuple[int, datetime]], patient: int, *, books: bool
    ) -> None:
        chance = random.Random(number)
        next_look = time.monotonic() + chance.random() * POLL
        next_booking = time.monotonic() + chance.random() * BETWEEN_BOOKINGS if books else until
        while (moment := min(next_look, next_booking)) < until:
            time.sleep(max(0.0, moment - time.monotonic()))
            if moment == next_look:
                self._look()
                next_look = time.monotonic() + POLL
            else:
                self._book(*next(places), f"patient-{patient:08}")
                patient += 1
                next_booking = time.monotonic() + BETWEEN_BOOKINGS
        self._caller.close()

    def _look(self) -> None:
        began = time.perf_counter()
        state = self._caller.get(self._watch, **({"If-None-Match": self._seen} if self._seen else {}))
        if state.status == 200:
            data = self._caller.get(desk.path(desk.busy_day()), **({"If-None-Match": self._etag} if self._etag else {}))
            self._seen, self._etag = state.headers["etag"], data.headers.get("etag", "")
            self._require(data.status in (200, 304), f"the day: {data.status}")
        self._require(state.status in (200, 304), f"the watch: {state.status}")
        self._waits.looking.append((time.perf_counter() - began) * 1_000)

    def _book(self, practitioner: int, starts_local: datetime, patient: str) -> None:
        began = time.perf_counter()
        done = self._caller.post_form(
            "/desk/book",
            csrf_token=self._csrf,
            patient=patient,
            treatment="ims",
            practitioner=f"p{practitioner}",
            starts=starts_local.isoformat(timespec="minutes"),
        )
        self._require(done.headers.get("hx-trigger") == "desk-changed", f"not booked: {done.status} {done.text[:200]}")
        self._waits.booking.append((time.perf_counter() - began) * 1_000)

    def _require(self, fine: bool, words: str) -> None:
        if not fine:
            self._answers.wrong.append(words)


def _p95(waits: list[float]) -> float:
    return sorted(waits)[int(len(waits) * 0.95)] if waits else float("nan")
