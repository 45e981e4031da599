"""Reading and sending pages as a browser does: forms with what is in them, tokens included."""

import re
from dataclasses import dataclass, field
from datetime import date
from html.parser import HTMLParser
from urllib.parse import urlsplit

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.models import Message, Patient


@dataclass
class Form:
    action: str
    fields: dict[str, str] = field(default_factory=dict)
    buttons: list[str] = field(default_factory=list)


class _Forms(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self._in_button = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif self.forms and tag in ("input", "textarea") and given.get("name"):
            if given.get("type") not in ("radio", "checkbox") or "checked" in given:
                self.forms[-1].fields[given["name"]] = given.get("value", "")
        self._in_button = tag == "button" or (self._in_button and tag == "span")

    def handle_data(self, data: str) -> None:
        if self._in_button and self.forms and data.strip():
            self.forms[-1].buttons.append(data.strip())


def forms(page: TestResponse) -> list[Form]:
    reader = _Forms()
    reader.feed(page.text)
    return reader.forms


def form_of(page: TestResponse, part: str) -> Form:
    """The first form whose address, or a button of which, has `part` in it."""
    found = [form for form in forms(page) if part in form.action or any(part in words for words in form.buttons)]
    assert found, f"no form with {part!r}: {[(f.action, f.buttons) for f in forms(page)]}"
    return found[0]


def send(client: FlaskClient, page: TestResponse, part: str, **typed: str | None) -> TestResponse:
    """Send that form of the page with these fields besides; None leaves one out."""
    form = form_of(page, part)
    fields = {name: value for name, value in (form.fields | typed).items() if value is not None}
    return client.post(
        form.action or page.request.full_path,
        data=fields,
        base_url=page.request.host_url,
        headers={"Referer": page.request.url},
    )


def plain(page: TestResponse) -> str:
    """The words of the page, without tags."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text).replace("\xa0", " ").replace("&nbsp;", " "))


def path_of(answer: TestResponse) -> str:
    assert answer.status_code == 303, (answer.status_code, plain(answer)[:500])
    there = urlsplit(answer.location)
    return there.path + (f"?{there.query}" if there.query else "")


def last_code(session: Session) -> str:
    session.rollback()
    body = session.scalars(select(Message.body).where(Message.kind == "code").order_by(Message.id.desc())).first()
    session.rollback()  # SQLite refuses to write on what was read before somebody else wrote
    found = re.search(r"\b\d{6}\b", body or "")
    assert found
    return found.group()


def sign_in(client: FlaskClient, session: Session, patient: Patient) -> None:
    """By number, code and birth date, through the pages."""
    assert patient.phone_account
    page = client.get("/me/sign-in")
    code_page = client.get(path_of(send(client, page, "sign-in", number=patient.phone_account.number)))
    assert path_of(send(client, code_page, "code", code=last_code(session))) == "/me"
    session.rollback()
    say_birth_date(client, patient.birth_date)
    session.rollback()


def say_birth_date(client: FlaskClient, born: date | None, path: str = "/me/birth-date", **typed: str) -> TestResponse:
    """Whom the number belongs to."""
    assert born
    parts = {f"birth_date_{part}": str(getattr(born, part)) for part in ("day", "month", "year")}
    return send(client, client.get(path), "Continue", **parts, **typed)
