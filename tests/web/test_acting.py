"""Who may act for whom: named and ended at the desk, let by one's own press, over with the 16th birthday."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.domain.errors import Invalid
from scheduler.models import Appointment, AuditLine, MayActFor, Patient, Reminder
from scheduler.usecases.acting import end_acting, end_come_of_age, let_act
from scheduler.usecases.merging import merge_patients
from tests.factories import MONDAY, NOW, STAFF, local, make_appointment, make_patient
from tests.factories import let_act as standing
from tests.fakes import FakeClock, FakeSms
from tests.usecases.sms_clinic import make_reminder, send_reminders
from tests.web.booking_clinic import BORN, KNOWN, BookingVisitor
from tests.web.signing_in import make_staff
from tests.web.signing_in import sign_in as enter_desk
from tests.web.visitor import Visitor

TODAY = NOW.date()
HIS = date(1984, 2, 1)


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def amelie(visitor: BookingVisitor, session: Session) -> Patient:
    return make_patient(session, number=KNOWN, given_name="Amélie", family_name="Roy")


def another(session: Session, given_name: str, born: date | None, day: int = 2, number: str | None = None) -> Patient:
    """On a number of their own, with a visit that many days after MONDAY at three o'clock."""
    patient = make_patient(session, given_name=given_name, family_name="Roy", birth_date=born, number=number)
    starts = local(MONDAY + timedelta(days=day), "15:00")
    make_appointment(session, patient=patient, starts_local=starts, treatment="follow-up")
    return patient


def on_number_of(session: Session, one: Patient, other: Patient) -> Patient:
    other.phone_account = one.phone_account
    session.commit()
    return other


@pytest.fixture
def desk(app: Flask, session: Session, amelie: Patient) -> Visitor:
    make_staff(session, "front", "receptionist")
    visitor = Visitor(app.test_client())
    enter_desk(visitor.client, "front")
    return visitor


def sign_in(visitor: BookingVisitor, born: date = BORN, number: str = KNOWN) -> str:
    if visitor.get("/me/sign-in").path == "/me/sign-in":
        visitor.give_number(number)
        visitor.type_code(born=None)
    if visitor.page.path == "/me/birth-date":
        visitor.give_birth_date(born)
    return visitor.page.text


def standing_now(session: Session) -> list[tuple[int, int, str]]:
    session.rollback()
    rows = select(MayActFor.actor_id, MayActFor.patient_id, MayActFor.kind).where(MayActFor.ended_at.is_(None))
    return [(actor, patient, kind) for actor, patient, kind in session.execute(rows)]


def let(session: Session, who: Patient, whom: Patient, how_asked: str = "both were here") -> None:
    acting, patient = who.public_id, whom.public_id
    session.rollback()
    let_act(session, acting=acting, patient=patient, how_asked=how_asked, now=NOW, today=TODAY, actor=STAFF)


# at the desk


@pytest.mark.parametrize("born", [HIS, date(2015, 5, 5)])
def test_the_desk_lets_somebody_act_and_ends_it(
    visitor: BookingVisitor, desk: Visitor, session: Session, amelie: Patient, born: date
) -> None:
    luc = on_number_of(session, amelie, another(session, "Luc", born))
    assert "2 December" not in sign_in(visitor)
    page = desk.get(f"/desk/patients/{luc.public_id}/acting")
    assert "Roy, Amélie" in page.text
    form = page.form("how_asked")
    refused = desk.send(form, other=amelie.public_id, who="acts", how_asked=" ")
    assert (refused.status, "Say how it was asked" in refused.text) == (422, True)
    shown = desk.send(refused.form("how_asked"), other=amelie.public_id, who="acts", how_asked="both were here")
    assert "both were here" in shown.text and "Front" in shown.text
    assert ("until the 16th birthday" in shown.text) == (born != HIS)
    assert "for Luc Roy" in visitor.get("/me").text.replace("\n", " ")
    assert "Luc Roy" in desk.get(f"/desk/patients/{amelie.public_id}").text
    token, address = luc.feed_token, f"/feeds/{luc.feed_token}.ics"
    assert visitor.client.get(address).status_code == 200
    assert "Ended" in desk.press("End Luc Roy").text
    assert "Luc" not in visitor.get("/me").text
    assert visitor.client.get(address).status_code == 404, "who acted may have subscribed"
    session.rollback()
    session.refresh(luc)
    assert luc.feed_token != token
    said = select(AuditLine.what, AuditLine.patient_id).where(AuditLine.what.startswith("patient.acting"))
    assert [tuple(line) for line in session.execute(said.order_by(AuditLine.id))] == [
        ("patient.acting", amelie.id),
        ("patient.acting", luc.id),
        ("patient.acting_ended", amelie.id),
        ("patient.acting_ended", luc.id),
    ]


def test_the_other_person_is_found_by_search_on_any_number(desk: Visitor, session: Session, amelie: Patient) -> None:
    luc = another(session, "Luc", HIS)
    assert "Roy, Luc" not in desk.get(f"/desk/patients/{amelie.public_id}/acting").text
    page = desk.get(f"/desk/patients/{amelie.public_id}/acting?q=luc roy")
    desk.send(page.form("how_asked"), other=luc.public_id, who="acted-for", how_asked="by telephone")
    assert standing_now(session) == [(amelie.id, luc.id, "adult")]


@pytest.mark.parametrize(
    ("hers", "his", "words"),
    [
        (date(2009, 5, 5), date(2015, 5, 5), "grown up"),
        (date(2011, 5, 5), HIS, "grown up"),
        (None, HIS, "birth dates of both"),
        (BORN, None, "birth dates of both"),
    ],
)
def test_who_acts_is_grown_up_and_both_birth_dates_are_known(
    session: Session, amelie: Patient, hers: date | None, his: date | None, words: str
) -> None:
    luc = another(session, "Luc", his)
    amelie.birth_date = hers
    session.commit()
    with pytest.raises(Invalid, match=words):
        let(session, amelie, luc)
    with pytest.raises(Invalid, match="themselves"):
        let(session, amelie, amelie)
    assert standing_now(session) == []


def test_said_twice_is_said_once_and_may_be_said_again_after_it_ended(session: Session, amelie: Patient) -> None:
    luc = another(session, "Luc", HIS)
    let(session, amelie, luc)
    let(session, amelie, luc)
    assert len(standing_now(session)) == 1
    acting, patient = amelie.public_id, luc.public_id
    session.rollback()
    end_acting(session, acting=acting, patient=patient, now=NOW, actor=STAFF)
    let(session, amelie, luc)
    assert len(standing_now(session)) == 1


def test_a_merged_record_acts_for_nobody(session: Session, amelie: Patient) -> None:
    luc, double = another(session, "Luc", HIS), make_patient(session, given_name="Amélie", family_name="Roy")
    let(session, double, luc)
    kept, merged = amelie.public_id, double.public_id
    session.rollback()
    merge_patients(session, kept=kept, merged=merged, sure=True, now=NOW, actor=STAFF)
    assert standing_now(session) == []
    with pytest.raises(Invalid, match="merged"):
        let(session, double, luc)


# the 16th birthday


def test_after_the_16th_birthday_the_former_guardian_sees_nothing(
    visitor: BookingVisitor, session: Session, amelie: Patient, clock: time_machine.Traveller
) -> None:
    leo = on_number_of(session, amelie, another(session, "Léo", date(2010, 12, 3), day=14))
    standing(session, amelie, leo)
    visit = session.scalars(select(Appointment).where(Appointment.patient_id == leo.id)).one()
    assert "for Léo Roy" in sign_in(visitor)
    visitor.get("/me/birth-date")
    visitor.give_birth_date(date(2010, 12, 3))  # the guardian knows it, and the browser now knows the child as well
    sign_in(visitor)
    visitor.get("/me/birth-date")
    visitor.give_birth_date(BORN)
    feed = f"/feeds/{leo.feed_token}.ics"
    addresses = [
        f"/me/visits/{visit.public_id}/move",
        f"/me/visits/{visit.public_id}/cancel",
        f"/me/patients/{leo.public_id}/calendar",
        f"/appointments/{visit.public_id}.ics",
    ]
    assert [visitor.client.get(each).status_code for each in addresses] == [200] * 4
    clock.move_to(NOW + timedelta(days=6))
    assert "Léo" not in visitor.get("/me").text
    assert [visitor.client.get(each).status_code for each in addresses] == [404] * 4
    assert "Léo" not in visitor.get("/book").html
    session.rollback()
    end_come_of_age(session, now=NOW + timedelta(days=6), today=date(2026, 12, 3))
    assert visitor.client.get(feed).status_code == 404
    assert session.scalars(select(MayActFor.ended_by)).one() == "system:16th birthday"


def test_before_the_16th_birthday_nothing_is_ended(session: Session, amelie: Patient) -> None:
    leo = another(session, "Léo", date(2010, 12, 3))
    standing(session, amelie, leo)
    token = leo.feed_token
    end_come_of_age(session, now=NOW, today=date(2026, 12, 2))
    session.refresh(leo)
    assert leo.feed_token == token and len(standing_now(session)) == 1


def test_a_grown_up_child_is_acted_for_anew_once_asked(session: Session, amelie: Patient) -> None:
    leo = another(session, "Léo", date(2010, 11, 3))
    standing(session, amelie, leo)
    let(session, amelie, leo)
    assert standing_now(session) == [(amelie.id, leo.id, "adult")]


# not shown to a parent


def private_child(session: Session, amelie: Patient, born: date = date(2015, 5, 5)) -> tuple[Patient, Appointment]:
    leo = on_number_of(session, amelie, another(session, "Léo", born, day=1))
    standing(session, amelie, leo, kind="child" if born.year > 2010 else "adult")
    return leo, session.scalars(select(Appointment).where(Appointment.patient_id == leo.id)).one()


def set_at_desk(desk: Visitor, visit: Appointment, value: str = "yes") -> str:
    desk.get(f"/desk/visits/{visit.public_id}")
    return desk.press("Not shown to a parent" if value == "yes" else "Show it again").text


def test_a_visit_not_shown_to_a_parent_leaves_lists_pages_feeds_and_files(
    visitor: BookingVisitor, desk: Visitor, session: Session, amelie: Patient
) -> None:
    leo, visit = private_child(session, amelie)
    feed = f"/feeds/{leo.feed_token}.ics"
    assert "for Léo Roy" in sign_in(visitor)
    key = next(href for href, _words in visitor.page.links if f"/appointments/{visit.public_id}.ics" in href)
    pages = [f"/me/visits/{visit.public_id}/{what}" for what in ("move", "cancel")]
    assert [visitor.client.get(each).status_code for each in (*pages, key)] == [200] * 3
    before = visitor.client.get(feed)
    assert visit.public_id in before.text or "DTSTART" in before.text
    said = set_at_desk(desk, visit)
    assert "Not shown to a parent" in said and "nothing is texted, the visit is on the call list" in said
    assert "for Léo Roy" not in visitor.get("/me").text
    assert [visitor.client.get(each).status_code for each in (*pages, key)] == [404] * 3
    after = visitor.client.get(feed, headers={"If-None-Match": before.headers["ETag"]})
    assert after.status_code == 200 and "DTSTART;" not in after.text.partition("BEGIN:VEVENT")[2]
    assert "Shown again" in set_at_desk(desk, visit, "no")
    assert "for Léo Roy" in visitor.get("/me").text
    assert visitor.client.get(key).status_code == 200


def test_a_private_visit_shows_to_the_patient_of_16_or_over(
    visitor: BookingVisitor, desk: Visitor, session: Session, amelie: Patient
) -> None:
    _luc, visit = private_child(session, amelie, HIS)
    set_at_desk(desk, visit)
    assert "1 December" not in sign_in(visitor)
    visitor.get("/me/birth-date")
    assert "1 December" in visitor.give_birth_date(HIS).text


@pytest.mark.parametrize(
    ("born", "alone", "texted"),
    [(HIS, True, True), (HIS, False, False), (date(2015, 5, 5), True, False), (None, True, False)],
)
def test_no_text_about_a_private_visit_goes_to_a_number_that_is_not_the_patients_alone(
    desk: Visitor, session: Session, engine: Engine, amelie: Patient, born: date | None, alone: bool, texted: bool
) -> None:
    luc = another(session, "Luc", born, day=1)
    if not alone:
        on_number_of(session, amelie, luc)
    visit = session.scalars(select(Appointment).where(Appointment.patient_id == luc.id)).one()
    make_reminder(session, visit, due_at=NOW - timedelta(minutes=5))
    set_at_desk(desk, visit)
    sms = FakeSms()
    send_reminders(engine, sms, FakeClock(NOW))
    assert bool(sms.sent) == texted
    session.rollback()
    assert session.scalars(select(Reminder.reason)).one() == (None if texted else "not shown to a parent")
    called = desk.get("/desk/calls").text
    assert ("speak to the patient alone" in called) == (not texted)


def test_the_desk_is_told_to_ask_for_a_missing_birth_date(desk: Visitor, session: Session, amelie: Patient) -> None:
    who = [another(session, "Max", None, day=3), another(session, "Luc", HIS, day=4)]
    visits = [
        session.scalars(select(Appointment.public_id).where(Appointment.patient_id == one.id)).one() for one in who
    ]
    session.rollback()
    told = ["Birth date missing: ask." in desk.get(f"/desk/visits/{visit}").text for visit in visits]
    assert told == [True, False]


def test_the_demo_says_on_its_first_page_with_what_to_sign_in(app: Flask, session: Session) -> None:
    assert "14 March 1986" not in app.test_client().get("/").text, "another clinic"
    make_patient(session, number=KNOWN, given_name="Amélie", family_name="Lévesque")
    for language, born in (("en", "March 14, 1986"), ("fr", "14 mars 1986")):
        page = app.test_client().get("/", headers={"Accept-Language": language}).text
        assert born in page or "14 March 1986" in page
        assert "613-555-0142" in page
    app.config["DEMO"] = False
    assert "613-555-0142" not in app.test_client().get("/").text
