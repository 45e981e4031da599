"""The browser itself, before any page of ours is blamed."""

import pytest
from playwright.sync_api import Error, Page


def test_the_browser_runs_scripts_and_lays_out_text(page: Page) -> None:
    page.set_content("<p id=here>Bonjour</p><script>here.textContent += ', ' + (6 * 7)</script>")
    assert page.inner_text("#here") == "Bonjour, 42"
    box = page.locator("#here").bounding_box()
    assert box is not None and 0 < box["width"] <= 390
    assert box["height"] > 10


def test_the_browser_reaches_nothing_outside(page: Page) -> None:
    with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
        page.goto("http://clinic.example/")
