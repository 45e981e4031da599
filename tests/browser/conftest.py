"""A Chromium for tests of pages."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.support.chromium import FLAGS, chromium_path, playwright_node


# Not for the whole session: while it is open Playwright keeps an event loop running, and asyncio allows no second one.
@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with pytest.MonkeyPatch.context() as monkeypatch:
        if node := playwright_node():
            monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", node)
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS])
            yield browser
            browser.close()


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """A page of a visitor's own, the size of a phone's."""
    context = browser.new_context(viewport={"width": 390, "height": 844}, locale="en-CA", timezone_id="America/Toronto")
    yield context.new_page()
    context.close()
