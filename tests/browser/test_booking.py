"""A booking in a real browser: at two widths, in both languages, by keyboard alone, with and without JavaScript."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, time, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.models import Message
from tests.browser.serving import serving
from tests.factories import CLINIC, make_appointment, make_clinic, make_patient
from tests.web.support.booking_clinic import count_of, visits

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

AXE = (Path(__file__).parent.parent.parent / "node_modules" / "axe-core" / "axe.min.js").read_text()
NUMBER = "613-555-0177"


@pytest.fixture
def base(database_url: str, engine: Engine) -> Iterator[str]:
    with Session(engine) as session:
        make_clinic(session)
    with serving(database_url) as address:
        yield address


def open_page(context: BrowserContext) -> tuple[Page, list[str]]:
    """And what the browser complains of: errors of scripts, and everything that the CSP refuses."""
    complaints: list[str] = []
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if "status of 4" not in said.text else None)
    return page, complaints


def say_birth_date(page: Page) -> None:
    """As the patients of these tests are made."""
    for part, typed in (("day", "14"), ("month", "3"), ("year", "1986")):
        page.fill(f"input[name=birth_date_{part}]", typed)
    press(page)


def code(engine: Engine) -> str:
    with Session(engine) as session:
        body = session.scalars(select(Message.body).where(Message.kind == "code").order_by(Message.id.desc())).first()
    found = re.search(r"\b\d{6}\b", body or "")
    assert found is not None
    return found.group()


def press(page: Page) -> None:
    """The one obvious button."""
    page.locator("main form button.go").first.click()


def look_at(page: Page, complaints: list[str]) -> None:
    """Nothing that axe finds wrong, nothing wider than the screen, no complaint."""
    assert complaints == []
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run(document)).violations.map(v => [v.id, v.nodes.map(n => n.html)])")
    assert found == [], f"{page.url}: {json.dumps(found, indent=1)}"
    overflow = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert overflow <= 0, f"{page.url} is {overflow} px wider than the screen"
    small = page.evaluate(
        """() => [...document.querySelectorAll('main button, main input:not([type=hidden]), .chip, .day-row, .button')]
        .map(e => (e.closest('label') || e).getBoundingClientRect())
        .filter(r => r.height > 0 && (r.height < 44 || r.width < 44)).length"""
    )
    assert small == 0, f"{page.url}: {small} targets are smaller than a thumb"
    complaints.clear()  # axe tries styles of its own


def book(page: Page, base: str, engine: Engine, complaints: list[str] | None = None) -> None:
    """All the way, each page looked at as it comes and with its errors."""

    def look() -> None:
        if complaints is not None:
            look_at(page, complaints)

    page.goto(f"{base}/")
    look()
    page.locator("main a.button").first.click()
    look()
    press(page)
    look()
    page.check("input[name=been_before][value=no]")
    page.check("input[value=ims]")
    press(page)
    look()
    page.locator(".notice button").first.click()
    look()
    page.locator("label.time").first.click()
    look()
    press(page)
    look()
    page.fill("input[name=number]", "12")
    press(page)
    look()
    page.fill("input[name=number]", NUMBER)
    press(page)
    look()
    page.fill("input[name=code]", "12345")
    press(page)
    look()
    page.fill("input[name=code]", code(engine))
    press(page)
    look()
    say_birth_date(page)
    look()
    press(page)
    look()
    page.fill("input[name=given_name]", "Jean-François")
    page.fill("input[name=family_name]", "O’Brien-" + "Lachapelle" * 4)
    for part, typed in (("day", "14"), ("month", "3"), ("year", "1986")):
        page.fill(f"input[name=birth_date_{part}]", typed)
    page.check("input[value=fear_of_needles]")
    look()
    press(page)
    look()
    press(page)
    page.wait_for_url("**/done")
    look()


@pytest.mark.parametrize(
    ("width", "language", "scheme"),
    [(390, "en", "light"), (1280, "fr", "dark"), (320, "fr", "light")],
)
def test_every_page_passes_axe_and_fits(
    browser: Browser, base: str, engine: Engine, width: int, language: str, scheme: str
) -> None:
    context = browser.new_context(
        viewport={"width": width, "height": 844},
        locale=f"{language}-CA",
        color_scheme="dark" if scheme == "dark" else "light",
    )
    page, complaints = open_page(context)
    book(page, base, engine, complaints)
    assert page.get_attribute("html", "lang") == language
    assert len(visits(engine)) == 1
    context.close()


def test_it_all_works_without_javascript(browser: Browser, base: str, engine: Engine) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page, _complaints = open_page(context)
    book(page, base, engine)
    assert len(visits(engine)) == 1
    context.close()


def test_another_day_opens_without_javascript(browser: Browser, base: str) -> None:
    context = browser.new_context(java_script_enabled=False)
    page, _complaints = open_page(context)
    to_times(page, base)
    second = page.locator("a.day-row b").first
    day = second.inner_text()
    second.click()
    assert page.locator(".day-open h2").inner_text() == day
    context.close()


def to_times(page: Page, base: str) -> None:
    page.goto(f"{base}/book")
    page.check("input[value=no]")
    page.check("input[value=ims-assessment]")
    press(page)
    page.wait_for_url("**/time")


def test_keyboard_alone_is_enough(browser: Browser, base: str, engine: Engine) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, complaints = open_page(context)
    page.goto(f"{base}/")

    def tab_to(selector: str) -> None:
        for _ in range(80):
            page.keyboard.press("Tab")
            if page.evaluate("s => document.activeElement.matches(s)", selector):
                assert page.evaluate(
                    "getComputedStyle(document.activeElement).outlineStyle"
                ) != "none" or page.evaluate(
                    "document.activeElement.type === 'radio' || document.activeElement.type === 'checkbox'"
                ), f"no focus to be seen on {selector}"
                return
        raise AssertionError(f"Tab never reaches {selector} on {page.url}")

    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    tab_to("a.button")
    page.keyboard.press("Enter")
    page.wait_for_url("**/book")
    tab_to("input[name=been_before]")
    page.keyboard.press("Space")
    tab_to("input[name=treatment]")
    page.keyboard.press("Space")
    tab_to("button.go")
    page.keyboard.press("Enter")
    page.wait_for_url("**/time")
    tab_to("input[name=starts]")
    page.keyboard.press("Space")  # late in the day there may be one time only, and no arrow chooses it
    page.keyboard.press("ArrowRight")
    tab_to("button.go")
    assert "Continue with" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Enter")
    page.wait_for_url("**/number")
    tab_to("input[name=number]")
    page.keyboard.type(NUMBER)
    page.keyboard.press("Enter")
    page.wait_for_url("**/code")
    tab_to("input[name=code]")
    page.keyboard.type(code(engine))
    page.keyboard.press("Enter")
    page.wait_for_url("**/birth-date")
    for part, typed in (("day", "10"), ("month", "12"), ("year", "1985")):
        tab_to(f"input[name=birth_date_{part}]")
        page.keyboard.type(typed)
    page.keyboard.press("Enter")
    page.wait_for_url("**/who")
    for name, typed in (("given_name", "Ada"), ("family_name", "Lovelace")):
        tab_to(f"input[name={name}]")
        page.keyboard.type(typed)
    tab_to("input[value=nothing]")
    page.keyboard.press("Space")
    tab_to("button.go")
    page.keyboard.press("Enter")
    page.wait_for_url("**/review")
    tab_to("button.go")
    page.keyboard.press("Enter")
    page.wait_for_url("**/done")
    assert complaints == []
    assert len(visits(engine)) == 1
    context.close()


@pytest.mark.parametrize("javascript", [True, False])
def test_errors_take_the_focus_and_lead_to_their_fields(browser: Browser, base: str, javascript: bool) -> None:
    context = browser.new_context(java_script_enabled=javascript)
    page, _complaints = open_page(context)
    to_times(page, base)
    page.locator("label.time").first.click()
    press(page)
    press(page)
    assert page.title().startswith("Error: ")
    expect(page.locator("#problem")).to_be_focused()
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("input[name=number]")).to_be_focused()
    described = page.get_attribute("input[name=number]", "aria-describedby") or ""
    assert "Type your mobile number" in page.locator(f"#{described.split()[-1]}").inner_text()
    context.close()


def test_another_day_opens_in_place_and_the_back_button_returns(browser: Browser, base: str) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, complaints = open_page(context)
    to_times(page, base)
    first = page.locator(".day-open h2").inner_text()
    page.evaluate("window.stillHere = true")
    second = page.locator("a.day-row").nth(1)
    day = second.locator("b").inner_text()
    second.click()
    expect(page.locator(".day-open h2")).to_have_text(day)
    assert page.evaluate("window.stillHere") is True
    assert page.evaluate("document.activeElement.id").startswith("open-")
    assert "day=" in page.url
    page.go_back()
    expect(page.locator(".day-open h2")).to_have_text(first)
    page.reload()
    expect(page.locator(".day-open h2")).to_have_text(first)
    assert complaints == []
    context.close()


def test_the_button_names_the_time_chosen(browser: Browser, base: str) -> None:
    context = browser.new_context()
    page, _complaints = open_page(context)
    to_times(page, base)
    day = page.locator(".day-open h2").inner_text()
    chosen = page.locator("label.time").last  # late in the day there may be one
    chosen.click()
    expect(page.locator(".day-open button.go")).to_have_text(f"Continue with {day}, {chosen.inner_text()}")
    context.close()


def test_a_double_click_books_once_and_the_back_button_ends_at_the_visit(
    browser: Browser, base: str, engine: Engine
) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844})
    page, complaints = open_page(context)
    to_times(page, base)
    page.locator("label.time").first.click()
    press(page)
    page.fill("input[name=number]", NUMBER)
    press(page)
    page.fill("input[name=code]", code(engine))
    press(page)
    say_birth_date(page)
    page.fill("input[name=given_name]", "Ada")
    page.fill("input[name=family_name]", "Lovelace")
    for part, typed in (("day", "10"), ("month", "12"), ("year", "1985")):
        page.fill(f"input[name=birth_date_{part}]", typed)
    page.check("input[value=nothing]")
    press(page)
    page.wait_for_url("**/review")
    page.go_back()
    assert page.input_value("input[name=given_name]") == "Ada"
    assert page.is_checked("input[value=nothing]")
    page.go_forward()
    page.locator("main form button.go").first.dblclick()
    page.wait_for_url("**/done")
    page.go_back()
    page.wait_for_url("**/done")
    page.reload()
    assert complaints == []
    assert (len(visits(engine)), count_of(engine, "patient")) == (1, 1)
    context.close()


def test_the_day_of_ims_elsewhere_is_asked_only_when_it_was_ticked(browser: Browser, base: str, engine: Engine) -> None:
    context = browser.new_context()
    page, _complaints = open_page(context)
    to_times(page, base)
    page.locator("label.time").first.click()
    press(page)
    page.fill("input[name=number]", NUMBER)
    press(page)
    page.fill("input[name=code]", code(engine))
    press(page)
    say_birth_date(page)
    expect(page.locator("input[name=needled_on_day]")).to_be_hidden()
    page.check("input[value=needled_elsewhere]")
    expect(page.locator("input[name=needled_on_day]")).to_be_visible()
    context.close()


def test_the_language_changes_and_nothing_typed_is_lost(browser: Browser, base: str) -> None:
    context = browser.new_context(locale="en-CA")
    page, _complaints = open_page(context)
    to_times(page, base)
    page.locator("label.time").first.click()
    press(page)
    page.get_by_role("link", name="Français").click()
    assert page.get_attribute("html", "lang") == "fr"
    expect(page.locator("h1")).to_have_text("Votre numéro de cellulaire")
    page.goto(f"{base}/book")
    expect(page.locator("h1")).to_have_text("Prendre rendez-vous")
    context.close()


@pytest.mark.parametrize(("width", "language", "scripts"), [(390, "fr", False), (1280, "en", True)])
def test_a_visit_too_near_to_ims_elsewhere_is_settled_on_the_way(
    browser: Browser, base: str, engine: Engine, width: int, language: str, scripts: bool
) -> None:
    today = clock.to_local(clock.now(), clock.zone(CLINIC.zone)).date()
    soon = next(day for day in (today + timedelta(days=n) for n in range(2, 5)) if day.weekday() < 6)
    later = next(day for day in (soon + timedelta(days=n) for n in range(21, 25)) if day.weekday() < 6)
    with Session(engine) as session:
        patient = make_patient(session, number="+16135550177", language=language)
        make_appointment(session, patient=patient, starts_local=datetime.combine(soon, time(10)))
    context = browser.new_context(
        viewport={"width": width, "height": 844}, locale=f"{language}-CA", java_script_enabled=scripts
    )
    page, complaints = open_page(context)
    page.goto(f"{base}/book")
    page.check("input[name=been_before][value=yes]")
    page.check("input[name=treatment][value=ims]")
    press(page)
    page.fill("input[name=number]", NUMBER)
    press(page)
    page.fill("input[name=code]", code(engine))
    press(page)
    say_birth_date(page)
    page.goto(f"{page.url}?day={later}")
    page.locator("input[name=starts]").first.check()
    press(page)
    page.check("input[value=needled_elsewhere]")
    for part, typed in (("day", today.day), ("month", today.month), ("year", today.year)):
        page.fill(f"input[name=needled_on_{part}]", str(typed))
    press(page)
    expect(page).to_have_url(re.compile("/earlier-visit$"))
    press(page)
    expect(page.locator("#problem")).to_be_visible()
    if scripts:
        look_at(page, complaints)
    page.locator("input[name=settle]").first.focus()
    page.keyboard.press("Space")
    press(page)
    expect(page).to_have_url(re.compile("/review$"))
    expect(page.locator("main .panel-good")).to_be_visible()
    press(page)
    expect(page).to_have_url(re.compile("/done$"))
    context.close()
