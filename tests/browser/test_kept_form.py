"""Signed out for being away in the middle of a form, in a real browser: it stands there again after the sign-in."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.usecases.staff.staff import hash_password
from tests.browser.serving import serving
from tests.browser.test_booking import open_page
from tests.browser.test_every_page import look_at
from tests.factories import CLINIC, local, make_appointment, make_clinic, make_patient
from tests.web.support.signing_in import PASSWORD, make_staff

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

AWAY = timedelta(minutes=31)
PIN = "246813"


@pytest.fixture
def at() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(clock.now()) as traveller:
        yield traveller


@pytest.fixture
def visit(database_url: str, engine: Engine, at: time_machine.Traveller) -> Iterator[str]:
    """The address of a visit on the first Monday to come."""
    day = clock.to_local(clock.now(), clock.zone(CLINIC.zone)).date()
    with Session(engine) as session:
        make_clinic(session)
        make_staff(session, pin_hash=hash_password(PIN))
        starts = local(day + timedelta(days=7 - day.weekday()), "10:00")
        made = make_appointment(session, patient=make_patient(session), starts_local=starts, treatment="follow-up")
        path = f"/desk/visits/{made.public_id}"
    with serving(database_url) as base:
        yield f"{base}{path}"


def sign_in(page: Page) -> None:
    page.fill("#username", "owner")
    page.fill("#password", PASSWORD)
    page.click("main form button")


@pytest.mark.parametrize("width", [390, 1280])
def test_the_page_holds_again_what_was_typed(
    width: int, browser: Browser, visit: str, at: time_machine.Traveller
) -> None:
    context = browser.new_context(viewport={"width": width, "height": 900}, locale="en-CA")
    page, complaints = open_page(context)
    page.goto(f"{visit}?ask=cancel")
    sign_in(page)
    page.get_by_label("the clinic").check()
    page.fill("[name=reason]", "The roof leaks")
    page.uncheck("[name=text]")
    at.shift(AWAY)
    page.get_by_role("button", name="Cancel this visit").click()
    expect(page.locator("main")).to_contain_text("nobody used the desk for 30 minutes")
    sign_in(page)
    page.wait_for_url(f"{visit}?ask=cancel")
    expect(page.locator(".kept.notice")).to_contain_text("It is typed in again below: look at it and send it.")
    expect(page.get_by_label("the clinic")).to_be_checked()
    expect(page.locator("[name=reason]")).to_have_value("The roof leaks")
    expect(page.locator("[name=text]")).not_to_be_checked()
    look_at(page, complaints)
    page.get_by_role("button", name="Leave it").click()
    page.wait_for_url(f"{visit}?ask=cancel")
    expect(page.locator(".kept.notice")).to_have_count(0)
    expect(page.locator("[name=reason]")).to_have_value("")
    context.close()


def test_what_was_typed_in_the_panel_stands_on_the_visits_own_page(
    browser: Browser, visit: str, at: time_machine.Traveller
) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-CA")
    page, _complaints = open_page(context)
    base, path = visit.split("/desk/visits/")
    page.goto(f"{base}/desk?visit={path}")
    sign_in(page)
    page.locator("#panel summary", has_text="Note").click()
    page.fill("#v-note", "Prefers <mornings>\nand tea")
    at.shift(AWAY)
    page.locator("#panel details[open] button", has_text="Save").click()
    with context.expect_page() as opened:
        page.locator("#says a").click()
    there = opened.value
    sign_in(there)
    there.wait_for_url(visit)
    expect(there.locator("#v-note")).to_be_visible()
    expect(there.locator("#v-note")).to_have_value("Prefers <mornings>\nand tea")
    there.locator("details:has(#v-note) button").click()
    expect(there.locator("dd.note")).to_have_text("Prefers <mornings>\nand tea")
    there.goto(visit)
    expect(there.locator(".kept.notice")).to_have_count(0)
    context.close()


def test_a_desk_locked_over_a_panel_half_written_opens_again_on_its_page(browser: Browser, visit: str) -> None:
    context = browser.new_context(viewport={"width": 1280, "height": 900}, locale="en-CA")
    page, _complaints = open_page(context)
    base, path = visit.split("/desk/visits/")
    page.goto(f"{base}/desk/settings/computers")
    sign_in(page)
    page.fill("[name=name]", "Front desk")
    page.get_by_role("button", name="Register it").click()
    page.goto(f"{base}/desk?visit={path}")
    page.locator("#panel summary", has_text="Note").click()
    page.fill("#v-note", "Half a no")
    page.locator("#lock button").click()
    page.get_by_label("PIN").fill(PIN)
    page.keyboard.press("Enter")
    page.wait_for_url(visit)
    expect(page.locator("#v-note")).to_have_value("Half a no")
    context.close()
