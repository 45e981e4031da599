"""Every page of the demo clinic that a link leads to: the browser's console stays silent (errors of scripts, and all that
the Content-Security-Policy refuses), axe finds nothing, nothing is wider than the window, and on a phone nothing scrolls
sideways."""

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from playwright.sync_api import Browser, Page
from sqlalchemy import Engine, func, select
from sqlalchemy.orm import Session

from scheduler import clock, demo
from scheduler.demo.people import NGOZI
from scheduler.demo.staff import PASSWORD
from scheduler.models import Appointment, Patient
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from scheduler.usecases.visits.links import make_link
from tests.browser.serving import serving
from tests.browser.test_booking import AXE, code, open_page
from tests.factories import CLINIC
from tests.web.conftest import make_app

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TWO_DAYS = timedelta(days=2)

NO_PAGES = {
    "feeds.feed",
    "feeds.visit",
    "health.alive",
    "health.metrics",
    "health.ready",
    "desk_booking.find",
    "desk_booking.new_patient",
    "desk_booking_free.nearest",
    "desk_booking_series.plan",
    "desk_calendar.days",
    "desk_calendar_forbidden.ranges",
    "desk_imports.remarks",
    "desk_patients_search.search",
    "desk_records.export",
    "desk_records.record",
    "desk_watch.ask",
    "static",
    "visit_link.confirm",
}
"""Files, data, parts of pages, and what leads straight back to a page."""

AFTER_A_FORM = {
    "booking.change",
    "booking.choose_time",
    "booking.done",
    "booking.give_birth_date",
    "booking.give_number",
    "booking.review",
    "booking.say_who",
    "booking.settle",
    "booking.type_code",
    "my_record.disagree",
    "new_number.asked",
    "desk_asked_corrections.disagree",
    "desk_entrance.second_step",
    "desk_imports.run",
    "desk_kept_form.show",
    "desk_locked.show",
    "sign_in.type_code",
    "visit_link.cancelled",
    "visit_link.done",
}
"""Pages that no link leads to; those of a booking are looked at in test_booking.py."""


@dataclass
class Walk:
    """From page to page by their links, each kind of page once: `seen` maps its kind to one address of it."""

    app: Flask
    base: str
    seen: dict[tuple[str, ...], str] = field(default_factory=dict)

    def kind(self, address: str) -> tuple[str, ...] | None:
        """None for what is elsewhere, no page, or the same page in another language."""
        parts = urlsplit(address)
        asked = parse_qs(parts.query)
        if not address.startswith(f"{self.base}/") or "lang" in asked:
            return None
        endpoint, values = self.app.url_map.bind("").match(parts.path)
        if endpoint in NO_PAGES:
            return None
        chosen = [str(values.get("kind", "")), *(each for name in ("view", "ask") for each in asked.get(name, ()))]
        return (endpoint, *chosen, *sorted(asked))

    def go(self, page: Page, complaints: list[str], start: str) -> None:
        ahead = [start]
        while ahead:
            address = ahead.pop(0)
            kind = self.kind(address)
            if kind is None or kind in self.seen:
                continue
            self.seen[kind] = address
            visit(page, complaints, address)
            ahead += page.eval_on_selector_all("a[href]", "links => links.map(link => link.href)")


def look_at(page: Page, complaints: list[str]) -> None:
    assert complaints == [], page.url
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run(document)).violations.map(v => [v.id, v.nodes.map(n => n.html)])")
    assert found == [], f"{page.url}: {json.dumps(found, indent=1)}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), f"{page.url} is wider than the window"
    complaints.clear()  # axe tries styles of its own


# But for the calendar's columns, the parts of the settings, and regions that say so and can be scrolled by keyboard.
SCROLLING_SIDEWAYS = """() => [...document.querySelectorAll("body *:not(.ec-main, .tabs, .scroll[tabindex])")].filter(each =>
    each.clientWidth && each.scrollWidth > each.clientWidth + 1 && ["auto", "scroll"].includes(getComputedStyle(each).overflowX)
).map(each => each.id || each.className)"""


def visit(page: Page, complaints: list[str], address: str) -> None:
    answer = page.goto(address)
    assert answer is not None and answer.ok, address
    page.wait_for_selector("#calendar[aria-busy]", state="detached")
    look_at(page, complaints)


@pytest.fixture
def app(database_url: str, engine: Engine) -> Flask:
    with Session(engine) as session:
        demo.seed(session, clinic=CLINIC, now=clock.now())
        receive(
            session,
            IncomingText(sid="SMin1", number=NGOZI.number, body="May I bring my daughter?"),
            clinic=CLINIC,
            now=clock.now(),
        )
    return make_app(database_url)


@pytest.fixture
def base(app: Flask, database_url: str) -> Iterator[str]:
    with serving(database_url) as address:
        yield address


def again_on_a_phone_in_french(page: Page, complaints: list[str], walk: Walk, start: str) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{start}?lang=fr")
    for address in walk.seen.values():
        visit(page, complaints, address)
        assert page.evaluate(SCROLLING_SIDEWAYS) == [], address
        if "/m/" not in address:  # in the language of the text that led there
            assert page.get_attribute("html", "lang") == "fr", address


def endpoints(app: Flask, *, of_the_desk: bool) -> set[str]:
    found = {rule.endpoint for rule in app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    pages = {each for each in found if not each.startswith("api") and each.startswith("desk_") == of_the_desk}
    return pages - NO_PAGES - AFTER_A_FORM


def test_every_page_of_the_desk(browser: Browser, base: str, app: Flask, engine: Engine) -> None:
    context = browser.new_context(locale="en-CA", viewport={"width": 1280, "height": 900})
    page, complaints = open_page(context)
    walk = Walk(app, base)
    visit(page, complaints, f"{base}/desk/sign-in")
    page.fill("#username", "demo-owner")
    page.fill("#password", PASSWORD)
    page.click("main form button")
    page.wait_for_url(f"{base}/desk")
    # First of one whose record may be another one's: whose the calendar leads to depends on the hour.
    who = who_shares_a_number(engine)
    walk.go(page, complaints, f"{base}/desk/patients/{who}/merge")
    walk.go(page, complaints, f"{base}/desk/patients/{who}/protected")  # the owner is never led there: others are
    walk.go(page, complaints, f"{base}/desk")
    seen = {kind[0] for kind in walk.seen if kind[0].startswith("desk_")}
    assert seen | {"desk_entrance.sign_in"} == endpoints(app, of_the_desk=True)
    again_on_a_phone_in_french(page, complaints, walk, f"{base}/desk")
    context.close()


def test_every_page_of_a_patient(browser: Browser, base: str, app: Flask, engine: Engine) -> None:
    context = browser.new_context(locale="en-CA", viewport={"width": 1280, "height": 900})
    page, complaints = open_page(context)
    walk = Walk(app, base)
    visit(page, complaints, f"{base}/me/sign-in")
    page.fill("#number", NGOZI.number)
    page.locator("main form button").first.click()
    page.fill("#code", code(engine))
    page.locator("main form button").first.click()
    page.wait_for_url(f"{base}/me/birth-date**")
    visit(page, complaints, page.url)
    for part in ("day", "month", "year"):
        page.fill(f"#birth_date-{part}", str(getattr(NGOZI.birth_date, part)))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{base}/me")
    walk.go(page, complaints, f"{base}/me")
    walk.go(page, complaints, texted_link(engine).replace(CLINIC.public_url, base))
    seen = {kind[0] for kind in walk.seen}
    assert seen | {"sign_in.give_number"} == endpoints(app, of_the_desk=False)
    again_on_a_phone_in_french(page, complaints, walk, f"{base}/me")
    context.close()


def who_shares_a_number(engine: Engine) -> str:
    shared = select(Patient.phone_account_id).group_by(Patient.phone_account_id).having(func.count() > 1)
    with Session(engine) as session:
        return (
            session.scalars(
                select(Patient.public_id).where(Patient.phone_account_id.in_(shared)).order_by(Patient.id)
            ).first()
            or ""
        )


def texted_link(engine: Engine) -> str:
    with Session(engine) as session:
        visit = session.scalars(
            select(Appointment)
            .where(
                Appointment.status == "booked",
                Appointment.starts_at > clock.now() + TWO_DAYS,
                Appointment.patient.has(Patient.phone_account_id.is_not(None)),
            )
            .order_by(Appointment.starts_at)
        ).first()
        assert visit is not None
        link, _until = make_link(
            session, visit, account_id=visit.patient.phone_account_id, clinic=CLINIC, now=clock.now()
        )
        session.commit()
    return link
