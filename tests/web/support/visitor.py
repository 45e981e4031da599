"""A visitor who sees only the pages: reads forms out of the HTML and sends what a browser without JavaScript would."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html.parser import HTMLParser
from typing import Any
from urllib.parse import urljoin, urlsplit

from flask.testing import FlaskClient
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

VOID = {"input", "link", "meta", "br", "img", "hr"}


@dataclass
class PageForm:
    action: str
    method: str
    values: list[tuple[str, str]] = field(default_factory=list)
    choices: dict[str, list[str]] = field(default_factory=dict)
    """Radio buttons and check boxes, by name: every value on offer."""
    buttons: list[tuple[str, str, str]] = field(default_factory=list)
    """Name, value and words of each."""


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[PageForm] = []
        self.links: list[tuple[str, str]] = []
        self.words: list[str] = []
        self.title = ""
        self._open: list[str] = []
        self._form: PageForm | None = None
        self._button: tuple[str, str] | None = None
        self._button_words = ""
        self._link: str | None = None
        self._link_words = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        named = {name: value or "" for name, value in attrs}
        if tag not in VOID:
            self._open.append(tag)
        if tag == "form":
            self._form = PageForm(named.get("action", ""), named.get("method", "get"))
            self.forms.append(self._form)
        elif tag == "a" and "href" in named:
            self._link, self._link_words = named["href"], ""
        elif tag == "button":
            self._button, self._button_words = (named.get("name", ""), named.get("value", "")), ""
        elif tag == "textarea" and self._form is not None:
            self._form.values.append((named["name"], ""))
        elif tag == "input" and self._form is not None and named.get("name"):
            self._input(named)

    def _input(self, named: dict[str, str]) -> None:
        assert self._form is not None
        name, value = named["name"], named.get("value", "")
        if named.get("type") in ("radio", "checkbox"):
            self._form.choices.setdefault(name, []).append(value)
            if "checked" in named:
                self._form.values.append((name, value))
        else:
            self._form.values.append((name, value))

    def handle_endtag(self, tag: str) -> None:
        if tag in self._open:
            while self._open.pop() != tag:
                pass
        if tag == "form":
            self._form = None
        elif tag == "button" and self._button is not None:
            if self._form is not None:
                self._form.buttons.append((*self._button, " ".join(self._button_words.split())))
            self._button = None
        elif tag == "a" and self._link is not None:
            self.links.append((self._link, " ".join(self._link_words.split())))
            self._link = None

    def handle_data(self, data: str) -> None:
        if "title" in self._open:
            self.title += data
        elif "textarea" in self._open and self._form is not None:
            name, value = self._form.values[-1]
            self._form.values[-1] = (name, value + data)
        elif "script" not in self._open:
            self.words.append(data)
        self._button_words += data if self._button is not None else ""
        self._link_words += data if self._link is not None else ""


class Page:
    def __init__(self, response: TestResponse) -> None:
        self.response = response
        self.status = response.status_code
        self.path = response.request.path
        self.html = response.get_data(as_text=True)
        reader = _Reader()
        reader.feed(self.html)
        self.forms, self.links, self.title = reader.forms, reader.links, " ".join(reader.title.split())
        self.text = " ".join(" ".join(reader.words).split())

    def form(self, with_field: str = "") -> PageForm:
        """The first form that has the field."""
        for form in self.forms:
            if not with_field or with_field in form.choices or with_field in dict(form.values):
                return form
        raise AssertionError(f"no form with {with_field!r} on {self.path}: {self.text}")

    def link(self, words: str) -> str:
        return next(href for href, said in self.links if words in said)


class Visitor:
    """One browser. `page` is what it shows; every answer is asserted to be no server error."""

    def __init__(self, client: FlaskClient) -> None:
        self.client = client
        self.page: Page
        self.pages: list[str] = []

    def get(self, path: str, **headers: str) -> Page:
        return self._show(self.client.get(path, follow_redirects=True, headers=headers))

    def send(self, form: PageForm, button: tuple[str, str] = ("", ""), **typed: Any) -> Page:
        """Press a button of the form, with `typed` over what stands in it; None leaves a field out."""
        return self._show(self.client.post(**self.request(form, button, **typed), follow_redirects=True))

    def request(self, form: PageForm, button: tuple[str, str] = ("", ""), **typed: Any) -> dict[str, Any]:
        for name in typed:
            known = dict(form.values).keys() | form.choices.keys()
            assert name in known, f"the form has no field {name}: {known}"
        data = MultiDict([(name, value) for name, value in form.values if name not in typed])
        for name, value in typed.items():
            data.setlist(name, [] if value is None else value if isinstance(value, list) else [value])
        if button[0]:
            data.add(*button)
        return {"path": urljoin(self.page.path, form.action), "data": data}

    def follow(self, words: str) -> Page:
        parts = urlsplit(urljoin(self.page.path, self.page.link(words)))
        return self.get(f"{parts.path}?{parts.query}")

    def press(self, words: str) -> Page:
        """The button with these words, whatever its form."""
        for form in self.page.forms:
            for name, value, said in form.buttons:
                if words in said:
                    return self.send(form, (name, value))
        raise AssertionError(f"no button {words!r} on {self.page.path}: {self.page.text}")

    def _show(self, response: TestResponse) -> Page:
        assert response.status_code < 500, response.get_data(as_text=True)
        self.page = Page(response)
        self.pages.append(re.sub(r"/book/[\w-]{20,}", "/book/…", self.page.path))
        return self.page
