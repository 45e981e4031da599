"""A patient's own visits in a real browser: seen, moved, cancelled; and signing out."""

import os
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, Route, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.models import Appointment
from tests.browser.serving import serving
from tests.browser.test_booking import code, look_at, open_page
from tests.factories import ZONE, make_appointment, make_clinic, make_patient

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def visit_local(engine: Engine) -> datetime:
    """10:00 on a Monday, three days ahead at least."""
    today = clock.to_local(clock.now(), ZONE).replace(hour=10, minute=0, second=0, microsecond=0)
    there = today + timedelta(days=3 + (0 - (today.weekday() + 3)) % 7)
    with Session(engine) as session:
        make_clinic(session)
        patient = make_patient(session, number="+16135550142")
        make_appointment(session, patient=patient, starts_local=there, treatment="follow-up")
    return there


@pytest.fixture
def base(database_url: str, visit_local: datetime) -> Iterator[str]:
    with serving(database_url) as address:
        yield address


def look(page: Page, complaints: list[str], name: str) -> None:
    """At both widths. PICTURES=FOLDER keeps what was seen."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 844})
        look_at(page, complaints)
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)


def test_a_visit_is_seen_moved_and_cancelled_and_signing_out_ends_it(
    browser: Browser, base: str, engine: Engine, visit_local: datetime
) -> None:
    context = browser.new_context(locale="en-CA")
    page, complaints = open_page(context)
    page.goto(f"{base}/me")
    page.fill("#number", "613-555-0142")
    page.get_by_role("button", name="Text me a code").click()
    expect(page.locator("#code")).to_be_visible()
    page.fill("#code", code(engine))
    page.get_by_role("button", name="Sign in").click()
    for part, typed in (("day", "14"), ("month", "3"), ("year", "1986")):
        page.fill(f"#birth_date-{part}", typed)
    look(page, complaints, "birth-date")
    page.get_by_role("button", name="Continue").click()

    spoken = f"Monday {visit_local.day} {visit_local:%B}, 10:00 am"
    expect(page.get_by_role("heading", name=spoken)).to_be_visible()
    look(page, complaints, "me")
    page.get_by_role("link", name=re.compile("^Move")).click()
    page.locator(".day-row", has_text=spoken.partition(",")[0]).click()
    page.locator("label", has_text="11:00 am").click()
    look(page, complaints, "move")
    page.get_by_role("button", name=re.compile("Move to .*11:00 am")).click()
    expect(page.get_by_role("heading", name=spoken.replace("10:00", "11:00"))).to_be_visible()

    page.get_by_role("link", name=re.compile("^Cancel")).click()
    page.fill("#reason", "a cold")
    look(page, complaints, "cancel")
    page.get_by_role("button", name="Cancel the visit").click()
    expect(page.get_by_text("You have no visit ahead.")).to_be_visible()
    with Session(engine) as session:
        visit = session.scalars(select(Appointment)).one()
        assert (visit.status, visit.version, visit.changed_why) == ("cancelled", 3, "a cold")

    page.get_by_role("button", name="Sign out", exact=True).click()
    expect(page).to_have_url(f"{base}/")
    page.go_back()
    expect(page.get_by_role("button", name="Text me a code")).to_be_visible()
    assert complaints == []
    context.close()


def test_a_first_visit_is_led_to_the_assessment(browser: Browser, base: str) -> None:
    context = browser.new_context(locale="en-CA")
    page, complaints = open_page(context)
    page.goto(f"{base}/book")
    page.locator("label", has_text="first visit").click()
    page.locator("label", has_text="Follow-up").click()
    page.get_by_role("button", name="Continue").click()
    expect(page.get_by_role("heading", name="A first visit is an assessment")).to_be_visible()
    look(page, complaints, "first")
    context.close()


def test_a_time_chosen_before_the_script_has_come_is_named_by_the_button(
    browser: Browser, base: str, engine: Engine, visit_local: datetime
) -> None:
    context = browser.new_context(locale="en-CA")
    page, _complaints = open_page(context)
    page.goto(f"{base}/me")
    page.fill("#number", "613-555-0142")
    page.get_by_role("button", name="Text me a code").click()
    page.fill("#code", code(engine))
    page.get_by_role("button", name="Sign in").click()
    for part, typed in (("day", "14"), ("month", "3"), ("year", "1986")):
        page.fill(f"#birth_date-{part}", typed)
    page.get_by_role("button", name="Continue").click()
    page.get_by_role("link", name=re.compile("^Move")).click()
    page.locator(".day-row", has_text=f"Monday {visit_local.day} {visit_local:%B}").click()
    page.locator("label", has_text="11:00 am").wait_for()
    held: list[Route] = []
    page.route("**/site.js*", lambda route: held.append(route))
    page.reload(wait_until="commit")
    page.locator("label", has_text="11:00 am").click()
    held[0].continue_()
    expect(page.get_by_role("button", name=re.compile("Move to .*11:00 am"))).to_be_visible()
