"""Calendar feeds: unchanged, over HTTP; and 50 visits written anew, as CPU beside a plain string writer."""

import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from benchmarks import load, yardsticks
from benchmarks.clinics import ORDINARY
from benchmarks.databases import POSTGRESQL, SQLITE, Databases
from benchmarks.report import Report
from benchmarks.rounds import SECONDS, alternate
from benchmarks.serving import Server
from scheduler.gateways import ical
from scheduler.gateways.ical import CalendarVisit, calendar_bytes

SIZE = 50_000
SELECT, UNCHANGED = "one SELECT", "feed unchanged"
PLAIN, ONE_CHANGED, ALL_NEW = "plain writer", "one of 50 visits changed", "all 50 visits new"
ZONE = "America/Toronto"


def run(report: Report, databases: Databases) -> None:
    report.section("Calendar feeds")
    for engine in (POSTGRESQL, SQLITE):
        _unchanged(report, databases, engine)
    _rebuilt(report)


def _unchanged(report: Report, databases: Databases, engine: str) -> None:
    url = databases.clinic(engine, SIZE, ORDINARY)
    with Server(url, log=databases.folder / "server.log") as server:
        paths = [f"/feeds/feed-{patient:019}.ics" for patient in range(1, 200, 7)]
        etags = [load.one(server.address, load.get(path))[1]["etag"] for path in paths]
        asked = [load.get(path, If_None_Match=etag) for path, etag in zip(paths, etags, strict=True)]
        select = [load.get(yardsticks.SELECT)]
        rates = alternate(
            {
                SELECT: lambda: load.for_seconds(server.address, select, SECONDS).require(200).rate,
                UNCHANGED: lambda: load.for_seconds(server.address, asked, SECONDS).require(304).rate,
            }
        )
    report.share(f"{engine}: an unchanged feed (304)", rates.ratio(UNCHANGED, SELECT), 0.90, of=SELECT)


def _rebuilt(report: Report) -> None:
    start = datetime(2026, 11, 30, 9)  # noqa: DTZ001 - clinic wall clock
    visits = [_visit(number, start + timedelta(days=7 * number)) for number in range(50)]
    changes = iter(range(1, 10_000_000))

    def one_changed() -> None:
        changed = replace(visits[25], sequence=next(changes))
        calendar_bytes([*visits[:25], changed, *visits[26:]], name="visits", zone=ZONE)

    def all_new() -> None:
        ical._event.cache_clear()  # as for a patient whose feed nobody has asked for since the start
        calendar_bytes(visits, name="visits", zone=ZONE)

    calendar_bytes(visits, name="visits", zone=ZONE)
    writers = {PLAIN: lambda: _plainly(visits), ONE_CHANGED: one_changed, ALL_NEW: all_new}
    times = alternate({name: lambda write=write: _runs_a_second(write) for name, write in writers.items()})  # type: ignore[misc]
    for name in (ONE_CHANGED, ALL_NEW):
        report.at_most(
            f"a feed of 50 visits, {name}", 1 / times.ratio(name, PLAIN), 5, unit=" times a plain writer's CPU"
        )


def _visit(number: int, starts_local: datetime) -> CalendarVisit:
    return CalendarVisit(
        uid=f"{number:022}",
        sequence=2,
        changed_at=datetime(2026, 11, 1, 12, tzinfo=UTC),
        starts_local=starts_local,
        minutes=30,
        zone=ZONE,
        summary="East Side Physio",
        location="100 Rideau Street, Ottawa, Ontario",
        description="Your visits, to move or cancel one: http://127.0.0.1:8000/me\nTelephone: 613-555-0100",
        url="http://127.0.0.1:8000/me",
    )


def _plainly(visits: list[CalendarVisit]) -> bytes:
    """The same lines by string formatting, with nothing escaped, folded or checked."""
    parts = ["BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//EN\r\n"]
    for visit in visits:
        ends_local = visit.starts_local + timedelta(minutes=visit.minutes)
        parts.append(
            f"BEGIN:VEVENT\r\nSUMMARY:{visit.summary}\r\nLOCATION:{visit.location}\r\nDESCRIPTION:{visit.description}\r\n"
            f"STATUS:CONFIRMED\r\nTRANSP:OPAQUE\r\nCLASS:PRIVATE\r\nUID:{visit.uid}\r\nSEQUENCE:{visit.sequence}\r\n"
            f"DTSTAMP:{visit.changed_at:%Y%m%dT%H%M%SZ}\r\nLAST-MODIFIED:{visit.changed_at:%Y%m%dT%H%M%SZ}\r\n"
            f"DTSTART;TZID={visit.zone}:{visit.starts_local:%Y%m%dT%H%M%S}\r\n"
            f"DTEND;TZID={visit.zone}:{ends_local:%Y%m%dT%H%M%S}\r\nURL:{visit.url}\r\nEND:VEVENT\r\n"
        )
    parts.append("END:VCALENDAR\r\n")
    return "".join(parts).encode()


def _runs_a_second(write: Callable[[], object], seconds: float = SECONDS / 3) -> float:
    """Of CPU time."""
    began, runs = time.process_time(), 0
    while (spent := time.process_time() - began) < seconds:
        write()
        runs += 1
    return runs / spent
