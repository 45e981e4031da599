"""The calendar's data, booking by telephone, and what becomes of a visit; the browser's part is in tests/browser."""

import re
from dataclasses import replace
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from scheduler.extensions import db
from scheduler.models import (
    Appointment,
    Closure,
    Message,
    Patient,
    Practitioner,
    PractitionerTreatment,
    Reminder,
    Room,
    Screening,
    StaffUser,
    TimeOff,
    WorkingHours,
)
from scheduler.queries.clinic import reference
from tests.factories import MONDAY, local, make_appointment, make_clinic, make_patient, mark_wrong
from tests.support.statements import statements_of_pages
from tests.usecases.texts.sms_clinic import make_reminder
from tests.web.support.desk_staff import Desk, make_staff, sign_in

NOW = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)  # Monday 10:30 at the clinic
TUESDAY = MONDAY + timedelta(days=1)


@pytest.fixture(autouse=True)
def at_the_clinic(client: FlaskClient) -> object:
    with time_machine.travel(NOW, tick=False) as moment:
        yield moment


@pytest.fixture
def desk(client: FlaskClient, session: Session) -> Desk:
    make_clinic(session)
    make_staff(session, "receptionist", "practitioner")
    return Desk(client, session)


def day(desk: Desk, **query: str) -> dict[str, Any]:
    answer = desk.get("/desk/calendar.json", **query)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.get_json()
    return found


def stored(session: Session, public_id: str) -> Appointment:
    session.rollback()
    return session.scalars(select(Appointment).where(Appointment.public_id == public_id)).one()


def test_a_card_says_time_patient_treatment_status_and_flags(desk: Desk, session: Session) -> None:
    patient = make_patient(session, family_name="Škvorecký", birth_date=MONDAY.replace(year=1980))
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "14:00"))
    due = {"due_at": NOW, "next_attempt_at": NOW, "status": "failed"}
    session.add(Reminder(appointment_id=visit.id, version=1, kind="days_before_1", **due))
    session.commit()
    shown = day(desk)
    (card,) = shown["visits"]
    assert (card["name"], card["what"], card["column"]) == ("Škvorecký, Amélie", "IMS", "p1")
    assert shown["times"][card["starts"][11:]] == "2:00 pm"
    assert shown["statuses"][card["status"]] == {"shape": "○", "words": "Booked", "look": "info", "fixed": False}
    said = [shown["flags"][flag][1] for flag in card["flags"]]
    assert said == ["First visit", "Reminder failed", "Health questions: ask today", "Birthday"]
    assert (card["starts"], card["ends"], card["version"]) == ("2026-11-30T14:00", "2026-11-30T14:30", 1)


def test_no_name_breaks_the_day_though_written_past_the_application(desk: Desk, session: Session) -> None:
    patient = make_patient(session, family_name="Line\nUnit\x1fRecord\x1eEnd", given_name="Zoë")
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "14:00"))
    make_appointment(session, patient=make_patient(session, family_name="Roy"), starts_local=local(MONDAY, "15:00"))
    assert [card["name"] for card in day(desk)["visits"]] == ["Line\nUnit\x1fRecord End, Zoë", "Roy, Amélie"]


def test_columns_are_practitioners_or_rooms_and_a_week_is_one_practitioners(desk: Desk, session: Session) -> None:
    make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "14:00"))
    other = {"practitioner": "p2", "room": "Room 2"}
    make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "14:00"), **other)
    assert [column["id"] for column in day(desk)["columns"]] == ["p1", "p2"]
    rooms = day(desk, view="rooms")
    assert [column["title"] for column in rooms["columns"]] == ["Room 1", "Room 2"]
    assert rooms["visits"][0]["column"] == rooms["columns"][0]["id"]
    assert [card["starts"] for card in day(desk, view="week", practitioner="p2")["visits"]] == ["2026-12-01T14:00"]


def test_what_is_not_working_time_is_shaded_and_named(desk: Desk, session: Session) -> None:
    p2 = session.scalars(select(Practitioner).where(Practitioner.slug == "p2")).one()
    end = local(MONDAY + timedelta(days=3), "00:00")
    session.add(TimeOff(practitioner_id=p2.id, starts_local=local(MONDAY, "00:00"), ends_local=end, reason="Course"))
    session.add(Closure(starts_local=local(MONDAY, "15:00"), ends_local=local(TUESDAY, "00:00"), name="Flood"))
    session.commit()
    shades = [(shade["column"], shade["starts"][-5:], shade["words"]) for shade in day(desk)["shades"]]
    assert (None, "15:00", "Closed: Flood") in shades
    assert ("p2", "00:00", "Away until Wednesday 2 December: Course") in shades
    assert [shade for shade in shades if shade[0] == "p1"] == [("p1", "00:00", ""), ("p1", "17:00", "")]


def test_what_stands_around_the_cards_is_never_that_of_before(desk: Desk, session: Session) -> None:
    assert (day(desk)["shades"][0]["column"], day(desk)["ends"]) == ("p1", "18:00")
    session.add(Closure(starts_local=local(MONDAY, "15:00"), ends_local=local(TUESDAY, "00:00"), name="Flood"))
    session.commit()
    assert "Closed: Flood" in [shade["words"] for shade in day(desk)["shades"]]
    session.execute(update(Practitioner).where(Practitioner.slug == "p1").values(given_name="Zoé"))
    session.execute(update(WorkingHours).values(closes=time(20)))
    session.commit()
    assert day(desk)["columns"][0]["title"].startswith("Zoé ")
    assert day(desk)["ends"] == "20:00"
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "20:40"))
    shown = day(desk)
    assert (shown["ends"], shown["times"], [*shown["statuses"]]) == ("22:00", {"20:40": "8:40 pm"}, ["booked"])
    desk.post(f"/desk/visits/{visit.public_id}/status", status="arrived", version=1)
    assert day(desk)["statuses"]["arrived"]["words"] == "Arrived"
    french = day(desk, lang="fr")
    assert french["statuses"]["arrived"]["words"] == "Sur place"
    assert french["times"] == {"20:40": "20\N{NO-BREAK SPACE}h\N{NO-BREAK SPACE}40"}


def test_an_unchanged_day_is_a_304_until_somebody_changes_it_or_a_minute_has_passed(
    desk: Desk, session: Session, at_the_clinic: time_machine.Traveller
) -> None:
    etag = desk.get("/desk/calendar.json").headers["ETag"]

    def again() -> int:
        return desk.client.get("/desk/calendar.json", headers={"If-None-Match": etag}).status_code

    assert again() == 304
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "14:00"))
    assert again() == 200
    etag = desk.get("/desk/calendar.json").headers["ETag"]
    assert again() == 304
    desk.post(f"/desk/visits/{visit.public_id}/status", status="arrived", version=1)
    assert again() == 200
    etag = desk.get("/desk/calendar.json").headers["ETag"]
    at_the_clinic.shift(timedelta(minutes=1))
    assert again() == 200


def test_whatever_a_card_shows_reaches_the_desks_at_once_and_leaves_the_offer_alone(
    app: Flask, desk: Desk, session: Session
) -> None:
    patient = make_patient(session, family_name="Roy")
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "14:00"))
    due = {"due_at": NOW, "next_attempt_at": NOW}
    reminder = Reminder(appointment_id=visit.id, version=1, kind="days_before_1", **due)
    answers = Screening(appointment_id=visit.id, patient_id=patient.id, answers={}, flagged=False, answered_at=NOW)
    session.add_all([reminder, answers])
    session.commit()
    with app.app_context():
        engine = db.engine
    offer = reference.state_now(engine)
    etag = desk.get("/desk/calendar.json").headers["ETag"]
    path = f"/desk/visits/{visit.public_id}"

    def shown_after_change() -> tuple[str, list[str]]:
        nonlocal etag
        session.commit()
        answer = desk.client.get("/desk/calendar.json", headers={"If-None-Match": etag})
        assert answer.status_code == 200
        etag = answer.headers["ETag"]
        assert desk.client.get("/desk/calendar.json", headers={"If-None-Match": etag}).status_code == 304
        days = answer.get_json()
        (card,) = days["visits"]
        return card["name"], [days["flags"][flag][1] for flag in card["flags"]]

    patient.family_name = "Roy-Gagnon"
    assert shown_after_change() == ("Roy-Gagnon, Amélie", ["First visit"])
    reminder.status = "failed"
    assert shown_after_change()[1] == ["First visit", "Reminder failed"]
    reminder.status = "sent"
    assert shown_after_change()[1] == ["First visit"]
    answers.flagged = True
    assert shown_after_change()[1] == ["First visit", "Screening"]
    assert reference.state_now(engine) == offer
    patient.note, reminder.reason = "deaf in one ear", "none"  # on no card
    session.commit()
    assert desk.client.get("/desk/calendar.json", headers={"If-None-Match": etag}).status_code == 304
    desk.post(f"{path}/note", note="brings a scan", version=1)
    assert shown_after_change()[1] == ["First visit", "Screening", "Note"]
    desk.post(f"{path}/note", note="", version=2)
    assert shown_after_change()[1] == ["First visit", "Screening"]


def test_whoever_watches_hears_of_changes_until_signed_out(
    desk: Desk, session: Session, at_the_clinic: time_machine.Traveller
) -> None:
    (watch,) = re.findall(r'data-watch="([^"]+)"', desk.get("/desk").text)
    stranger = desk.client.application.test_client()  # the address is enough, and says nothing but "changed"
    first = stranger.get(watch)
    assert (first.status_code, first.data) == (200, b"")

    def again(etag: str) -> int:
        return stranger.get(watch, headers={"If-None-Match": etag}).status_code

    assert again(first.headers["ETag"]) == 304
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "14:00"))
    assert again(first.headers["ETag"]) == 200
    etag = stranger.get(watch).headers["ETag"]
    assert again(etag) == 304
    desk.post(f"/desk/visits/{visit.public_id}/note", words="Late", version=1)
    assert again(etag) == 200
    etag = stranger.get(watch).headers["ETag"]
    at_the_clinic.shift(timedelta(minutes=1))
    assert again(etag) == 200
    for nobodys in ("/watch/" + "0" * 64, "/watch/x", watch + "0"):
        assert stranger.get(nobodys).status_code == 404
    desk.post("/desk/sign-out")
    assert stranger.get(watch).status_code == 404


def test_asking_for_changes_does_not_keep_anybody_signed_in(desk: Desk, at_the_clinic: time_machine.Traveller) -> None:
    for _minute in range(31):
        assert desk.get("/desk/calendar.json").status_code == 200
        at_the_clinic.shift(timedelta(minutes=1))
    assert desk.get("/desk/calendar.json").status_code == 303


@pytest.mark.parametrize("view", ["day", "week", "rooms"])
def test_the_data_takes_at_most_six_queries_whatever_the_day_holds(
    app: Flask, desk: Desk, session: Session, view: str
) -> None:
    for number in range(8):
        starts = local(MONDAY, "09:00") + timedelta(minutes=45 * number)
        make_appointment(session, patient=make_patient(session), starts_local=starts)
    day(desk, view=view)  # reads what seldom changes
    seen = statements_of_pages(app)
    assert len(day(desk, view=view, day="2026-12-01" if view == "week" else "2026-11-30")["visits"]) == 8
    assert sum(statement.lstrip().startswith("SELECT") for statement in seen) <= 6


def test_no_question_is_a_mistake_of_the_service(desk: Desk) -> None:
    for query in (
        {"day": "2026-02-30"},
        {"day": "9999-12-31", "view": "week"},
        {"view": "' OR 1=1"},
        {"practitioner": "nobody", "view": "week"},
        {"day": "0001-01-01", "view": "rooms"},
        {"day": "\0"},
    ):
        for path in ("/desk/calendar.json", "/desk"):
            assert desk.get(path, **query).status_code == 200, query


def test_a_telephone_booking(desk: Desk, session: Session) -> None:
    patient = make_patient(session, family_name="Lévesque-Roy", number="+16135559142")
    assert "Lévesque-Roy" in desk.get("/desk/book/patients", q="lévesq").text
    assert "Lévesque-Roy" in desk.get("/desk/book/patients", q="5559142").text
    step = desk.get("/desk/book", patient=patient.public_id, starts="2026-12-01T10:00", practitioner="p2").text
    assert 'value="ims" checked' in step and 'value="10:00"' in step
    fields = {"patient": patient.public_id, "treatment": "ims", "practitioner": "p2", "starts": "2026-12-01T10:00"}
    done = desk.post("/desk/book", **fields)
    assert done.status_code == 200 and done.headers["HX-Trigger"] == "desk-changed"
    assert "Confirmation" in done.text and "Undo" in done.text
    session.rollback()
    booked = session.scalars(select(Appointment)).one()
    assert (booked.origin, booked.changed_by, booked.status) == ("desk", "staff:receptionist", "booked")
    too_soon = desk.post("/desk/book", **(fields | {"starts": "2026-12-07T10:00"}))
    assert too_soon.status_code == 409
    assert "Amélie is booked for IMS on Tuesday 1 December." in too_soon.text
    assert "the next is allowed from Tuesday 8 December, 10:00 am" in too_soon.text
    assert f'href="/desk/visits/{booked.public_id}"' in too_soon.text


def test_a_visit_begun_in_a_rooms_column_is_booked_in_that_room(desk: Desk, session: Session) -> None:
    patient = make_patient(session)
    first, second = session.scalars(select(Room.id).order_by(Room.id))
    step = desk.get("/desk/book", patient=patient.public_id, starts="2026-12-01T10:00", room=str(second)).text
    assert f'value="{second}" selected' in step
    fields = {"patient": patient.public_id, "treatment": "follow-up", "starts": "2026-12-01T10:00", "room": second}
    assert desk.post("/desk/book", **fields).status_code == 200
    session.rollback()
    assert session.scalars(select(Appointment)).one().room_id == second
    other = fields | {"patient": make_patient(session).public_id}
    taken = desk.post("/desk/book", **other)
    assert taken.status_code == 409 and "Another visit is in that room then." in taken.text
    assert f"{patient.family_name}, Amélie" in taken.text  # whose visit it is
    assert desk.post("/desk/book", **(other | {"room": ""})).status_code == 200
    session.rollback()
    assert set(session.scalars(select(Appointment.room_id))) == {first, second}


def test_a_new_patient_in_the_same_panel_once_nobody_like_that_is_there(desk: Desk, session: Session) -> None:
    make_patient(session, given_name="Anna", family_name="Smith", birth_date=date(1990, 2, 3))
    form = {"given_name": "Ann", "family_name": "smith", "birth_date": "1990-02-03", "phone": "613 555 0199"}
    asked = desk.post("/desk/book/new-patient", **form, starts="2026-12-01T10:00")
    assert asked.status_code == 200 and "Is it one of these?" in asked.text
    made = desk.post("/desk/book/new-patient", **form, new="yes", starts="2026-12-01T10:00")
    assert made.status_code == 303 and "starts=2026-12-01T10%3A00" in made.location
    session.rollback()
    assert session.scalars(select(Patient).where(Patient.given_name == "Ann")).one().phone_account
    for wrong in ({"birth_date": "1990-02-31"}, {"phone": "12"}, {"given_name": ""}, {"family_name": "x" * 300}):
        answer = desk.post("/desk/book/new-patient", **(form | wrong), new="yes")
        assert answer.status_code == 422, wrong
        assert "aria-invalid" in answer.text


def test_a_dragged_card_is_moved_or_refused_with_what_to_do(desk: Desk, session: Session) -> None:
    patient = make_patient(session)
    visit = make_appointment(session, patient=patient, starts_local=local(TUESDAY, "10:00"))
    taken = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "12:00"))
    move = f"/desk/visits/{visit.public_id}/move"
    moved = desk.post(move, data=True, starts="2026-12-01T11:00", practitioner="p2", version=1)
    assert moved.get_json() == {
        "says": "Moved to Tuesday 1 December, 11:00 am.",
        "version": 2,
        "undo": {"starts": "2026-12-01T10:00", "practitioner": "p1", "room": visit.room_id, "version": 2},
    }
    refused = desk.post(move, data=True, starts="2026-12-01T12:00", practitioner="p1", version=2)
    assert refused.status_code == 409
    assert refused.get_json()["code"] == "slot-taken" and refused.get_json()["nearest"]
    assert [other["href"] for other in refused.get_json()["others"]] == [f"/desk/visits/{taken.public_id}"]
    assert stored(session, visit.public_id).starts_local == local(TUESDAY, "11:00")
    assert stored(session, taken.public_id).version == 1


def test_among_rooms_time_and_room_move_together_and_come_back_together(desk: Desk, session: Session) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    first, second = session.scalars(select(Room.id).order_by(Room.id))
    move = f"/desk/visits/{visit.public_id}/move"
    moved = desk.post(move, data=True, starts="2026-12-01T11:00", room=second, version=1).get_json()
    assert moved == {
        "says": "Moved to Tuesday 1 December, 11:00 am, Room 2.",
        "version": 2,
        "undo": {"starts": "2026-12-01T10:00", "practitioner": "p1", "room": first, "version": 2},
    }
    now = stored(session, visit.public_id)
    assert (now.starts_local, now.room_id, now.version) == (local(TUESDAY, "11:00"), second, 2)
    assert desk.post(move, data=True, **moved["undo"]).status_code == 200
    now = stored(session, visit.public_id)
    assert (now.starts_local, now.room_id) == (local(TUESDAY, "10:00"), first)
    alone = desk.post(f"/desk/visits/{visit.public_id}/room", data=True, room=second, version=3).get_json()
    assert alone["undo"] == {"room": first, "version": 4}


def test_a_visit_changed_meanwhile_is_shown_as_it_was_and_as_it_is(desk: Desk, session: Session) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    move = f"/desk/visits/{visit.public_id}/move"
    desk.post(move, starts="2026-12-01T11:00", practitioner="p1", version=1)
    late = desk.post(move, data=True, starts="2026-12-01T14:00", practitioner="p1", version=1)
    seen, now = late.get_json()["seen"]
    assert late.status_code == 409
    assert seen == "You saw: Tuesday 1 December, 10:00 am with Pat1, Booked."
    assert now.startswith("Now: Tuesday 1 December, 11:00 am with Pat1, Booked, changed by receptionist")
    assert "You saw" in desk.post(move, starts="2026-12-01T14:00", practitioner="p1", version=1).text


@pytest.mark.parametrize("starts", ["2026-12-01T18:00", "2026-11-30T09:00", "2026-12-06T12:00"])
def test_outside_hours_and_in_the_past_reception_is_asked_once(desk: Desk, session: Session, starts: str) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    move = f"/desk/visits/{visit.public_id}/move"
    fields = {"starts": starts, "practitioner": "p1", "version": 1}
    asked = desk.post(move, data=True, **fields)
    assert asked.status_code == 409 and asked.get_json()["question"].endswith("all the same?")
    assert desk.post(move, data=True, **fields, insists="yes").status_code == 200
    assert stored(session, visit.public_id).starts_local == datetime.fromisoformat(starts)


def test_a_visit_stretched_past_closing_time_asks_the_same_once(desk: Desk, session: Session) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "16:30"))
    path = f"/desk/visits/{visit.public_id}/length"
    asked = desk.post(path, data=True, minutes=60, version=1)
    assert asked.status_code == 409
    assert asked.get_json()["question"] == "The practitioner does not work at that time. Use this time all the same?"
    page = desk.post(path, minutes=60, version=1)
    form = page.text[page.text.index("/length") :]
    assert 'name="insists" value="yes"' in form and 'value="60"' in form and "<details open>" in page.text
    assert desk.post(path, minutes=60, version=1, insists="yes").status_code == 200
    assert stored(session, visit.public_id).minutes == 60


def test_no_insisting_bends_the_rule_or_books_twice(desk: Desk, session: Session) -> None:
    patient = make_patient(session)
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "09:00"), status="completed")
    make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "18:00"))
    later = make_appointment(session, patient=patient, starts_local=local(MONDAY + timedelta(days=7), "09:00"))
    move = f"/desk/visits/{later.public_id}/move"
    for starts, code in (("2026-12-06T20:00", "treatment-too-soon"), ("2026-12-01T18:15", "treatment-too-soon")):
        answer = desk.post(move, data=True, starts=starts, practitioner="p1", version=1, insists="yes")
        assert (answer.status_code, answer.get_json()["code"]) == (409, code)
    other = {"patient": make_patient(session).public_id, "treatment": "ims", "practitioner": "p1"}
    answer = desk.post("/desk/book", **other, starts="2026-12-01T18:15", insists="yes")
    assert answer.status_code == 409 and "another visit at that time" in answer.text


def test_a_visit_names_people_as_the_desk_does_and_not_by_their_user_names(desk: Desk, session: Session) -> None:
    session.execute(update(StaffUser).values(display_name="Robin Roy"))
    session.commit()
    asked = {"patient": make_patient(session).public_id, "treatment": "ims", "practitioner": "p1"}
    booked = desk.post("/desk/book", **asked, starts="2026-12-01T10:00").text
    assert "by Robin Roy on" in booked
    session.rollback()
    visit = session.scalars(select(Appointment)).one()
    path = f"/desk/visits/{visit.public_id}"
    session.rollback()
    desk.post(f"{path}/note", note="Bring shoes", version=1)
    assert "changed by Robin Roy" in desk.post(f"{path}/note", note="Another", version=1).text
    page = desk.get(path).text
    assert "Robin Roy</span><br>note changed" in page and "receptionist" not in page


def test_what_becomes_of_a_visit(desk: Desk, session: Session) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:00"))
    path = f"/desk/visits/{visit.public_id}"
    desk.post(f"{path}/status", status="arrived", version=1)
    assert "Was IMS given?" in desk.get(path, ask="complete").text
    desk.post(f"{path}/status", status="completed", version=2, ims_given="no")
    found = stored(session, visit.public_id)
    assert (found.status, found.spacing_group_id) == ("completed", None)
    assert desk.post(f"{path}/status", status="held", version=3).status_code == 409
    assert desk.post(f"{path}/status", status="nonsense", version=3).status_code == 422
    desk.post(f"{path}/status", status="no_show", version=3)
    page = desk.post(f"{path}/status", status="booked", version=4)
    assert page.status_code == 200 and "staff" not in page.text
    assert stored(session, visit.public_id).status == "booked"


def test_a_cancellation_says_who_and_why_and_is_undone_while_the_time_is_free(desk: Desk, session: Session) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    path = f"/desk/visits/{visit.public_id}"
    page = desk.post(f"{path}/cancel", reason="has a cold", by="patient", version=1).text
    assert "by the patient: has a cold" in page
    assert "The visit is cancelled," not in page
    assert desk.post(f"{path}/status", status="booked", version=2).status_code == 200
    assert 'name="text" value="yes" checked' in desk.get(path, ask="cancel").text
    told = desk.post(f"{path}/cancel", version=3, text="yes").text
    assert "The visit is cancelled," in told and ": Will be sent" in told
    session.rollback()
    other = make_patient(session, given_name="Ngozi", family_name="Okafor")
    taken = make_appointment(session, patient=other, starts_local=local(TUESDAY, "10:15"))
    refused = desk.post(f"{path}/status", status="booked", version=4)
    assert refused.status_code == 409 and "Another visit has taken its time." in refused.text
    assert "Tuesday 1 December, 10:15 am: Okafor, Ngozi · IMS · Pat1 · Room 1" in refused.text
    assert f'href="/desk/visits/{taken.public_id}"' in refused.text
    desk.post(f"/desk/visits/{taken.public_id}/cancel", version=1)
    assert desk.post(f"{path}/status", status="booked", version=4).status_code == 200


def test_what_took_a_no_shows_place_may_be_the_patients_own_next_visit(desk: Desk, session: Session) -> None:
    patient = make_patient(session)
    missed = make_appointment(session, patient=patient, starts_local=local(MONDAY, "09:00"), status="no_show")
    later = make_appointment(session, patient=patient, starts_local=local(TUESDAY, "14:00"))
    refused = desk.post(f"/desk/visits/{missed.public_id}/status", status="booked", version=1)
    assert refused.status_code == 409
    assert "Amélie is booked for IMS on Tuesday 1 December." in refused.text
    assert f'href="/desk/visits/{later.public_id}"' in refused.text


def test_bad_input_moves_nothing(desk: Desk, session: Session) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    path, nobody = f"/desk/visits/{visit.public_id}/move", {"patient": "nobody"}
    for fields in (
        {},
        {"starts": "soon"},
        {"starts": "2026-12-01T10:00:30"},
        {"starts": "9999-12-31T23:59"},
        {"starts": "2026-12-01T10:00+05:00"},
        {"starts": "2026-12-01T10:07", "version": "1"},
        {"starts": "2026-12-01T10:00", "version": "x" * 900},
        {"starts": "2026-12-01T11:00", "practitioner": "nobody"},
        {"starts": "2026-12-01T11:00\0", "version": "7"},
        {"at": "yesterday p1"},
        {"at": "2999-12-31 p1"},
    ):
        for data in (True, False):
            assert desk.post(path, data=data, **fields).status_code in (200, 404, 409, 422), fields
        assert desk.post("/desk/book", **nobody, **fields).status_code == 404
    assert stored(session, visit.public_id).version == 1


def test_practitioners_complete_visits_but_do_not_book_or_move(app: Flask, desk: Desk, session: Session) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "10:00"))
    practitioner = Desk(app.test_client(), session, "practitioner")
    path = f"/desk/visits/{visit.public_id}"
    assert practitioner.post(f"{path}/status", status="arrived", version=1).status_code == 200
    assert practitioner.post(f"{path}/move", starts="2026-12-01T10:00", version=2).status_code == 403
    assert practitioner.post(f"{path}/cancel", version=2).status_code == 403
    assert practitioner.get("/desk/book").status_code == 403
    assert "Cancel…" not in practitioner.get(path).text


def test_forbidden_times_are_named_before_the_drop(desk: Desk, session: Session) -> None:
    patient = make_patient(session)
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "14:00"))
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY + timedelta(days=10), "09:00"))
    asked = {"patient": patient.public_id, "treatment": "ims", "first": "2026-12-07", "days": "1"}
    (both,) = desk.get("/desk/forbidden.json", **asked).get_json()
    assert both["words"] == "Too close to other visits: allowed from Thursday 17 December, 9:00 am"
    (moving,) = desk.get("/desk/forbidden.json", visit=visit.public_id, first="2026-12-07").get_json()
    assert (moving["starts"], moving["ends"]) == ("2026-12-07T00:00", "2026-12-07T14:00")
    assert moving["words"] == "Too close to Monday 30 November: allowed from Monday 7 December, 2:00 pm"
    for wrong in ({"first": "x"}, {"days": "99999"}, {"treatment": "none"}, {"patient": "none"}, {"visit": "none"}):
        assert desk.get("/desk/forbidden.json", **(asked | wrong)).status_code in (200, 404)


def test_the_nearest_free_times_and_a_series_by_telephone(desk: Desk, session: Session) -> None:
    patient = make_patient(session)
    make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY + timedelta(days=8), "10:00"))
    asked = {"patient": patient.public_id, "treatment": "ims", "practitioner": "p1", "weekday": "1", "part": "morning"}
    free = desk.get("/desk/book/free", **asked).text
    assert "Tuesday 1 December, 9:00 am, Pat1" in free and "Monday" not in free and "pm" not in free
    plan = desk.get("/desk/book/series", **asked, starts="2026-12-01T10:00", count="3").text
    assert "2 visits cannot be at that time" in plan  # the third is too close to the second, now a little later
    at = ["2026-12-01T10:00 p1", "2026-12-09T10:00 p2", "2026-12-16T10:00 p1", ""]
    too_soon = desk.post("/desk/book/series", **asked, starts="2026-12-01T10:00", at=[*at, "2026-12-10T10:00 p1"])
    assert too_soon.status_code == 409 and "Nothing was booked." in too_soon.text
    done = desk.post("/desk/book/series", **asked, at=at)
    assert done.status_code == 200 and "3 visits booked" in done.text
    assert desk.post("/desk/book/series", **asked, at=["soon"]).status_code == 422
    assert desk.get("/desk/book/series", **asked).status_code == 422
    assert desk.get("/desk/book/free", **(asked | {"treatment": "none"})).status_code == 404


def test_a_booking_on_a_page_of_its_own_needs_no_calendar_beside_it(desk: Desk, session: Session) -> None:
    patient = make_patient(session)
    page = desk.get("/desk/book", patient=patient.public_id).text
    assert "htmx.min.js" in page and 'hx-get="/desk/book/free"' in page
    assert "#panel" not in page, "nothing there to put an answer into"
    assert 'formaction="/desk/book/series/dates"' in page
    asked = {"patient": patient.public_id, "treatment": "ims", "practitioner": "p1"}
    when = {"starts_day": str(TUESDAY), "starts_time": "10:00"}
    session.rollback()
    booked = make_appointment(session, patient=patient, starts_local=local(TUESDAY, "10:00"))
    form = {"csrf_token": desk.token, **asked, **when}
    refused = desk.client.post("/desk/book", data=form | {"starts_time": "15:00"})
    assert refused.status_code == 409 and f'href="/desk/visits/{booked.public_id}"' in refused.text
    assert "#panel" not in refused.text
    for button in ("/desk/book/series/dates", "/desk/book"):  # Enter in the field of the count presses the second
        led = desk.client.post(button, data=form | {"count": "3", "weekday": "", "part": ""})
        assert led.status_code == 303 and "csrf" not in led.location
        plan = desk.client.get(led.location).text
        assert plan.startswith("<!doctype html>") and "Book them all" in plan and "Tuesday 15 December" in plan
    session.rollback()
    assert session.scalars(select(Appointment.id)).all() == [booked.id]


def test_notes_and_rooms_at_the_desk(desk: Desk, session: Session) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    path = f"/desk/visits/{visit.public_id}"
    assert "brings &lt;b&gt;" in desk.post(f"{path}/note", note="brings <b>", version=1).text
    assert desk.post(f"{path}/note", note="x" * 2001, version=2).status_code == 422
    room = day(desk, view="rooms")["columns"][1]["id"]
    assert desk.post(f"{path}/room", data=True, room=room, version=2).get_json()["says"] == "Now in Room 2."
    assert desk.post(f"{path}/room", data=True, room=room, version=1).status_code == 409
    assert desk.post(f"{path}/room", room="none", version=3).status_code == 404


def test_a_resized_card_and_whom_no_text_will_reach(desk: Desk, session: Session) -> None:
    patient = make_patient(session)
    visit = make_appointment(session, patient=patient, starts_local=local(TUESDAY, "10:00"))
    path = f"/desk/visits/{visit.public_id}"
    assert desk.post(f"{path}/length", data=True, minutes=45, version=1).get_json()["says"] == "Now 45 min."
    assert day(desk, day="2026-12-01")["visits"][0]["ends"] == "2026-12-01T10:45"
    for minutes in ("7", "none", "9999999"):
        assert desk.post(f"{path}/length", data=True, minutes=minutes, version=2).status_code == 422
    session.rollback()
    make_reminder(session, visit, kind="days_before_1", due_at=NOW + timedelta(hours=1))
    shown = desk.get(path).text
    assert "nothing is texted" not in shown and ": Will be sent" in shown
    session.rollback()
    account = patient.phone_account
    for owner, changes, says in (
        (account, {"opted_out_at": NOW}, "has said STOP: nothing is texted"),
        (account, {"opted_out_at": None, "unreachable_at": NOW, "unreachable_why": "30005"}, "takes no texts"),
        (account, {"unreachable_at": None, "unreachable_why": None}, ": Will be sent"),
        (patient, {"restricted_at": NOW}, "record restricted: nothing is texted"),
    ):
        for name, value in changes.items():
            setattr(owner, name, value)
        session.commit()
        shown = desk.get(path).text
        assert says in shown and (": Will be sent" in shown) == (says == ": Will be sent"), says
        session.rollback()
    patient.restricted_at = None
    session.commit()
    mark_wrong(session, patient, stopped=True)
    assert "wrong number: nothing is texted" in (shown := desk.get(path).text) and ": Will be sent" not in shown
    session.rollback()
    patient.phone_account = None
    session.commit()
    assert "no number: nothing is texted" in desk.get(path).text


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
LATE = datetime(2026, 12, 1, 2, 30, tzinfo=UTC)  # 21:30 at the clinic, of the Monday that NOW is


@pytest.mark.parametrize(
    ("due_at", "next_at", "attempts", "says", "dit"),
    [
        (NOW, NOW + 15 * MINUTE, 2, "Being tried again, next: 10:45 am", "Nouvel essai après un échec : 10 h 45"),
        (NOW - HOUR, NOW - MINUTE, 2, "Being tried again now", "Nouvel essai en cours"),
        (LATE - HOUR, LATE, 1, "Being tried again, next: Tuesday 1 December, 8:00 am", "mardi 1er décembre à 8 h"),
        (NOW + HOUR, NOW + HOUR, 0, "Will be sent", "Sera envoyé"),
        (LATE, LATE, 0, "Will be sent: Tuesday 1 December, 8:00 am", "Sera envoyé : mardi 1er décembre à 8 h"),
        (NOW - HOUR, NOW - HOUR, 0, "Waits to be sent", "En attente d’envoi"),
    ],
)
def test_a_text_tried_again_says_so_once_and_when_next(
    desk: Desk, session: Session, due_at: datetime, next_at: datetime, attempts: int, says: str, dit: str
) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    reminder = make_reminder(
        session, visit, kind="days_before_3", due_at=due_at, next_attempt_at=next_at, attempts=attempts
    )
    for _try in range(attempts):
        session.add(
            Message(
                direction="out",
                kind="days_before_3",
                number="+16135550142",
                body="words",
                status="failed",
                error_code="unavailable",
                created_at=due_at,
                reminder_id=reminder.id,
            )
        )
    session.commit()
    page = desk.get(f"/desk/visits/{visit.public_id}").text
    assert page.count('class="line"') == 1 and f": {says}</span>" in page
    assert f"{dit}</span>" in desk.get(f"/desk/visits/{visit.public_id}", lang="fr").text.replace("\u00a0", " ")


def test_a_confirmation_that_is_tried_again_at_night_does_not_wait_for_the_morning(
    desk: Desk, session: Session
) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    make_reminder(session, visit, kind="confirmation", due_at=LATE, next_attempt_at=LATE + MINUTE, attempts=1)
    assert "next: 9:31 pm</span>" in desk.get(f"/desk/visits/{visit.public_id}").text


@pytest.mark.parametrize(
    ("reason", "says"),
    [
        ("must move", "Not sent: the visit must move"),
        ("overtaken", "Not sent: a later text says it"),
        ("too late", "Not sent: too late"),
        ("restricted", "Cannot be texted"),
    ],
)
def test_a_visit_says_why_a_reminder_was_not_sent(desk: Desk, session: Session, reason: str, says: str) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    make_reminder(session, visit, kind="days_before_1", status="suppressed", reason=reason)
    assert f": {says}<" in desk.get(f"/desk/visits/{visit.public_id}").text


@pytest.mark.parametrize("asked", ["move", "cancel", "length"])
@pytest.mark.parametrize("first", ["cancel", "move"])
def test_whoever_comes_second_is_always_told_why_nothing_happened(
    desk: Desk, session: Session, first: str, asked: str
) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    path = f"/desk/visits/{visit.public_id}"
    sent = {
        "move": {"starts_day": str(TUESDAY), "starts_time": "11:00", "practitioner": "p1"},
        "cancel": {"reason": "", "by": "patient"},
        "length": {"minutes": 45},
    }
    assert desk.post(f"{path}/{first}", **sent[first], version=1).status_code == 200
    late = desk.post(f"{path}/{asked}", **sent[asked], version=1)
    assert late.status_code == 409
    assert late.text.count('role="alert"') == 1
    assert "has been changed in the meantime" in late.text


def test_what_was_refused_is_still_in_its_form(desk: Desk, session: Session) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    path = f"/desk/visits/{visit.public_id}"
    asked = {"starts_day": str(TUESDAY), "starts_time": "22:00", "practitioner": "p2", "version": 1}
    page = desk.post(f"{path}/move", **asked).text  # outside working hours: a question, answered by the same form
    assert 'name="insists"' in page and '<option value="p2" selected>' in page and 'value="22:00"' in page
    assert desk.post(f"{path}/note", note="pain in the left knee", version=1).status_code == 200
    page = desk.post(f"{path}/note", note="pain in both knees", version=1).text
    assert "has been changed in the meantime" in page and ">pain in both knees</textarea>" in page
    page = desk.post(f"{path}/cancel", by="clinic", reason="Priya is ill", version=1).text
    assert 'value="clinic" checked' in page and 'value="Priya is ill"' in page


def test_a_clinic_that_is_not_set_up_yet_says_what_is_missing(
    client: FlaskClient, session: Session, app: Flask
) -> None:
    app.config["DEMO"] = False
    make_staff(session, "owner", "receptionist")
    desk = Desk(client, session)
    assert "the owner has still to set up the clinic" in desk.get("/desk").text
    for view in ("day", "week", "rooms"):
        assert desk.get("/desk/calendar.json", view=view).get_json()["visits"] == []
        assert desk.get("/desk", view=view).status_code == 200
    sign_in(client, session, "owner")
    page = desk.get("/desk").text
    for address in ("/desk/settings/treatments", "/desk/settings/rooms", "/desk/settings/practitioners", "/desk/hours"):
        assert f'<li><a href="{address}">' in page
    assert "Nothing can be booked online yet." in client.get("/book").text
    assert "the demo clinic’s address and telephone number (613-555-0100)" in page
    make_clinic(session, practitioners=1)
    session.execute(delete(PractitionerTreatment))
    session.commit()
    idle = desk.get("/desk").text
    assert '<li><a href="/desk/settings/practitioners">' in idle and "/desk/settings/rooms" not in idle


def test_a_clinic_that_is_set_up_is_told_nothing(client: FlaskClient, session: Session, app: Flask) -> None:
    app.config["DEMO"] = False
    make_staff(session, "owner", "receptionist")
    make_clinic(session)
    desk = Desk(client, session)
    assert "first-steps" not in desk.get("/desk").text  # the demo's number is the owner's to change
    sign_in(client, session, "owner")
    app.config["CLINIC"] = replace(app.config["CLINIC"], phone="613-555-0177", address="12 Maple Lane")
    assert "first-steps" not in desk.get("/desk").text
