"""The desk's calendar: a day of 12 practitioners and 360 visits as data, anew, from memory and unchanged."""

import os
import re
from datetime import UTC, date, datetime, time, timedelta
from http.client import HTTPConnection
from statistics import median
from time import monotonic
from urllib.parse import urlencode

from playwright.sync_api import sync_playwright
from sqlalchemy import Engine, insert, text
from sqlalchemy.orm import Session

from benchmarks import load, yardsticks
from benchmarks.clinics import CLINIC, ORDINARY, today
from benchmarks.databases import POSTGRESQL, SQLITE, Databases, connected
from benchmarks.load import Address
from benchmarks.report import Report
from benchmarks.rounds import QUICK, SECONDS, alternate
from benchmarks.server import COLD
from benchmarks.serving import CORES, Server
from scheduler import clock
from scheduler.models import Appointment, StaffUser
from scheduler.models.engine import without_transactions
from scheduler.usecases.staff.staff import hash_password
from tests.support.chromium import FLAGS, chromium_path, playwright_node

SIZE = 50_000
PRACTITIONERS, VISITS_EACH, MINUTES = 12, 30, 15
FOLLOW_UP = 3  # id of the treatment (tests.factories.make_clinic)
MOST_QUERIES = 6
EMPTY, SELECT, ANEW, KEPT, UNCHANGED = (
    "empty",
    "one SELECT",
    "the day, anew",
    "the day, kept",
    "unchanged (304)",
)
USERNAME, PASSWORD = "robin", "benchmarks of a desk"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def run(report: Report, databases: Databases) -> None:
    for engine in (POSTGRESQL, SQLITE):
        report.section(
            f"The desk's calendar, {engine} ({PRACTITIONERS} practitioners, {PRACTITIONERS * VISITS_EACH} visits)"
        )
        url = databases.clinic(engine, SIZE, ORDINARY)
        day = busy_day()
        with connected(url) as made:
            fill(made, day)
        with Server(url, log=databases.folder / "server.log", COUNT_QUERIES="yes") as server:
            report.at_most("queries of one answer", queries(server.address, day), MOST_QUERIES)
        with Server(url, log=databases.folder / "server.log") as server:
            _measure(report, server.address, day)
            report.at_most(
                "the page with all its cards drawn, in Chromium", drawn_after(server.address, day), 1, unit=" s"
            )


def _measure(report: Report, address: Address, day: date) -> None:
    cookie, data = signed_in(address), path(day)
    page = load.one(address, load.get("/desk", Cookie=cookie))[2].decode()
    (watch,) = re.findall(r'data-watch="([^"]+)"', page)
    anew, kept = load.get(COLD + data, Cookie=cookie), load.get(data, Cookie=cookie)

    def unchanged() -> float:
        # Asked for each round: the line for now moves on every minute.
        etag = load.one(address, load.get(watch))[1]["etag"]
        return load.for_seconds(address, [load.get(watch, If_None_Match=etag)], SECONDS).require(200, 304).rate

    rates = alternate(
        {
            EMPTY: lambda: load.for_seconds(address, [load.get(yardsticks.EMPTY)], SECONDS).require(200).rate,
            SELECT: lambda: load.for_seconds(address, [load.get(yardsticks.SELECT)], SECONDS).require(200).rate,
            ANEW: lambda: load.for_seconds(address, [anew], SECONDS).require(200).rate,
            KEPT: lambda: load.for_seconds(address, [kept], SECONDS).require(200).rate,
            UNCHANGED: unchanged,
        }
    )
    report.share(ANEW, rates.ratio(ANEW, EMPTY), 0.08)
    report.share(KEPT, rates.ratio(KEPT, EMPTY))
    report.share(UNCHANGED, rates.ratio(UNCHANGED, SELECT), 0.90, of=SELECT)


def queries(address: Address, day: date) -> int:
    """Statements of one answer of which nothing is in memory, the session's included."""
    request = load.get(COLD + path(day), Cookie=signed_in(address))
    load.one(address, request)  # the first of a process reads what the clinic has
    before = int(load.one(address, load.get(yardsticks.QUERIES))[2])
    load.one(address, request)
    return int(load.one(address, load.get(yardsticks.QUERIES))[2]) - before


def drawn_after(address: Address, day: date) -> float:
    """Seconds from asking for the page until its last card can be pressed; the median of some visits.

    Chromium is not kept on one core, as the generator of load is: it has a dozen processes.
    """
    pinned = os.sched_getaffinity(0) if CORES else set()
    if CORES:
        os.sched_setaffinity(0, CORES)
    name, _, value = signed_in(address).partition("=")
    host, port = address
    if node := playwright_node():
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = node
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS])
        context = browser.new_context(viewport={"width": 1280, "height": 900})
        context.add_cookies([{"name": name, "value": value, "domain": host, "path": "/desk"}])
        page = context.new_page()
        times = []
        for _ in range(3 if QUICK else 7):
            page.goto("about:blank")
            began = monotonic()
            page.goto(f"http://{host}:{port}/desk?day={day}", wait_until="commit")
            page.locator(".card a").nth(PRACTITIONERS * VISITS_EACH - 1).wait_for()
            times.append(monotonic() - began)
        browser.close()
    if pinned:
        os.sched_setaffinity(0, pinned)
    return median(times)


def signed_in(address: Address) -> str:
    """The cookie of a receptionist."""
    connection = HTTPConnection(*address)
    connection.request("GET", "/desk/sign-in")
    page = connection.getresponse()
    (csrf,) = re.findall(r'name="csrf_token" value="([^"]+)"', page.read().decode())
    fields = {"csrf_token": csrf, "next": "", "username": USERNAME, "password": PASSWORD}
    first = page.headers["Set-Cookie"].partition(";")[0]
    connection.request("POST", "/desk/sign-in", urlencode(fields), {**FORM, "Cookie": first})
    answer = connection.getresponse()
    answer.read()
    connection.close()
    name = first.partition("=")[0]
    (cookie,) = [one.partition(";")[0] for one in answer.headers.get_all("Set-Cookie") or () if one.startswith(name)]
    return cookie


def fill(engine: Engine, day: date) -> None:
    """Seven more practitioners, and on this day thirty visits of each; someone to sign in."""
    with engine.connect().execution_options(writing=True) as connection:
        for table in ("practitioner", "room"):
            connection.execute(
                text(f"UPDATE {table} SET active = :yes WHERE id <= :last"), {"yes": True, "last": PRACTITIONERS}
            )
        connection.execute(insert(Appointment), _visits(day))
        connection.commit()
    with without_transactions(engine).connect() as plain:
        plain.exec_driver_sql("ANALYZE")
    with Session(engine) as session:
        robin = StaffUser(username=USERNAME, display_name="Robin", role="receptionist", created_at=datetime.now(UTC))
        robin.password_hash = hash_password(PASSWORD)
        session.add(robin)
        session.commit()


def _visits(day: date) -> list[dict[str, object]]:
    opens = datetime.combine(day, time(9))
    rows: list[dict[str, object]] = []
    for number in range(PRACTITIONERS * VISITS_EACH):
        place, practitioner = divmod(number, PRACTITIONERS)
        starts_local = opens + timedelta(minutes=MINUTES * place)
        starts_at = clock.to_utc(starts_local, clock.zone(CLINIC.zone))
        ends_at = starts_at + timedelta(minutes=MINUTES)
        rows.append(
            {
                "patient_id": number + 1,
                "practitioner_id": practitioner + 1,
                "room_id": practitioner + 1,
                "treatment_id": FOLLOW_UP,
                "origin": "desk",
                "status": ("booked", "confirmed")[number % 2],
                "starts_local": starts_local,
                "counts_from_local": starts_local,
                "zone": CLINIC.zone,
                "minutes": MINUTES,
                "buffer_minutes": 0,
                "starts_at": starts_at,
                "ends_at": ends_at,
                "busy_until": ends_at,
                "created_at": starts_at,
                "changed_at": starts_at,
                "changed_by": "staff:robin",
            }
        )
    return rows


def busy_day() -> date:
    """Behind the coming visits of the clinic, on a working day."""
    day = today() + timedelta(days=60)
    return day + timedelta(days=1) if day.weekday() == 6 else day


def path(day: date) -> str:
    return f"/desk/calendar.json?day={day}&view=day"
