"""The figures of free slots on both engines, from 1,000 to 1,000,000 appointments."""

from benchmarks import bulk, slots
from benchmarks.clinics import FULL_14, FULL_90, ORDINARY, Size, today
from benchmarks.databases import POSTGRESQL, SQLITE, Databases, connected
from benchmarks.report import Report
from benchmarks.rounds import QUICK, Rates
from benchmarks.serving import Server

SIZES = (1_000, 50_000) if QUICK else (1_000, 50_000, 1_000_000)
KINDS = (ORDINARY, FULL_14, FULL_90)
SLOWER = 1.2


def run(report: Report, databases: Databases) -> None:
    for engine in (POSTGRESQL, SQLITE):
        report.section(f"Free slots, {engine} (8 connections)")
        measured = {size: _at_size(report, databases, engine, size) for size in SIZES}
        _compare(report, measured)


def _at_size(report: Report, databases: Databases, engine: str, size: int) -> dict[str, Rates]:
    day = today()
    url = databases.clinic(engine, size, ORDINARY)
    rates, most_queries = {}, 0
    for kind in KINDS:
        if kind != ORDINARY:
            with connected(url) as database:
                bulk.replace_coming(database, Size(size), day, kind)
        with Server(url, log=databases.folder / "server.log") as server:
            rates[kind] = slots.measure(server.address, day, kind)
        with Server(url, log=databases.folder / "server.log", COUNT_QUERIES="1") as server:
            most_queries = max(most_queries, slots.queries(server.address, day, kind))
        slots.tell(report, engine, size, kind, rates[kind])
    report.at_most(f"{size:,}: queries of any of these, nothing in memory", most_queries, slots.MOST_QUERIES)
    return rates


def _compare(report: Report, measured: dict[int, dict[str, Rates]]) -> None:
    """Time with the most appointments over time with the fewest, each against its own yardstick."""
    few, many = min(measured), max(measured)
    for kind in KINDS:
        for name in measured[few][kind].of:
            if name in (slots.EMPTY, slots.SELECT):
                continue
            slower = measured[few][kind].ratio(name, slots.EMPTY) / measured[many][kind].ratio(name, slots.EMPTY)
            report.at_most(f"{many:,} instead of {few:,}: {name}", slower, SLOWER, unit=" times the time")
