"""Twilio's webhooks as Twilio calls them, signed over the public address; and as others do."""

import os
import random
import sys
import time
from collections.abc import Iterator, Mapping

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.domain.texts.reply import ATTACHED, NO_WORDS
from scheduler.extensions import db
from scheduler.models import EarlyReceipt, Message, PhoneAccount
from scheduler.usecases.patients.patients import register_patient
from tests.factories import NOW, STAFF, make_clinic, make_patient
from tests.support.fake_twilio import ACCOUNT_SID, AUTH_TOKEN, signature
from tests.usecases.texts.sms_clinic import make_reminder, make_visit, the_reminder
from tests.web.conftest import make_app
from tests.web.texts.webhook_fuzz import Fuzz, state

PUBLIC = "https://book.example.ca"  # the test client calls http://localhost: as behind a proxy
NUMBER = "+16135550142"
TWILIO = {
    "PUBLIC_URL": PUBLIC,
    "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
    "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    "TWILIO_FROM": "+16135550100",
}


@pytest.fixture
def app(database_url: str) -> Iterator[Flask]:
    app = make_app(database_url, **TWILIO)
    yield app
    with app.app_context():
        db.engine.dispose()


def post(client: FlaskClient, path: str, params: Mapping[str, str], *, signed: str | None = "") -> TestResponse:
    found = signature(AUTH_TOKEN, PUBLIC + path, params) if signed == "" else signed
    return client.post(path, data=params, headers={"X-Twilio-Signature": found} if found is not None else {})


def text_in(client: FlaskClient, body: str, *, sid: str = "SM1", number: str = NUMBER, **more: str) -> TestResponse:
    return post(client, "/twilio/inbound", {"MessageSid": sid, "From": number, "Body": body, **more})


@pytest.fixture
def attempt(session: Session) -> Message:
    reminder = make_reminder(session, make_visit(session, number=NUMBER), status="in_doubt")
    message = Message(
        direction="out",
        kind="days_before_3",
        number=NUMBER,
        body="…",
        status="in_doubt",
        created_at=NOW,
        attempted_at=NOW,
        reminder_id=reminder.id,
    )
    session.add(message)
    session.commit()
    return message


@pytest.fixture
def account(session: Session) -> PhoneAccount:
    make_clinic(session)
    account = make_patient(session, number=NUMBER).phone_account
    assert account is not None
    return account


def test_a_receipt_settles_what_was_in_doubt_and_may_repeat_in_any_order(
    client: FlaskClient, session: Session, attempt: Message
):
    for word in ("delivered", "sent", "delivered"):
        answer = post(client, f"/twilio/status/{attempt.attempt_id}", {"MessageSid": "SM1", "MessageStatus": word})
        assert answer.status_code == 204
    session.rollback()
    assert (attempt.status, attempt.sid) == ("delivered", "SM1")
    assert the_reminder(session).status == "sent"


def test_error_codes_are_written_down(client: FlaskClient, session: Session, attempt: Message):
    params = {"MessageSid": "SM1", "MessageStatus": "undelivered", "ErrorCode": "30006"}
    assert post(client, f"/twilio/status/{attempt.attempt_id}", params).status_code == 204
    session.rollback()
    assert (attempt.status, attempt.error_code) == ("undelivered", "30006")
    assert the_reminder(session).status == "failed"


@pytest.mark.parametrize("attempt_id", ["%00", "a" * 40, "ÿ", "x.y"])
def test_what_can_be_no_attempt_is_refused(client: FlaskClient, session: Session, attempt_id: str):
    params = {"MessageSid": "SM1", "MessageStatus": "sent"}
    path = f"/twilio/status/{attempt_id}".replace("ÿ", "%C3%BF")
    assert post(client, path, params).status_code in (400, 404)
    assert session.scalars(select(EarlyReceipt)).all() == []


@pytest.mark.parametrize("path", ["/twilio/status/nobody", "/twilio/status"])
def test_a_receipt_of_an_unknown_text_is_kept(client: FlaskClient, session: Session, path: str):
    assert post(client, path, {"MessageSid": "SM1", "MessageStatus": "delivered"}).status_code == 204
    [kept] = session.scalars(select(EarlyReceipt)).all()
    assert (kept.sid, kept.word) == ("SM1", "delivered")


def test_a_messaging_service_names_the_text_by_its_sid(client: FlaskClient, session: Session, attempt: Message):
    attempt.sid, attempt.status = "SM1", "accepted"
    session.commit()
    assert post(client, "/twilio/status", {"MessageSid": "SM1", "MessageStatus": "delivered"}).status_code == 204
    session.rollback()
    assert attempt.status == "delivered"


@pytest.mark.parametrize("path", ["/twilio/status/anything", "/twilio/inbound"])
@pytest.mark.parametrize("signed", [None, "", "AAAA", "ÿ€"])
def test_who_does_not_sign_is_turned_away(client: FlaskClient, session: Session, path: str, signed: str | None):
    params = {"MessageSid": "SM1", "From": NUMBER, "Body": "STOP", "MessageStatus": "sent"}
    headers = {} if signed is None else {"X-Twilio-Signature": signed.encode().decode("latin-1")}
    assert client.post(path, data=params, headers=headers).status_code == 403
    assert session.scalars(select(Message)).all() == []


def test_a_refusal_is_a_line_of_text_and_no_page(client: FlaskClient):
    refused = client.post("/twilio/inbound", data={"Body": "STOP"})
    assert (refused.status_code, refused.mimetype, refused.text) == (403, "text/plain", "Forbidden\n")
    other_method = client.get("/twilio/inbound")
    assert (other_method.status_code, other_method.headers.get("Allow") is not None) == (405, True)


def test_a_signature_of_other_words_or_another_address_is_none(client: FlaskClient):
    params = {"MessageSid": "SM1", "From": NUMBER, "Body": "hello"}
    there = signature(AUTH_TOKEN, f"{PUBLIC}/twilio/inbound", params)
    assert post(client, "/twilio/inbound", {**params, "Body": "STOP"}, signed=there).status_code == 403
    local = signature(AUTH_TOKEN, "http://localhost/twilio/inbound", params)
    assert post(client, "/twilio/inbound", params, signed=local).status_code == 403
    assert post(client, "/twilio/inbound", params, signed=there).status_code == 200


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_without_twilio_nobody_is_listened_to(database_url: str):
    app = make_app(database_url)
    assert app.test_client().post("/twilio/inbound", data={"Body": "STOP"}).status_code == 403
    with app.app_context():
        db.engine.dispose()


def test_a_text_is_kept_once_and_not_answered(client: FlaskClient, session: Session, account: PhoneAccount):
    for _ in range(2):
        answer = text_in(client, "Can I bring my dog?")
        assert (answer.status_code, answer.mimetype) == (200, "text/xml")
        assert answer.text == '<?xml version="1.0" encoding="UTF-8"?><Response></Response>'
    session.rollback()
    [message] = session.scalars(select(Message)).all()
    assert (message.direction, message.status, message.number, message.body, message.sid) == (
        "in",
        "received",
        NUMBER,
        "Can I bring my dog?",
        "SM1",
    )
    assert message.patient_id == account.patients[0].id


@pytest.mark.parametrize("word", ["STOP", "Arrêt"])
def test_who_opts_out_before_booking_starts_opted_out_until_start(
    client: FlaskClient, session: Session, word: str
) -> None:
    text_in(client, word)
    text_in(client, "STOP", sid="SM2", number="CLINIC")
    make_clinic(session)
    booked = register_patient(
        session,
        given_name="Zoé",
        family_name="Roy",
        birth_date=None,
        phone=NUMBER,
        language="fr",
        now=NOW,
        today=NOW.date(),
        actor=STAFF,
    )
    account = booked.phone_account
    assert account and account.opted_out_at and account.verified_at is None
    assert session.scalars(select(PhoneAccount.number)).all() == [NUMBER]
    session.rollback()
    text_in(client, "START", sid="SM3")
    session.rollback()
    assert account.opted_out_at is None


@pytest.mark.parametrize("word", ["STOP", "stop.", "Cancel", "Arrêt", "ARRET"])
def test_stop_is_honoured(client: FlaskClient, session: Session, account: PhoneAccount, word: str):
    answer = text_in(client, word)
    session.rollback()
    assert account.opted_out_at is not None
    assert account.opted_out_by == word
    # Twilio confirms STOP itself and blocks what we send; ARRET it does not know.
    assert ("vous ne recevrez plus de textos" in answer.text) == word.upper().startswith("ARR")
    incoming = session.scalars(select(Message).where(Message.direction == "in")).one()
    assert incoming.opt_word == "stop"


@pytest.mark.parametrize("word", ["START", "unstop", "Yes"])
def test_start_lets_us_text_again(client: FlaskClient, session: Session, account: PhoneAccount, word: str):
    text_in(client, "STOP")
    answer = text_in(client, word, sid="SM2")
    session.rollback()
    assert (account.opted_out_at, account.opted_out_by) == (None, None)
    assert "<Message>" not in answer.text


@pytest.mark.parametrize(
    ("word", "language", "says"),
    [
        ("HELP", "en", "see or change your visits at https://book.example.ca/me or call us at 613-555-0100"),
        ("info", "fr", "pour voir ou changer vos rendez-vous"),
        ("AIDE", "en", "pour voir ou changer vos rendez-vous"),
    ],
)
def test_help_says_how_to_reach_the_clinic(
    client: FlaskClient, session: Session, account: PhoneAccount, word: str, language: str, says: str
):
    for patient in account.patients:
        patient.language = language
    session.commit()
    assert says in text_in(client, word).text
    assert session.scalars(select(Message.kind).where(Message.direction == "out")).all() == ["help"]
    assert "<Message>" not in text_in(client, word).text, "repeated by Twilio, it is answered once"


def test_where_the_owner_worded_twilios_answers_we_are_silent_but_obey(
    client: FlaskClient, session: Session, account: PhoneAccount
):
    answer = text_in(client, "Ne m'écrivez plus", OptOutType="STOP")
    session.rollback()
    assert account.opted_out_at is not None
    assert "<Message>" not in answer.text
    assert "<Message>" not in text_in(client, "AIDE", sid="SM2", OptOutType="HELP").text


@pytest.mark.parametrize(("body", "word"), [("", None), ("C", None), ("Stop", "stop")])
def test_a_picture_is_for_the_desk_whatever_the_words(
    client: FlaskClient, session: Session, account: PhoneAccount, body: str, word: str | None
):
    assert text_in(client, body, NumMedia="2", MediaUrl0="https://api.twilio.com/1", MediaUrl1="x").status_code == 200
    session.rollback()
    kept = session.scalars(select(Message).where(Message.direction == "in")).one()
    assert (kept.body, kept.for_desk, kept.opt_word) == (body + ATTACHED * 2, True, word)


@pytest.mark.parametrize("media", ["", "x", "-1", "٣", "1e9", "999999999999"])
def test_a_count_of_pictures_that_is_none_is_no_picture(client: FlaskClient, session: Session, media: str):
    assert text_in(client, "hello", NumMedia=media).status_code == 200
    session.rollback()
    assert session.scalars(select(Message.body)).all() == ["hello"]


def test_a_stranger_may_text(client: FlaskClient, session: Session):
    for number, word, text_sid in ((NUMBER, "STOP", "SM1"), ("+33612345678", "hello", "SM2"), ("CLINIC", "ad", "SM3")):
        assert text_in(client, word, sid=text_sid, number=number).status_code == 200
    assert len(session.scalars(select(Message)).all()) == 3


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"MessageSid": "SM1"},
        {"MessageSid": "SM\x00", "From": NUMBER, "Body": "x"},
        {"MessageSid": "S" * 65, "From": NUMBER, "Body": "x"},
        {"MessageSid": "SM1", "From": "+1\x00", "Body": "x"},
        {"MessageSid": "SM1", "From": "", "Body": "x"},
    ],
)
def test_a_signed_form_that_lacks_what_it_needs_is_a_bad_request(client: FlaskClient, params: dict[str, str]):
    assert post(client, "/twilio/inbound", params).status_code == 400


def test_whatever_is_texted_is_kept(client: FlaskClient, session: Session):
    odd = ["", "\x00STOP\x00", "😀" * 2000, "\ud7ff\uffff", "'; DROP TABLE message; --", "<Message>&amp;", "a" * 5000]
    for number, body in enumerate(odd):
        assert text_in(client, body, sid=f"SM{number}").status_code == 200
    kept = session.scalars(select(Message.body).where(Message.direction == "in").order_by(Message.id)).all()
    assert [len(body) for body in kept] == [len(NO_WORDS), 4, 1600, 2, len(odd[4]), len(odd[5]), 1600]


@pytest.mark.parametrize("path", ["/twilio/status/x", "/twilio/inbound"])
@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "multipart/form-data",
        "application/json",
        "",
    ],
)
def test_random_bytes_never_break_it(client: FlaskClient, path: str, content_type: str):
    chance = random.Random(path + content_type)
    for _ in range(200):
        body = chance.randbytes(chance.randrange(300))
        if chance.random() < 0.5:
            body = b"--x\r\nContent-Disposition: form-data; name=" + body + b"\r\n--x--\r\n"
        header = chance.randbytes(20).replace(b"\n", b"").replace(b"\r", b"").decode("latin-1")
        answer = client.post(path, data=body, content_type=content_type, headers={"X-Twilio-Signature": header})
        assert 400 <= answer.status_code < 500


def test_random_words_well_signed_never_break_it(client: FlaskClient, session: Session, attempt: Message):
    chance = random.Random(7)
    letters = "\x00\x7fa1é😀&=%+<>'\"\\ \r\n\u2028"
    names = ["MessageSid", "MessageStatus", "ErrorCode", "From", "Body", "OptOutType", "Extra"]
    for path in (f"/twilio/status/{attempt.attempt_id}", "/twilio/inbound"):
        for _ in range(150):
            params = {
                name: "".join(chance.choice(letters) for _ in range(chance.randrange(12)))
                for name in names
                if chance.random() < 0.7
            }
            if chance.random() < 0.6:
                params |= {"MessageSid": f"SM{chance.randrange(30)}", "From": NUMBER}
            assert post(client, path, params).status_code in (200, 204, 400, 403)


@pytest.mark.parametrize("seed", [int(os.environ.get("SEED", "1"))])
def test_no_mutated_form_breaks_it_and_none_unsigned_changes_anything(
    app: Flask, engine: Engine, session: Session, attempt: Message, seed: int
):
    """Two thousand of each; REQUESTS=10000000 in `make soak`. Several processes at once, each with a SEED of its own, share
    ten million."""
    requests = int(os.environ.get("REQUESTS", "4000"))
    fuzz, before = Fuzz(app, [attempt.attempt_id, "unknown"], seed), dict(state(engine))
    session.close()  # PostgreSQL ends a transaction that stands open for minutes
    began = time.monotonic()
    answers = fuzz.unsigned(requests - min(requests // 2, 200_000))
    assert set(answers) <= {403, 404, 405, 308, 400}, answers
    assert dict(state(engine)) == before
    answers += fuzz.signed(min(requests // 2, 200_000))
    assert all(status < 500 for status in answers), answers
    assert answers[204] > 0 < answers[200]
    rate = requests / (time.monotonic() - began)
    sys.stderr.write(f"{engine.dialect.name}: {dict(answers)}, {rate:.0f} requests a second\n")


def test_they_take_posts_alone_and_no_csrf_token(client: FlaskClient):
    assert client.get("/twilio/inbound").status_code == 405
    assert client.get("/twilio/status/x").status_code == 405
