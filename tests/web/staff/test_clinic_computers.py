"""At a clinic computer: locked by a press or by time, opened again by name and PIN. Everywhere else: the second step."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pyotp
import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.models import AuditLine, ClinicComputer, ComputerSignIn, LiveSession, StaffUser
from scheduler.usecases.staff.staff import hash_password
from tests.web.support.signing_in import PASSWORD, make_staff, press, sign_in, token_in

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
NOW = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"
PIN, OTHER_PIN = "472916", "836597"
LOCKED, COMPUTERS, NEW_ROOM = "/desk/sign-in/pin", "/desk/settings/computers", "/desk/settings/rooms/new"


@pytest.fixture(autouse=True)
def at(client: FlaskClient) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as moment:
        yield moment


@pytest.fixture
def robin(session: Session) -> StaffUser:
    return make_staff(session, "robin", "receptionist", totp_secret=SECRET, pin_hash=hash_password(PIN))


@pytest.fixture
def desk(client: FlaskClient, session: Session, robin: StaffUser) -> FlaskClient:
    """A clinic computer at which Robin signed in."""
    make_staff(session)
    sign_in(client)
    assert press(client, COMPUTERS, name="Front desk").location == COMPUTERS
    press(client, COMPUTERS, "/desk/sign-out")
    sign_in_fully(client, "robin")
    return client


def sign_in_fully(client: FlaskClient, username: str) -> TestResponse:
    assert sign_in(client, username).location == "/desk/sign-in/code"
    return press(client, "/desk/sign-in/code", code=pyotp.TOTP(SECRET).at(datetime.now(UTC)))


def lock(client: FlaskClient, page: str = "/desk/calls", **fields: str) -> TestResponse:
    form = {"csrf_token": token_in(client.get(page, follow_redirects=True)), "page": page, **fields}
    return client.post("/desk/lock", data=form)


def pin(client: FlaskClient, who: StaffUser, typed: str = PIN, **fields: str) -> TestResponse:
    shown = client.get(LOCKED)
    form = {"csrf_token": token_in(shown), "who": str(who.id), "pin": typed, **fields}
    return client.post(LOCKED, data=form)


def test_a_locked_desk_opens_again_by_name_and_pin_on_the_page_it_was_left_on(
    desk: FlaskClient, session: Session, robin: StaffUser
) -> None:
    cookie = desk.get_cookie("clinic_desk", path="/desk")
    assert cookie
    assert lock(desk).location == LOCKED
    assert session.scalars(select(LiveSession)).all() == []  # a copied cookie opens nothing either
    session.rollback()
    asked = desk.get("/desk/calls")
    assert asked.location.startswith(LOCKED)
    page = desk.get(LOCKED)
    assert "Robin" in page.text and "Owner" not in page.text  # who signed out whole, or nowhere here, is not named
    assert pin(desk, robin, f"{PIN[:3]} {PIN[3:]}").location == "/desk/calls"
    assert desk.get("/desk/calls").status_code == 200
    session.rollback()
    steps = session.execute(select(AuditLine.what, AuditLine.details).where(AuditLine.actor == "staff:robin"))
    assert ("sign_in.right", "PIN") in [tuple(row) for row in steps]


def test_the_owner_sees_which_of_them_is_the_one_in_use(client: FlaskClient, session: Session) -> None:
    make_staff(session)
    sign_in(client)
    before = client.get(COMPUTERS).text
    assert "Register this computer<" in before and "(this one)" not in before
    press(client, COMPUTERS, name="Front desk")
    after = client.get(COMPUTERS).text
    assert "Register this computer again<" in after and after.count("(this one)") == 1


def test_ten_idle_minutes_lock_it_and_what_was_sent_then_is_there_after_the_pin(
    desk: FlaskClient, session: Session, robin: StaffUser, at: time_machine.Traveller
) -> None:
    session.execute(update(StaffUser).where(StaffUser.id == robin.id).values(role="owner"))
    session.commit()
    form = {"csrf_token": token_in(desk.get(NEW_ROOM)), "name": "Blue", "position": "3", "active": "y"}
    at.shift(timedelta(minutes=10, seconds=1))
    sent = desk.post(NEW_ROOM, data=form, headers={"Referer": f"http://localhost{NEW_ROOM}"})
    assert sent.location == LOCKED
    assert pin(desk, robin).location == NEW_ROOM
    assert 'value="Blue"' in desk.get(NEW_ROOM).text
    at.shift(timedelta(minutes=10, seconds=1))
    assert desk.get("/desk/outbox").location == LOCKED  # each comes back to their own page
    assert pin(desk, robin).location == "/desk/outbox"


def test_what_stood_half_written_is_kept_for_its_writer_over_a_colleagues_turn(
    desk: FlaskClient, session: Session, robin: StaffUser, at: time_machine.Traveller
) -> None:
    priya = make_staff(session, "priya", "practitioner", totp_secret=SECRET, pin_hash=hash_password(OTHER_PIN))
    typed = json.dumps([["name", "Half"], ["csrf_token", "x"], ["password_again", "secret"]])
    session.execute(update(StaffUser).where(StaffUser.id == robin.id).values(role="owner"))
    session.commit()
    lock(desk, NEW_ROOM, typed_at=NEW_ROOM, typed=typed)
    at.shift(timedelta(seconds=30))
    sign_in_fully(desk, "priya")
    lock(desk, "/desk/hours")
    page = desk.get(LOCKED).text
    assert "Robin" in page and "Priya" in page
    assert pin(desk, robin, OTHER_PIN).status_code == 422  # each by their own
    assert pin(desk, priya, OTHER_PIN).location == "/desk/hours"
    lock(desk, "/desk/hours")
    assert pin(desk, robin).location == NEW_ROOM
    kept = desk.get(NEW_ROOM).text
    assert 'value="Half"' in kept and "secret" not in kept


@pytest.mark.parametrize(
    ("typed_at", "typed"),
    [
        ("/desk/account/password", '[["current", "x"]]'),
        ("/desk/sign-in", '[["password", "x"]]'),
        ("https://elsewhere.example/desk", '[["a", "b"]]'),
        ("//elsewhere.example/desk", '[["a", "b"]]'),
        ("/desk/nowhere", '[["a", "b"]]'),
        ("/desk/settings/rooms/new", "{"),
        ("/desk/settings/rooms/new", '{"a": 1}'),
        ("/desk/settings/rooms/new", '[[1, 2], "x", ["a"], ["a", "\\u0000"]]'),
        ("/desk/settings/rooms/new", "[" * 20_000),
    ],
)
def test_what_is_no_form_of_the_desk_is_not_kept(
    desk: FlaskClient, robin: StaffUser, typed_at: str, typed: str
) -> None:
    assert lock(desk, typed_at=typed_at, typed=typed).location == LOCKED
    assert pin(desk, robin).location == "/desk/calls"


def test_five_wrong_pins_ask_for_the_password_and_then_the_second_step(
    desk: FlaskClient, session: Session, robin: StaffUser, at: time_machine.Traveller
) -> None:
    lock(desk)
    answers = [pin(desk, robin, "111222") for _ in range(4)]
    assert [answer.status_code for answer in answers] == [422] * 4
    assert "1 try is left" in answers[-1].text
    csrf = token_in(desk.get(LOCKED))
    fifth = desk.post(LOCKED, data={"csrf_token": csrf, "who": robin.id, "pin": "111222"})
    assert fifth.location == "/desk/sign-in"
    assert "Five PINs were wrong" in desk.get("/desk/sign-in").text
    right = desk.post(LOCKED, data={"csrf_token": csrf, "who": robin.id, "pin": PIN})
    assert right.location == "/desk/sign-in"
    assert desk.get(LOCKED).location == "/desk/sign-in"
    at.shift(timedelta(seconds=30))
    sign_in_fully(desk, "robin")
    lock(desk)
    assert pin(desk, robin).location == "/desk/calls"
    session.rollback()
    what = session.scalars(select(AuditLine.what).where(AuditLine.details == "PIN").order_by(AuditLine.id)).all()
    assert what == ["sign_in.wrong"] * 4 + ["sign_in.locked", "sign_in.right"]


def test_after_twelve_hours_ninety_days_a_revocation_or_a_sign_out_the_pin_opens_nothing(
    desk: FlaskClient, app: Flask, session: Session, robin: StaffUser, at: time_machine.Traveller
) -> None:
    def still(minutes: int = 0) -> bool:
        lock(desk)
        at.shift(timedelta(minutes=minutes))
        session.rollback()
        opened = desk.get(LOCKED).status_code == 200 and pin(desk, robin).status_code == 303
        if not opened:
            if desk.get("/desk").status_code == 200:
                press(desk, "/desk", "/desk/sign-out")
            at.shift(timedelta(seconds=30))
            sign_in_fully(desk, "robin")
        return opened

    assert still(11 * 60)  # the PIN does not begin the half day anew
    assert not still(61)
    session.execute(update(ComputerSignIn).values(wrong_pins=5))
    session.commit()
    assert not still()
    press(desk, "/desk", "/desk/sign-out")
    assert desk.get(LOCKED).location == "/desk/sign-in"
    at.shift(timedelta(seconds=30))
    sign_in_fully(desk, "robin")
    assert still()
    owner = app.test_client()
    sign_in(owner)
    computer = session.scalars(select(ClinicComputer.id)).one()
    assert press(owner, COMPUTERS, f"{COMPUTERS}/{computer}/revoke").status_code == 303
    assert press(owner, COMPUTERS, f"{COMPUTERS}/{computer}/revoke").status_code == 409
    session.rollback()
    assert not still()
    assert desk.get("/desk").status_code == 200
    press(desk, "/desk", "/desk/sign-out")
    session.execute(update(ClinicComputer).values(revoked_at=None, ends_at=datetime.now(UTC) + timedelta(minutes=1)))
    session.commit()
    at.shift(timedelta(seconds=30))
    sign_in_fully(desk, "robin")
    assert still()
    assert not still(1)


@pytest.mark.parametrize("by", ["password", "everywhere", "reset", "disabled", "no pin"])
def test_what_signs_out_everywhere_ends_the_pin_too(
    desk: FlaskClient, app: Flask, session: Session, robin: StaffUser, at: time_machine.Traveller, by: str
) -> None:
    lock(desk)
    owner, path = app.test_client(), f"/desk/settings/staff/{robin.id}"
    sign_in(owner)
    if by == "password":
        press(owner, path, f"{path}/password")
    elif by == "reset":
        press(owner, path, f"{path}/second-step")
    elif by == "disabled":
        seen = re.search(r'name="seen" value="([^"]*)"', owner.get(path).text)
        assert seen
        changed = press(owner, path, seen=seen[1], display_name="Robin", role="receptionist", practitioner="")
        assert changed.status_code == 303
    else:
        at.shift(timedelta(seconds=30))
        elsewhere = app.test_client()
        sign_in_fully(elsewhere, "robin")
        if by == "everywhere":
            press(elsewhere, "/desk/account", "/desk/account/sign-out-everywhere")
        else:
            press(elsewhere, "/desk/account", "/desk/account/pin", take="away", current=PASSWORD)
    assert desk.get(LOCKED).location == "/desk/sign-in"


def test_elsewhere_nobody_comes_back_by_a_pin_and_a_copied_or_guessed_cookie_is_none(
    desk: FlaskClient, app: Flask, session: Session, robin: StaffUser, at: time_machine.Traveller
) -> None:
    at.shift(timedelta(seconds=30))
    other = app.test_client()
    sign_in_fully(other, "robin")
    assert 'id="lock"' not in other.get("/desk").text
    assert 'id="lock"' in desk.get("/desk").text
    lock(desk)
    for value in ("", "x", session.scalars(select(ClinicComputer.token_hash)).one(), "é" * 300):
        other = app.test_client()
        other.set_cookie("clinic_computer", value, path="/desk")
        assert other.get(LOCKED).location == "/desk/sign-in"
    session.rollback()
    cookie = desk.get_cookie("clinic_computer", path="/desk")
    assert cookie and cookie.http_only and cookie.same_site == "Lax" and len(cookie.value) == 43


@pytest.mark.parametrize(("who", "typed"), [("", PIN), ("999999999999999999999", PIN), ("x", PIN), ("-1", PIN)])
def test_a_name_that_is_not_on_the_page_opens_nothing(
    desk: FlaskClient, session: Session, who: str, typed: str
) -> None:
    owner = session.scalars(select(StaffUser.id).where(StaffUser.username == "owner")).one()
    session.rollback()
    lock(desk)
    csrf = token_in(desk.get(LOCKED))
    for one in (who, str(owner)):
        assert desk.post(LOCKED, data={"csrf_token": csrf, "who": one, "pin": typed}).status_code == 422
    assert desk.get("/desk").status_code == 303


@pytest.mark.parametrize("role", ["receptionist", "practitioner", "owner"])
@pytest.mark.parametrize("state", ["enrolled", "in the seven days", "too late", "let in today", "demo"])
@pytest.mark.parametrize("at_clinic", [True, False])
def test_who_gets_in_how(
    client: FlaskClient, session: Session, at: time_machine.Traveller, role: str, state: str, at_clinic: bool
) -> None:
    """Role × computer × second step: what is asked after the password, and whether the PIN is enough afterwards."""
    if at_clinic:
        make_staff(session)
        sign_in(client)
        press(client, COMPUTERS, name="Front desk")
        press(client, COMPUTERS, "/desk/sign-out")
    columns: dict[str, dict[str, object]] = {
        "enrolled": {"totp_secret": SECRET},
        "in the seven days": {},
        "too late": {"second_step_due_at": NOW},
        "let in today": {"totp_secret": SECRET, "let_in_until": NOW + timedelta(hours=1)},
        "demo": {},
    }
    name = "demo-owner" if state == "demo" else "kim"
    kim = make_staff(session, name, role, pin_hash=hash_password(PIN), **columns[state])
    entered = sign_in(client, name)
    if state == "enrolled":
        assert entered.location == "/desk/sign-in/code"
        press(client, "/desk/sign-in/code", code=pyotp.TOTP(SECRET).at(NOW))
    page = client.get("/desk")
    waits = state == "too late"
    assert (page.location == "/desk/account/second-step") == waits
    if state == "in the seven days" and not waits:
        assert "second-step-days" in page.text
    lock(client, "/desk/account")
    comes_back = at_clinic and state in ("enrolled", "demo")
    assert (client.get(LOCKED).status_code == 200) == comes_back
    if comes_back:
        assert pin(client, kim).status_code == 303
        assert client.get("/desk").status_code == 200


def test_the_owner_lets_somebody_in_for_the_day_and_it_is_logged(
    app: Flask, session: Session, robin: StaffUser, at: time_machine.Traveller
) -> None:
    me = make_staff(session)
    owner = app.test_client()
    sign_in(owner)
    path = f"/desk/settings/staff/{robin.id}"
    assert press(owner, path, f"{path}/let-in").status_code == 303
    own = f"/desk/settings/staff/{me.id}"
    assert press(owner, own, f"{own}/let-in").status_code == 422
    colleague = app.test_client()
    assert sign_in(colleague, "robin").location == "/desk"
    assert colleague.get("/desk").status_code == 200
    session.rollback()
    noted = session.execute(select(AuditLine.actor, AuditLine.details)).all()
    assert ("staff:owner", "robin: let in without the second step until 2026-12-01 05:00 UTC") in noted
    assert ("staff:robin", "let in without the second step") in noted
    at.move_to(datetime(2026, 12, 1, 5, 0, tzinfo=UTC))  # midnight in Toronto
    assert sign_in(app.test_client(), "robin").location == "/desk/sign-in/code"


def test_a_pin_of_ones_own_is_set_with_the_password_and_not_an_easy_one(client: FlaskClient, session: Session) -> None:
    kim = make_staff(session, "kim", "receptionist")
    sign_in(client, "kim")
    path = "/desk/account/pin"
    for typed, password in ((PIN, "wrong"), ("123456", PASSWORD), ("", PASSWORD), ("47291", PASSWORD)):
        refused = press(client, "/desk/account", path, pin=typed, current=password)
        assert refused.status_code == 422
        assert not typed or f'value="{typed}"' not in refused.text
    session.rollback()
    session.refresh(kim)
    assert kim.pin_hash is None
    assert press(client, "/desk/account", path, pin=PIN, current=PASSWORD).status_code == 303
    session.rollback()
    session.refresh(kim)
    assert kim.pin_hash and kim.pin_hash.startswith("$argon2id$")
