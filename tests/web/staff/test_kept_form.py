"""What is typed before an idle sign-out is not lost by it."""

import re
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.models import KeptForm, Room
from scheduler.usecases.housekeeping import tidy
from tests.web.support.desk_staff import token
from tests.web.support.signing_in import PASSWORD, make_staff, press, sign_in

NOW = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)
NEW_ROOM = "/desk/settings/rooms/new"


def kept(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(KeptForm)) or 0


def test_a_form_sent_after_the_idle_sign_out_is_sent_once_more_by_one_press(
    client: FlaskClient, app: Flask, session: Session
) -> None:
    make_staff(session)
    make_staff(session, "robin", "receptionist")
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        form = {"csrf_token": token(client.get(NEW_ROOM)), "name": "Blue <room>", "position": "3", "active": "y"}
        clock.shift(timedelta(minutes=31))
        assert client.post(NEW_ROOM, data=form).location == "/desk/sign-in"
        assert sign_in(client).location == "/desk/kept-form"
        page = client.get("/desk/kept-form")
        assert "Blue &lt;room&gt;" in page.text
        again = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', page.text))
        again["name"] = "Blue <room>"
        assert client.post(NEW_ROOM, data=again).status_code == 303
        session.rollback()
        assert session.scalars(select(Room.name)).all() == ["Blue <room>"]
        press(client, "/desk/kept-form", "/desk/kept-form/discard")
        assert kept(session) == 0
        assert client.get("/desk/kept-form").status_code == 303


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_who_reads_french_is_signed_out_and_shown_the_form_in_french(
    client: FlaskClient, app: Flask, session: Session
) -> None:
    make_staff(session)
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        form = {"csrf_token": token(client.get(f"{NEW_ROOM}?lang=fr")), "name": "Salle bleue", "active": "y"}
        clock.shift(timedelta(minutes=31))
        client.post(NEW_ROOM, data=form)
        assert '<html lang="fr"' in client.get("/desk/sign-in").text
        sign_in(client)
        page = client.get("/desk/kept-form").text
        assert '<dt class="soft">Nom</dt><dd>Salle bleue</dd><dt class="soft">En service</dt><dd>Oui</dd>' in page


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nobody_else_sees_it_and_it_is_forgotten_after_half_an_hour(
    client: FlaskClient, app: Flask, session: Session
) -> None:
    make_staff(session)
    make_staff(session, "robin", "receptionist")
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        form = {"csrf_token": token(client.get(NEW_ROOM)), "name": "Blue"}
        clock.shift(timedelta(minutes=31))
        assert client.post(NEW_ROOM, data={**form, "csrf_token": "forged"}).status_code == 303
        assert kept(session) == 0
        sign_in(client)
        form["csrf_token"] = token(client.get(NEW_ROOM))
        clock.shift(timedelta(minutes=31))
        part = client.post(NEW_ROOM, data=form, headers={"HX-Request": "true"})
        assert part.headers["HX-Redirect"] == "/desk/sign-in"
        assert kept(session) == 1
        assert sign_in(client, "robin").location == "/desk"
        assert client.get("/desk/kept-form").status_code == 303
        tidy(session, now=NOW + timedelta(minutes=93))
        assert kept(session) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_passwords_are_not_kept(client: FlaskClient, session: Session) -> None:
    make_staff(session)
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        form = {"csrf_token": token(client.get("/desk/account")), "current": PASSWORD, "new": "x", "again": "x"}
        clock.shift(timedelta(minutes=31))
        client.post("/desk/account/password", data=form)
        assert kept(session) == 0


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_calendar_open_in_another_tab_does_not_lose_it(client: FlaskClient, session: Session) -> None:
    """The calendar asks by itself, and hears first that nobody has been here."""
    make_staff(session)
    with time_machine.travel(NOW, tick=False) as clock:
        sign_in(client)
        form = {"csrf_token": token(client.get(NEW_ROOM)), "name": "Blue"}
        clock.shift(timedelta(minutes=31))
        asked = client.get("/desk/calendar.json?day=2026-11-30", follow_redirects=True)
        assert asked.request.path == "/desk/sign-in"
        assert "because nobody used the desk for 30 minutes" in asked.text
        assert client.post(NEW_ROOM, data=form).location == "/desk/sign-in"
        assert kept(session) == 1
        assert client.get(NEW_ROOM).status_code == 303
