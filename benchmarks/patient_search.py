"""Finding patients: how the time grows from 2,000 to 200,000 of them, and how long the slowest search takes.

The search itself on the database, without the web around it, which would flatter the ratio. Names are spread as in the
demo, so that "rosa tremblay" is as rare as in life; numbers and birth dates are all different enough.
"""

import random
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, timedelta
from functools import partial
from time import perf_counter

from sqlalchemy import Connection, Engine

from benchmarks import bulk
from benchmarks.databases import POSTGRESQL, SQLITE, Databases, connected
from benchmarks.report import Report
from benchmarks.rounds import QUICK, alternate
from scheduler.demo.people import FAMILY, GIVEN
from scheduler.domain.patients.search import criteria_of
from scheduler.models.engine import without_transactions
from scheduler.models.patients.search import index_names, index_numbers
from scheduler.queries.patients import search

FEW, MANY = 2_000, 20_000 if QUICK else 200_000
SLOWER, MILLISECONDS = 3.0, 100.0
AREAS = (613, 343, 416, 647, 437, 905, 519)
AT_ONCE = 5
TYPED = (
    *("a", "tr", "tremblay", "Rosa Trem", "tremblay rosa", "r t", "xyz", "zo zie", "jean-pierre"),
    *("0142", "613-555", "5550142", "613 gagn", "rosa 0142"),
    *("1986-03-14", "03/04/1980", "3 avril 1980", "1980", "rosa 14 3 1986"),
)


def run(report: Report, databases: Databases) -> None:
    for engine in (POSTGRESQL, SQLITE):
        report.section(f"Patient search, {engine}: {MANY:,} patients instead of {FEW:,}")
        with ExitStack() as stack:
            few, many = (stack.enter_context(connected(_filled(databases, engine, size))) for size in (FEW, MANY))
            _measure(report, few, many)


def _measure(report: Report, few: Engine, many: Engine) -> None:
    slowest = 0.0
    with without_transactions(few).connect() as small, without_transactions(many).connect() as large:
        for typed in TYPED:
            rates = alternate({"few": partial(_rate, small, typed), "many": partial(_rate, large, typed)})
            slowest = max(slowest, 1_000 / rates.rate("many"))
            found = len(search.find(large, criteria_of(typed)))
            report.at_most(
                f"“{typed}”", rates.ratio("few", "many"), SLOWER, unit=" times the time", note=f"{found} found"
            )
    report.at_most(f"the slowest of them at {MANY:,}", slowest, MILLISECONDS, unit=" ms")


def _rate(connection: Connection, typed: str) -> float:
    """Searches a second."""
    began = perf_counter()
    for _ in range(AT_ONCE):
        search.find(connection, criteria_of(typed))
    return AT_ONCE / (perf_counter() - began)


def _filled(databases: Databases, engine: str, size: int) -> str:
    url = databases.url(engine)
    chance = random.Random(7)
    with connected(url) as database:
        with database.connect().execution_options(writing=True) as connection:
            _insert: Callable[..., None] = partial(bulk._insert, connection)
            accounts = (
                (n, f"+1{AREAS[n % len(AREAS)]}{n * 7_919 % 10_000_000:07}", "en", bulk.MADE, bulk.MADE)
                for n in range(1, size + 1)
            )
            _insert("phone_account", "id, number, language, verified_at, created_at", accounts)
            people = (
                (
                    *(n, f"patient-{n:08}", chance.choice(GIVEN), chance.choice(FAMILY)),
                    (date(1930, 1, 1) + timedelta(days=chance.randrange(32_000))).isoformat(),
                    *(n, "en", bulk.MADE, "staff:demo", f"feed-{n:019}", 1, bulk.MADE),
                )
                for n in range(1, size + 1)
            )
            _insert("patient", bulk.PATIENT_COLUMNS, people)
            index_names(connection)
            index_numbers(connection)
            connection.commit()
        with without_transactions(database).connect() as plain:
            plain.exec_driver_sql("VACUUM ANALYZE" if engine == POSTGRESQL else "ANALYZE")
    return url
