"""Signing in by number and code, as a browser does it and as an attacker would."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from scheduler.extensions import db
from scheduler.gateways import phone_numbers
from scheduler.models import LiveSession, Message, Patient, PhoneAccount, SignInCode
from tests.factories import NOW, make_clinic, make_patient
from tests.web.conftest import make_app
from tests.web.support.pages import form_of, last_code, path_of, plain, say_birth_date, send, sign_in
from tests.web.support.signing_in import make_staff, press
from tests.web.support.signing_in import sign_in as enter_desk


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def patient(app: Flask, session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session, number="+16135550142")


def asked(client: FlaskClient, number: str = "613-555-0142", address: str = "/me/sign-in"):  # type: ignore[no-untyped-def]
    """The page that asks for the code."""
    return client.get(path_of(send(client, client.get(address), "sign-in", number=number)))


def test_another_country_that_is_set_gets_codes_and_the_others_are_told_which(
    database_url: str, session: Session
) -> None:
    make_clinic(session)
    app = make_app(database_url, PHONE_COUNTRIES="FR,CA")
    client = app.test_client()
    try:
        send(client, client.get("/me/sign-in"), "sign-in", number="06 12 34 56 78")
        assert session.scalars(select(Message.number)).all() == ["+33612345678"]
        refused = send(client, client.get("/me/sign-in?lang=fr"), "sign-in", number="+1 212 555 0142")
        assert "cellulaires de ces pays : France, Canada." in plain(refused)
    finally:
        phone_numbers.serve(phone_numbers.UNLESS_SET)
        with app.app_context():
            db.engine.dispose()


def test_number_code_and_in(client: FlaskClient, session: Session, patient: Patient) -> None:
    page = asked(client)
    assert "613-555-0142" in plain(page)
    assert path_of(send(client, page, "code", code=last_code(session))) == "/me"
    assert path_of(client.get("/me")) == "/me/birth-date?next=/me"
    say_birth_date(client, patient.birth_date)
    assert client.get("/me").status_code == 200


@pytest.mark.parametrize(
    "spelled",
    ["(613) 555-0142", "6135550142", "+1 613 555 0142", " 1-613-555-0142 ", "\u202a613\u2011555\u20110142\u202c"],
)
def test_a_number_may_be_spelled_in_many_ways(client: FlaskClient, patient: Patient, spelled: str) -> None:
    assert "613-555-0142" in plain(asked(client, spelled))


@pytest.mark.parametrize(
    "code", ["{0}", " {0}", "{0:.3}-{1}", "{0:.3} {1}", "{0:.3}\u2011{1}.", "\u202a{0}\ufe0f\u202c"]
)
def test_a_code_may_be_typed_with_spaces(client: FlaskClient, session: Session, patient: Patient, code: str) -> None:
    page = asked(client)
    sent = last_code(session)
    assert path_of(send(client, page, "code", code=code.format(sent, sent[3:]))) == "/me"


@pytest.mark.parametrize(
    "number", ["", "12", "613-555", "+44 20 7946 0958", "+1 876 555 0142", "1-900-555-0142", "x" * 5000, "\x00", "٦١٣"]
)
def test_what_is_no_mobile_number_is_said_at_the_field(client: FlaskClient, session: Session, number: str) -> None:
    answer = send(client, client.get("/me/sign-in"), "sign-in", number=number)
    assert answer.status_code == 422 and 'href="#number"' in answer.text and "<title>Error: " in answer.text
    assert session.scalar(select(func.count()).select_from(Message)) == 0


def test_known_and_unknown_numbers_are_answered_alike(app: Flask, session: Session, patient: Patient) -> None:
    def shown(number: str) -> tuple[str, int, str]:
        client = app.test_client()
        answer = send(client, client.get("/me/sign-in"), "sign-in", number=number)
        page = client.get(path_of(answer))
        wrong = send(client, page, "code", code="000000" if last_code(session) != "000000" else "000001")
        return path_of(answer), wrong.status_code, plain(page).replace(number, "N") + plain(wrong).replace(number, "N")

    assert shown("613-555-0142") == shown("613-555-0199")
    assert session.scalar(select(func.count()).select_from(PhoneAccount)) == 1, "asking makes no account"


def test_a_wrong_code_says_how_many_tries_are_left_and_the_sixth_none(
    client: FlaskClient, session: Session, patient: Patient
) -> None:
    page = asked(client)
    right = last_code(session)
    wrong = f"{(int(right) + 1) % 1_000_000:06}"
    for left in ("4 tries", "3 tries", "2 tries", "1 try"):
        page = send(client, page, "code", code=wrong)
        assert page.status_code == 422 and left in plain(page)
    for code in (wrong, right):
        page = send(client, page, "code", code=code)
        assert "no longer be used" in plain(page)
    assert path_of(client.get("/me")).startswith("/me/sign-in")


def test_a_code_mistyped_too_often_is_replaced_at_once_and_never_named_as_one_to_use(
    client: FlaskClient, session: Session, patient: Patient
) -> None:
    page = asked(client)
    for _ in range(5):
        for _ in range(5):
            wrong = f"{(int(last_code(session)) + 1) % 1_000_000:06}"
            page = send(client, page, "code", code=wrong)
        assert "no longer be used" in plain(page)
        page = send(client, page, "again")
        if page.status_code == 303:
            page = client.get(path_of(page))
    assert page.status_code == 429 and "Wrong codes were typed 20 times for this number" in plain(page)


def test_a_code_asked_for_in_another_browser_is_not_named_as_one_to_use(
    app: Flask, client: FlaskClient, patient: Patient
) -> None:
    asked(client)
    stranger = app.test_client()
    refused = send(stranger, stranger.get("/me/sign-in"), "sign-in", number="613-555-0142")
    assert refused.status_code == 429 and "Ask for a new one after 10:00 am" in plain(refused)


@pytest.mark.parametrize("code", ["", "12345", "1234567", "abcdef", "0" * 5000, "\x00\x00"])
def test_what_is_no_code_costs_no_try(client: FlaskClient, session: Session, patient: Patient, code: str) -> None:
    assert send(client, asked(client), "code", code=code).status_code == 422
    assert session.scalar(select(SignInCode.tries)) == 0


def test_an_old_code_is_refused_and_a_new_one_lets_in(
    client: FlaskClient, session: Session, patient: Patient, clock: time_machine.Traveller
) -> None:
    page = asked(client)
    old = last_code(session)
    clock.shift(timedelta(minutes=10))
    page = send(client, page, "code", code=old)
    assert "no longer be used" in plain(page)
    page = client.get(path_of(send(client, page, "again")))
    assert "a new code" in plain(page)
    assert path_of(send(client, page, "code", code=last_code(session))) == "/me"


def test_asking_again_at_once_is_refused_with_the_time_to_wait_for(
    client: FlaskClient, session: Session, patient: Patient, clock: time_machine.Traveller
) -> None:
    page = asked(client)
    clock.shift(timedelta(seconds=5))
    refused = send(client, page, "again")
    assert (
        refused.status_code == 429
        and refused.headers["Retry-After"].isdigit()
        and "try again after 10:00 am" in plain(refused)
    )
    assert path_of(send(client, refused, "code", code=last_code(session))) == "/me", "the first code still works"


def test_a_double_click_sends_one_text_and_its_code_works(
    client: FlaskClient, session: Session, patient: Patient
) -> None:
    page = client.get("/me/sign-in")
    before = client.get_cookie("clinic")
    assert before
    send(client, page, "sign-in", number="613-555-0142")
    client.set_cookie("clinic", before.value)  # the browser threw the first answer away
    code_page = client.get(path_of(send(client, page, "sign-in", number="613-555-0142")))
    assert session.scalar(select(func.count()).select_from(Message)) == 1
    assert path_of(send(client, code_page, "code", code=last_code(session))) == "/me"


def test_the_code_page_without_a_number_leads_to_the_number(client: FlaskClient) -> None:
    assert path_of(client.get("/me/sign-in/code")) == "/me/sign-in?next=/me"


def test_somebody_signed_in_is_led_past_the_sign_in_pages(
    client: FlaskClient, session: Session, patient: Patient
) -> None:
    sign_in(client, session, patient)
    assert path_of(client.get("/me/sign-in")) == "/me"
    assert path_of(client.get("/me/sign-in/code?next=/me/x")) == "/me/x"


def test_one_returns_to_the_page_that_asked(client: FlaskClient, session: Session, patient: Patient) -> None:
    wanted = "/me/visits/abc/move?day=2026-12-08"
    first = path_of(client.get(wanted))
    page = asked(client, address=first)
    assert path_of(send(client, page, "code", code=last_code(session))) == wanted


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/me",
        "//evil.example/me",
        "/\\evil.example",
        "\\\\evil.example",
        "/me//evil.example",
        "/\t/evil.example",
        "/me\n//evil.example",
        "javascript:alert(1)",
        "/desk",
        "me",
        "http:///me",
        "//[::1/me",
        " //evil.example",
        "/me" + "x" * 5000,
    ],
)
def test_nobody_is_led_to_another_site(client: FlaskClient, session: Session, patient: Patient, elsewhere: str) -> None:
    page = send(client, client.get("/me/sign-in"), "sign-in", number="613-555-0142", next=elsewhere)
    code_page = client.get(path_of(page))
    assert path_of(page) == "/me/sign-in/code?next=/me"
    assert path_of(send(client, code_page, "code", code=last_code(session), next=elsewhere)) == "/me"


def test_signing_in_drops_what_the_cookie_held_but_language_and_browser(
    client: FlaskClient, session: Session, patient: Patient
) -> None:
    with client.session_transaction() as cookie:
        cookie.update({"lang": "en", "browser": "b", "planted": "x", "sid": "s"})
    client.get("/me/sign-in")
    with client.session_transaction() as cookie:
        token_before = cookie["csrf_token"]
    sign_in(client, session, patient)
    with client.session_transaction() as cookie:
        assert cookie["lang"] == "en" and cookie["browser"] == "b"
        assert "planted" not in cookie and "challenge" not in cookie and cookie.get("csrf_token") != token_before
        assert len(cookie["sid"]) == 43


def test_signing_out_ends_this_session_and_leaves_others(
    app: Flask, session: Session, patient: Patient, clock: time_machine.Traveller
) -> None:
    here, there = app.test_client(), app.test_client()
    for client in (here, there):
        sign_in(client, session, patient)
        clock.shift(timedelta(minutes=1))
    with here.session_transaction() as cookie:
        browser = cookie["browser"]
    copied = here.get_cookie("clinic")
    assert copied
    assert path_of(send(here, here.get("/me"), "/me/sign-out")) == "/"
    assert path_of(here.get("/me")).startswith("/me/sign-in")
    with here.session_transaction() as cookie:
        assert cookie.get("browser") != browser, "the next person here reads no draft"
    here.set_cookie("clinic", copied.value)
    assert path_of(here.get("/me")).startswith("/me/sign-in"), "a copied cookie is worthless"
    assert there.get("/me").status_code == 200


def test_a_session_lives_for_thirty_days_after_its_last_use_and_is_noted_once_a_day(
    client: FlaskClient, session: Session, patient: Patient, clock: time_machine.Traveller
) -> None:
    sign_in(client, session, patient)
    life = timedelta(days=30)
    ends = NOW + life
    for shift, noted in ((timedelta(hours=23), False), (timedelta(days=29), True), (timedelta(days=29), True)):
        clock.shift(shift)
        assert client.get("/me").status_code == 200
        session.rollback()
        ends = datetime.now(UTC) + life if noted else ends
        assert session.scalars(select(LiveSession.ends_at)).one() == ends
    clock.shift(life)
    assert path_of(client.get("/me")).startswith("/me/sign-in")


def test_signing_out_everywhere_ends_all_of_this_number_and_nobody_elses(
    app: Flask, session: Session, patient: Patient, clock: time_machine.Traveller
) -> None:
    clients = [app.test_client() for _ in range(3)]
    for client, who in zip(clients, (patient, patient, make_patient(session)), strict=True):
        sign_in(client, session, who)
        clock.shift(timedelta(minutes=1))
    here, there, theirs = clients
    stolen = there.get_cookie("clinic")
    assert stolen
    send(here, here.get("/me"), "sign-out-everywhere")
    for client in (here, there):
        assert path_of(client.get("/me")).startswith("/me/sign-in")
    there.set_cookie("clinic", stolen.value)
    assert path_of(there.get("/me")).startswith("/me/sign-in"), "a copied cookie is dead as well"
    assert theirs.get("/me").status_code == 200


@pytest.mark.parametrize(
    "address",
    ["/me/sign-in", "/me/sign-in/code", "/me/sign-in/code/again", "/me/sign-out", "/me/sign-out-everywhere"],
)
def test_nothing_happens_without_the_forms_token(
    client: FlaskClient, session: Session, patient: Patient, address: str
) -> None:
    sign_in(client, session, patient)
    codes = session.scalar(select(func.count()).select_from(SignInCode))
    signed_in_cookie = client.get_cookie("clinic")
    assert signed_in_cookie
    answer = client.post(address, data={"number": "613-555-0199", "csrf_token": "forged"})
    assert answer.status_code in (303, 400)
    session.rollback()
    assert session.scalar(select(func.count()).select_from(SignInCode)) == codes
    assert client.get("/me").status_code == 200, "still signed in"


def test_an_old_form_is_shown_again_with_what_was_typed(client: FlaskClient, patient: Patient) -> None:
    page = client.get("/me/sign-in")
    answer = send(client, page, "sign-in", number="613-555-0142", csrf_token="old")
    assert answer.status_code == 400 and "613-555-0142" in answer.text
    assert path_of(send(client, answer, "sign-in")).startswith("/me/sign-in/code")


def test_a_forged_session_lets_nobody_in(app: Flask, client: FlaskClient, patient: Patient) -> None:
    for forged in ({"sid": "x" * 43}, {"sid": ""}, {"account_id": patient.phone_account_id, "account_epoch": 1}):
        with client.session_transaction() as cookie:
            cookie.clear()
            cookie.update(forged)
        assert path_of(client.get("/me")).startswith("/me/sign-in"), forged


def test_the_account_keeps_its_language_for_a_browser_that_chose_none(
    app: Flask, session: Session, patient: Patient
) -> None:
    assert patient.phone_account
    patient.phone_account.language = "fr"
    session.commit()
    client = app.test_client()
    sign_in(client, session, patient)
    assert '<html lang="fr">' in client.get("/me").text


def test_pages_with_a_session_are_not_stored(client: FlaskClient, session: Session, patient: Patient) -> None:
    page = asked(client)
    assert page.headers["Cache-Control"] == "no-store"
    assert form_of(page, "code").fields["csrf_token"]
    sign_in_done = send(client, page, "code", code=last_code(session))
    assert "HttpOnly" in sign_in_done.headers["Set-Cookie"] and "SameSite=Lax" in sign_in_done.headers["Set-Cookie"]
    assert client.get("/me").headers["Cache-Control"] == "no-store"


def test_no_number_and_no_code_stands_in_a_log(
    client: FlaskClient, session: Session, patient: Patient, capfd: pytest.CaptureFixture[str]
) -> None:
    sign_in(client, session, patient)
    written = "".join(capfd.readouterr())
    assert "/me/sign-in/code" in written
    assert "5550142" not in written and "555-0142" not in written and last_code(session) not in written


def test_the_owners_page_shows_every_step_of_a_patients_sign_in_and_from_where(
    app: Flask, client: FlaskClient, session: Session, patient: Patient
) -> None:
    make_staff(session)
    page = asked(client)
    send(client, page, "code", code="000000" if last_code(session) != "000000" else "000001")
    assert path_of(send(client, page, "code", code=last_code(session))) == "/me"
    say_birth_date(client, date(1990, 5, 17))
    say_birth_date(client, patient.birth_date)
    send(client, client.get("/me"), "sign-out-everywhere")
    send(client, client.get("/me/sign-in"), "sign-in", number="613-555-0142")
    owner = app.test_client()
    press(owner, "/desk/sign-in", username="owner", password="not this one")
    enter_desk(owner)
    press(owner, "/desk/account", "/desk/account/recovery-codes", password="not mine")
    owner.get("/api/v1/patients", headers={"Authorization": "Bearer ims_guess"})
    shown = plain(owner.get("/desk/audit", headers={"Accept-Language": "en"}))
    for line in (
        "the patient tried to sign in, wrongly (code by text) 127.0.0.1",
        "the patient signed in (code by text) 127.0.0.1",
        "the patient tried to sign in, wrongly (date of birth) 127.0.0.1",
        f"the patient signed in (date of birth) {patient.given_name} {patient.family_name} 127.0.0.1",
        "the patient signed out (everywhere) 127.0.0.1",
        "the patient was refused (a code, asked for too often) 127.0.0.1",
        "Owner tried to sign in, wrongly (password) 127.0.0.1",
        "Owner tried to sign in, wrongly (password asked for again) 127.0.0.1",
        "somebody unknown was refused (token) 127.0.0.1",
    ):
        assert line in shown, f"{line}: {shown}"
    assert "1990" not in shown and "guess" not in shown and "not mine" not in shown
