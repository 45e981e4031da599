"""`python -m benchmarks [PART …]`: measure everything, or the parts named; QUICK=1 for a first impression."""

import sys

from benchmarks import (
    bookings,
    claims,
    contention,
    desk,
    feeds,
    memory,
    patient_search,
    receptionists,
    reminders,
    slots_at_every_size,
)
from benchmarks.databases import databases
from benchmarks.report import Report
from benchmarks.serving import stay_off_the_server

PARTS = {
    "slots": slots_at_every_size.run,
    "bookings": bookings.run,
    "contention": contention.run,
    "feeds": feeds.run,
    "reminders": reminders.run,
    "claims": claims.run,
    "memory": memory.run,
    "patient-search": patient_search.run,
    "desk": desk.run,
    "receptionists": receptionists.run,
}


def main(chosen: list[str]) -> None:
    unknown = set(chosen) - set(PARTS)
    if unknown:
        raise SystemExit(f"no such part: {', '.join(sorted(unknown))}; there are {', '.join(PARTS)}")
    stay_off_the_server()
    report = Report()
    with databases() as made:
        report.engines = made.versions()
        for name in chosen or PARTS:
            PARTS[name](report, made)
    if not chosen:
        report.keep()


main(sys.argv[1:])
