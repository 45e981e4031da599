"""The memory of what `make run` starts, after 10,000 mixed requests on the demo clinic, and after as many again."""

import socket

from benchmarks.databases import Databases
from benchmarks.report import Line, Report
from benchmarks.rounds import QUICK
from tests.soak.traffic import mixed
from tests.soak.whole_service import WholeService

REQUESTS = 1_000 if QUICK else 10_000
LIMIT, GROWTH = 200, 1.02
CLIENTS = 8


def run(report: Report, databases: Databases) -> None:
    report.section(f"Memory of `make run`, SQLite, after {REQUESTS:,} mixed requests")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    url = f"sqlite:///{databases.folder / 'memory.sqlite'}"
    with WholeService(url, port=port, log=databases.folder / "memory.log") as service:
        token = service.token("memory")
        report.add(Line("just started", f"{service.resident_mb():.0f} MB"))
        sizes = []
        for seed in (1, 2):
            answers = mixed(
                service.address, token, clients=CLIENTS, until=lambda done: done.total >= REQUESTS, seed=seed
            )
            if answers.wrong:
                raise RuntimeError(f"{len(answers.wrong)} answers that must not be: {answers.wrong[:3]}")
            sizes.append(service.resident_mb())
    report.at_most(f"after {REQUESTS:,}", sizes[0], LIMIT, unit=" MB", note=f"{dict(sorted(answers.statuses.items()))}")
    report.at_most(f"after as many again, {sizes[1]:.0f} MB: growth", sizes[1] / sizes[0], GROWTH, unit=" times")
