"""Weighty acts of an owner: the password is asked for once more, and nothing happens before it is right."""

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.models import ApiToken, StaffUser
from tests.web.support.signing_in import PASSWORD, make_staff, press, sign_in, token_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NOW = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)
TOKENS = "/desk/settings/tokens"
WEIGHTY = {
    "desk_imports.export",
    "desk_settings_computers.register",
    "desk_settings_staff.let_in_today",
    "desk_settings_staff.add",
    "desk_settings_staff.change",
    "desk_settings_staff.reset_password",
    "desk_settings_staff.reset_second_step",
    "desk_settings_tokens.make",
}


def made(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(ApiToken)) or 0


def go_on(client: FlaskClient, asked: TestResponse, password: str) -> TestResponse:
    """Send the page that asks, as a browser does."""
    action = re.search(
        r'<form method="post" action="(/desk/[^"]+)">\s*<input type="hidden" name="csrf_token"[^>]+>\s*(?:<input type="hidden" name|<input class)',
        asked.text,
    )
    assert action
    fields = [
        (name, unescape(value))
        for name, value in re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', asked.text)
    ]
    form = {**dict(fields), "csrf_token": token_in(asked), "password_again": password}
    return client.post(unescape(action[1]), data=form)


def test_a_token_is_made_only_once_the_password_is_right(client: FlaskClient, session: Session) -> None:
    make_staff(session)
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        clock.shift(timedelta(minutes=6))
        asked = press(client, TOKENS, name='web "site"', role="owner", days="30")
        assert (asked.status_code, made(session)) == (422, 0)
        wrong = go_on(client, asked, "not this one")
        assert (wrong.status_code, made(session)) == (422, 0)
        assert "not this one" not in wrong.text
        assert "ims_" in go_on(client, wrong, PASSWORD).text
        assert made(session) == 1
        assert session.scalars(select(ApiToken.name)).one() == 'web "site"'
        clock.shift(timedelta(minutes=4))
        press(client, TOKENS, name="another", role="owner", days="30")  # not asked so soon again
        assert made(session) == 2


def test_ten_wrong_ones_lock_it_and_the_right_one_as_well(client: FlaskClient, session: Session) -> None:
    make_staff(session)
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        clock.shift(timedelta(minutes=6))
        asked = press(client, TOKENS, name="x", role="owner", days="30")
        answers = [go_on(client, asked, "wrong").status_code for _ in range(11)]
        assert answers == [422] * 10 + [429]
        assert go_on(client, asked, PASSWORD).status_code == 429
        assert made(session) == 0


def test_every_weighty_view_asks_and_a_forged_form_counts_as_no_try(
    client: FlaskClient, app: Flask, session: Session
) -> None:
    me = make_staff(session)
    robin = make_staff(session, "robin", "receptionist")
    before = robin.password_hash
    assert {name for name, view in app.view_functions.items() if getattr(view, "weighty", False)} == WEIGHTY
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        csrf = token_in(client.get(TOKENS))
        clock.shift(timedelta(minutes=6))
        for rule in app.url_map.iter_rules():
            if rule.endpoint in WEIGHTY:
                path = re.sub(r"<int[^>]*>", str(robin.id), rule.rule).replace("<what>", "patients")
                assert client.post(path, data={"password_again": "x"}).status_code == 400, path
                asked = client.post(path, data={"csrf_token": csrf, "password": PASSWORD, "role": "owner"})
                assert asked.status_code == 422, path
                assert "Your password, once more" in asked.text
    session.rollback()
    session.refresh(robin)
    assert (robin.password_hash, robin.role) == (before, "receptionist")
    assert len(session.scalars(select(StaffUser)).all()) == 2
    assert me.active
