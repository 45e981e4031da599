"""The first desk: who gets in, and what is seen there."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.models import Closure, Message, Practitioner, Reminder, Screening, StaffUser, TimeOff
from scheduler.usecases.staff.staff import hash_password
from tests.factories import MONDAY, local, make_appointment, make_clinic, make_patient
from tests.support.statements import statements_of_pages

NOW = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)  # Monday 10:30 at the clinic
PASSWORD = "a password for tests"
ROLES = ("receptionist", "practitioner", "owner")


@pytest.fixture
def staff(session: Session) -> dict[str, StaffUser]:
    people = {role: _somebody(role, role) for role in ROLES}
    session.add_all(people.values())
    session.commit()
    return people


def _somebody(username: str, role: str) -> StaffUser:
    return StaffUser(username=username, display_name=role, role=role, password_hash=_hash(), created_at=NOW)


@cache
def _hash() -> str:
    """Once for all tests: it is meant to be slow."""
    return hash_password(PASSWORD)


@pytest.fixture(autouse=True)
def at_the_clinic(client: FlaskClient) -> object:
    with time_machine.travel(NOW, tick=False) as moment:
        yield moment


def token(page: TestResponse) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def enter(
    client: FlaskClient, username: str, password: str = PASSWORD, *, next: str = "", address: str = "127.0.0.1"
) -> TestResponse:
    page = client.get("/desk/sign-in")
    form = {"csrf_token": token(page), "username": username, "password": password, "next": next}
    return client.post("/desk/sign-in", data=form, environ_base={"REMOTE_ADDR": address})


def test_a_cookie_copied_before_signing_out_is_worthless(
    app: Flask, client: FlaskClient, staff: dict[str, StaffUser], at_the_clinic: time_machine.Traveller
) -> None:
    copies = []
    for end in ("/desk/sign-out", "gone for long"):
        enter(client, "receptionist")
        page = client.get("/desk")
        assert page.status_code == 200
        copied = client.get_cookie("clinic_desk", path="/desk")
        assert copied
        copies.append(copied.value)
        if end == "gone for long":
            at_the_clinic.shift(timedelta(hours=1))
            client.get("/desk")
        else:
            client.post(end, data={"csrf_token": token(page)})
    at_the_clinic.shift(timedelta(hours=-1))
    for copy in copies:
        thief = app.test_client()
        thief.set_cookie("clinic_desk", copy, path="/desk")
        assert thief.get("/desk").location == "/desk/sign-in"


def test_nobody_gets_in_without_signing_in_and_comes_back_to_where_they_were_going(
    client: FlaskClient, staff: dict[str, StaffUser]
) -> None:
    for path in ("/desk", "/desk/outbox", "/desk?day=2026-12-01"):
        answer = client.get(path)
        assert answer.status_code == 303
        assert answer.location.startswith("/desk/sign-in")
    assert enter(client, "receptionist", next="/desk/outbox").location == "/desk/outbox"
    assert client.get("/desk/outbox").status_code == 200


@pytest.mark.parametrize(
    "elsewhere", ["https://evil.example/desk", "//evil.example/desk", "/\\evil.example", "/desk\n", "/me", "https://["]
)
def test_signing_in_leads_to_no_other_site(client: FlaskClient, staff: dict[str, StaffUser], elsewhere: str) -> None:
    assert enter(client, "owner", next=elsewhere).location == "/desk"


def test_wrong_names_and_wrong_passwords_are_answered_alike(client: FlaskClient, staff: dict[str, StaffUser]) -> None:
    wrong, nobody = enter(client, "owner", "not this one"), enter(client, "nobody", "not this one")
    assert wrong.status_code == nobody.status_code == 422
    without_name = [re.sub(r'value="[^"]*"', "", answer.text) for answer in (wrong, nobody)]
    assert without_name[0] == without_name[1]
    assert client.get("/desk").status_code == 303


def test_guessing_is_slowed_down_but_not_for_somebody_elsewhere(
    client: FlaskClient, staff: dict[str, StaffUser], app: Flask
) -> None:
    for _ in range(10):
        assert enter(client, "owner", "wrong").status_code == 422
    refused = enter(client, "owner", PASSWORD)
    assert (refused.status_code, refused.headers["Retry-After"]) == (429, "900")
    assert enter(app.test_client(), "owner", PASSWORD, address="192.0.2.7").status_code == 303


def test_a_guesser_has_one_count_whichever_of_the_own_addresses_they_take(
    app: Flask, staff: dict[str, StaffUser]
) -> None:
    guess = (enter(app.test_client(), "owner", "wrong", address=f"2001:db8::{n}").status_code for n in range(1, 12))
    assert list(guess) == [422] * 10 + [429]


def test_a_form_without_its_token_changes_nothing(client: FlaskClient, staff: dict[str, StaffUser]) -> None:
    form = {"username": "owner", "password": PASSWORD}
    assert client.post("/desk/sign-in", data=form).status_code == 400
    enter(client, "owner")
    assert client.post("/desk/sign-out").status_code == 400
    assert client.get("/desk").status_code == 200


def test_practitioners_see_the_day_but_not_the_texts(app: Flask, staff: dict[str, StaffUser]) -> None:
    seen = {}
    for role in ROLES:
        client = app.test_client()
        enter(client, role)
        day = client.get("/desk")
        seen[role] = (day.status_code, client.get("/desk/outbox").status_code, "/desk/outbox" in day.text)
    assert seen == {
        "receptionist": (200, 200, True),
        "practitioner": (200, 403, False),
        "owner": (200, 200, True),
    }


def test_signing_out_ends_it(client: FlaskClient, staff: dict[str, StaffUser]) -> None:
    enter(client, "owner")
    page = client.get("/desk")
    assert client.post("/desk/sign-out", data={"csrf_token": token(page)}).status_code == 303
    assert client.get("/desk").status_code == 303


def test_whoever_goes_away_is_signed_out(
    client: FlaskClient, staff: dict[str, StaffUser], at_the_clinic: time_machine.Traveller
) -> None:
    enter(client, "owner")
    for _ in range(4):
        at_the_clinic.shift(timedelta(minutes=20))
        assert client.get("/desk").status_code == 200
    at_the_clinic.shift(timedelta(minutes=31))
    answer = client.get("/desk", follow_redirects=True)
    assert "nobody used the desk for 30 minutes" in answer.text
    assert client.get("/desk").status_code == 303


def test_after_a_long_day_everybody_signs_in_anew(
    client: FlaskClient, staff: dict[str, StaffUser], at_the_clinic: time_machine.Traveller
) -> None:
    enter(client, "owner")
    answers = []
    for _ in range(37):
        at_the_clinic.shift(timedelta(minutes=20))
        answers.append(client.get("/desk").status_code)
    assert answers == [200] * 36 + [303]


def test_whoever_left_the_clinic_is_out_at_once(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    enter(client, "owner")
    staff["owner"].active = False
    session.commit()
    assert client.get("/desk").status_code == 303
    assert enter(client, "owner").status_code == 422


def test_the_desks_cookie_is_its_own(client: FlaskClient, staff: dict[str, StaffUser]) -> None:
    answer = enter(client, "owner")
    (cookie,) = (each for each in answer.headers.getlist("Set-Cookie") if each.startswith("clinic_desk="))
    assert all(part in cookie for part in ("HttpOnly", "Path=/desk", "SameSite=Lax"))
    assert client.get_cookie("clinic_desk", path="/desk") is not None
    assert "Cookie" not in client.get("/", headers={"Accept-Language": "en"}).request.headers


def test_the_demos_names_open_no_desk_but_the_demos(another_app: Callable[..., Flask], session: Session) -> None:
    session.add(_somebody("demo-owner", "owner"))
    session.commit()
    assert enter(another_app(DEMO="off").test_client(), "demo-owner").status_code == 422
    assert enter(another_app().test_client(), "demo-owner").status_code == 303


def a_day(session: Session) -> None:
    make_clinic(session, practitioners=3)
    amelie = make_patient(session, number="+16135559142")
    make_appointment(
        session, patient=amelie, starts_local=local(MONDAY - timedelta(days=14), "09:00"), status="completed"
    )
    flagged = make_appointment(session, patient=amelie, starts_local=local(MONDAY, "09:00"), status="completed")
    session.add(
        Screening(
            appointment_id=flagged.id, patient_id=amelie.id, answers={"pregnancy": True}, flagged=True, answered_at=NOW
        )
    )
    new = make_patient(session, family_name="<b>Škvorecký</b>")
    coming = make_appointment(
        session, patient=new, starts_local=local(MONDAY, "14:00"), practitioner="p2", room="Room 2"
    )
    session.add(
        Reminder(
            appointment_id=coming.id, version=1, kind="days_before_1", due_at=NOW, next_attempt_at=NOW, status="failed"
        )
    )
    off = make_patient(session, family_name="Absent")
    make_appointment(session, patient=off, starts_local=local(MONDAY, "15:00"), status="cancelled", practitioner="p2")
    make_appointment(session, patient=off, starts_local=local(MONDAY, "16:00"), status="no_show", practitioner="p2")
    make_appointment(session, patient=off, starts_local=local(MONDAY + timedelta(days=1), "16:00"), practitioner="p2")
    p3 = session.scalars(select(Practitioner).where(Practitioner.slug == "p3")).one()
    session.add(
        TimeOff(
            practitioner_id=p3.id,
            starts_local=local(MONDAY, "00:00"),
            ends_local=local(MONDAY + timedelta(days=2), "00:00"),
        )
    )
    session.commit()


def test_the_day_by_practitioner(client: FlaskClient, staff: dict[str, StaffUser], session: Session) -> None:
    a_day(session)
    enter(client, "receptionist")
    page = client.get("/desk/list", headers={"Accept-Language": "en"}).text
    assert "Monday 30 November" in page
    sections = re.findall(r"<section.*?</section>", page, re.DOTALL)
    texts = [re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", section)) for section in sections]
    assert len(texts) == 3
    assert "Pat1 Doe1 9:00 am to 5:00 pm" in texts[0]
    assert "9:00 am" in texts[0] and "✓ Completed" in texts[0] and "⚑ Screening" in texts[0]
    assert "First visit" not in texts[0]
    assert "&lt;b&gt;Škvorecký&lt;/b&gt;, Amélie" in texts[1]
    assert "★ First visit" in texts[1] and "☎ Reminder failed" in texts[1] and "○ Booked" in texts[1]
    assert "– Cancelled" in texts[1] and "✕ No-show" in texts[1]
    assert "Pat3 Doe3 away No visits" in texts[2]
    assert "2 visits" in page
    assert "Absent" in client.get("/desk/list?day=2026-12-01").text


def test_the_day_in_french(client: FlaskClient, staff: dict[str, StaffUser], session: Session) -> None:
    a_day(session)
    enter(client, "receptionist")
    page = client.get("/desk/list?lang=fr").text
    assert 'lang="fr"' in page
    assert "lundi 30 novembre" in page
    assert "Évaluation" in page or "SIM" in page


def test_a_closed_day_says_so(client: FlaskClient, staff: dict[str, StaffUser], session: Session) -> None:
    make_clinic(session)
    session.add(
        Closure(
            starts_local=local(MONDAY, "00:00"), ends_local=local(MONDAY + timedelta(days=1), "00:00"), name="Flood"
        )
    )
    session.commit()
    enter(client, "owner")
    assert "Flood" in client.get("/desk/list").text
    assert "Nobody works on this day." in client.get("/desk/list?day=2026-12-06").text


@pytest.mark.parametrize(
    "day", ["", "2026-02-30", "9999-12-31", "0001-01-01", "tomorrow", "2026-12-01T10:00", "' OR 1=1"]
)
def test_a_day_that_is_none_shows_today(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session, day: str
) -> None:
    make_clinic(session)
    enter(client, "owner")
    answer = client.get("/desk/list", query_string={"day": day})
    assert answer.status_code == 200
    assert "Monday 30 November" in answer.text


def test_the_day_takes_the_same_number_of_queries_however_full_it_is(
    app: Flask, client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    make_clinic(session)
    enter(client, "owner")
    client.get("/desk/list")  # reads what seldom changes
    seen = statements_of_pages(app)
    empty = _queries(seen, client)
    for number in range(8):
        make_appointment(
            session, patient=make_patient(session), starts_local=local(MONDAY, "09:00") + timedelta(minutes=45 * number)
        )
    assert _queries(seen, client) == empty <= 10


def _queries(seen: list[str], client: FlaskClient) -> int:
    seen.clear()
    assert client.get("/desk/list").status_code == 200
    return sum(statement.startswith("SELECT") for statement in seen)


def text_message(session: Session, number: int, **columns: object) -> None:
    session.add(
        Message(
            **{
                "attempt_id": f"attempt-{number}",
                "direction": "out",
                "kind": "confirmation",
                "number": "+16135550142",
                "body": f"text no. {number}.",
                "status": "delivered",
                "created_at": NOW,
                **columns,
            }
        )
    )
    session.commit()


def test_texts_are_listed_the_newest_first_page_by_page(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session
) -> None:
    for number in range(60):
        text_message(session, number)
    text_message(session, 60, status="failed", error_code="30005", body="<script>alert(1)</script>")
    enter(client, "owner")
    page = client.get("/desk/outbox", headers={"Accept-Language": "en"}).text
    assert page.index("&lt;script&gt;") < page.index("text no. 59.") < page.index("text no. 12.")
    assert "text no. 10." not in page
    assert "Failed (30005)" in page
    assert "613-555-0142" in page
    older = re.search(r'href="(/desk/outbox\?before=\d+)"', page)
    assert older
    assert "text no. 10." in client.get(older[1]).text
    for wrong in ("x", "-1", "9" * 40):
        assert client.get("/desk/outbox", query_string={"before": wrong}).status_code == 200


def test_codes_are_read_at_the_desk_only_while_nothing_really_goes_out(
    client: FlaskClient, staff: dict[str, StaffUser], session: Session, another_app: Callable[..., Flask]
) -> None:
    text_message(session, 1, kind="code", body="Your code is 123456")
    enter(client, "owner")
    assert "123456" in client.get("/desk/outbox").text
    real = another_app(
        PUBLIC_URL="https://book.example.ca",
        TWILIO_ACCOUNT_SID="AC0",
        TWILIO_AUTH_TOKEN="secret",
        TWILIO_FROM="+16135550100",
    )
    with_twilio = real.test_client()
    page = with_twilio.get("/desk/sign-in", base_url="https://book.example.ca")
    form = {"csrf_token": token(page), "username": "owner", "password": PASSWORD}
    entered = with_twilio.post("/desk/sign-in", data=form, base_url="https://book.example.ca")
    cookies = entered.headers.getlist("Set-Cookie")
    assert {cookie.partition("=")[0] for cookie in cookies} == {"__Secure-clinic_desk", "__Secure-clinic_device"}
    assert all("Secure;" in cookie and "HttpOnly" in cookie for cookie in cookies)
    texts = with_twilio.get("/desk/outbox", base_url="https://book.example.ca").text
    assert "123456" not in texts
    assert "The code is not shown." in texts
