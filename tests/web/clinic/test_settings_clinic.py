"""The clinic's settings: checked, kept, heeded by every process, and never overwritten unseen."""

import re
from collections.abc import Callable
from datetime import UTC, date, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.extensions import db
from scheduler.models import AuditLine, Setting
from scheduler.serving import live_settings
from tests.factories import MONDAY, local, make_appointment, make_clinic, make_patient
from tests.web.support.desk_staff import make_staff, sign_in, token

PAGE = "/desk/settings"
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def owner(client: FlaskClient, session: Session) -> FlaskClient:
    make_staff(session, "owner")
    sign_in(client, session, "owner")
    return client


def fields(client: FlaskClient) -> dict[str, object]:
    """The form as the page fills it in."""
    page = client.get(PAGE).text
    form: dict[str, object] = dict(re.findall(r'<input[^>]*name="(\w+)"[^>]*?value="([^"]*)"', page))
    form |= dict(re.findall(r'<select[^>]*name="(\w+)".*?<option value="([^"]*)" selected', page, re.DOTALL))
    form["languages"] = re.findall(r'name="languages" value="(\w+)" checked', page)
    return {**form, "csrf_token": token(client.get(PAGE))}


def save(client: FlaskClient, **changed: object) -> int:
    return client.post(PAGE, data={**fields(client), **changed}).status_code


def test_what_is_saved_holds_at_once_and_in_every_process(
    owner: FlaskClient, app: Flask, another_app: Callable[..., Flask], session: Session
) -> None:
    other = another_app()
    assert "East Side Physio" in other.test_client().get("/").text
    assert save(owner, name="Physio Rideau", lead_minutes="60", reminder_days="2, 5", quiet_from="20:30") == 303
    assert "Physio Rideau" in owner.get(PAGE).text
    with other.app_context():
        live_settings.of(other)._asked_at = float("-inf")  # a second later
        assert "Physio Rideau" in other.test_client().get("/").text
        clinic = other.config["CLINIC"]
    assert (clinic.lead_minutes, clinic.reminder_days, f"{clinic.quiet_from:%H:%M}") == (60, (5, 2), "20:30")
    kept = {row.name: row.value for row in session.scalars(select(Setting)) if not row.name.startswith("calendar.")}
    assert kept == {"name": "Physio Rideau", "lead_minutes": "60", "reminder_days": "5,2", "quiet_from": "20:30"}
    noted = session.scalars(select(AuditLine.details).where(AuditLine.what == "settings.changed")).all()
    assert "lead_minutes: 120 → 60" in noted
    assert len(noted) == 4
    assert save(owner, name="East Side Physio") == 303  # the environment's word again
    session.rollback()
    assert session.get(Setting, "name") is None


@SQLITE
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "x" * 81),
        ("phone", "call us"),
        ("phone", "613-555"),
        ("phone", "--- 555-0100 ---"),
        ("address", " "),
        ("zone", "America/Gotham"),
        ("zone", "../../etc/passwd"),
        ("languages", []),
        ("languages", ["en", "de"]),
        ("lead_minutes", "-1"),
        ("lead_minutes", "9" * 40),
        ("horizon_days", "0"),
        ("horizon_days", "٣"),
        ("cutoff_hours", "1.5"),
        ("clearance_months", "2"),
        ("clearance_months", "25"),
        ("hold_minutes", "121"),
        ("reminder_days", "3,x"),
        ("reminder_days", "31"),
        ("quiet_from", "25:00"),
        ("sms_parts_monthly", "-1"),
        ("sms_parts_monthly", "10000001"),
        ("code_parts_monthly", "many"),
    ],
)
def test_a_wrong_value_is_named_and_nothing_is_kept(
    owner: FlaskClient, session: Session, field: str, value: object
) -> None:
    if value == "٣":  # digits of any script are read
        assert save(owner, **{field: value}) == 303
        return
    answer = owner.post(PAGE, data={**fields(owner), "name": "Kept no more", field: value})
    assert answer.status_code == 422
    assert f'id="{field}-error"' in answer.text
    assert session.scalar(select(Setting.name)) is None


@SQLITE
def test_of_two_owners_the_second_is_told_what_the_first_changed(owner: FlaskClient) -> None:
    first, second = fields(owner), fields(owner)
    assert owner.post(PAGE, data={**first, "lead_minutes": "60"}).status_code == 303
    refused = owner.post(PAGE, data={**second, "horizon_days": "30"}, headers={"Accept-Language": "en"})
    assert refused.status_code == 409
    assert "minutes from now: now 60" in refused.text
    assert 'value="30"' in refused.text
    seen = re.search(r'name="seen" value="(\w+)"', refused.text)
    assert seen
    again = {**second, "lead_minutes": "60", "horizon_days": "30", "seen": seen[1]}
    assert owner.post(PAGE, data=again).status_code == 303


@SQLITE
def test_visits_keep_their_wall_clock_when_the_zone_changes(owner: FlaskClient, session: Session) -> None:
    make_clinic(session)
    visit = make_appointment(
        session, patient=make_patient(session), starts_local=local(MONDAY.replace(year=2030), "10:00")
    )
    before = visit.starts_at
    assert save(owner, zone="America/Vancouver") == 303
    session.rollback()
    session.refresh(visit)
    assert visit.starts_local.hour == 10
    assert visit.starts_at - before == timedelta(hours=2)  # British Columbia stays on summer time


@SQLITE
def test_the_page_says_how_many_visits_moved_and_names_those_that_need_another_time(
    owner: FlaskClient, session: Session
) -> None:
    make_clinic(session)
    for hour in ("02:30", "09:00"):
        starts_local = local(date(2027, 3, 14), hour)
        at = starts_local.replace(tzinfo=UTC) + timedelta(hours=6)
        regina = {"starts_at": at, "ends_at": at + timedelta(minutes=30), "busy_until": at + timedelta(minutes=45)}
        who = make_patient(session, given_name="Zoë", family_name=f"Roy {hour[:2]}")
        make_appointment(
            session, patient=who, starts_local=local(date(2027, 3, 14), "12:00"), room="Room 1", status="cancelled"
        )
        visit = make_appointment(session, patient=who, starts_local=local(date(2027, 3, 15), hour))
        visit.starts_local = visit.counts_from_local = starts_local
        visit.zone, visit.version, visit.schedule_version = "America/Regina", 2, 2
        visit.starts_at, visit.ends_at, visit.busy_until = regina.values()
        session.commit()
    save(owner, zone="America/Vancouver")
    save(owner, zone="America/Toronto")
    page = re.sub(r"\s+", " ", owner.get(PAGE).text)
    assert "2 visits keep their time" in page
    assert "Sunday 14 March, 2:30 am, Zoë Roy 02</a>: the clocks change then." in page
    assert "Zoë Roy 09" not in page


@SQLITE
def test_a_clinic_of_one_language_offers_no_other(owner: FlaskClient, app: Flask) -> None:
    assert save(owner, languages=["fr"]) == 303
    page = app.test_client().get("/?lang=en", headers={"Accept-Language": "en"}).text
    assert 'lang="fr"' in page
    assert ">English<" not in page


@SQLITE
def test_without_a_database_the_settings_of_before_go_on(app: Flask) -> None:
    live = live_settings.of(app)
    with app.app_context():
        db.engine.dispose()
        engine = db.engine
        with engine.connect() as connection:
            connection.exec_driver_sql("DROP TABLE setting")
            connection.commit()
        live.refresh(engine)
    assert app.config["CLINIC"].name == "East Side Physio"
