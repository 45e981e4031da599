"""The owner rewords what texts say."""

import re
from collections.abc import Callable
from html import unescape

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.domain.texts.wording import HOW_TO_STOP, WORDINGS, words
from scheduler.models import AuditLine, Message, SmsText
from scheduler.serving import live_settings
from tests.factories import make_clinic
from tests.web.support.desk_staff import make_staff, sign_in, token
from tests.web.support.pages import plain
from tests.web.support.signing_in import press

ENGLISH = {"Accept-Language": "en"}
PAGE = "/desk/settings/texts"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
OWN = "{clinic} says hello: {day}, {time}"


@pytest.fixture
def owner(client: FlaskClient, session: Session) -> FlaskClient:
    make_staff(session, "owner")
    sign_in(client, session, "owner")
    return client


def form_of(client: FlaskClient, path: str) -> dict[str, str]:
    page = client.get(path)
    assert page.status_code == 200
    seen = re.search(r'name="seen" value="(\w+)"', page.text)
    assert seen
    return {"csrf_token": token(page), "seen": seen[1]}


def send(client: FlaskClient, path: str, **fields: str) -> TestResponse:
    return client.post(path, data={**form_of(client, path.removesuffix("/ours")), **fields}, headers=ENGLISH)


def kept(session: Session) -> dict[tuple[str, str], str]:
    session.rollback()
    session.expire_all()
    return {(row.kind, row.language): row.body for row in session.scalars(select(SmsText))}


def test_reworded_texts_go_out_at_once_in_every_process_until_the_owner_goes_back(
    owner: FlaskClient, app: Flask, another_app: Callable[..., Flask], session: Session
) -> None:
    other = another_app()
    assert other.test_client().get("/").status_code == 200  # has read the settings of before
    assert send(owner, f"{PAGE}/confirmation/en", body=OWN).status_code == 303
    assert words(app.config["CLINIC"], "confirmation", "en") == OWN
    live_settings.of(other)._asked_at = float("-inf")  # a second later
    other.test_client().get("/")
    assert words(other.config["CLINIC"], "confirmation", "en") == OWN
    assert words(other.config["CLINIC"], "confirmation", "fr") == WORDINGS["confirmation"].fr
    assert send(owner, f"{PAGE}/confirmation/en", body=OWN + "!").status_code == 303
    assert kept(session) == {("confirmation", "en"): OWN + "!"}
    assert "your words" in plain(owner.get(PAGE, headers=ENGLISH))
    assert send(owner, f"{PAGE}/confirmation/en/ours").status_code == 303
    assert kept(session) == {}
    assert words(app.config["CLINIC"], "confirmation", "en") == WORDINGS["confirmation"].en
    noted = session.scalars(
        select(AuditLine.details).where(AuditLine.what == "settings.changed").order_by(AuditLine.id)
    )
    assert noted.all() == [
        f"text confirmation en: {OWN}",
        f"text confirmation en: {OWN}!",
        "text confirmation en: our words again",
    ]


def test_a_code_is_sent_in_the_owners_words(owner: FlaskClient, app: Flask, session: Session) -> None:
    make_clinic(session)
    assert send(owner, f"{PAGE}/code/en", body="{clinic} code: {code}").status_code == 303
    patient = app.test_client()
    press(patient, "/me/sign-in", number="613-555-0142")
    sent = session.scalars(select(Message.body)).one()
    assert re.fullmatch(r"East Side Physio code: \d{6}" + re.escape(HOW_TO_STOP["en"]), sent)


@SQLITE
def test_every_text_has_its_page_in_both_languages(owner: FlaskClient) -> None:
    listed = owner.get(PAGE, headers=ENGLISH).text
    for kind, wording in WORDINGS.items():
        for language in ("en", "fr"):
            assert f'href="{PAGE}/{kind}/{language}"' in listed
            page = owner.get(f"{PAGE}/{kind}/{language}", headers=ENGLISH)
            assert page.status_code == 200
            explained = set(re.findall(r"<dt><code>\{(\w+)\}</code></dt>", page.text))
            assert explained == wording.places
            assert page.text.count("(must be there)") == len(wording.required)
    for odd in ("greeting/en", "code/de", "code/EN", "code"):
        assert owner.get(f"{PAGE}/{odd}").status_code == 404
        assert owner.post(f"{PAGE}/{odd}", data={"csrf_token": token(owner.get(PAGE))}).status_code in (404, 405)
    csrf = {"csrf_token": token(owner.get(f"{PAGE}/code/en"))}
    assert owner.post(f"{PAGE}/greeting/en/ours", data=csrf).status_code == 404


@SQLITE
@pytest.mark.parametrize(
    ("body", "says"),
    [
        ("", "Write something first."),
        ("{clinic} {day}", "{time} is missing: the text must have it."),
        ("{clinic} {day} {time} {reason}", "This text has nothing to put in the place of {reason}."),
        ("{clinic} {day} {time}. Reply STOP to opt out.", "Twilio takes STOP for itself"),
        ("{clinic} {day} {time} {", "Braces are for the places that are filled in"),
        ("{clinic} {day} {time} \0{time}" + "a" * 480, "This is too long"),
    ],
)
def test_what_will_not_do_is_said_and_nothing_is_kept(
    owner: FlaskClient, session: Session, body: str, says: str
) -> None:
    refused = send(owner, f"{PAGE}/confirmation/en", body=body)
    assert refused.status_code == 422
    assert says in plain(refused)
    assert 'href="#body"' in refused.text
    assert kept(session) == {}


@SQLITE
def test_what_is_too_long_is_shown_again_whole(owner: FlaskClient, session: Session) -> None:
    page = owner.get(f"{PAGE}/confirmation/en")
    assert "maxlength" not in page.text  # a browser would cut what is pasted, and say nothing
    assert "At most 480 letters" in plain(page)
    typed = "{clinic} {day} {time} " + "a" * 2_000 + " the end"
    refused = send(owner, f"{PAGE}/confirmation/en", body=typed)
    assert (refused.status_code, typed in refused.text) == (422, True)
    assert kept(session) == {}


@SQLITE
def test_without_script_a_button_shows_what_was_typed_and_keeps_nothing(owner: FlaskClient, session: Session) -> None:
    typed = "{clinic}, c’est {day} à {time}, {practitioner}. Venez dix minutes avant."
    page = send(owner, f"{PAGE}/confirmation/fr", body=typed, preview="yes")
    assert page.status_code == 200
    said = unescape(plain(page))
    assert "East Side Physio, c'est mardi 8 décembre à 17 h 30, Maya. Venez" in said
    assert "East Side Physio, c'est mercredi 23 septembre à 12 h 45, Marie-Francoise. Venez" in said
    assert typed in said
    dear = send(
        owner, f"{PAGE}/confirmation/fr", body="{clinic}, peut-être vous: {day} à {time} {practitioner}", preview="yes"
    )
    assert "2 parts; these letters leave room for 70 a part instead of 160: ê" in plain(dear)
    assert kept(session) == {}


@SQLITE
def test_of_two_owners_the_second_is_told_what_the_first_wrote(owner: FlaskClient, session: Session) -> None:
    path = f"{PAGE}/help/en"
    second = form_of(owner, path)
    assert send(owner, path, body="{clinic}: call {phone}").status_code == 303
    refused = owner.post(path, data={**second, "body": "{phone} {clinic}"}, headers=ENGLISH)
    assert refused.status_code == 409
    assert "Text: now {clinic}: call {phone}" in plain(refused)
    assert owner.post(f"{path}/ours", data=second, headers=ENGLISH).status_code == 409
    assert kept(session) == {("help", "en"): "{clinic}: call {phone}"}
    seen = re.search(r'name="seen" value="(\w+)"', refused.text)
    assert seen
    again = {**second, "seen": seen[1], "body": "{phone} {clinic}"}
    assert owner.post(path, data=again).status_code == 303
