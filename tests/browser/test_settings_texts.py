"""Rewording a text in a real browser: what the page shows while typing is what the server would send."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.sms_segments import segments
from scheduler.usecases.texts.samples import sample_text, samples
from tests.browser.serving import serving
from tests.web.support.signing_in import PASSWORD, make_staff

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
AXE = (Path(__file__).parent.parent.parent / "node_modules" / "axe-core" / "axe.min.js").read_text()
LOREM = "lorem ipsum dolor sit amet "
TYPED = [
    "{clinic} {day} {time} {practitioner}",
    "{clinic} « {day} », l’heure: {time} {practitioner} " + LOREM * 2,
    "{clinic} {day} {time} {practitioner} " + LOREM * 4,
    "{clinic} peut-être {day} {time} {practitioner} " + LOREM,
    "{clinic} [{day}] €{time}\n{practitioner} ^ ~ | \\ " + LOREM * 3,
    "😀" * 40 + "{practitioner}",
    "{practitioner} {unknown} é à ç" + LOREM * 16,
]


@pytest.fixture
def base(database_url: str, engine: Engine) -> Iterator[str]:
    with Session(engine) as session:
        make_staff(session)
    with serving(database_url) as address:
        yield address


@pytest.fixture
def owner(page: Page, base: str) -> Page:
    page.goto(f"{base}/desk/sign-in")
    page.fill("[name=username]", "owner")
    page.fill("[name=password]", PASSWORD)
    page.keyboard.press("Enter")
    page.wait_for_url(f"{base}/desk*")
    return page


@pytest.mark.parametrize(("kind", "language"), [("confirmation", "fr"), ("code", "en"), ("which", "en")])
def test_the_page_counts_and_shows_what_the_server_would_send(owner: Page, base: str, kind: str, language: str) -> None:
    clinic = ClinicSettings(public_url="http://127.0.0.1:8000")  # as the served application has it
    owner.goto(f"{base}/desk/settings/texts/{kind}/{language}")
    for typed in TYPED:
        owner.fill("#body", typed)
        for sample in samples(kind, language, clinic):
            shown = owner.locator(f"[data-sample={sample.name}]")
            text = sample_text(typed.strip(), sample)
            assert shown.locator("[data-body]").evaluate("element => element.textContent") == text
            assert (shown.locator("[data-cost]").text_content() or "").startswith(f"{segments(text)} part")


def test_a_place_is_put_in_by_keyboard_and_axe_finds_nothing(owner: Page, base: str) -> None:
    owner.goto(f"{base}/desk/settings/texts/help/en")
    owner.fill("#body", "Call ")
    owner.get_by_role("button", name="{phone}").press("Enter")
    assert owner.input_value("#body") == "Call {phone}"
    assert owner.evaluate("document.activeElement.id") == "body"
    owner.get_by_role("button", name="Save").press("Enter")
    assert owner.locator("#problem").inner_text().endswith("{clinic} is missing: the text must have it.")
    for path in ("help/en", ""):
        owner.goto(f"{base}/desk/settings/texts/{path}".rstrip("/"))
        owner.evaluate(AXE)
        found = owner.evaluate("async () => (await axe.run()).violations.map((v) => v.id)")
        assert found == []
