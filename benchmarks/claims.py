"""What it costs to claim what is due: 100,000 reminders of one hour among 1,000,000 planned, against 1,000 planned."""

import time
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from statistics import median
from typing import Any

from sqlalchemy import Engine, text

from benchmarks.clinics import CLINIC, ORDINARY, Size
from benchmarks.databases import POSTGRESQL, SQLITE, Databases, connected
from benchmarks.report import Report
from benchmarks.rounds import QUICK
from scheduler.models.constraints import install, remove
from scheduler.models.engine import without_transactions
from scheduler.usecases.texts.sending.reminders import anything_due, claim_due

FEW, MANY, DUE = 1_000, 100_000 if QUICK else 1_000_000, 10_000 if QUICK else 100_000
AT_ONCE = 32
CLAIMS = 25  # of 1,000 due there are no more than 31
ROUNDS = 5
DEARER = 1.3


def run(report: Report, databases: Databases) -> None:
    report.section(f"Claiming {AT_ONCE} reminders: {DUE:,} due in an hour, {MANY:,} planned, against {FEW:,} planned")
    for engine in (POSTGRESQL, SQLITE):
        with connected(databases.clinic(engine, FEW, ORDINARY)) as few:
            with connected(databases.clinic(engine, MANY, ORDINARY)) as many:
                now = _plan(few, Size(FEW), FEW), _plan(many, Size(MANY), DUE)
                measured = [_alternating(few, many, *now) for _ in range(ROUNDS)]
                ratio = median(big / small for small, big in measured)
                milliseconds = median(big for _small, big in measured) * 1000
                note = f"{milliseconds:.1f} ms; plan: {_plan_of_claim(many, now[1])}"
                report.at_most(engine, ratio, DEARER, unit=" times the time", note=note)


def _alternating(few: Engine, many: Engine, now_few: datetime, now_many: datetime) -> tuple[float, float]:
    """The median seconds of one claim, with the look whether anything is due before it, in each."""
    small, big = [], []
    for _ in range(CLAIMS):
        small.append(_claim(few, now_few))
        big.append(_claim(many, now_many))
    _put_back(few)
    return median(small), median(big)


def _claim(engine: Engine, now: datetime) -> float:
    began = time.perf_counter()
    if not anything_due(engine, clinic=CLINIC, now=now):
        raise RuntimeError("nothing is due")
    claimed = claim_due(engine, clinic=CLINIC, now=now, limit=AT_ONCE, gateway="twilio")
    seconds = time.perf_counter() - began
    if len(claimed.outgoing) != AT_ONCE:
        raise RuntimeError(f"{len(claimed.outgoing)} of {claimed.found} claimed")
    return seconds


def _put_back(engine: Engine) -> None:
    with engine.execution_options(writing=True).begin() as connection:
        connection.execute(text("DELETE FROM message"))
        connection.execute(text("UPDATE reminder SET status = 'planned', attempts = 0 WHERE status = 'attempting'"))


def _plan(engine: Engine, size: Size, due: int) -> datetime:
    """One planned reminder for every visit; the first `due` of them within the last hour of the instant that is given.

    The instant lies before those visits, which are booked. The visits of a large clinic are past ones.
    """
    with engine.connect().execution_options(writing=True) as connection:
        remove(connection)
        if connection.dialect.name == "postgresql":
            connection.exec_driver_sql("SET LOCAL session_replication_role = replica")
        connection.execute(text("DELETE FROM reminder"))
        connection.execute(text("UPDATE appointment SET status = 'booked' WHERE id <= :due"), {"due": due})
        first: Any = connection.scalar(text("SELECT min(starts_local) FROM appointment WHERE id <= :due"), {"due": due})
        day = date.fromisoformat(str(first)[:10]) - timedelta(days=1)
        now = datetime(day.year, day.month, day.day, 17, tzinfo=UTC)  # no night in the clinic's zone
        insert = text(
            "INSERT INTO reminder (appointment_id, version, kind, due_at, next_attempt_at, attempts, status) "
            "VALUES (:id, 1, 'days_before_1', :at, :at, 0, 'planned')"
        )
        for batch in _batches(size.visits, due, now):
            connection.execute(insert, batch)
        install(connection)
        connection.commit()
    with without_transactions(engine).connect() as plain:
        plain.exec_driver_sql("VACUUM ANALYZE" if engine.dialect.name == "postgresql" else "ANALYZE")
    return now


def _batches(visits: int, due: int, now: datetime) -> Iterator[list[dict[str, object]]]:
    for begin in range(0, visits, 10_000):
        yield [
            {"id": number, "at": _text(now, -3600 * number / due if number <= due else 86_400 + 30 * number)}
            for number in range(begin + 1, min(begin + 10_000, visits) + 1)
        ]


def _text(now: datetime, seconds: float) -> str:
    return f"{(now + timedelta(seconds=seconds)).replace(tzinfo=None):%Y-%m-%d %H:%M:%S.%f}"


def _plan_of_claim(engine: Engine, now: datetime) -> str:
    """Which index the claim goes by; none of them may be a scan of the table."""
    explain = "EXPLAIN" if engine.dialect.name == "postgresql" else "EXPLAIN QUERY PLAN"
    query = (
        "SELECT id FROM reminder WHERE status = 'planned' AND next_attempt_at <= :now ORDER BY next_attempt_at LIMIT 32"
    )
    with engine.connect() as connection:
        lines = " ".join(
            str(cell) for row in connection.execute(text(f"{explain} {query}"), {"now": _text(now, 0)}) for cell in row
        )
    return "ix_reminder_due" if "ix_reminder_due" in lines else lines
