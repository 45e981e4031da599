"""Bookings and refusals over the API, as a share of a view that inserts one row; at every size of clinic."""

from benchmarks import load, yardsticks
from benchmarks.booking_requests import HORIZON_DAYS, BookingRequests, taken_places
from benchmarks.clinics import ORDINARY, Size, free_places, today
from benchmarks.databases import POSTGRESQL, SQLITE, Databases, connected
from benchmarks.report import Report
from benchmarks.rounds import QUICK, SECONDS, Rates, alternate
from benchmarks.serving import Server

SIZES = (1_000, 50_000) if QUICK else (1_000, 1_000_000)
INSERT, BOOKING, REFUSAL = "one INSERT", "one booking", "one refusal"
GOAL, SLOWER = 0.35, 1.2


def run(report: Report, databases: Databases) -> None:
    for engine in (POSTGRESQL, SQLITE):
        report.section(f"Bookings over the API, {engine} (8 connections, different slots)")
        measured = {}
        for size in SIZES:
            url = databases.clinic(engine, size, ORDINARY)
            rates = measured[size] = measure(databases, url, size)
            report.share(f"{size:,}: one booking", rates.ratio(BOOKING, INSERT), GOAL, of=INSERT)
            report.at_least(f"{size:,}: refusals of taken slots", rates.ratio(REFUSAL, BOOKING), 1, unit=" per booking")
        few, many = (measured[size].ratio(BOOKING, INSERT) for size in (SIZES[0], SIZES[-1]))
        report.at_most(f"{SIZES[-1]:,} instead of {SIZES[0]:,}", few / many, SLOWER, unit=" times the time")


def measure(databases: Databases, url: str, size: int) -> Rates:
    with connected(url) as engine:
        requests = BookingRequests(engine, Size(size))
        refused = [requests.book(*place) for place in taken_places(engine, today())[:200]]
    bookings = requests.each(iter(free_places(today(), HORIZON_DAYS)))
    with Server(url, log=databases.folder / "server.log", HORIZON_DAYS=str(HORIZON_DAYS)) as server:
        insert = [load.post(yardsticks.INSERT)]
        return alternate(
            {
                INSERT: lambda: load.for_seconds(server.address, insert, SECONDS).require(200).rate,
                BOOKING: lambda: load.each_once(server.address, bookings, SECONDS).require(201).rate,
                REFUSAL: lambda: load.for_seconds(server.address, refused, SECONDS).require(409).rate,
            }
        )
