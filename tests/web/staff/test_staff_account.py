"""One's own account at the desk: password, second step, recovery codes, other browsers."""

import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.errors import TooManyTries
from scheduler.domain.staff import passwords
from scheduler.extensions import db
from scheduler.models import RecoveryCode, StaffUser
from scheduler.serving import start_check
from scheduler.usecases.rate_limit import rate_key
from scheduler.usecases.staff import second_step, staff
from scheduler.usecases.staff.staff import password_matches
from scheduler.web.words.domain_sentences import PASSWORD_SENTENCES
from tests.web.support.pages import plain
from tests.web.support.signing_in import PASSWORD, make_staff, press, sign_in, token_in

NOW = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
NEW = "blue kettle on the roof"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ACCOUNT, SECOND = "/desk/account", "/desk/account/second-step"


@pytest.fixture(autouse=True)
def at_the_clinic(client: FlaskClient) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as moment:
        yield moment


def code(secret: str = SECRET, seconds: int = 0) -> str:
    return pyotp.TOTP(secret).at(datetime.now(UTC) + timedelta(seconds=seconds))


@SQLITE
def test_an_owner_enrols_within_seven_days_as_everybody_does(client: FlaskClient, session: Session) -> None:
    make_staff(session, "morgan")
    assert sign_in(client, "morgan").status_code == 303
    assert client.get("/desk").status_code == 200
    page = client.get(SECOND).text
    assert "<svg" in page
    found = re.search(r'<code class="key">([A-Z2-7 ]+)</code>', page)
    assert found
    secret = found[1].replace(" ", "")
    assert f"secret={secret}" in page
    refused = press(client, SECOND, code="000000")
    assert refused.status_code == 422
    assert secret in refused.text.replace(" ", "")  # the same picture, not a new one
    done = press(client, SECOND, code=code(secret))
    codes = re.findall(r"<li><code>([a-z0-9-]{14})</code>", done.text)
    assert len(set(codes)) == 10
    assert not session.scalars(select(RecoveryCode.id).where(RecoveryCode.code_hash.in_(codes))).all()
    assert client.get("/desk").status_code == 200


@SQLITE
def test_the_second_step_is_asked_for_and_no_code_works_twice(
    app: Flask, session: Session, at_the_clinic: time_machine.Traveller
) -> None:
    make_staff(session, "morgan", totp_secret=SECRET)
    client, thief = app.test_client(), app.test_client()
    for who in (client, thief):
        assert sign_in(who, "morgan").location == "/desk/sign-in/code"
        assert who.get("/desk").status_code == 303  # the password alone opens nothing
    used = code()
    assert press(
        client, "/desk/sign-in/code", code=f"\u202a{used[:3]}\u2011{used[3:]}.", next="/desk/outbox"
    ).location == ("/desk/outbox")
    assert client.get("/desk").status_code == 200
    assert press(thief, "/desk/sign-in/code", code=used).status_code == 422
    assert press(thief, "/desk/sign-in/code", code=code(seconds=-30)).status_code == 422  # older than the one used
    at_the_clinic.shift(timedelta(seconds=30))
    assert press(thief, "/desk/sign-in/code", code=code()).status_code == 303


@SQLITE
def test_whoever_signs_in_is_told_once_of_wrong_tries_since_the_last_time(
    app: Flask, session: Session, at_the_clinic: time_machine.Traveller
) -> None:
    make_staff(session, "morgan", totp_secret=SECRET)
    english = {"Accept-Language": "en"}
    own = app.test_client()
    sign_in(own, "morgan", "my typo")
    sign_in(own, "morgan")
    press(own, "/desk/sign-in/code", code=code())
    assert "there was 1 wrong try with your name: on Monday 30 November" in plain(own.get("/desk", headers=english))
    assert "wrong" not in plain(own.get("/desk", headers=english))
    at_the_clinic.shift(timedelta(hours=1))
    stranger = app.test_client()
    for _ in range(2):
        sign_in(stranger, "morgan", "a guess", address="203.0.113.7")
    sign_in(stranger, "morgan", address="198.51.100.9")
    press(stranger, "/desk/sign-in/code", code="000000", address="198.51.100.9")
    again = app.test_client()
    sign_in(again, "morgan")
    press(again, "/desk/sign-in/code", code=code())
    assert (
        "there were 3 wrong tries with your name: the last on Monday 30 November, 11:30 am, "
        "from 198.51.100.9, 203.0.113.7." in plain(again.get("/desk", headers=english))
    )


@SQLITE
def test_codes_are_not_to_be_guessed(client: FlaskClient, session: Session) -> None:
    make_staff(session, "morgan", totp_secret=SECRET)
    sign_in(client, "morgan")
    answers = [press(client, "/desk/sign-in/code", code="000000").status_code for _ in range(11)]
    assert answers == [422] * 10 + [429]
    assert press(client, "/desk/sign-in/code", code=code()).status_code == 429


@SQLITE
def test_after_twenty_wrong_codes_the_pauses_grow_and_the_page_says_so(
    client: FlaskClient, session: Session, at_the_clinic: time_machine.Traveller
) -> None:
    make_staff(session, "morgan", totp_secret=SECRET)
    for _quarter in range(2):
        sign_in(client, "morgan")
        assert [press(client, "/desk/sign-in/code", code="000000").status_code for _ in range(10)] == [422] * 10
        at_the_clinic.shift(timedelta(minutes=16))
    sign_in(client, "morgan")
    refused = press(client, "/desk/sign-in/code", code=code())
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, str(14 * 60))
    assert "Wrong codes were typed 20 times, so the pauses get longer: the next try is possible after" in refused.text
    at_the_clinic.shift(timedelta(minutes=14))
    sign_in(client, "morgan")
    assert press(client, "/desk/sign-in/code", code=code()).status_code == 303


@SQLITE
def test_the_second_step_waits_ten_minutes(
    client: FlaskClient, session: Session, at_the_clinic: time_machine.Traveller
) -> None:
    make_staff(session, "morgan", totp_secret=SECRET)
    sign_in(client, "morgan")
    at_the_clinic.shift(timedelta(minutes=11))
    assert client.get("/desk/sign-in/code").status_code == 303


def test_a_recovery_code_opens_once(client: FlaskClient, app: Flask, session: Session) -> None:
    make_staff(session, "morgan", totp_secret=SECRET)
    sign_in(client, "morgan")
    press(client, "/desk/sign-in/code", code=code())
    assert press(client, ACCOUNT, f"{ACCOUNT}/recovery-codes", password="wrong").status_code == 422
    made = press(client, ACCOUNT, f"{ACCOUNT}/recovery-codes", password=PASSWORD)
    first = re.findall(r"<li><code>([^<]+)</code>", made.text)[0]
    answers = []
    for typed in (first.upper().replace("-", "\u2011") + "\ufe0f", first):
        other = app.test_client()
        sign_in(other, "morgan")
        answers.append(press(other, "/desk/sign-in/code", code=typed).status_code)
    assert answers == [303, 422]
    assert "9 recovery codes are left" in client.get(ACCOUNT, headers={"Accept-Language": "en"}).text


@SQLITE
def test_the_own_password_is_not_to_be_guessed_at_a_desk_left_alone(client: FlaskClient, session: Session) -> None:
    make_staff(session, "morgan", totp_secret=SECRET)
    sign_in(client, "morgan")
    press(client, "/desk/sign-in/code", code=code())
    made = [press(client, ACCOUNT, f"{ACCOUNT}/recovery-codes", password="wrong") for _ in range(11)]
    assert [answer.status_code for answer in made] == [422] * 10 + [429]
    assert made[-1].headers["Retry-After"].isdigit()


@SQLITE
@pytest.mark.parametrize("role", ["receptionist", "owner"])
def test_everybody_has_seven_days_from_the_first_sign_in_and_is_told_until_when(
    app: Flask, session: Session, at_the_clinic: time_machine.Traveller, role: str
) -> None:
    make_staff(session, "robin", role)
    for days in (0, 1, 5):  # 0, 1 and 6 days later
        at_the_clinic.shift(timedelta(days=days))
        client = app.test_client()
        sign_in(client, "robin")
        page = plain(client.get("/desk", headers={"Accept-Language": "en"}))
        assert "Set up your second step : until Monday 7 December, 10:29 am." in page
        assert "<svg" in client.get(SECOND).text  # whoever wants to may at once


@SQLITE
def test_after_the_seven_days_a_password_alone_sets_nothing_up(
    app: Flask, session: Session, at_the_clinic: time_machine.Traveller
) -> None:
    """Whoever knows it would set it up on their own telephone, and be the owner's account from then on."""
    morgan = make_staff(session, "morgan")
    waiting = app.test_client()
    sign_in(waiting, "morgan")
    page = waiting.get(SECOND)
    found = re.search(r'<code class="key">([A-Z2-7 ]+)</code>', page.text)
    assert found
    at_the_clinic.shift(timedelta(days=7))
    sign_in(waiting, "morgan")  # on a page kept open since, too
    for path in ("/desk", "/desk/outbox", ACCOUNT, f"{ACCOUNT}/password"):
        answer = waiting.get(path) if path != f"{ACCOUNT}/password" else press(waiting, SECOND, path, current=PASSWORD)
        assert answer.location == SECOND, path
    late = waiting.get(SECOND, headers={"Accept-Language": "en"})
    assert "The days to set up your second step are over" in late.text
    assert "<svg" not in late.text and 'class="key"' not in late.text
    press(waiting, SECOND, SECOND, code=code(found[1].replace(" ", "")))
    session.rollback()
    session.refresh(morgan)
    assert morgan.totp_secret is None
    session.rollback()

    make_staff(session)
    owner, path = app.test_client(), f"/desk/settings/staff/{morgan.id}"
    session.rollback()
    sign_in(owner)
    press(owner, path, f"{path}/let-in")
    let_in = app.test_client()
    sign_in(let_in, "morgan")
    assert "until Monday 7 December, 11:59 pm" in plain(let_in.get("/desk", headers={"Accept-Language": "en"}))
    assert "<svg" in let_in.get(SECOND).text
    at_the_clinic.shift(timedelta(days=1))
    late_again = app.test_client()
    sign_in(late_again, "morgan")
    assert late_again.get("/desk").location == SECOND


@SQLITE
def test_a_reset_by_an_owner_is_for_the_day_and_one_on_the_server_for_seven(
    app: Flask, session: Session, at_the_clinic: time_machine.Traveller
) -> None:
    me = make_staff(session)
    morgan = make_staff(session, "morgan", totp_secret=SECRET)
    owner, path = app.test_client(), f"/desk/settings/staff/{morgan.id}"
    own = f"/desk/settings/staff/{me.id}"
    session.rollback()
    sign_in(owner)
    assert press(owner, own, f"{own}/second-step").status_code == 422
    assert press(owner, path, f"{path}/second-step").status_code == 303
    reset = app.test_client()
    assert sign_in(reset, "morgan").location == "/desk"
    assert "<svg" in reset.get(SECOND).text
    at_the_clinic.shift(timedelta(days=1))
    reset = app.test_client()
    sign_in(reset, "morgan")
    assert reset.get("/desk").location == SECOND
    assert "<svg" not in reset.get(SECOND).text
    said = app.test_cli_runner().invoke(args=["staff", "reset-second-step", "morgan"])
    assert "before 2026-12-08 10:30" in said.output, said.output
    for days, status in ((0, 200), (6, 200), (1, 303)):
        at_the_clinic.shift(timedelta(days=days))
        reset = app.test_client()
        sign_in(reset, "morgan")
        assert reset.get("/desk").status_code == status


@SQLITE
def test_who_changes_the_authenticator_keeps_the_one_of_before_until_the_other_is_set_up(
    app: Flask, client: FlaskClient, session: Session, at_the_clinic: time_machine.Traveller
) -> None:
    robin = make_staff(session, "robin", "receptionist", totp_secret=SECRET)
    assert client.get(SECOND).status_code == 303
    sign_in(client, "robin")
    press(client, "/desk/sign-in/code", code=code())
    assert client.get(SECOND).location == ACCOUNT  # not without the password
    assert press(client, ACCOUNT, f"{ACCOUNT}/second-step/off", password=PASSWORD).location == SECOND
    found = re.search(r'<code class="key">([A-Z2-7 ]+)</code>', client.get(SECOND).text)
    assert found
    assert sign_in(app.test_client(), "robin").location == "/desk/sign-in/code"
    assert press(client, SECOND, code=code(found[1].replace(" ", ""))).status_code == 200
    assert client.get(SECOND).location == ACCOUNT
    session.rollback()
    session.refresh(robin)
    assert robin.totp_secret and robin.totp_secret != SECRET


@SQLITE
def test_the_password_is_changed_and_other_browsers_are_out(app: Flask, session: Session) -> None:
    robin = make_staff(session, "robin", "receptionist")
    here, there = app.test_client(), app.test_client()
    for client in (here, there):
        sign_in(client, "robin")
    path = f"{ACCOUNT}/password"
    for wrong in (
        {"current": "not this one", "new": NEW, "again": NEW},
        {"current": PASSWORD, "new": NEW, "again": f"{NEW}s"},
        {"current": PASSWORD, "new": "short", "again": "short"},
        {"current": PASSWORD, "new": "Robin Robin 2026", "again": "Robin Robin 2026"},
        {"current": PASSWORD, "new": PASSWORD, "again": PASSWORD},
        {"current": "", "new": "", "again": ""},
    ):
        answer = press(here, ACCOUNT, path, **wrong)
        assert answer.status_code == 422
        assert not any(value and f'value="{value}"' in answer.text for value in wrong.values())
    assert press(here, ACCOUNT, path, current=PASSWORD, new=NEW, again=NEW).location == ACCOUNT
    assert here.get(ACCOUNT).status_code == 200
    assert there.get(ACCOUNT).status_code == 303
    session.refresh(robin)
    assert password_matches(robin, NEW)
    assert not password_matches(robin, PASSWORD)


@SQLITE
def test_a_temporary_password_is_changed_first(client: FlaskClient, session: Session) -> None:
    make_staff(session, "robin", "receptionist", password_temporary=True)
    sign_in(client, "robin")
    assert client.get("/desk").location == ACCOUNT
    press(client, ACCOUNT, f"{ACCOUNT}/password", current=PASSWORD, new=NEW, again=NEW)
    assert client.get("/desk").status_code == 200


@SQLITE
def test_signing_out_everywhere(app: Flask, session: Session) -> None:
    make_staff(session)
    here, there = app.test_client(), app.test_client()
    for client in (here, there):
        sign_in(client)
    assert press(here, ACCOUNT, f"{ACCOUNT}/sign-out-everywhere").status_code == 303
    assert [client.get("/desk").status_code for client in (here, there)] == [303, 303]


@SQLITE
def test_nobody_locks_a_colleague_out_of_the_colleagues_own_browser(app: Flask, session: Session) -> None:
    make_staff(session)
    own = app.test_client()
    sign_in(own)
    press(own, "/desk", "/desk/sign-out")
    name = rate_key(app.config["SECRET_KEY"], "desk", "name", "owner")
    for _ in range(50):  # wrong passwords from all over the world
        staff.count_try(session, {name: (50, staff.WINDOW)}, now=NOW)
    stranger = app.test_client()
    assert sign_in(stranger, address="198.51.100.1").status_code == 429
    assert sign_in(own).status_code == 303
    assert sign_in(stranger, address="198.51.100.1").status_code == 429


@SQLITE
def test_a_known_browser_guesses_no_better(session: Session) -> None:
    make_staff(session)
    make_staff(session, "robin", "receptionist")

    def guess(username: str) -> None:
        staff.sign_in(session, username=username, password="no", address="::1", secret="k", now=NOW, device="this one")

    for _ in range(10):
        with pytest.raises(staff.SignInRefused):
            guess("owner")
    with pytest.raises(TooManyTries):
        guess("owner")
    with pytest.raises(staff.SignInRefused):
        guess("robin")


@SQLITE
def test_what_is_said_of_passwords_is_listed_for_the_translators() -> None:
    said = {value for name, value in vars(passwords).items() if name.startswith(("TOO_", "WITH_"))}
    assert {sentence._args[0] for sentence in PASSWORD_SENTENCES} == said


@SQLITE
def test_whoever_is_not_the_demos_owner_is_not_let_off(session: Session, app: Flask) -> None:
    make_staff(session, "demo-owner")
    make_staff(session, "morgan")
    demo, other = app.test_client(), app.test_client()
    sign_in(demo, "demo-owner")
    sign_in(other, "morgan")
    assert "second-step-days" not in demo.get("/desk").text
    assert "second-step-days" in other.get("/desk").text
    assert session.scalar(select(StaffUser.totp_secret).where(StaffUser.username == "morgan")) is None


def test_after_a_change_of_the_key_whoever_has_the_old_one_stays_in_and_the_second_step_is_sealed_anew(
    another_app: Callable[..., Flask], session: Session, at_the_clinic: time_machine.Traveller
) -> None:
    old, new = "the key of before: long", "the key of today: long"
    morgan = make_staff(session, "morgan", totp_secret=SECRET)
    before = another_app(SECRET_KEY=old)
    with before.app_context():
        assert second_step.check_secrets(db.session(), seals=before.extensions["seals"]) == []
    session.refresh(morgan)
    sealed = morgan.totp_secret
    session.rollback()
    assert sealed and SECRET not in sealed
    client = before.test_client()
    sign_in(client, "morgan")
    assert press(client, "/desk/sign-in/code", code=code()).status_code == 303
    page = token_in(client.get("/desk"))
    cookie = client.get_cookie("clinic_desk", path="/desk")
    assert cookie

    after = another_app(SECRET_KEY=new, SECRET_KEY_OLD=f"{old},another key from long ago")
    moved = after.test_client()
    moved.set_cookie("clinic_desk", cookie.value, path="/desk")
    assert moved.get("/desk").status_code == 200
    assert moved.post("/desk/sign-out", data={"csrf_token": page}).location == "/desk/sign-in"  # an open page's form
    at_the_clinic.shift(timedelta(seconds=30))
    sign_in(moved, "morgan")
    assert press(moved, "/desk/sign-in/code", code=code()).status_code == 303
    session.rollback()
    session.refresh(morgan)
    assert morgan.totp_secret != sealed
    with before.app_context():
        assert second_step.check_secrets(db.session(), seals=before.extensions["seals"]) == ["morgan"]


@SQLITE
def test_a_production_server_names_at_its_start_whose_second_step_no_key_opens(
    another_app: Callable[..., Flask],
    session: Session,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("FLASK_RUN_FROM_CLI", raising=False)  # which a command of an earlier test has set
    before, after = another_app(SECRET_KEY="the key of before: long"), another_app(SECRET_KEY="the key of today: long")
    make_staff(session, "morgan", totp_secret=SECRET)
    session.rollback()
    start_check.say_under_a_server(before)
    assert "morgan" not in capsys.readouterr().err
    start_check.say_under_a_server(after)
    assert "The second step of morgan was kept under another SECRET_KEY" in capsys.readouterr().err
    monkeypatch.setenv(start_check.BY_COMMAND, "true")
    start_check.say_under_a_server(after)
    assert capsys.readouterr().err == "", "commands look for themselves"
