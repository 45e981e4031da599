"""Who may act for whom: named and ended at the desk, let by one's own press, over with the 16th birthday."""

import re
import threading
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.domain.errors import Invalid
from scheduler.domain.sign_in.refusals import CodeGone
from scheduler.models import ActingCode, Appointment, AuditLine, MayActFor, Patient, PrivateVisit, Reminder, Screening
from scheduler.queries.booking.drafts import last_answers
from scheduler.usecases.housekeeping import tidy
from scheduler.usecases.patients.acting import end_acting, end_come_of_age, let_act
from scheduler.usecases.patients.acting_codes import WRONG_AN_HOUR, act_by_code, make_acting_code
from scheduler.usecases.patients.merging import merge_patients
from scheduler.usecases.texts.wrong_numbers import doubt_number
from tests.factories import MONDAY, NOW, STAFF, ZONE, local, make_appointment, make_patient
from tests.factories import let_act as standing
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import make_reminder, send_reminders
from tests.web.support.booking_clinic import BORN, KNOWN, BookingVisitor
from tests.web.support.signing_in import make_staff
from tests.web.support.signing_in import sign_in as enter_desk
from tests.web.support.visitor import Page, Visitor

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
    if born != HIS:  # it closed the number they share
        desk.get(f"/desk/patients/{luc.public_id}")
        desk.press("It is the right number")
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


def test_a_merge_carries_over_who_acts_for_whom_where_it_is_certain(
    desk: Visitor, session: Session, amelie: Patient
) -> None:
    luc, max_ = another(session, "Luc", HIS), another(session, "Max", HIS, day=3)
    leo = another(session, "Léo", date(2015, 5, 5), day=4)
    double = make_patient(session, given_name="Amélie", family_name="Roy")
    standing(session, double, leo)  # she acts
    let(session, luc, double)  # the desk said so
    standing(session, max_, double, kind="adult")
    pressed = select(MayActFor).where(MayActFor.actor_id == max_.id)
    session.scalars(pressed).one().granted_by = "patient:7"
    session.commit()
    page = desk.get(f"/desk/patients/{amelie.public_id}/merge/{double.public_id}").text
    assert page.count("That goes over to the record that stays.") == 2
    assert "Max Roy acts for Amélie Roy. That ends" in page
    assert "are one now" in desk.press("Merge into").text
    assert sorted(standing_now(session)) == sorted([(amelie.id, leo.id, "child"), (luc.id, amelie.id, "adult")])
    ended = session.scalars(select(MayActFor).where(MayActFor.ended_at.is_not(None))).one()
    assert (ended.actor_id, ended.ended_by) == (max_.id, "system:merged")
    said = select(AuditLine.what, AuditLine.patient_id).where(AuditLine.what == "patient.acting_ended")
    assert [tuple(line) for line in session.execute(said.order_by(AuditLine.id))] == [
        ("patient.acting_ended", max_.id),
        ("patient.acting_ended", amelie.id),
    ]


def test_a_merged_record_acts_for_nobody(session: Session, amelie: Patient) -> None:
    luc, double = another(session, "Luc", HIS), make_patient(session, given_name="Amélie", family_name="Roy")
    let(session, double, luc)
    kept, merged = amelie.public_id, double.public_id
    session.rollback()
    merge_patients(session, kept=kept, merged=merged, sure=True, now=NOW, actor=STAFF)
    assert standing_now(session) == [(amelie.id, luc.id, "adult")]
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


def test_after_the_desk_ended_it_the_shared_number_no_longer_opens_the_child(
    visitor: BookingVisitor,
    desk: Visitor,
    app: Flask,
    engine: Engine,
    session: Session,
    amelie: Patient,
    clock: time_machine.Traveller,
) -> None:
    born = date(2015, 5, 5)
    leo = on_number_of(session, amelie, another(session, "Léo", born))
    luc = on_number_of(session, amelie, another(session, "Luc", HIS, day=3))
    standing(session, amelie, leo)
    standing(session, luc, leo)
    visit = session.scalars(select(Appointment).where(Appointment.patient_id == leo.id)).one()
    make_reminder(session, visit, due_at=NOW - timedelta(minutes=5))
    desk.get(f"/desk/patients/{amelie.public_id}")
    assert "They share a number" in desk.press("End Léo Roy").text
    for browser in (visitor, BookingVisitor(app, engine)):  # hers, where she is known, and one that knows nobody
        clock.shift(timedelta(minutes=2))
        sign_in(browser)
        browser.get("/me/birth-date")
        assert "We could not match this" in browser.give_birth_date(born).text
        assert "Léo" not in browser.get("/me").text
    other = BookingVisitor(app, engine)
    clock.shift(timedelta(minutes=2))
    assert "for Léo Roy" in sign_in(other, HIS), "whom the desk has named still acts"
    sms = FakeSms()
    send_reminders(engine, sms, FakeClock(NOW))
    assert [text for text in sms.sent if "2 December" in str(text)] == []
    assert "neither opens this record nor gets texts" in desk.get(f"/desk/patients/{leo.public_id}").text
    desk.press("It is the right number")
    visitor.get("/me/birth-date")
    assert "2 December" in visitor.give_birth_date(born).text


# by one's own press


@pytest.fixture
def his_browser(app: Flask, engine: Engine) -> BookingVisitor:
    return BookingVisitor(app, engine)


HIS_NUMBER = "+16135550199"


def make_code(visitor: BookingVisitor) -> str:
    visitor.get("/me")
    visitor.follow("Let somebody see and change my visits")
    shown = visitor.press("code")
    found = re.search(r"[A-Z3-9]{4}-[A-Z3-9]{4}", shown.text)
    assert found
    return found[0]


def type_acting_code(visitor: BookingVisitor, code: str) -> Page:
    visitor.get("/me")
    visitor.follow("Act for somebody")
    return visitor.send(visitor.page.form("code"), code=code)


NO_CODE = "This code does not work."


def test_a_patient_lets_another_act_by_a_code_and_either_ends_it(
    visitor: BookingVisitor, his_browser: BookingVisitor, desk: Visitor, session: Session, amelie: Patient
) -> None:
    luc = another(session, "Luc", HIS, number=HIS_NUMBER)
    make_appointment(session, patient=amelie, starts_local=local(MONDAY, "09:00"), treatment="follow-up")
    sign_in(visitor)
    sign_in(his_browser, HIS, HIS_NUMBER)
    for ender in (visitor, his_browser):
        code = make_code(visitor)
        assert code in visitor.get("/me/acting/let").text, "loaded again"
        assert not session.scalars(select(ActingCode).where(ActingCode.code_hmac.contains(code[:4]))).all()
        assert NO_CODE in type_acting_code(visitor, code).text, "nobody acts for themselves"
        shown = type_acting_code(his_browser, f" {code.lower().replace('-', ' ')}. ")
        assert "You now see and change the visits of Amélie Roy" in shown.text
        assert "for Amélie Roy" in shown.text
        assert "Luc Roy sees and changes your visits" in visitor.get("/me").text
        assert code not in visitor.get("/me/acting/let").text, "it was used"
        assert NO_CODE in type_acting_code(his_browser, code).text
        assert standing_now(session) == [(luc.id, amelie.id, "adult")]
        record = desk.get(f"/desk/patients/{amelie.public_id}").text
        assert "entered by the patient" in record and "by a code of their own" in record
        ender.get("/me")
        ender.follow("End")
        assert "Ended:" in ender.press("End it").text
        assert standing_now(session) == []
        assert "Amélie" not in his_browser.get("/me").text
    record = desk.get(f"/desk/patients/{luc.public_id}").text
    assert record.count("Luc acted for Amélie Roy") == 2 and "ended on 27 November 2026 by the patient" in record
    said = session.scalars(select(AuditLine.what).where(AuditLine.what.startswith("patient.acting")))
    assert list(said) == 2 * ["patient.acting_code", *2 * ["patient.acting"], *2 * ["patient.acting_ended"]]


def test_a_wrong_used_or_expired_code_is_answered_alike_and_tries_are_counted(
    visitor: BookingVisitor,
    his_browser: BookingVisitor,
    session: Session,
    amelie: Patient,
    clock: time_machine.Traveller,
) -> None:
    another(session, "Luc", HIS, number=HIS_NUMBER)
    sign_in(visitor)
    sign_in(his_browser, HIS, HIS_NUMBER)
    first, last = make_code(visitor), make_code(visitor)
    for wrong in ("CDFG-CDFG", "?", first):
        assert NO_CODE in type_acting_code(his_browser, wrong).text
    clock.move_to(NOW + timedelta(minutes=59))
    assert "You now see" in type_acting_code(his_browser, last).text, "and is not counted as a wrong one"
    over = make_code(visitor)
    clock.move_to(NOW + timedelta(minutes=119))
    answers = [type_acting_code(his_browser, over) for _try in range(WRONG_AN_HOUR + 1)]
    assert [NO_CODE in answer.text for answer in answers] == [True] * WRONG_AN_HOUR + [False]
    assert answers[-1].status == 429 and "Too many codes were tried" in answers[-1].text
    assert "Too many codes were tried" in type_acting_code(his_browser, make_code(visitor)).text, "a right one as well"
    session.rollback()
    tidy(session, now=NOW + timedelta(hours=27))
    assert session.scalars(select(ActingCode.id)).all() == []


@pytest.mark.parametrize("what", ["restricted", "merged", "wrong number"])
def test_the_code_of_a_record_that_opens_nowhere_any_more_does_not_work(
    visitor: BookingVisitor, his_browser: BookingVisitor, session: Session, amelie: Patient, what: str
) -> None:
    another(session, "Luc", HIS, number=HIS_NUMBER)
    double = make_patient(session, given_name="Amélie", family_name="Roy")
    sign_in(visitor)
    sign_in(his_browser, HIS, HIS_NUMBER)
    code = make_code(visitor)
    if what == "restricted":
        amelie.restricted_at, amelie.restricted_by = NOW, "staff:front"
        session.commit()
    elif what == "merged":
        kept, merged = double.public_id, amelie.public_id
        session.rollback()
        merge_patients(session, kept=kept, merged=merged, sure=True, now=NOW, actor=STAFF)
    else:
        doubt_number(session, amelie.phone_account, said_at=NOW)
        session.commit()
    assert NO_CODE in type_acting_code(his_browser, code).text
    assert standing_now(session) == []


def test_who_is_not_16_lets_nobody_in_and_puts_nobody_out(
    visitor: BookingVisitor, session: Session, amelie: Patient
) -> None:
    born = date(2012, 5, 5)
    leo = another(session, "Léo", born, number=HIS_NUMBER)
    standing(session, amelie, leo)
    assert "Amélie Roy sees and changes your visits" in sign_in(visitor, born, HIS_NUMBER)
    assert "Let somebody" not in visitor.page.text and "Act for somebody" not in visitor.page.text
    ends = f"/me/acting/acts-for-me/{amelie.public_id}/end"
    for path in ("/me/acting/let", "/me/acting/for-somebody", ends):
        assert visitor.client.get(path).status_code == 404
        assert visitor.client.post(path, data={"csrf_token": "x"}).status_code == 404


def test_nobody_ends_what_others_have_with_each_other(
    visitor: BookingVisitor, session: Session, amelie: Patient
) -> None:
    luc, max_ = another(session, "Luc", HIS), another(session, "Max", HIS, day=3)
    standing(session, luc, max_, kind="adult")
    sign_in(visitor)
    for who in ("acts-for-me", "i-act-for", "x"):
        for other in (luc, max_):
            assert visitor.client.get(f"/me/acting/{who}/{other.public_id}/end").status_code == 404
    assert len(standing_now(session)) == 1


def test_one_code_typed_by_two_at_once_lets_one_in(engine: Engine, session: Session, amelie: Patient) -> None:
    both = [another(session, name, HIS, day=day).public_id for day, name in ((2, "Luc"), (3, "Max"))]
    secret, public_id = "s" * 32, amelie.public_id
    session.rollback()
    code = make_acting_code(
        session, public_id=public_id, number=KNOWN, secret=secret, now=NOW, today=TODAY, actor=STAFF
    )
    outcomes: list[str] = []
    together = threading.Barrier(2)

    def contend(acting: str) -> None:
        with Session(engine) as own:
            together.wait()
            try:
                act_by_code(
                    own,
                    typed=code,
                    acting=acting,
                    number=acting[:16],
                    secret=secret,
                    network_keys=(),
                    now=NOW,
                    today=TODAY,
                    actor=STAFF,
                )
                outcomes.append("in")
            except CodeGone:
                outcomes.append("gone")

    threads = [threading.Thread(target=contend, args=(one,)) for one in both]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == ["gone", "in"]
    assert len(standing_now(session)) == 1


# what a parent reads of a private visit


def private_ims(session: Session, amelie: Patient) -> tuple[Patient, Appointment]:
    """Of a child who is cleared: 1 December at three, and not shown to a parent."""
    leo = on_number_of(session, amelie, make_patient(session, given_name="Léo", birth_date=date(2015, 5, 5)))
    standing(session, amelie, leo)
    visit = make_appointment(session, patient=leo, starts_local=local(MONDAY + timedelta(days=1), "15:00"))
    session.add(PrivateVisit(appointment_id=visit.id, set_at=NOW, set_by="staff:front"))
    session.commit()
    return leo, visit


def says_nothing_of_it(page: Page) -> bool:
    return not re.search(r"\b(1 December|December 1)\b|another visit", page.text)


def test_a_parent_who_books_or_moves_reads_no_day_of_a_private_visit(
    visitor: BookingVisitor, session: Session, amelie: Patient
) -> None:
    leo, _visit = private_ims(session, amelie)
    later = make_appointment(session, patient=leo, starts_local=local(MONDAY + timedelta(days=14), "15:00"))
    sign_in(visitor)
    move = visitor.get(f"/me/visits/{later.public_id}/move")
    assert "IMS is not possible before Tuesday 8 December" in move.text and says_nothing_of_it(move)
    form = move.form("starts")
    for day in (1, 3):  # at its very time, and too near to it
        starts = local(MONDAY + timedelta(days=day), "15:00").isoformat(timespec="minutes")
        refused = visitor.send(form, starts=starts)
        assert refused.status == 409 and says_nothing_of_it(refused), refused.text
    visitor.get("/book")
    times = visitor.send(visitor.page.form("treatment"), treatment="ims", patient=leo.public_id)
    assert "after it is Monday 21 December" in times.text and says_nothing_of_it(times)
    near = visitor.get("/book")
    near = visitor.send(near.form("treatment"), treatment="follow-up", patient=leo.public_id)
    starts = local(MONDAY + timedelta(days=1), "15:00").isoformat(timespec="minutes")
    refused = visitor.send(visitor.page.form("starts"), starts=starts)
    assert refused.status == 422 and "This time cannot be booked." in refused.text
    assert "another visit" not in refused.text


def test_a_parent_who_tells_of_ims_elsewhere_neither_sees_nor_changes_a_private_visit(
    visitor: BookingVisitor, session: Session, amelie: Patient
) -> None:
    leo, visit = private_ims(session, amelie)
    version = visit.version
    sign_in(visitor)
    visitor.get("/book")
    visitor.send(visitor.page.form("treatment"), treatment="ims", patient=leo.public_id)
    visitor.choose(local(MONDAY + timedelta(days=14), "15:00"))
    told = {"needled_on_day": "26", "needled_on_month": "11", "needled_on_year": "2026"}
    page = visitor.send(visitor.page.form("applies"), applies=["needled_elsewhere"], **told)
    assert "Please call us" in page.text and says_nothing_of_it(page), page.text
    again = visitor.get(f"/book/{visitor.token}/settle")
    assert says_nothing_of_it(again) and visit.public_id not in again.html
    session.rollback()
    session.refresh(visit)
    assert (visit.version, visit.status) == (version, "booked")


def test_a_parent_does_not_read_what_was_answered_for_a_private_visit(session: Session, amelie: Patient) -> None:
    leo, visit = private_ims(session, amelie)
    screening = Screening(
        patient_id=leo.id, appointment_id=visit.id, answers={"pregnancy": True}, flagged=True, answered_at=NOW
    )
    session.add(screening)
    session.commit()
    assert last_answers(session, leo.id, ZONE) is None
    session.delete(session.get_one(PrivateVisit, visit.id))
    session.commit()
    assert last_answers(session, leo.id, ZONE) is not None
