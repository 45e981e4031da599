"""The desk's bar: one line at every width and in both languages, and its menus with keys alone and without JavaScript."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine, update
from sqlalchemy.orm import Session

from scheduler.models import StaffUser
from scheduler.usecases.staff.staff import hash_password
from tests.browser.serving import serving
from tests.browser.test_texts import text_in
from tests.factories import NOW, make_clinic

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

PASSWORD = "a password for tests"
LONG_NAME = "Marguerite-Philippine de la Bruère-Deschênes"
LONGEST_DAY = "2027-09-29"  # mercredi 29 septembre
BOTTOMS = "nodes => nodes.filter(n => n.offsetHeight).map(n => Math.round(n.getBoundingClientRect().bottom / 10))"
CUT_OFF = """nodes => nodes.filter(n => n.offsetHeight).map((n, i, all) => [n, all[i + 1]]).filter(([n, next]) => {
  const [box, after] = [n.getBoundingClientRect(), next?.getBoundingClientRect()];
  return n.scrollWidth > n.clientWidth || box.width < 36 || box.right > innerWidth - 4 || after && box.right > after.left;
}).map(([n]) => n.innerText)"""


@pytest.fixture
def base(database_url: str, engine: Engine) -> Iterator[str]:
    with Session(engine) as session:
        make_clinic(session)
        session.add(
            StaffUser(
                username="owner",
                display_name="Morgan",
                role="owner",
                password_hash=hash_password(PASSWORD),
                created_at=NOW,
            )
        )
        session.commit()
    with serving(database_url) as address:
        yield address


def signed_in(context: BrowserContext, base: str, path: str = "/desk") -> Page:
    page = context.new_page()
    page.set_default_timeout(30_000)
    page.goto(f"{base}/desk/sign-in?next={path}")
    page.fill("#username", "owner")
    page.fill("#password", PASSWORD)
    page.click("main form button")
    page.wait_for_url(f"{base}{path}")
    return page


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_bar_is_one_line_whatever_the_width_and_the_name(
    browser: Browser, base: str, engine: Engine, language: str
) -> None:
    context = browser.new_context(locale=f"{language}-CA")
    page = signed_in(context, base)
    for sender in range(12):
        text_in(engine, "Bonjour?", number=f"+161355502{sender:02}")
    for name in ("Morgan", LONG_NAME):
        with Session(engine) as session:
            session.execute(update(StaffUser).values(display_name=name))
            session.commit()
        page.goto(f"{base}/desk/list")
        for width in (320, 360, 390, 768, 1120, 1280, 1920):
            page.set_viewport_size({"width": width, "height": 844})
            lines = set(page.locator(".top > *, .top nav > *").evaluate_all(BOTTOMS))
            assert max(lines) - min(lines) <= 1, f"{width} px: {lines}"  # text and buttons differ by some pixels
            assert page.evaluate("document.querySelector('.top').offsetHeight") <= 60
            whole = page.locator(".top nav > .seg, .menu summary").evaluate_all(CUT_OFF)
            assert whole == [], f"{width} px: {whole}"
            for menu in page.locator(".menu summary").all():
                menu.click()
                assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), width
    context.close()


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_calendars_own_bar_is_one_line_on_a_desk(browser: Browser, base: str, language: str) -> None:
    context = browser.new_context(locale=f"{language}-CA", viewport={"width": 1280, "height": 900})
    page = signed_in(context, base)
    for view in ("day", "rooms"):
        page.goto(f"{base}/desk?day={LONGEST_DAY}&view={view}")
        assert page.evaluate("document.querySelector('#bar').offsetHeight") < 50, view
    context.close()


def test_the_tabs_of_the_settings_do_not_wrap(browser: Browser, base: str) -> None:
    context = browser.new_context(locale="fr-CA")
    page = signed_in(context, base)
    for width in (390, 1000):
        page.set_viewport_size({"width": width, "height": 844})
        page.goto(f"{base}/desk/settings/tokens")
        assert len(set(page.locator(".tabs a").evaluate_all(BOTTOMS))) == 1
        box = page.locator(".tabs [aria-current]").bounding_box()
        assert box is not None and box["x"] >= 0 and box["x"] + box["width"] <= width, "the tab shown is in sight"
    page.set_viewport_size({"width": 1280, "height": 844})
    assert len(set(page.locator(".tabs a").evaluate_all("links => links.map(a => a.offsetLeft)"))) == 1
    context.close()


def test_the_menus_by_keys_alone_and_without_javascript(browser: Browser, base: str) -> None:
    context = browser.new_context(locale="en-CA", viewport={"width": 390, "height": 844}, java_script_enabled=False)
    page = signed_in(context, base, path="/desk/list")
    expect(page.get_by_role("link", name="Inbox")).to_have_count(0)
    page.locator("summary", has_text="More").focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Inbox")).to_be_focused()
    page.get_by_role("link", name="Settings").press("Enter")
    page.wait_for_url(f"{base}/desk/settings")
    page.locator("summary", has_text="Morgan").press("Enter")
    expect(page.get_by_role("link", name="Inbox")).to_have_count(0)
    page.get_by_role("button", name="Sign out").press("Enter")
    page.wait_for_url(f"{base}/desk/sign-in")
    context.close()


def test_escape_closes_a_menu_and_nothing_else(browser: Browser, base: str) -> None:
    context = browser.new_context(locale="en-CA", viewport={"width": 1280, "height": 900})
    page = signed_in(context, base)
    page.keyboard.press("n")
    expect(page.locator("#q")).to_be_focused()
    more = page.locator("summary", has_text="More")
    more.press("Enter")
    expect(page.get_by_role("link", name="Day sheet")).to_be_visible()
    page.keyboard.press("Tab")
    page.keyboard.press("Escape")
    expect(page.get_by_role("link", name="Day sheet")).to_have_count(0)
    expect(more).to_be_focused()
    expect(page.locator("#q")).to_be_visible()
    more.press("Enter")
    page.locator("#q").click()
    expect(page.get_by_role("link", name="Day sheet")).to_have_count(0)
    context.close()
