"""The whole service under everybody's requests for minutes: nothing fails, no rule is broken, memory stays."""

import os
import socket
import time
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from tests.soak.traffic import mixed
from tests.soak.whole_service import WholeService

SECONDS = 60 * float(os.environ.get("SOAK_MINUTES", "5"))
CLIENTS = 12
WARM_UP_REQUESTS = 5_000
LIMIT_MB, GROWTH = 200, 1.05

OVERLAPS = """
SELECT count(*) FROM (
  SELECT starts_at, max({until}) OVER (PARTITION BY {who}_id ORDER BY starts_at, id
                                       ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS taken_until
  FROM appointment WHERE active AND origin <> 'elsewhere' AND {who}_id IS NOT NULL) AS visits
WHERE starts_at < taken_until
"""
TOO_SOON = {
    "sqlite": "julianday(counts_from_local) - julianday(before) < spacing_days - 0.0001",
    "postgresql": "counts_from_local < before + spacing_days * interval '1 day'",
}
SPACING = """
SELECT count(*) FROM (
  SELECT counts_from_local, spacing_days,
         lag(counts_from_local) OVER (PARTITION BY patient_id, spacing_group_id ORDER BY counts_from_local) AS before
  FROM appointment WHERE active AND patient_id IS NOT NULL AND spacing_group_id IS NOT NULL) AS visits
WHERE {too_soon}
"""
HISTORY = """
SELECT count(*) FROM appointment
WHERE version <> (SELECT count(*) FROM appointment_history WHERE appointment_id = appointment.id)
"""


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def test_minutes_of_everything_at_once(engine: Engine, database_url: str, port: int, tmp_path: Path) -> None:
    with WholeService(database_url, port=port, log=tmp_path / "log") as service:
        token = service.token("soak")
        warm = mixed(service.address, token, clients=CLIENTS, until=lambda done: done.total >= WARM_UP_REQUESTS)
        warm_mb = service.resident_mb()
        end = time.monotonic() + SECONDS
        answers = mixed(service.address, token, clients=CLIENTS, until=lambda _done: time.monotonic() > end, seed=1)
        end_mb = service.resident_mb()
    print(f"{warm_mb:.0f} MB warm, {end_mb:.0f} MB at the end")  # noqa: T201 - the soak's figures
    assert warm.wrong + answers.wrong == []
    assert answers.statuses[201] > 0 < answers.statuses[304]
    assert end_mb < LIMIT_MB
    assert end_mb < warm_mb * GROWTH
    assert broken_rules(engine) == {}


def broken_rules(engine: Engine) -> dict[str, int]:
    """Rule → how many rows break it; asked of the rows themselves, not of the constraints."""
    checks = {
        "practitioner": OVERLAPS.format(who="practitioner", until="busy_until"),
        "room": OVERLAPS.format(who="room", until="busy_until"),
        "patient": OVERLAPS.format(who="patient", until="ends_at"),
        "seven days": SPACING.format(too_soon=TOO_SOON[engine.dialect.name]),
        "history": HISTORY,
    }
    with engine.connect() as connection:
        found = {rule: connection.execute(text(check)).scalar_one() for rule, check in checks.items()}
    return {rule: count for rule, count in found.items() if count}
