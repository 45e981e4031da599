"""Somebody signed in at the desk, and forms sent with what every page of it carries."""

import re
from html import unescape

from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler import clock
from scheduler.models import StaffUser
from scheduler.usecases.staff.live_sessions import begin_session
from scheduler.web.desk.sign_in.door import ROW_KEPT, SEEN_AT, SESSION_ID, SIGNED_IN_AT
from scheduler.web.desk.sign_in.weighty import PASSWORD_AT
from tests.factories import NOW

FORM = re.compile(r"<form\b.*?</form>", re.DOTALL)


def make_staff(session: Session, *roles: str) -> None:
    """One of each role, whose user name is the role; without a password that anybody could type."""
    for role in roles:
        session.add(StaffUser(username=role, display_name=role, role=role, password_hash="none", created_at=NOW))
    session.commit()


def sign_in(client: FlaskClient, session: Session, role: str) -> None:
    """Past the door, whose own tests are in test_desk.py: checking a password is meant to be slow."""
    who = session.scalars(select(StaffUser).where(StaffUser.username == role)).one()
    session_id = begin_session(session, staff_user_id=who.id, now=clock.now(), life=ROW_KEPT)
    with client.session_transaction("/desk") as cookie:
        cookie["_user_id"], cookie["_fresh"], cookie[SESSION_ID] = str(who.id), True, session_id
        cookie[SEEN_AT] = cookie[SIGNED_IN_AT] = int(clock.now().timestamp())
        cookie[PASSWORD_AT] = cookie[SEEN_AT]
    session.rollback()


def token(page: TestResponse) -> str:
    found = re.search(r'name="csrf(?:_token)?" (?:value|content)="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def said(page: TestResponse, address: str = "") -> dict[str, str]:
    """What the form for `address`, or the first on the page, says of itself: its token, and on what it acts."""
    forms = [form for form in FORM.findall(page.text) if 'name="shown"' in form]
    own = [form for form in forms if f'action="{address}' in form] or forms
    found = re.search(r'name="shown" value="([^"]*)"', own[0]) if own else None
    return {"csrf_token": token(page), **({"shown": unescape(found[1])} if found else {})}


class Desk:
    """Posts as the panel does, or with `data=True` as a dragged card does."""

    def __init__(self, client: FlaskClient, session: Session, role: str = "receptionist") -> None:
        self.client = client
        sign_in(client, session, role)
        self.token = token(client.get("/desk"))

    def get(self, path: str, **query: str) -> TestResponse:
        return self.client.get(path, query_string=query)

    def post(self, path: str, *, data: bool = False, **fields: object) -> TestResponse:
        headers = {"Accept": "application/json"} if data else {"HX-Request": "true"}
        return self.client.post(path, data={"csrf_token": self.token, **fields}, headers=headers)
