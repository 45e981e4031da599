"""Free slots: of a day, of a fortnight, unchanged, and the earliest; at every size of clinic."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial

from benchmarks import load, yardsticks
from benchmarks.clinics import FULL_14, FULL_90, ORDINARY
from benchmarks.load import Address
from benchmarks.report import Report
from benchmarks.rounds import SECONDS, Rates, alternate
from benchmarks.server import COLD

SLOTS, EARLIEST = "/api/v1/slots", "/api/v1/slots/earliest"
MOST_QUERIES = 5
EMPTY, SELECT, DAY, RANGE, UNCHANGED, SOON, NONE = (
    *("empty", "one SELECT", "one day, one practitioner", "14 days, five practitioners"),
    *("14 days, unchanged (304)", "earliest, first 14 days full", "earliest, none in 90 days"),
)
ASKED_OF = {ORDINARY: (DAY, RANGE, UNCHANGED), FULL_14: (SOON,), FULL_90: (NONE,)}


@dataclass(frozen=True, slots=True)
class Goal:
    share: float
    yardstick: str = EMPTY
    sqlite: float | None = None

    def on(self, engine: str) -> float:
        return self.sqlite if self.sqlite and engine == "SQLite" else self.share


GOALS = {
    DAY: Goal(0.28, sqlite=0.40),
    RANGE: Goal(0.10),
    UNCHANGED: Goal(0.90, SELECT),
    SOON: Goal(0.17),
    NONE: Goal(0.06),
}


def measure(address: Address, today: date, kind: str) -> Rates:
    """Every question about this kind of calendar, warm and cold, beside the yardsticks."""

    def yardstick(path: str) -> float:
        return load.for_seconds(address, [load.get(path)], SECONDS).require(200).rate

    def question(what: str, cold: bool) -> float:
        asked = _requests(address, today, what, cold)  # anew each round: an ETag holds until the lead time's next step
        return load.for_seconds(address, asked, SECONDS).require(304 if what == UNCHANGED else 200).rate

    contenders = {EMPTY: partial(yardstick, yardsticks.EMPTY), SELECT: partial(yardstick, yardsticks.SELECT)}
    for what in ASKED_OF[kind]:
        contenders |= {_name(what, cold): partial(question, what, cold) for cold in _temperatures(what)}
    return alternate(contenders)


def queries(address: Address, today: date, kind: str) -> int:
    """The most statements that one question about this kind of calendar takes, nothing of the calendar in memory.

    The first request of a process reads besides what the clinic has (treatments, practitioners, hours, rooms).
    """
    load.one(address, _requests(address, today, DAY, cold=False)[0])
    most = 0
    for what in ASKED_OF[kind]:
        for request in _requests(address, today, what, cold=what != UNCHANGED):
            before = int(load.one(address, load.get(yardsticks.QUERIES))[2])
            load.one(address, request)
            most = max(most, int(load.one(address, load.get(yardsticks.QUERIES))[2]) - before)
    return most


def tell(report: Report, engine: str, size: int, kind: str, rates: Rates) -> None:
    for what in ASKED_OF[kind]:
        goal = GOALS[what]
        for cold in _temperatures(what):
            name = _name(what, cold)
            share = rates.ratio(name, goal.yardstick)
            report.share(f"{size:,}: {name}", share, goal.on(engine), of=goal.yardstick)


def _requests(address: Address, today: date, what: str, cold: bool) -> list[bytes]:
    prefix = COLD if cold else ""
    days = [today + timedelta(days=n) for n in range(2, 25) if (today + timedelta(days=n)).weekday() < 6]
    if what == DAY:
        paths = [f"{SLOTS}?treatment=ims&practitioner=p{n % 5 + 1}&from={day}&to={day}" for n, day in enumerate(days)]
    elif what in (RANGE, UNCHANGED):
        paths = [f"{SLOTS}?treatment=ims&from={day}&to={day + timedelta(days=13)}" for day in days[:5]]
    else:
        paths = [f"{EARLIEST}?treatment=ims"]
    if what == UNCHANGED:
        return [_again(address, prefix, path) for path in paths]
    return [load.get(prefix + path) for path in paths]


def _again(address: Address, prefix: str, path: str) -> bytes:
    etag = load.one(address, load.get(path))[1]["etag"]
    return load.get(prefix + path, If_None_Match=etag)


def _name(what: str, cold: bool) -> str:
    return f"{what}, {'cold' if cold else 'warm'}"


def _temperatures(what: str) -> tuple[bool, ...]:
    """What is unchanged is known to nobody whose calendar always changes."""
    return (False,) if what == UNCHANGED else (True, False)
