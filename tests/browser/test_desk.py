"""The desk's calendar in a real browser: booking by telephone, dragging, keys alone, and two desks at once."""

import json
import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect
from sqlalchemy import Engine, delete, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.models import Appointment, LiveSession, StaffUser
from scheduler.usecases.staff.staff import hash_password
from tests.browser.serving import serving
from tests.factories import CLINIC, NOW, local, make_appointment, make_clinic, make_patient

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

AXE = (Path(__file__).parent.parent.parent / "node_modules" / "axe-core" / "axe.min.js").read_text()
PASSWORD = "a password for tests"
BEGINS, AN_HOUR = 8, 80  # the calendar's first hour; pixels
DAY = clock.to_local(clock.now(), clock.zone(CLINIC.zone)).date()
DAY += timedelta(days=7 - DAY.weekday())  # a Monday to come


class Hands:
    """Counts what a receptionist does: every key and every click; a field that is filled in is one action more."""

    def __init__(self, page: Page) -> None:
        self.page, self.actions = page, 0

    def click(self, x: float, y: float) -> None:
        self.actions += 1
        self.page.mouse.click(x, y)

    def press(self, key: str) -> None:
        self.actions += 1
        self.page.keyboard.press(key)

    def type(self, letters: str) -> None:
        for letter in letters:
            self.press(letter)

    def fill(self, field: str, words: str) -> None:
        self.actions += 1
        self.page.fill(field, words)

    def drag(self, card: str, column: int, at: str) -> None:
        self.actions += 1
        while not (box := self.page.locator(card).bounding_box()):
            pass  # the card is being drawn anew at this moment
        mouse = self.page.mouse
        mouse.move(box["x"] + 40, box["y"] + 8)
        mouse.down()
        x, y = place(self.page, column, at)
        mouse.move(x, y - 10, steps=4)
        mouse.move(x, y, steps=2)
        mouse.up()


def place(page: Page, column: int, at: str) -> tuple[float, float]:
    hour, minute = map(int, at.split(":"))
    box = page.locator(".ec-body .ec-day").nth(column).bounding_box()
    assert box
    return box["x"] + box["width"] / 2, box["y"] + (hour + minute / 60 - BEGINS) * AN_HOUR + 8


@pytest.fixture
def base(database_url: str, engine: Engine) -> Iterator[str]:
    with Session(engine) as session:
        make_clinic(session)
        session.add(
            StaffUser(
                username="robin",
                display_name="Robin",
                role="receptionist",
                password_hash=hash_password(PASSWORD),
                created_at=NOW,
            )
        )
        isla = make_patient(session, given_name="Isla", family_name="Zimmer")
        luc = make_patient(session, given_name="Luc", family_name="Tremblay")
        make_appointment(session, patient=isla, starts_local=local(DAY, "09:00"), treatment="follow-up")
        make_appointment(session, patient=luc, starts_local=local(DAY, "11:00"), practitioner="p2", room="Room 2")
    with serving(database_url) as address:
        yield address


def desk(browser: Browser, base: str, width: int = 1280, height: int = 1000) -> tuple[Page, list[str]]:
    """Signed in, with the calendar of DAY open; and what the browser complains of."""
    context: BrowserContext = browser.new_context(
        viewport={"width": width, "height": height}, locale="en-CA", timezone_id="Asia/Tokyo"
    )
    page, complaints = context.new_page(), []
    page.set_default_timeout(30_000)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on(
        "console",
        lambda said: (
            complaints.append(said.text)
            if said.type in ("error", "warning") and "status of 4" not in said.text
            else None
        ),
    )
    page.goto(f"{base}/desk/sign-in?next=/desk?day={DAY}")
    page.fill("#username", "robin")
    page.fill("#password", PASSWORD)
    page.click("main form button")
    page.locator(".card").first.wait_for()
    return page, complaints


def look_at(page: Page, complaints: list[str]) -> None:
    """Nothing that axe finds wrong, nothing wider than the screen, no complaint."""
    assert complaints == []
    page.evaluate(AXE)
    found = page.evaluate("async () => (await axe.run(document)).violations.map(v => [v.id, v.nodes.map(n => n.html)])")
    assert found == [], f"{page.url}: {json.dumps(found, indent=1)}"
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def visits_of(engine: Engine, family_name: str) -> list[Appointment]:
    with Session(engine) as session:
        query = select(Appointment).join(Appointment.patient).where(Appointment.patient.has(family_name=family_name))
        return list(session.scalars(query.order_by(Appointment.id)))


def test_a_known_patient_in_6_actions_a_new_one_in_10_a_move_in_3(browser: Browser, base: str, engine: Engine) -> None:
    page, complaints = desk(browser, base)
    hands = Hands(page)
    hands.click(*place(page, 0, "10:00"))
    expect(page.locator("#q")).to_be_focused()
    hands.type("tre")
    expect(page.locator("#found .person").first).to_contain_text("Tremblay, Luc")
    look_at(page, complaints)
    hands.press("Enter")
    page.locator("#panel [value=follow-up]").wait_for()
    expect(page.locator("#panel button.go")).to_be_focused()
    page.locator("#panel [value=follow-up]").check()  # IMS on this day is what the next test is about
    hands.actions += 1
    page.locator(".forbidden").first.wait_for()
    look_at(page, complaints)
    page.locator("#panel button.go").focus()
    hands.press("Enter")
    page.locator(".done").wait_for()
    look_at(page, complaints)
    assert [visit.starts_local.hour for visit in visits_of(engine, "Tremblay")] == [11, 10]
    assert hands.actions - 1 <= 6  # without choosing another treatment than the one proposed

    hands = Hands(page)
    hands.click(*place(page, 1, "14:00"))
    expect(page.locator("#q")).to_be_focused()
    hands.fill("#q", "ngozi okafor")
    page.locator(".person.new").wait_for()
    hands.press("Enter")
    expect(page.locator("#np-birth_date")).to_be_focused()
    look_at(page, complaints)
    hands.fill("#np-birth_date", "1990-02-03")
    hands.fill("#np-phone", "613 555 0163")
    hands.press("Enter")
    page.locator("#panel [value=ims-assessment]").wait_for()
    expect(page.locator("#panel button.go")).to_be_focused()
    hands.press("Enter")
    page.locator(".done").wait_for()
    (new,) = visits_of(engine, "Okafor")
    assert (new.starts_local, hands.actions <= 10) == (local(DAY, "14:00"), True)

    hands = Hands(page)
    hands.drag(f".visit-{new.public_id}", 0, "15:00")
    page.locator("#says", has_text="Moved").wait_for()
    assert visits_of(engine, "Okafor")[0].starts_local == local(DAY, "15:00")
    assert hands.actions <= 3
    assert complaints == []


def test_a_dragged_card_that_is_refused_goes_back_and_says_why(browser: Browser, base: str, engine: Engine) -> None:
    page, complaints = desk(browser, base)
    (luc,) = visits_of(engine, "Tremblay")
    card = f".visit-{luc.public_id}"
    before = page.locator(card).bounding_box()
    Hands(page).drag(card, 0, "9:00")
    refusal = page.locator(".refusal")
    expect(refusal).to_contain_text("There is another visit at that time.")
    look_at(page, complaints)
    assert page.locator(card).bounding_box() == before
    page.keyboard.press("Escape")
    expect(refusal).to_have_count(0)
    Hands(page).drag(card, 0, "17:30")
    page.locator("#question[open]").wait_for()
    look_at(page, complaints)
    page.keyboard.press("Escape")
    page.wait_for_function("card => document.querySelector(card)", arg=card)
    assert visits_of(engine, "Tremblay")[0].version == 1
    Hands(page).drag(card, 0, "17:30")
    page.locator("#question button[value=yes]").click()
    page.locator("#says", has_text="Moved").wait_for()
    assert visits_of(engine, "Tremblay")[0].starts_local == local(DAY, "17:30")
    page.locator("#says button").click()  # undo
    page.locator("#says", has_text="11:00").wait_for()
    assert visits_of(engine, "Tremblay")[0].starts_local == local(DAY, "11:00")


def test_the_desk_by_keys_alone_and_another_desk_sees_it(browser: Browser, base: str, engine: Engine) -> None:
    page, complaints = desk(browser, base)
    other, _ignored = desk(browser, base)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".card a:focus")).to_contain_text("Tremblay, Luc")
    page.keyboard.press("m")
    expect(page.locator("#m-time")).to_be_focused()
    look_at(page, complaints)
    page.keyboard.type("0230PM")
    page.keyboard.press("Enter")
    page.locator(".done", has_text="Moved").wait_for()
    assert visits_of(engine, "Tremblay")[0].starts_local == local(DAY, "14:30")
    began = datetime.now()
    expect(other.locator(".card", has_text="Tremblay")).to_contain_text("2:30 pm", timeout=5_000)
    assert datetime.now() - began < timedelta(seconds=5)
    page.keyboard.press("Escape")
    expect(page.locator(".card a:focus")).to_contain_text("Tremblay, Luc")
    page.keyboard.press("?")
    page.locator("#keys[open]").wait_for()
    look_at(page, complaints)
    page.keyboard.press("Escape")
    for key, heading in (("w", "week of"), ("r", "Monday"), ("d", "Monday"), ("ArrowRight", "Tuesday")):
        page.keyboard.press(key)
        expect(page.locator("h1")).to_contain_text(heading)
        look_at(page, complaints)
    page.keyboard.press("n")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("twn?xm")  # letters, not keys, in a field
    expect(page.locator("#q")).to_have_value("twn?xm")
    expect(page.locator("h1")).to_contain_text("Tuesday")
    expect(page.locator("#keys[open]")).to_have_count(0)


def test_on_a_phone(browser: Browser, base: str) -> None:
    page, complaints = desk(browser, base, 390, 844)
    look_at(page, complaints)
    page.locator(".card a").first.click()
    page.locator("[data-panel=visit]").wait_for()
    look_at(page, complaints)
    page.get_by_role("button", name="Close").click()
    expect(page.locator("#panel > *")).to_have_count(0)
    assert re.search(r"/desk\?day=", page.url)


def test_among_rooms_time_and_room_in_one_drag_and_a_card_pulled_past_closing_time_asks(
    browser: Browser, base: str, engine: Engine
) -> None:
    page, complaints = desk(browser, base)
    (luc,) = visits_of(engine, "Tremblay")
    card = f".visit-{luc.public_id}"
    page.keyboard.press("r")
    page.locator("h1", has_text="Monday").wait_for()
    page.locator(".ec-col-head", has_text="Room 1").wait_for()
    Hands(page).drag(card, 0, "16:00")
    page.locator("#says", has_text="4:00 pm, Room 1").wait_for()
    (moved,) = visits_of(engine, "Tremblay")
    assert (moved.starts_local, moved.room_id, moved.version) == (local(DAY, "16:00"), 1, 2)
    page.locator("#says button").click()  # undo
    page.locator("#says", has_text="11:00 am, Room 2").wait_for()
    assert (visits_of(engine, "Tremblay")[0].room_id, visits_of(engine, "Tremblay")[0].version) == (2, 3)

    page.keyboard.press("d")
    page.locator(".ec-col-head", has_text="Pat2").wait_for()
    pull(page, card, "17:30")
    page.locator("#question[open]", has_text="does not work at that time").wait_for()
    with page.expect_response(lambda answer: "calendar.json" in answer.url):  # the card is drawn again as it was
        page.locator("#question button[value=no]").click()
    page.locator("#question:not([open])").wait_for(state="attached")
    assert visits_of(engine, "Tremblay")[0].minutes == 30
    pull(page, card, "17:30")
    page.locator("#question button[value=yes]").click()
    page.locator("#says", has_text="Now 390 min.").wait_for()
    assert visits_of(engine, "Tremblay")[0].minutes == 390
    assert complaints == []


def pull(page: Page, card: str, until: str) -> None:
    """The card's lower edge, to that time."""
    page.locator(card).hover()
    box = page.locator(f"{card} .ec-resizer").last.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    x, y = place(page, 1, until)
    page.mouse.move(x, y - 30, steps=4)
    page.mouse.move(x, y - 12, steps=2)
    page.mouse.up()


def test_slash_finds_a_patient_in_place_and_leads_to_the_next_visit(
    browser: Browser, base: str, engine: Engine
) -> None:
    page, complaints = desk(browser, base)
    (luc,) = visits_of(engine, "Tremblay")
    page.keyboard.press("ArrowRight")
    page.locator("h1", has_text="Tuesday").wait_for()
    page.keyboard.type("/tre")  # without waiting for the field: nothing typed is lost, and no "t" means today
    expect(page.locator("#found .person")).to_contain_text("Tremblay, Luc")
    expect(page.locator("#q")).to_have_value("tre")
    expect(page.locator("h1")).to_contain_text("Tuesday")
    look_at(page, complaints)
    for _link in range(2):
        page.keyboard.press("ArrowDown")
    expect(page.locator("#found a:focus")).to_contain_text("Next visit: Monday")
    page.keyboard.press("Enter")
    page.locator(f"[data-visit='{luc.public_id}'][data-panel]").wait_for()
    page.locator(f".visit-{luc.public_id}").wait_for()
    expect(page.locator("h1")).to_contain_text("Monday")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    page.keyboard.type("613557")  # part of the number
    page.locator("#found .person").first.wait_for()
    page.keyboard.press("Enter")
    page.wait_for_url("**/desk/patients/*")
    page.keyboard.press("/")
    expect(page.locator("#q")).to_be_focused()
    assert page.url == f"{base}/desk/patients"
    look_at(page, complaints)


def test_a_practitioner_has_their_own_day_first_and_on_a_phone_alone(
    browser: Browser, base: str, engine: Engine
) -> None:
    with Session(engine) as session:
        robin = session.scalars(select(StaffUser)).one()
        robin.role, robin.practitioner_id = "practitioner", 2
        session.commit()
    page, complaints = desk(browser, base)
    expect(page.locator(".ec-col-head b")).to_have_text(["Pat2 Doe2", "Pat1 Doe1"])
    assert page.locator(".ec-resizer, .ec-draggable").count() == 0  # who may not book, drags nothing
    look_at(page, complaints)
    page.context.close()
    page, complaints = desk(browser, base, 390, 844)
    expect(page.locator(".ec-col-head b")).to_have_text(["Pat2 Doe2"])
    expect(page.locator(".card")).to_have_count(1)
    look_at(page, complaints)
    page.goto(f"{base}/desk/list?day={DAY}")
    expect(page.locator(".columns h2").first).to_have_text("Pat2 Doe2")


def test_what_is_typed_stays_when_the_desk_was_signed_out(browser: Browser, base: str, engine: Engine) -> None:
    page, _complaints = desk(browser, base)
    page.locator(".card a").first.click()
    page.locator("summary", has_text="Note").click()
    page.fill("#v-note", "Prefers mornings")
    with Session(engine) as session:
        session.execute(delete(LiveSession))
        session.commit()
    save = page.locator("details[open] button", has_text="Save")
    save.click()
    expect(page.locator("#says")).to_contain_text("What you typed stays here")
    expect(page.locator("#v-note")).to_have_value("Prefers mornings")
    with page.context.expect_page() as opened:
        page.locator("#says a").click()
    other = opened.value
    other.fill("#username", "robin")
    other.fill("#password", PASSWORD)
    other.click("main form button")
    expect(page.locator("#says")).to_be_empty(timeout=10_000)
    save.click()
    expect(page.locator("#panel .note")).to_have_text("Prefers mornings")


def test_the_focus_is_never_lost_and_a_key_that_cannot_be_says_so(browser: Browser, base: str) -> None:
    page, _complaints = desk(browser, base)
    page.keyboard.press("ArrowDown")
    expect(page.locator(".card a:focus")).to_have_count(1)
    page.keyboard.press("x")  # the visit is still to come
    expect(page.locator("#says")).to_have_text("That is not possible for this visit now.")
    page.keyboard.press("Escape")
    expect(page.locator(".card a:focus")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".card a:focus")).to_contain_text("Tremblay, Luc")
    page.keyboard.press("w")  # the week of another practitioner
    expect(page.locator("h1")).to_contain_text("week of")
    expect(page.locator("#calendar")).to_be_focused()
