"""Somebody at the desk, for tests: made in one line, signed in with the next."""

import re
from datetime import UTC, datetime
from functools import cache
from html import unescape

from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.models import StaffUser

MADE_AT = datetime(2026, 11, 2, 14, tzinfo=UTC)
PASSWORD = "a password for tests"


def make_staff(session: Session, username: str = "owner", role: str = "owner", **columns: object) -> StaffUser:
    """ "owner" is let in without a second step (tests/web/conftest.py); other owners enrol first."""
    person = StaffUser(
        **{"display_name": username.title(), "password_hash": _hash(), "created_at": MADE_AT, **columns},
        username=username,
        role=role,
    )
    session.add(person)
    session.commit()
    return person


@cache
def _hash() -> str:
    """Cheaper than the real ones, which are meant to be slow."""
    return PasswordHasher(time_cost=1, memory_cost=8, parallelism=1).hash(PASSWORD)


def token_in(page: TestResponse) -> str:
    found = re.search(r'name="csrf(?:_token)?" (?:value|content)="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def sign_in(
    client: FlaskClient, username: str = "owner", password: str = PASSWORD, *, address: str = "127.0.0.1"
) -> TestResponse:
    return press(client, "/desk/sign-in", address=address, username=username, password=password)


def press(
    client: FlaskClient, page: str, path: str | None = None, *, address: str = "127.0.0.1", **fields: object
) -> TestResponse:
    """Open `page`, fill in its form and send it (to `path`, where that is another)."""
    environ = {"REMOTE_ADDR": address}
    shown = client.get(page, environ_base=environ)
    form = {"csrf_token": token_in(shown), **acts_on_in(shown, path or page), **fields}
    return client.post(path or page, data=form, environ_base=environ)


def acts_on_in(page: TestResponse, path: str) -> dict[str, str]:
    """What the page's form for `path`, or its first, says of on what it acts."""
    forms = [form for form in re.findall(r"<form[^>]*>.*?</form>", page.text, re.DOTALL) if 'name="shown"' in form]
    own = [form for form in forms if f'action="{path}"' in form] or forms
    found = re.search(r'name="shown" value="([^"]*)"', own[0]) if own else None
    return {"shown": unescape(found[1])} if found else {}
