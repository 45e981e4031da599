"""What a browser would send of a page's form, field by field: also of selects, ticks and long texts."""

from collections.abc import Mapping
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from werkzeug.test import TestResponse

Fields = dict[str, list[str]]
NOT_SEEN = ("hidden", "password", "submit", "button")


def fields_of(page: TestResponse, action: str, *, hidden: bool = False) -> Fields:
    """Of the form for `action`: what can be seen and changed there, or what is hidden in it."""
    reader = _Fields(page.request.full_path.rstrip("?"), action)
    reader.feed(page.text)
    assert reader.found, action
    return reader.hidden if hidden else reader.seen


class _Fields(HTMLParser):
    def __init__(self, here: str, action: str) -> None:
        super().__init__()
        self.seen: Fields = {}
        self.hidden: Fields = {}
        self.found = False
        self._here, self._action, self._inside = here, action, False
        self._select: list[tuple[str, bool]] = []
        self._name = self._text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given: Mapping[str, str] = {name: value or "" for name, value in attrs}
        if tag == "form":
            goes_to = urlsplit(urljoin(self._here, given.get("action", ""))).path
            self._inside = given.get("method") == "post" and goes_to == self._action
            self.found |= self._inside
        if not self._inside:
            return
        if tag == "input":
            self._input(given)
        elif tag in ("select", "textarea"):
            self._name, self._text, self._select = given.get("name", ""), "", []
        elif tag == "option":
            self._select.append((given["value"], "selected" in given))

    def handle_data(self, data: str) -> None:
        self._text += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif self._inside and tag == "textarea":
            self.seen.setdefault(self._name, []).append(self._text.removeprefix("\n"))
        elif self._inside and tag == "select":
            chosen = [value for value, is_chosen in self._select if is_chosen] or [self._select[0][0]]
            self.seen.setdefault(self._name, []).append(chosen[-1])

    def _input(self, given: Mapping[str, str]) -> None:
        kind = given.get("type", "text")
        if kind in ("checkbox", "radio") and "checked" not in given:
            self.seen.setdefault(given["name"], [])
        elif kind == "hidden":
            self.hidden.setdefault(given["name"], []).append(given.get("value", ""))
        elif kind not in NOT_SEEN and given.get("name"):
            self.seen.setdefault(given["name"], []).append(given.get("value", "on" if kind == "checkbox" else ""))
