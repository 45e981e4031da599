"""A third reader: ical.js, which once read an event an hour early from a zone written in another way."""

import json
import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from scheduler import clock
from tests.gateways.test_ical import FRENCH, ZONES, make_feed, make_visit
from tests.support.node import node_path

READER = Path(__file__).with_name("read_by_ical_js.mjs")


def read_by_ical_js(*files: bytes) -> list[list[dict[str, Any]]]:
    texts = json.dumps([file.decode() for file in files])
    done = subprocess.run([node_path(), READER], input=texts, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    events: list[list[dict[str, Any]]] = json.loads(done.stdout)
    return events


@pytest.mark.parametrize("zone", ZONES)
def test_every_visit_is_read_at_its_wall_clock_and_its_instant(zone: str) -> None:
    starts = [datetime(2026, 11, 1, 17, 30) + timedelta(days=days) for days in range(0, 500, 3)]
    starts += [datetime(2027, 3, 14, 3, 0), datetime(2027, 11, 7, 12, 0)]  # the days when clocks change
    visits = [
        make_visit(uid=f"{number}@clinic.example", starts_local=start, zone=zone) for number, start in enumerate(starts)
    ]

    [events] = read_by_ical_js(make_feed(*visits, zone=zone))

    read = [(event["starts_local"], event["starts_unix"], event["ends_unix"]) for event in events]
    instants = [round(clock.to_utc(start, clock.zone(zone)).timestamp()) for start in starts]
    expected = zip([start.isoformat() for start in starts], instants, [at + 30 * 60 for at in instants], strict=True)
    assert read == list(expected)


def test_words_and_states_are_read_as_they_were_meant() -> None:
    [[event]] = read_by_ical_js(make_feed(FRENCH))
    assert event["uid"] == FRENCH.uid
    assert (event["sequence"], event["status"]) == (2, "CANCELLED")
    assert (event["summary"], event["location"]) == (FRENCH.summary, FRENCH.location)
    assert event["description"] == FRENCH.description
