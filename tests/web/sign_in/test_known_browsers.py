"""A number proves a telephone, not a person: what a browser may see and change, and what ends it."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.models import Appointment, BirthDateAsked, KnownBrowser, MayActFor, NumberRequest
from scheduler.usecases.patients.patients import restrict_patient, update_patient
from scheduler.usecases.sign_in.known_browsers import WRONG_DATES_A_DAY
from tests.factories import MONDAY, NOW, STAFF, let_act, local, make_appointment, make_patient
from tests.web.support.booking_clinic import BORN, KNOWN, BookingVisitor
from tests.web.support.signing_in import make_staff
from tests.web.support.signing_in import sign_in as enter_desk
from tests.web.support.visitor import Visitor

HIS = date(1984, 2, 1)
CHILD = date(2016, 5, 1)
NO_MATCH = "We could not match this."


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def hers(visitor: BookingVisitor, session: Session) -> Appointment:
    patient = make_patient(session, number=KNOWN, given_name="Amélie", family_name="Roy")
    return make_appointment(session, patient=patient, starts_local=local(MONDAY + timedelta(days=1), "10:00"))


def on_same_number(session: Session, one: Appointment, given_name: str, born: date | None) -> Appointment:
    assert one.patient
    account = one.patient.phone_account
    other = make_patient(session, given_name=given_name, family_name="Roy", birth_date=born)
    other.phone_account = account
    session.commit()
    return make_appointment(
        session, patient=other, starts_local=local(MONDAY + timedelta(days=2), "15:00"), treatment="follow-up"
    )


@pytest.fixture
def his(session: Session, hers: Appointment) -> Appointment:
    return on_same_number(session, hers, "Luc", HIS)


def sign_in(visitor: BookingVisitor, born: date | None = BORN, **typed: str) -> str:
    if visitor.get("/me/sign-in").path == "/me/sign-in":
        visitor.give_number(KNOWN)
        visitor.type_code(born=None)
    if born and visitor.page.path == "/me/birth-date":
        visitor.give_birth_date(born, **typed)
    return visitor.page.text


# (b) the birth date


def test_a_code_alone_opens_nothing(visitor: BookingVisitor, session: Session, hers: Appointment) -> None:
    assert "1 December" not in sign_in(visitor, None)
    assert visitor.page.path == "/me/birth-date"
    for path in (
        "/me",
        f"/me/visits/{hers.public_id}/move",
        f"/me/visits/{hers.public_id}/cancel",
        f"/me/patients/{hers.patient.public_id}/calendar",
    ):
        assert visitor.client.get(path).status_code == 303, path
    assert visitor.client.get(f"/appointments/{hers.public_id}.ics").status_code == 404
    assert "Amélie" not in visitor.get("/book").text


def test_the_birth_date_opens_that_patient_alone(visitor: BookingVisitor, hers: Appointment, his: Appointment) -> None:
    assert "1 December" in sign_in(visitor, BORN) and "2 December" not in visitor.page.text
    assert "Luc" not in visitor.page.html


def test_every_address_of_the_other_adult_on_the_number_is_not_found(
    app: Flask, visitor: BookingVisitor, session: Session, hers: Appointment, his: Appointment
) -> None:
    sign_in(visitor)
    token = visitor.page.form("").values[0][1]
    named = {"public_id": his.public_id}
    asked = 0
    for rule in app.url_map.iter_rules():
        if not rule.rule.startswith(("/me/", "/appointments/")) or "<" not in rule.rule:
            continue
        assert his.patient
        about = {"public_id": his.patient.public_id} if "/patients/" in rule.rule else named
        path = rule.rule.replace("<public_id>", about["public_id"])
        for method in rule.methods & {"GET", "POST"}:
            answer = visitor.client.open(path, method=method, data={"csrf_token": token, "starts": "2026-12-03T10:00"})
            assert answer.status_code == 404, (method, rule.rule)
            asked += 1
    assert asked >= 7
    session.rollback()
    session.refresh(his)
    assert (his.status, his.version) == ("booked", 1)


def test_no_page_of_a_booking_names_the_other_adult(
    visitor: BookingVisitor, engine: Engine, hers: Appointment, his: Appointment
) -> None:
    assert his.patient
    other = his.patient.public_id
    sign_in(visitor)
    visitor.get("/book")
    assert other not in visitor.page.html and "Luc" not in visitor.page.html
    refused = visitor.send(visitor.page.form("treatment"), treatment="ims-assessment", patient=other)
    assert "Choose who the visit is for." in refused.text
    visitor.send(refused.form("treatment"), treatment="ims-assessment", patient=hers.patient.public_id)
    for page in ("", "/number", "/code", "/birth-date", "/time", "/who", "/review", "/earlier-visit", "/done"):
        assert "Luc" not in visitor.get(f"/book/{visitor.token}{page}").html
        if visitor.page.path.count("/") < 2:
            break
    assert "Luc" not in visitor.page.html


@pytest.mark.parametrize("number", [KNOWN, "613-555-0199"])
def test_a_wrong_date_is_answered_alike_whether_the_number_has_patients(
    visitor: BookingVisitor, hers: Appointment, number: str
) -> None:
    visitor.get("/me/sign-in")
    visitor.give_number(number)
    visitor.type_code(born=None)
    page = visitor.give_birth_date(date(1990, 1, 1))
    assert (page.status, NO_MATCH in page.text, "New here: go on. Otherwise call us" in page.text) == (422, True, True)
    new = visitor.go_on_as_new()
    assert new.path.startswith("/book/")
    visitor.send(new.form("treatment"), treatment="ims-assessment")
    visitor.choose(local(MONDAY, "10:00"))
    assert dict(visitor.page.form("given_name").values)["birth_date_year"] == "1990", "nobody types it twice"


def test_five_wrong_dates_of_a_day_leave_only_the_desk(
    visitor: BookingVisitor, other: BookingVisitor, hers: Appointment, clock: time_machine.Traveller
) -> None:
    sign_in(visitor, None)
    for day in range(1, WRONG_DATES_A_DAY + 1):
        assert NO_MATCH in visitor.give_birth_date(date(1990, 1, day)).text
    assert "Too many dates" in visitor.give_birth_date(BORN).text
    clock.shift(timedelta(minutes=2))
    assert "Too many dates" in sign_in(other, BORN), "whatever browser"
    clock.shift(timedelta(days=1))
    assert "1 December" in sign_in(other, BORN)


def test_right_dates_are_no_wrong_ones(visitor: BookingVisitor, hers: Appointment, his: Appointment) -> None:
    sign_in(visitor)
    for born in (HIS, BORN) * 4:
        visitor.get("/me/birth-date")
        visitor.give_birth_date(born)
        assert ("1 December" in visitor.page.text) == (born == BORN)


def test_without_a_birth_date_on_file_it_is_like_a_wrong_one_and_the_desk_is_told(
    visitor: BookingVisitor, session: Session, hers: Appointment
) -> None:
    unknown = on_same_number(session, hers, "Max", None).patient
    assert NO_MATCH in sign_in(visitor, date(1950, 6, 6))
    session.rollback()
    assert unknown and session.get_one(BirthDateAsked, unknown.id).asked_at == NOW


def test_twins_give_their_first_name_too(visitor: BookingVisitor, session: Session, hers: Appointment) -> None:
    on_same_number(session, hers, "Jean-Luc", BORN)
    page = sign_in(visitor, BORN)
    assert "Type the first name too." in page and "Amélie" not in page and "Jean-Luc" not in page
    assert NO_MATCH in visitor.give_birth_date(BORN, given_name="Someone").text
    visitor.get("/me/birth-date")
    visitor.give_birth_date(BORN)
    assert "2 December" in visitor.give_birth_date(BORN, given_name="jean luc").text
    assert "1 December" not in visitor.page.text


def test_the_form_for_somebody_new_is_no_way_around_the_birth_date(
    visitor: BookingVisitor, session: Session, hers: Appointment
) -> None:
    visitor.begin()
    visitor.choose(local(MONDAY, "10:00"))
    visitor.give_number(KNOWN)
    visitor.type_code(born=date(1990, 1, 1))
    for day in range(1, 8):  # a name that is known, and dates guessed
        visitor.say_who(
            given_name="Amélie",
            family_name="Roy",
            birth_date_day=str(day),
            birth_date_month="3",
            birth_date_year="1985",
        )
        visitor.get(f"/book/{visitor.token}/who")
    visitor.say_who(given_name="Amélie", family_name="Roy")
    assert "Your visit is booked" in visitor.confirm().text
    assert "1 December" not in visitor.get("/me").text
    session.rollback()
    booked = session.scalars(select(Appointment).where(Appointment.origin == "online")).one()
    assert booked.patient_id != hers.patient_id, "the desk sees two records and asks"


# known browsers


def test_a_known_browser_asks_for_the_code_alone_until_180_days_without_use(
    visitor: BookingVisitor, hers: Appointment, clock: time_machine.Traveller
) -> None:
    sign_in(visitor)
    visitor.press("Sign out")
    clock.shift(timedelta(minutes=1))
    assert "1 December" in sign_in(visitor, None)
    clock.shift(timedelta(days=179))
    assert sign_in(visitor, None) and visitor.page.path == "/me"
    clock.shift(timedelta(days=181))
    assert sign_in(visitor, None) and visitor.page.path == "/me/birth-date"


@pytest.mark.parametrize("what", ["number", "locked", "everywhere", "shared"])
def test_what_ends_a_known_browser(
    visitor: BookingVisitor, other: BookingVisitor, session: Session, hers: Appointment, what: str
) -> None:
    sign_in(visitor)
    assert hers.patient
    who = hers.patient.public_id
    session.rollback()
    if what == "number":
        for phone in ("+16135550199", KNOWN):
            update_patient(session, public_id=who, phone=phone, now=NOW, today=NOW.date(), actor=STAFF)
    elif what == "locked":
        for restricted in (True, False):
            restrict_patient(session, public_id=who, restricted=restricted, now=NOW, actor=STAFF)
    elif what == "everywhere":
        with time_machine.travel(NOW + timedelta(minutes=1), tick=False):
            sign_in(other)
        other.press("Sign out on all devices")
    else:
        visitor.press("Others use this device")
    assert visitor.client.get("/me").status_code == 303
    with time_machine.travel(NOW + timedelta(minutes=3), tick=False):
        sign_in(visitor, None)
    assert visitor.page.path == "/me/birth-date"
    session.rollback()
    assert all(known.ended_at for known in session.scalars(select(KnownBrowser)))


def test_a_shared_device_keeps_nobody(
    visitor: BookingVisitor, hers: Appointment, clock: time_machine.Traveller
) -> None:
    assert "1 December" in sign_in(visitor, BORN, shared="yes")
    assert visitor.client.get_cookie("clinic_known") is None
    clock.shift(timedelta(minutes=61))
    assert visitor.client.get("/me").status_code == 303
    sign_in(visitor, None)
    assert visitor.page.path == "/me/birth-date"


# (c) who may act for whom


def test_a_child_is_acted_for_until_its_16th_birthday(
    visitor: BookingVisitor, session: Session, hers: Appointment, clock: time_machine.Traveller
) -> None:
    child = on_same_number(session, hers, "Léo", date(2010, 12, 3)).patient
    assert hers.patient and child
    let_act(session, hers.patient, child)
    assert "for Léo Roy" in sign_in(visitor)
    clock.move_to(local(date(2026, 12, 2), "23:00").astimezone())
    assert "Léo" in visitor.get("/me").text
    clock.move_to(NOW + timedelta(days=6))
    assert "Léo" not in visitor.get("/me").text


def test_a_child_registered_by_a_signed_in_adult_may_be_acted_for(
    visitor: BookingVisitor, session: Session, hers: Appointment
) -> None:
    sign_in(visitor)
    visitor.get("/book")
    visitor.send(visitor.page.form("treatment"), treatment="ims-assessment", patient="new")
    visitor.choose(local(MONDAY, "10:00"))
    visitor.say_who(patient="new", given_name="Zoë", birth_date_year="2018")
    visitor.confirm()
    assert "for Zoë" in visitor.get("/me").text
    session.rollback()
    assert session.scalars(select(MayActFor.how_asked)).one() == "registered the child"


def test_an_adult_registered_by_somebody_else_is_opened_by_nobody_but_themselves(
    visitor: BookingVisitor, session: Session, hers: Appointment
) -> None:
    sign_in(visitor)
    visitor.get("/book")
    visitor.send(visitor.page.form("treatment"), treatment="ims-assessment", patient="new")
    visitor.choose(local(MONDAY, "10:00"))
    visitor.say_who(patient="new", given_name="Luc", birth_date_year="1984")
    done = visitor.confirm()
    assert "Your visit is booked" in done.text and "webcal" not in done.html
    assert "Luc" not in visitor.get("/me").text


# (e) a new number


def test_a_patient_with_an_unknown_number_is_told_so_and_asks_for_it(
    visitor: BookingVisitor, session: Session, hers: Appointment
) -> None:
    visitor.begin("ims", been_before="yes")
    visitor.give_number("613-555-0199")
    page = visitor.type_code()
    assert NO_MATCH in page.text and "assessment" not in page.text.lower()
    visitor.follow("I have a new number")
    for old in ("613-555-0142", "613-555-0100"):
        form = visitor.get("/me/new-number").form("old_number")
        parts = {"birth_date_day": "14", "birth_date_month": "3", "birth_date_year": "1986"}
        assert "The clinic has been told" in visitor.send(form, old_number=old, **parts).text, "alike for all numbers"
    session.rollback()
    assert [asked.old_number for asked in session.scalars(select(NumberRequest).order_by(NumberRequest.id))] == [
        KNOWN,
        "+16135550100",
    ]


def test_one_press_at_the_desk_puts_the_new_number_in(
    app: Flask, visitor: BookingVisitor, session: Session, hers: Appointment
) -> None:
    unknown = on_same_number(session, hers, "Max", None).patient
    visitor.get("/me/sign-in")
    visitor.give_number("613-555-0199")
    visitor.type_code(born=None)
    parts = {"birth_date_day": "14", "birth_date_month": "3", "birth_date_year": "1986"}
    visitor.send(visitor.get("/me/new-number").form("old_number"), old_number="613-555-0142", **parts)
    session.rollback()
    make_staff(session, "front", "receptionist")
    desk = Visitor(app.test_client())
    enter_desk(desk.client, "front")
    shown = desk.get("/desk/who-is-who")
    assert "613-555-0199" in shown.text and "Roy, Amélie" in shown.text
    assert unknown and "Roy, Max" in shown.text, "the list of those without a birth date"
    assert "The new number is in the record of Amélie Roy." in desk.press("Put the new number in").text
    visitor.get("/me/birth-date")
    assert "1 December" in visitor.give_birth_date(BORN).text
