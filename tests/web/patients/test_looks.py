"""Who saw whom on a list is written once a day, and a page that shows nothing new writes nothing."""

from collections.abc import Iterator
from datetime import date, timedelta
from time import monotonic, sleep

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.models import Look, Message, Patient
from scheduler.serving import looks_kept
from scheduler.usecases.staff.looks import Listing, Onlooker, Seen, write_looks
from scheduler.usecases.staff.tokens import create_token
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.support.statements import statements_of_pages
from tests.web.support.desk_staff import Desk, make_staff
from tests.web.support.pages import plain

DAY = MONDAY.isoformat()


@pytest.fixture
def clinic(session: Session) -> Iterator[time_machine.Traveller]:
    make_clinic(session, practitioners=2)
    make_staff(session, "receptionist", "owner")
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def seen(app: Flask, session: Session) -> set[tuple[str, str, int]]:
    with app.app_context():
        looks_kept.of(app).flush()
    session.rollback()
    found = {(row.actor, row.list_name, row.patient_id) for row in session.scalars(select(Look))}
    session.rollback()
    return found


def a_visit(session: Session, at: str, **given: str) -> Patient:
    patient = make_patient(session)
    make_appointment(session, patient=patient, starts_local=local(MONDAY, at), **given)
    session.commit()
    return patient


def test_lists_of_the_desk_say_who_was_on_them(app: Flask, clinic: object, session: Session) -> None:
    amelie = a_visit(session, "10:00")
    undated = make_patient(session, birth_date=None)
    session.add(
        Message(
            direction="in",
            kind="reply",
            number=amelie.phone_account.number,
            body="Hello",
            status="received",
            created_at=NOW,
            patient_id=amelie.id,
            for_desk=True,
        )
    )
    session.commit()
    desk = Desk(app.test_client(), session)
    for page in (f"list?day={DAY}", f"sheet?day={DAY}&who=all", f"calendar.json?day={DAY}", "outbox", "inbox"):
        assert desk.client.get(f"/desk/{page}").status_code == 200
    assert desk.get("/desk/who-is-who").status_code == 200
    assert seen(app, session) == {
        *(("staff:receptionist", name, amelie.id) for name in ("day", "sheet", "calendar", "outbox", "inbox")),
        ("staff:receptionist", "who_is_who", undated.id),
    }


def test_a_list_is_written_once_a_day_and_only_what_is_new_is_added(
    app: Flask, clinic: time_machine.Traveller, session: Session
) -> None:
    first = a_visit(session, "10:00")
    desk = Desk(app.test_client(), session)
    desk.get("/desk/calendar.json", day=DAY)
    assert len(seen(app, session)) == 1
    statements = statements_of_pages(app)
    clinic.shift(timedelta(minutes=2))  # the line for now has moved on: a whole answer
    assert desk.get("/desk/calendar.json", day=DAY).status_code == 200
    assert len(seen(app, session)) == 1
    assert not [sql for sql in statements if sql.startswith(("INSERT", "UPDATE", "BEGIN"))]
    second = a_visit(session, "12:00", practitioner="p2", room="Room 2")
    desk.get("/desk/calendar.json", day=DAY)
    assert {line[2] for line in seen(app, session)} == {first.id, second.id}
    clinic.shift(timedelta(days=1))
    desk = Desk(app.test_client(), session)
    desk.get("/desk/calendar.json", day=DAY)
    seen(app, session)
    assert len(session.scalars(select(Look)).all()) == 4


def test_a_held_time_is_seen_once_it_has_a_patient(app: Flask, clinic: object, session: Session) -> None:
    patient = make_patient(session)
    held = make_appointment(
        session, patient=None, starts_local=local(MONDAY, "10:00"), status="held", hold_until=NOW + timedelta(hours=1)
    )
    desk = Desk(app.test_client(), session)
    desk.get("/desk/calendar.json", day=DAY)
    assert seen(app, session) == set()
    held.patient_id, held.status, held.hold_until, held.version = patient.id, "booked", None, 2
    session.commit()
    desk.get("/desk/calendar.json", day=DAY)
    assert seen(app, session) == {("staff:receptionist", "calendar", patient.id)}


def test_a_search_counts_once_its_results_stood_for_two_seconds(
    app: Flask, clinic: time_machine.Traveller, session: Session
) -> None:
    levy, other = make_patient(session, family_name="Levy"), make_patient(session, family_name="Leblanc")
    session.commit()
    desk = Desk(app.test_client(), session)
    for typed in ("le", "lev"):
        desk.get("/desk/patients/search", q=typed)
        with app.app_context():
            looks_kept.of(app).flush(clock.now())
        clinic.shift(timedelta(seconds=1))
    clinic.shift(timedelta(seconds=1))
    with app.app_context():
        looks_kept.of(app).flush(clock.now())
    assert seen(app, session) == {("staff:receptionist", "search_name", levy.id)}
    desk.get("/desk/patients/search", q=other.phone_account.number[-7:])
    assert ("staff:receptionist", "search_number", other.id) in seen(app, session)


def test_a_programs_lists_are_looks_too(app: Flask, clinic: object, client: FlaskClient, session: Session) -> None:
    amelie, alone = a_visit(session, "10:00"), make_patient(session)
    session.commit()
    secret = create_token(session, name="books", role="receptionist", now=NOW)
    for path in ("patients", "appointments"):
        answer = client.get(f"/api/v1/{path}", headers={"Authorization": f"Bearer {secret}"})
        assert answer.status_code == 200, answer.text
    assert seen(app, session) == {
        ("token:books", "api_patients", amelie.id),
        ("token:books", "api_patients", alone.id),
        ("token:books", "api_appointments", amelie.id),
    }


def test_what_is_there_already_stays_and_nobody_is_nothing(engine: Engine, session: Session) -> None:
    patient = make_patient(session)
    session.commit()
    who = Onlooker("staff:x", Listing.CALLS, date(2026, 11, 30), "patient")
    for hour in (0, 1):
        at = NOW + timedelta(hours=hour)
        write_looks(session, {who: Seen({patient.public_id, "gone"}, at, "192.0.2.1")})
    (line,) = session.scalars(select(Look)).all()
    assert (line.patient_id, line.at, line.day, line.address) == (patient.id, NOW, who.day, "192.0.2.1")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_could_not_be_written_waits_and_a_process_writes_by_itself(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    patient = make_patient(session)
    session.commit()
    monkeypatch.setattr(looks_kept, "HELD_SECONDS", 0.05)
    app.testing = False
    held = looks_kept.of(app)
    who = Onlooker("staff:x", Listing.CALLS, date(2026, 11, 30), "patient")
    tries: list[int] = []

    def write_at_the_third_try(session: Session, given: dict[Onlooker, Seen]) -> None:
        tries.append(len(given))
        if len(tries) < 3:
            raise OperationalError("INSERT", {}, Exception("no database"))
        write_looks(session, given)

    monkeypatch.setattr(looks_kept, "write_looks", write_at_the_third_try)
    with app.app_context():
        held.note(who, {patient.public_id}, now=NOW, address="")
        held.flush(NOW)
    deadline = monotonic() + 10
    while len(tries) < 3 and monotonic() < deadline:
        sleep(0.02)
    held.end()
    session.rollback()
    assert [line.patient_id for line in session.scalars(select(Look))] == [patient.id]


def test_the_owner_reads_who_was_shown_whom(app: Flask, clinic: object, session: Session) -> None:
    amelie = a_visit(session, "10:00")
    Desk(app.test_client(), session).get("/desk/list", day=DAY)
    seen(app, session)
    owner = Desk(app.test_client(), session, "owner")
    page = plain(owner.get("/desk/audit/lists"))
    assert "receptionist Day’s list 1 patient" in page
    one = owner.get("/desk/audit/lists", staff="receptionist", day="2026-11-27", list="day")
    assert amelie.full_name in plain(one) and amelie.full_name not in page
    assert "Day’s list" in plain(owner.get("/desk/audit/lists", patient=amelie.public_id))
    for wrong in ({"staff": "nobody"}, {"day": "x"}, {"list": "nothing"}, {"patient": "\0"}):
        assert owner.get("/desk/audit/lists", **wrong).status_code == 200
    assert Desk(app.test_client(), session).get("/desk/audit/lists").status_code == 403


def test_the_owner_sees_who_opened_records_without_a_visit_near(app: Flask, clinic: object, session: Session) -> None:
    near = a_visit(session, "10:00")
    booked_now = make_patient(session)
    make_appointment(session, patient=booked_now, starts_local=local(MONDAY + timedelta(days=40), "10:00"))
    long_ago = make_patient(session)
    past = {"starts_local": local(MONDAY - timedelta(days=30), "10:00"), "created_at": NOW - timedelta(days=60)}
    make_appointment(session, patient=long_ago, status="completed", **past)
    session.commit()
    desk = Desk(app.test_client(), session)
    for patient in (near, booked_now, long_ago):
        assert desk.get(f"/desk/patients/{patient.public_id}").status_code == 200
    owner = Desk(app.test_client(), session, "owner")
    page = owner.get("/desk/audit/without-visit")
    assert long_ago.public_id in page.text and "receptionist: 1 of 3" in plain(page)
    assert near.public_id not in page.text and booked_now.public_id not in page.text
    for narrowed in ({"staff": "owner"}, {"to": "2026-11-26"}):
        assert long_ago.public_id not in owner.get("/desk/audit/without-visit", **narrowed).text
    assert owner.get("/desk/audit/without-visit", **{"from": "x", "to": "0001-01-01", "staff": "\0"}).status_code == 200
    assert desk.get("/desk/audit/without-visit").status_code == 403
