"""Everybody at once at a running server: visitors of the pages, programs with a token, calendars that poll."""

import json
import random
import re
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import urlencode, urlsplit

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
CSRF = re.compile(r'name="csrf_token" value="([^"]+)"')
START = re.compile(r'name="starts" value="([^"]+)"')


@dataclass
class Answers:
    """How many of each status; `wrong` describes those that must never be."""

    statuses: Counter[int] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)

    @property
    def total(self) -> int:
        return self.statuses.total()


@dataclass(frozen=True)
class Reply:
    status: int
    headers: Mapping[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)


class Caller:
    """One kept connection with its cookies."""

    def __init__(self, address: tuple[str, int], answers: Answers, token: str = "") -> None:
        self._connection = HTTPConnection(*address, timeout=60)
        self._answers = answers
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._cookies: dict[str, str] = {}

    def get(self, path: str, **headers: str) -> Reply:
        return self._ask("GET", path, None, headers)

    def post_form(self, path: str, **fields: str) -> Reply:
        return self._ask("POST", path, urlencode(fields), FORM)

    def send_json(self, method: str, path: str, body: object) -> Reply:
        return self._ask(method, path, json.dumps(body), {"Content-Type": "application/json"})

    def forget_cookies(self) -> None:
        self._cookies.clear()

    def close(self) -> None:
        self._connection.close()

    def _ask(self, method: str, path: str, body: str | None, headers: Mapping[str, str]) -> Reply:
        cookie = {"Cookie": "; ".join(f"{name}={value}" for name, value in self._cookies.items())}
        headers = {**self._headers, **headers, **(cookie if self._cookies else {})}
        try:
            self._connection.request(method, path, body, headers)
            answer = self._connection.getresponse()
            text = answer.read().decode()
        except (HTTPException, OSError) as error:
            self._connection.close()
            self._answers.wrong.append(f"{method} {path}: {error!r}")
            return Reply(0, {}, "")
        for given in answer.headers.get_all("Set-Cookie") or ():
            name, _, value = given.partition(";")[0].partition("=")
            self._cookies[name] = value
        self._answers.statuses[answer.status] += 1
        if answer.status >= 500:
            self._answers.wrong.append(f"{method} {path}: {answer.status} {text[:300]}")
        return Reply(answer.status, {name.lower(): value for name, value in answer.getheaders()}, text)


def mixed(
    address: tuple[str, int], token: str, *, clients: int, until: Callable[[Answers], bool], seed: int = 0
) -> Answers:
    """Every client does one thing after the other, at random, until `until` says that it is enough."""
    answers = Answers()

    def client(number: int) -> None:
        chance = random.Random(f"{seed}-{number}")
        page, program = Caller(address, answers), Caller(address, answers, token)
        while not until(answers):
            activity = chance.choice(ACTIVITIES)
            activity(program if activity in BY_PROGRAMS else page, chance)
        page.close()
        program.close()

    threads = [threading.Thread(target=client, args=(number,)) for number in range(clients)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return answers


def look_around(visitor: Caller, chance: random.Random) -> None:
    for path in ("/", chance.choice(["/?lang=fr", "/?lang=en"]), "/book", "/me", "/desk", "/healthz", "/nothing-here"):
        visitor.get(path)


def begin_to_book(visitor: Caller, chance: random.Random) -> None:
    """From the first page to a held time, and the next page after it; somebody new each time in ten."""
    if chance.random() < 0.1:
        visitor.forget_cookies()
    csrf = CSRF.search(visitor.get("/book").text)
    if csrf is None:
        return
    begun = visitor.post_form("/book", csrf_token=csrf[1], been_before="no", treatment="ims-assessment")
    times = urlsplit(begun.headers.get("location", "")).path
    page = visitor.get(times).text if times else ""
    starts, csrf = START.findall(page), CSRF.search(page)
    if starts and csrf:
        chosen = visitor.post_form(times, csrf_token=csrf[1], practitioner="anyone", starts=chance.choice(starts))
        if "location" in chosen.headers:
            visitor.get(urlsplit(chosen.headers["location"]).path)


def book_and_change(program: Caller, chance: random.Random) -> None:
    """A new patient books, moves and cancels a follow-up by the API."""
    person = {
        "given_name": "Zoë",
        "family_name": f"Çelik {chance.randrange(10**6)}",
        "birth_date": "1990-05-17",
        "phone": f"+1613555{chance.randrange(100, 200):04}",
        "language": chance.choice(["en", "fr"]),
    }
    patient = program.send_json("POST", "/api/v1/patients", person)
    first = date.fromisoformat(
        program.get("/api/v1/slots/earliest?treatment=follow-up").json()["slots"][0]["starts_at"][:10]
    )
    day = first + timedelta(days=chance.randrange(30))
    asked = f"/api/v1/slots?treatment=follow-up&from={day}&to={day + timedelta(days=13)}"
    slots = program.get(asked).json()["slots"]
    if patient.status != 201 or not slots:
        return
    wanted = {"patient": patient.json()["id"], **_place(chance.choice(slots))}
    booked = program.send_json("POST", "/api/v1/appointments", wanted)
    if booked.status == 201:
        place = f"/api/v1/appointments/{booked.json()['id']}"
        program.send_json("PATCH", place, {"starts_at": chance.choice(slots)["starts_at"]})
        program.get(place)
        if chance.random() < 0.95:
            program.send_json("POST", f"{place}/cancel", {"reason": "soak"})


def poll_a_feed(program: Caller, _chance: random.Random) -> None:
    listed = program.get("/api/v1/patients?limit=20").json()["items"]
    for patient in listed[:5]:
        path = urlsplit(program.get(f"/api/v1/patients/{patient['id']}").json()["feed_url"]).path
        etag = program.get(path).headers.get("etag", "")
        program.get(path, **{"If-None-Match": etag})


def search(program: Caller, chance: random.Random) -> None:
    treatment = chance.choice(["ims", "ims-assessment", "follow-up"])
    start = date.today() + timedelta(days=chance.randrange(80))
    for days in (0, 6, 13, 60):
        path = f"/api/v1/slots?treatment={treatment}&from={start}&to={start + timedelta(days=days)}"
        etag = program.get(path).headers.get("etag", "")
        program.get(path, **{"If-None-Match": etag})
    program.get("/api/v1/slots?treatment=ims&from=2026-02-30&to=9999-12-31")


def _place(slot: dict[str, str]) -> dict[str, str]:
    return {name: slot[name] for name in ("treatment", "practitioner", "starts_at")}


BY_PROGRAMS = (book_and_change, poll_a_feed, search)
ACTIVITIES = (look_around, begin_to_book, *BY_PROGRAMS)
