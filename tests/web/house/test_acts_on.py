"""Every form that acts says on what: absent or changed, it is refused with both shown, and nothing typed is lost."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.models import Closure, Patient, ReminderCall, StaffUser, TimeOff
from scheduler.usecases.calendar import absences
from scheduler.usecases.patients.patients import take_back_clearance
from tests.factories import MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.web.support.desk_staff import Desk, make_staff
from tests.web.support.pages import plain, send

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TUESDAY = MONDAY + timedelta(days=1)
OTHER_TAB = Actor("staff", "owner")
BY_VERSION = {
    "desk_ims.answer",
    "desk_visit.set_status",
    "desk_health.answer",
    *(f"desk_visit_change.{act}" for act in ("cancel", "length", "move", "note", "private", "room")),
}
"""About one visit: the version that the page showed."""
BY_USE_CASE = {
    "desk_inbox.answer": "up to which text; whoever wrote or answered since stands above it (test_inbox.py)",
    "desk_inbox.read": "from which text to which; without them nothing is marked",
    "desk_openings.note_seen": "up to which opening; without it nothing is noted",
    "desk_patients_edit.save": "the record's version, and both are shown beside each other",
    "desk_settings.change": "seen",
    "desk_settings_pages.back_to_ours": "seen",
    "desk_settings_pages.change": "seen",
    "desk_settings_rows.change": "seen",
    "desk_settings_staff.change": "seen",
    "desk_settings_texts.back_to_ours": "seen",
    "desk_settings_texts.change": "seen",
}
"""What their forms carry; tests of their pages hold it (test_settings_*.py, test_page_texts.py, test_patients.py)."""
NEED_NONE = {
    "desk_account.": "one's own account, with the password or a code",
    "desk_asked_corrections.ask": "names the patient, and keeps what was typed",
    "desk_asked_corrections.disagree": "names the request; a second statement is refused",
    "desk_booking.register": "makes a record; whoever is alike is shown first",
    "desk_booking.save": "names patient, treatment, practitioner and time, and makes a visit",
    "desk_booking_series.dates": "leads to the plan, and changes nothing",
    "desk_booking_series.save": "names each visit that it makes",
    "desk_breaches.record": "writes a line; a line corrected already is refused",
    "desk_entrance.": "signing in and out",
    "desk_imports.export": "reads",
    "desk_imports.upload": "keeps the file that it sends",
    "desk_kept_form.discard": "one's own form",
    "desk_locked.": "locking and opening",
    "desk_protection.open_it": "opens for reading, with a reason",
    "desk_retention.look": "shows, and changes nothing",
    "desk_settings_computers.register": "this browser",
    "desk_settings_rows.add": "makes a row of what was typed",
    "desk_settings_staff.add": "makes an account of what was typed",
    "desk_settings_tokens.make": "makes a token of what was typed",
}
PATIENTS_OWN = {
    "booking.": "one's own draft; the review says what its button books (test_booking_tabs.py)",
    "birth_date.ask": "what is typed",
    "me.act_for": "the code that is typed names whom",
    "me.cancel": "the visit's version (test_forms_say_on_what.py)",
    "me.end_acting": "the address names both; ended twice is ended once",
    "me.let_act": "makes a code for whoever is signed in",
    "me.move": "the visit's version (test_forms_say_on_what.py)",
    "me.renew_calendar": "the address names the patient; another new address harms nobody",
    "my_record.ask": "what is typed",
    "my_record.disagree": "the address names the request; a second statement is refused",
    "my_record.say": "yes or no, for the number that is signed in",
    "new_number.ask": "what is typed",
    "sign_in.": "signing in and out",
    "visit_link.": "the visit's version (test_forms_say_on_what.py)",
}
ELSEWHERE = {"api_": "no forms", "twilio.": "signed by the provider"}


@pytest.fixture(autouse=True)
def at_the_clinic() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def owner(app: Flask, session: Session) -> Desk:
    make_clinic(session, practitioners=1)
    make_staff(session, "owner")
    return Desk(app.test_client(), session, "owner")


def test_every_address_that_acts_says_on_what_or_why_not(app: Flask) -> None:
    posts = {rule.endpoint for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())}
    declared = {one for one in posts if getattr(app.view_functions[one], "acts_on", None)}
    reasons = {**NEED_NONE, **PATIENTS_OWN, **ELSEWHERE}
    excused = {
        one for one in posts for start in reasons if one == start or (start[-1] in "._" and one.startswith(start))
    }
    assert posts - declared - BY_VERSION - BY_USE_CASE.keys() - excused == set()
    assert declared & (BY_VERSION | BY_USE_CASE.keys() | excused) == set()
    gone = [start for start in reasons if not any(one == start or one.startswith(start) for one in posts)]
    assert gone == [] and BY_VERSION | BY_USE_CASE.keys() <= posts


def test_a_form_about_a_visit_without_its_version_is_refused(owner: Desk, session: Session) -> None:
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(TUESDAY, "10:00"))
    sent = {
        "status": {"status": "confirmed"},
        "move": {"starts": f"{TUESDAY}T11:00", "practitioner": "p1"},
        "cancel": {"by": "patient"},
        "room": {"room": "1"},
        "length": {"minutes": "45"},
        "note": {"note": "left knee"},
        "private": {"private": "yes"},
    }
    for act, fields in sent.items():
        refused = owner.post(f"/desk/visits/{visit.public_id}/{act}", **fields)
        assert refused.status_code == 409 and "has been changed in the meantime" in refused.text, act
    session.expire_all()
    session.rollback()
    assert (visit.version, visit.starts_local, visit.status) == (1, local(TUESDAY, "10:00"), "booked")


def test_a_form_that_does_not_say_on_what_it_acts_is_refused(owner: Desk, session: Session, app: Flask) -> None:
    patient, other = (make_patient(session, given_name=name) for name in ("Ann", "Bea"))
    values = {"public_id": patient.public_id, "other_id": other.public_id, "slug": "p1", "visit_id": "none"}
    me = session.scalars(select(StaffUser.id)).one()
    session.rollback()
    tried = 0
    for rule in app.url_map.iter_rules():
        if "POST" not in (rule.methods or ()) or not getattr(app.view_functions[rule.endpoint], "acts_on", None):
            continue
        if rule.arguments & {"message_id", "token"}:
            continue  # without a text or a file there is nothing to act on: test_inbox.py, test_imports_page.py
        with app.test_request_context():
            wanted = {name: values.get(name, me if name == "staff_id" else 1) for name in rule.arguments}
            path = app.url_map.bind("").build(rule.endpoint, wanted)
        for fields in ({}, {"shown": "[]"}, {"shown": '{"x":"y"}'}):
            refused = owner.post(path, **fields)
            assert refused.status_code == 409, path
        tried += 1
    assert tried > 20


def test_a_clearance_that_somebody_took_back_meanwhile_is_not_taken_back_again(owner: Desk, session: Session) -> None:
    patient = make_patient(session, cleared=True)
    page = owner.get(f"/desk/patients/{patient.public_id}")
    take_back_clearance(session, public_id=patient.public_id, now=clock.now(), actor=OTHER_TAB)
    refused = send(owner.client, page, "take-back-clearance")
    assert refused.status_code == 409
    assert "You saw:" in plain(refused) and "Now: –" in plain(refused)


def test_hours_typed_before_somebody_changed_them_are_kept_and_sent_again(owner: Desk, session: Session) -> None:
    page = owner.client.get("/desk/hours?who=p1")
    absences.add_time_off(
        session,
        practitioner="p1",
        starts_local=local(TUESDAY, "09:00"),
        ends_local=local(TUESDAY, "17:00"),
        reason="a course",
        now=clock.now(),
        actor=OTHER_TAB,
    )
    typed = {"first": str(TUESDAY), "last": "", "begins": "", "ends": "", "reason": "the same course"}
    refused = send(owner.client, page, "time-off", **typed)
    assert refused.status_code == 409 and "a course" in plain(refused) and "the same course" in plain(refused)
    assert len(session.scalars(select(TimeOff)).all()) == 1
    session.rollback()
    again = send(owner.client, refused, "as it is now")
    assert again.status_code in (303, 422), plain(again)
    assert again.status_code == 422 or len(session.scalars(select(TimeOff)).all()) == 2


def test_two_records_are_not_merged_once_one_of_them_has_another_name(owner: Desk, session: Session) -> None:
    kept, other = (make_patient(session, given_name="Ann", family_name="Roy") for _ in range(2))
    other_id = other.public_id
    page = owner.get(f"/desk/patients/{kept.public_id}/merge/{other_id}")
    session.rollback()
    session.execute(
        update(Patient).where(Patient.family_name == "Roy", Patient.public_id == other_id).values(given_name="Bea")
    )
    session.commit()
    refused = send(owner.client, page, "Merge into", sure="yes")
    assert refused.status_code == 409
    assert "You saw: Roy, Ann" in plain(refused) and "Now: Roy, Bea" in plain(refused)
    session.expire_all()
    assert other.family_name == "Roy"


def test_a_call_is_not_ticked_off_for_a_visit_that_was_moved(owner: Desk, session: Session) -> None:
    patient = make_patient(session)
    patient.phone_account = None
    visit = make_appointment(session, patient=patient, starts_local=local(TUESDAY, "10:00"))
    page = owner.get("/desk/calls")
    moved = owner.post(f"/desk/visits/{visit.public_id}/move", starts=f"{TUESDAY}T11:00", practitioner="p1", version=1)
    assert moved.status_code == 200
    refused = send(owner.client, page, "Called")
    assert refused.status_code == 409 and "10:00" in plain(refused) and "11:00" in plain(refused)
    assert session.scalars(select(ReminderCall)).all() == []


def test_a_closure_typed_twice_is_added_once(owner: Desk, session: Session) -> None:
    closures = owner.get("/desk/closures")
    session.rollback()
    session.add(Closure(starts_local=local(TUESDAY, "09:00"), ends_local=local(TUESDAY, "12:00"), name="Snow"))
    session.commit()
    refused = send(owner.client, closures, "Add a closure", first=str(TUESDAY), name="Snow day")
    assert refused.status_code == 409
    assert "Snow day" in plain(refused) and len(session.scalars(select(Closure)).all()) == 1
