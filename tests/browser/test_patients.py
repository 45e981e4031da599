"""Patients at the desk in a real browser: found while typing and by keyboard alone; axe on every page at both widths."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from playwright.sync_api import Browser, Page, expect
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.models import StaffUser
from scheduler.usecases.staff.staff import hash_password
from tests.browser.serving import serving
from tests.browser.test_booking import AXE, open_page
from tests.factories import ZONE, make_appointment, make_clinic, make_patient
from tests.web.calendar.test_desk import text_message

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PASSWORD = "a password for tests"


@pytest.fixture
def base(database_url: str, engine: Engine) -> Iterator[str]:
    with Session(engine) as session:
        make_clinic(session)
        now = clock.now()
        owner = StaffUser(username="owner", display_name="Olga", role="owner", password_hash="", created_at=now)
        owner.password_hash = hash_password(PASSWORD)
        session.add(owner)
        amelie = make_patient(session, family_name="Lévesque", public_id="amelie", note="Prefers mornings")
        make_patient(session, given_name="Amelie", family_name="Levesque", public_id="double", number="+16135550199")
        assert amelie.phone_account
        amelie.phone_account.opted_out_at, amelie.phone_account.opted_out_by = now, "STOP"
        tomorrow = clock.to_local(now, ZONE).replace(hour=10, minute=0, second=0, microsecond=0) + timedelta(days=1)
        make_appointment(session, patient=amelie, starts_local=tomorrow)
        for number in range(5):
            text_message(session, number, patient_id=amelie.id)
        session.commit()
    with serving(database_url) as address:
        yield address


def look_at(page: Page, complaints: list[str]) -> None:
    """Nothing that axe finds wrong, nothing wider than the screen, no complaint."""
    assert complaints == []
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run(document)).violations.map(v => [v.id, v.nodes.map(n => n.html)])")
    assert found == [], page.url
    assert page.evaluate("document.documentElement.scrollWidth - window.innerWidth") <= 0, page.url
    complaints.clear()  # axe tries styles of its own


@pytest.mark.parametrize("width", [390, 1280])
def test_patients_are_found_while_typing_and_every_page_is_fit_for_all(browser: Browser, base: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 844}, locale="en-CA")
    page, complaints = open_page(context)
    page.goto(f"{base}/desk/sign-in?next=/desk/patients")
    page.fill("#username", "owner")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("ame lev")
    expect(page.locator(".patients li")).to_have_count(2)
    look_at(page, complaints)
    page.keyboard.press("Tab")
    expect(page.locator(".patients a").first).to_be_focused()
    page.locator(".patients a", has_text="Lévesque").press("Enter")
    expect(page.locator("h1")).to_have_text("Lévesque, Amélie")
    look_at(page, complaints)
    for path in ("edit", "elsewhere", "merge", "merge/double", "print", "restrict"):
        page.goto(f"{base}/desk/patients/amelie/{path}")
        look_at(page, complaints)
    for path in ("calls", "audit?lang=fr"):
        page.goto(f"{base}/desk/{path}")
        look_at(page, complaints)
    context.close()


@pytest.mark.parametrize("width", [390, 1280])
def test_a_name_without_a_space_makes_no_page_wider(browser: Browser, base: str, engine: Engine, width: int) -> None:
    day = clock.to_local(clock.now(), ZONE).replace(hour=11, minute=0, second=0, microsecond=0) + timedelta(days=1)
    with Session(engine) as session:
        patient = make_patient(session, given_name="W" * 100, family_name="M" * 100, public_id="long")
        visit = make_appointment(session, patient=patient, starts_local=day).public_id
    context = browser.new_context(viewport={"width": width, "height": 844}, locale="en-CA")
    page, complaints = open_page(context)
    page.goto(f"{base}/desk/sign-in?next=/desk/patients")
    page.fill("#username", "owner")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page.locator("#q")).to_be_focused()
    patient_pages = [
        f"patients/long{path}" for path in ("", "/edit", "/elsewhere", "/merge", "/merge/double", "/print")
    ]
    for path in (
        *patient_pages,
        f"visits/{visit}",
        f"visits/{visit}?ask=move",
        "book?patient=long",
        f"list?day={day.date()}",
    ):
        page.goto(f"{base}/desk/{path}")
        expect(page.locator("main")).to_contain_text("MMMM")
        look_at(page, complaints)
    context.close()
