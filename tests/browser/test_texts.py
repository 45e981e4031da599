"""What texting brings to the screen: the desk's inbox, and the page behind a patient's private link."""

import os
from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.models import Appointment, Message, StaffUser
from scheduler.usecases.staff.staff import hash_password
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from scheduler.usecases.visits.links import make_link
from tests.browser import test_booking, test_desk
from tests.browser.serving import serving
from tests.browser.test_booking import open_page
from tests.factories import CLINIC, NOW, ZONE, make_appointment, make_clinic, make_patient

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

NUMBER, PASSWORD = "+16135550142", "a password for tests"
WIDTHS = (1280, 390)
_sids = count(1)


@pytest.fixture
def visit(engine: Engine) -> Appointment:
    """At ten in the morning, a week ahead."""
    today = clock.to_local(clock.now(), ZONE).replace(hour=10, minute=0, second=0, microsecond=0)
    there = today + timedelta(days=7 - today.weekday() + 7)
    with Session(engine, expire_on_commit=False) as session:
        make_clinic(session)
        patient = make_patient(session, number=NUMBER, given_name="Amélie", family_name="Roy")
        session.add(
            StaffUser(
                username="robin",
                display_name="Robin",
                role="receptionist",
                password_hash=hash_password(PASSWORD),
                created_at=NOW,
            )
        )
        return make_appointment(
            session, patient=patient, starts_local=there.replace(tzinfo=None), treatment="follow-up"
        )


@pytest.fixture
def base(database_url: str, visit: Appointment) -> Iterator[str]:
    with serving(database_url) as address:
        yield address


def text_in(engine: Engine, body: str, number: str = NUMBER) -> None:
    with Session(engine) as session:
        sid = f"SMin{next(_sids)}"
        receive(session, IncomingText(sid=sid, number=number, body=body), clinic=CLINIC, now=clock.now())


def look(page: Page, complaints: list[str], name: str) -> None:
    """At both widths. PICTURES=FOLDER keeps what was seen."""
    for width in WIDTHS:
        page.set_viewport_size({"width": width, "height": 844})
        (test_desk if "/desk" in page.url else test_booking).look_at(page, complaints)  # a thumb needs larger buttons
        complaints.clear()  # axe tries styles of its own
        if folder := os.environ.get("PICTURES"):
            page.screenshot(path=Path(folder) / f"{name}-{width}.png", full_page=True)


def tab_to(page: Page, words: str) -> None:
    """By the keyboard alone, until what has the focus bears these words."""
    for _ in range(60):
        page.keyboard.press("Tab")
        if words in page.evaluate(
            "document.activeElement.innerText || document.activeElement.labels?.[0]?.innerText || ''"
        ):
            return
    raise AssertionError(f"no way to {words!r}")


def enter(context: BrowserContext, base: str) -> tuple[Page, list[str]]:
    page, complaints = open_page(context)
    page.goto(f"{base}/desk/sign-in?next=/desk/inbox")
    page.fill("#username", "robin")
    page.fill("#password", PASSWORD)
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{base}/desk/inbox")
    return page, complaints


@pytest.mark.parametrize(
    ("locale", "answer", "send", "parts"),
    [("en-CA", "Answer", "Send", "1 part; room"), ("fr-CA", "Réponse", "Envoyer", "1 segment; encore")],
)
def test_the_inbox_is_read_and_answered_by_keyboard(
    browser: Browser, base: str, engine: Engine, locale: str, answer: str, send: str, parts: str
) -> None:
    text_in(engine, "Can I bring my daughter? Elle a 5 ans.")
    text_in(engine, "wrong number, who is this?")
    text_in(engine, "Bonjour, avez-vous une place demain?", number="+16135550199")
    context = browser.new_context(locale=locale)
    page, complaints = enter(context, base)
    look(page, complaints, f"inbox-{locale}")
    tab_to(page, "Amélie Roy")
    page.keyboard.press("Enter")
    expect(page.locator("#answer")).to_be_visible()
    look(page, complaints, f"thread-{locale}")
    tab_to(page, answer)
    page.keyboard.type("Yes, please do. See you!")
    expect(page.locator("#cost")).to_contain_text(parts)
    tab_to(page, send)
    page.keyboard.press("Enter")
    expect(page.locator(".talk .text", has_text="See you!")).to_be_visible()
    look(page, complaints, f"answered-{locale}")
    with Session(engine) as session:
        written = session.scalars(select(Message).where(Message.kind == "desk")).one()
        assert (written.number, written.written_by) == (NUMBER, "staff:robin")
        unread = session.scalars(select(Message.number).where(Message.for_desk, Message.read_at.is_(None))).all()
        assert unread == ["+16135550199"]
    page.goto(f"{base}/desk/inbox?from=unknown")
    look(page, complaints, f"unknown-{locale}")
    context.close()


@pytest.mark.parametrize("modifier", ["ctrlKey", "metaKey"])
def test_an_answer_is_sent_by_its_key_and_once(browser: Browser, base: str, engine: Engine, modifier: str) -> None:
    text_in(engine, "Can I bring my daughter?")
    context = browser.new_context(locale="en-CA", viewport={"width": 1280, "height": 900})
    page, _complaints = enter(context, base)
    page.get_by_role("link", name="Amélie Roy").click()
    expect(page.get_by_text("or Ctrl + Enter")).to_be_visible()
    page.locator("#answer").press_sequentially("Yes, please do.")
    expect(page.locator("#cost")).to_contain_text("room for 145 more")
    posts: list[str] = []
    page.on("request", lambda request: posts.append(request.url) if request.method == "POST" else None)
    page.locator("#answer").press("Enter")
    page.locator("#answer").evaluate(
        """(box, modifier) => { for (const repeat of [false, true, false]) box.dispatchEvent(new KeyboardEvent(
            "keydown", { key: "Enter", [modifier]: true, repeat, bubbles: true, cancelable: true })); }""",
        modifier,
    )
    expect(page.locator(".talk .text", has_text="Yes, please do.")).to_have_count(1)
    assert len([url for url in posts if url.endswith("/answer")]) == 1
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_text("or Ctrl + Enter")).to_be_hidden()
    page.go_back()
    expect(page.locator("#answer")).to_have_value("")
    expect(page.locator("#cost")).to_have_text("")
    expect(page.locator(".talk .text", has_text="Yes, please do.")).to_have_count(1)
    context.close()


@pytest.mark.parametrize(("locale", "script"), [("en-CA", True), ("fr-CA", True), ("fr-CA", False)])
def test_a_texted_link_moves_the_visit_by_keyboard(
    browser: Browser, base: str, engine: Engine, visit: Appointment, locale: str, script: bool
) -> None:
    with Session(engine) as session:
        again = session.get_one(Appointment, visit.id)
        again.patient.language = locale[:2]  # type: ignore[union-attr]  # it has one
        link, _ = make_link(session, again, account_id=again.patient.phone_account_id, clinic=CLINIC, now=clock.now())
        session.commit()
    before: datetime = visit.starts_local
    context = browser.new_context(locale=locale, java_script_enabled=script)
    page, complaints = open_page(context)
    page.goto(base + link.removeprefix(CLINIC.public_url))
    if script:
        look(page, complaints, f"link-{locale}")
    page.locator("a[href$='/cancel']").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/cancel")
    if script:
        look(page, complaints, f"link-cancel-{locale}")
    page.goto(base + link.removeprefix(CLINIC.public_url))
    page.locator("main form button").focus()
    page.keyboard.press("Enter")
    expect(page.locator("main [role=status]")).to_be_visible()
    if script:
        look(page, complaints, f"link-confirmed-{locale}")
    page.locator("a[href$='/move']").focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/move")
    day = page.locator(".day-row").first
    day.focus()
    page.keyboard.press("Enter")
    page.locator("input[name=starts]").first.focus()
    page.keyboard.press("Space")
    if script:
        look(page, complaints, f"link-times-{locale}")
    page.locator("main form button:not([disabled])").last.focus()
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{base}/m/done")
    if script:
        look(page, complaints, f"link-done-{locale}")
    with Session(engine) as session:
        moved = session.get_one(Appointment, visit.id)
        assert (moved.version, moved.starts_local != before) == (3, True)
    page.goto(base + link.removeprefix(CLINIC.public_url))
    if script:
        look(page, [], f"link-gone-{locale}")
    context.close()


def test_the_older_texts_of_a_long_thread_are_one_press_away(engine: Engine, browser: Browser, base: str) -> None:
    for number in range(102):
        text_in(engine, f"Text number {number}.")
    context = browser.new_context()
    page, complaints = enter(context, base)
    page.get_by_role("link", name="Amélie Roy").click()
    expect(page.locator("[data-inbox-unread] [data-number]").first).to_have_text("2")
    look(page, complaints, "long-thread")
    page.fill("#answer", "All read.")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_text("Your answer is on its way.")).to_be_in_viewport()
    expect(page.locator(".talk .text", has_text="All read.")).to_be_in_viewport()
    page.get_by_role("link", name="Older").click()
    expect(page.get_by_text("Text number 0.")).to_be_visible()
    expect(page.locator("[data-inbox-unread]").first).to_be_hidden()
    context.close()
