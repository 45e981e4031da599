"""Takes the README's screenshots of the demo clinic: `.venv/bin/python -m tests.browser.take_screenshots`."""

import os
import tempfile
from datetime import datetime, time, timedelta
from pathlib import Path

import time_machine
from playwright.sync_api import Browser, Page, sync_playwright
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler import clock, demo
from scheduler.demo.people import MARCO
from scheduler.demo.staff import PASSWORD
from scheduler.models import Message
from scheduler.models.engine import create_engine
from tests.browser.serving import serving
from tests.factories import CLINIC, ZONE
from tests.support.chromium import FLAGS, chromium_path, playwright_node
from tests.support.engines import migrate

FOLDER = Path(__file__).parent.parent.parent / "docs" / "screenshots"
TUESDAY = 1
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}


def a_morning() -> datetime:
    """The coming Tuesday, 10:35: a day's demo depends on the day alone. Not a past one, whose cookies no browser keeps."""
    now = clock.to_local(clock.now(), ZONE)
    day = now.date() + timedelta(days=(TUESDAY - now.weekday()) % 7 or 7)
    return clock.to_utc(datetime.combine(day, time(10, 35)), ZONE)


def take(browser: Browser, base: str, database_url: str) -> None:
    phone = browser.new_context(viewport=PHONE, locale="en-CA").new_page()
    phone.goto(base)
    shoot(phone, "home")
    sign_in(phone, base, database_url)
    phone.goto(f"{base}/book")
    phone.check("input[value=ims]")
    phone.locator("main form button.go").first.click()
    phone.locator(".notice", has_text="next IMS visit").wait_for()
    shoot(phone, "too-soon")

    desk = browser.new_context(viewport=DESK, locale="en-CA").new_page()
    desk.goto(f"{base}/desk/sign-in")
    desk.fill("#username", "demo-reception")
    desk.fill("#password", PASSWORD)
    desk.click("main form button")
    desk.locator(".card").first.wait_for()
    desk.locator(".card a", has_text="IMS").nth(2).click()
    desk.locator("[data-panel=visit]").wait_for()
    desk.mouse.move(0, 0)
    shoot(desk, "desk")


def sign_in(page: Page, base: str, database_url: str) -> None:
    page.goto(f"{base}/me/sign-in")
    page.fill("#number", MARCO.number)
    page.locator("main form button").first.click()
    page.locator("#code").wait_for()
    with Session(create_engine(database_url)) as session:
        sent = select(Message.body).where(Message.kind == "code").order_by(Message.id.desc())
        body = session.scalars(sent).first() or ""
    page.fill("#code", next(word.strip(".") for word in body.split() if word.strip(".").isdecimal()))
    page.locator("main form button").first.click()
    page.wait_for_url(f"{base}/me/birth-date**")
    for part in ("day", "month", "year"):
        page.fill(f"#birth_date-{part}", str(getattr(MARCO.birth_date, part)))
    page.get_by_role("button", name="Continue").click()
    page.wait_for_url(f"{base}/me")


def shoot(page: Page, name: str) -> None:
    page.wait_for_load_state("networkidle")
    page.screenshot(path=FOLDER / f"{name}.png")


def main() -> None:
    if node := playwright_node():
        os.environ["PLAYWRIGHT_NODEJS_PATH"] = node
    with tempfile.TemporaryDirectory() as folder, time_machine.travel(a_morning()), sync_playwright() as playwright:
        database_url = f"sqlite:///{folder}/clinic.sqlite"
        migrate(database_url)
        with Session(create_engine(database_url)) as session:
            demo.seed(session, clinic=CLINIC, now=clock.now())
        with serving(database_url) as base:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS])
            take(browser, base, database_url)
            browser.close()


if __name__ == "__main__":
    main()
