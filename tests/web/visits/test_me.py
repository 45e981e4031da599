"""My visits: seeing, moving, cancelling and subscribing; and that nobody does so with another number's."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.models import Appointment, AppointmentHistory, Patient
from scheduler.usecases.booking.booking import cancel_appointment, move_appointment
from scheduler.usecases.visits.links import make_link
from tests.factories import CLINIC, MONDAY, NOW, let_act, local, make_appointment, make_clinic, make_patient
from tests.support.statements import statements_of_pages
from tests.web.support.pages import form_of, forms, path_of, plain, send, sign_in

DAY = timedelta(days=1)
DESK = Actor("staff", "desk")


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    """Friday 27 November, 10:00 at the clinic."""
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def patient(app: Flask, session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session, given_name="Amélie", family_name="Roy")


@pytest.fixture
def mine(app: Flask, session: Session, patient: Patient) -> FlaskClient:
    """A browser signed in as the patient."""
    client = app.test_client()
    sign_in(client, session, patient)
    return client


@pytest.fixture
def visit(session: Session, patient: Patient) -> Appointment:
    """IMS on Tuesday 1 December, 10:00."""
    return make_appointment(session, patient=patient, starts_local=local(MONDAY + DAY, "10:00"))


def now_in(session: Session, visit: Appointment) -> Appointment:
    session.rollback()
    session.refresh(visit)
    return visit


def move_there(client: FlaskClient, visit: Appointment, to: datetime, **typed: str):  # type: ignore[no-untyped-def]
    page = client.get(f"/me/visits/{visit.public_id}/move?practitioner=anyone&day={to.date()}")
    return send(client, page, "move", starts=to.isoformat(timespec="minutes"), **typed)


# Seeing


def test_the_page_lists_what_is_ahead_and_what_is_past(
    mine: FlaskClient, session: Session, patient: Patient, visit: Appointment
) -> None:
    make_appointment(session, patient=patient, starts_local=local(MONDAY - 14 * DAY, "11:00"), status="completed")
    make_appointment(session, patient=patient, starts_local=local(MONDAY - 21 * DAY, "11:00"), status="no_show")
    cancelled = make_appointment(session, patient=patient, starts_local=local(MONDAY + 9 * DAY, "11:00"))
    cancel_appointment(session, clinic=CLINIC, public_id=cancelled.public_id, reason="", now=NOW, actor=DESK)
    words = plain(mine.get("/me"))
    ahead, past = words.split("Past and cancelled")
    assert "Tuesday 1 December, 10:00 am" in ahead and "IMS" in ahead and "Pat1 Doe1" in ahead and "Booked" in ahead
    assert "9 December" not in ahead
    for told in ("16 November 2026", "Took place", "9 November 2026", "Missed", "9 December 2026", "Cancelled"):
        assert told in past, told


def test_a_hold_and_a_visit_elsewhere_are_not_listed(mine: FlaskClient, session: Session, patient: Patient) -> None:
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), status="held", hold_until=NOW + DAY)
    make_appointment(
        session, patient=patient, starts_local=local(MONDAY - 7 * DAY, "10:00"), status="completed", origin="elsewhere"
    )
    words = plain(mine.get("/me"))
    assert "no visit ahead" in words and "Past and cancelled" not in words


def test_a_child_is_listed_together_with_the_parent_by_name(
    mine: FlaskClient, session: Session, patient: Patient, visit: Appointment
) -> None:
    child = make_patient(session, given_name="Léo", family_name="Roy", birth_date=date(2016, 5, 1))
    child.phone_account = patient.phone_account
    let_act(session, patient, child)
    make_appointment(session, patient=child, starts_local=local(MONDAY, "15:00"), treatment="follow-up")
    words = plain(mine.get("/me"))
    assert "for Amélie Roy" in words and "for Léo Roy" in words
    assert words.index("for Léo Roy") < words.index("for Amélie Roy"), "the soonest first"
    assert "Calendar of Amélie" in words and "Calendar of Léo" in words


def test_the_page_makes_the_same_few_queries_however_much_it_shows(
    app: Flask, mine: FlaskClient, session: Session, patient: Patient
) -> None:
    statements = statements_of_pages(app)

    def counted() -> int:
        statements.clear()
        assert mine.get("/me").status_code == 200
        return len([statement for statement in statements if statement.startswith("SELECT")])

    few = counted()
    for week in range(8):
        make_appointment(session, patient=patient, starts_local=local(MONDAY + week * 7 * DAY, "10:00"))
        make_appointment(
            session, patient=patient, starts_local=local(MONDAY - (week + 2) * 7 * DAY, "10:00"), status="completed"
        )
    assert counted() == few <= 5


def test_only_a_few_past_visits_are_shown_until_all_are_asked_for(
    mine: FlaskClient, session: Session, patient: Patient
) -> None:
    for week in range(7):
        make_appointment(
            session, patient=patient, starts_local=local(MONDAY - (week + 1) * 7 * DAY, "10:00"), status="completed"
        )
    assert plain(mine.get("/me")).count("Took place") == 5 and "Show all" in plain(mine.get("/me"))
    everything = plain(mine.get("/me?past=all"))
    assert everything.count("Took place") == 7 and "Show all" not in everything


def test_pages_are_in_french_as_well(mine: FlaskClient, visit: Appointment) -> None:
    page = mine.get("/me?lang=fr")
    assert '<html lang="fr">' in page.text and "mardi 1er décembre à 10 h" in plain(page)


# Cancelling


def test_cancelling_asks_first_and_then_says_so(mine: FlaskClient, session: Session, visit: Appointment) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/cancel")
    assert "Tuesday 1 December, 10:00 am" in plain(page)
    assert now_in(session, visit).status == "booked", "a GET changes nothing"
    assert path_of(send(mine, page, "Cancel the visit", reason=" I have\x00a cold ")) == "/me"
    gone = now_in(session, visit)
    assert (gone.status, gone.changed_why, gone.changed_by) == (
        "cancelled",
        "I have a cold",
        f"patient:{gone.patient.phone_account_id}",  # type: ignore[union-attr]
    )
    words = plain(mine.get("/me"))
    assert "Your visit on Tuesday 1 December, 10:00 am is cancelled." in words and "no visit ahead" in words


def test_a_double_click_and_the_back_button_cancel_once(
    mine: FlaskClient, session: Session, visit: Appointment
) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/cancel")
    for _click in range(3):
        assert path_of(send(mine, page, "Cancel the visit")) == "/me"
    assert now_in(session, visit).version == 2
    assert "can no longer be changed" in plain(mine.get(f"/me/visits/{visit.public_id}/cancel"))


def test_cancelling_what_was_moved_in_another_tab_is_asked_again(
    mine: FlaskClient, session: Session, visit: Appointment
) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/cancel")
    move_there(mine, visit, local(MONDAY + 2 * DAY, "11:00"))
    answer = send(mine, page, "Cancel the visit", reason="a cold")
    assert answer.status_code == 409 and "changed in the meantime" in plain(answer)
    assert "Wednesday 2 December, 11:00 am" in plain(answer) and "a cold" in answer.text
    assert now_in(session, visit).status == "booked"
    assert path_of(send(mine, answer, "Cancel the visit")) == "/me"


def test_a_reason_too_long_is_said_at_the_field(mine: FlaskClient, session: Session, visit: Appointment) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/cancel")
    answer = send(mine, page, "Cancel the visit", reason="x" * 501)
    assert answer.status_code == 422 and 'href="#reason"' in answer.text and "x" * 501 in answer.text
    assert now_in(session, visit).status == "booked"


@pytest.mark.parametrize(
    ("minutes_to_the_limit", "open_"), [(1, True), (0, True), (-1, False)], ids=["before", "at", "after"]
)
@pytest.mark.parametrize("action", ["cancel", "move"])
def test_until_24_hours_before_and_then_by_telephone(
    mine: FlaskClient,
    session: Session,
    visit: Appointment,
    clock: time_machine.Traveller,
    action: str,
    minutes_to_the_limit: int,
    open_: bool,
) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/{action}")
    clock.move_to(visit.starts_at - DAY - timedelta(minutes=minutes_to_the_limit))
    later = mine.get(f"/me/visits/{visit.public_id}/{action}")
    assert bool([form for form in forms(later) if action in form.action or "version" in form.fields]) is open_
    assert (f'href="tel:{CLINIC.phone}"' in later.text.split("<footer")[0]) is not open_
    if not open_:
        assert "until Monday 30 November, 10:00 am" in plain(later)
        assert f"/me/visits/{visit.public_id}/{action}" not in mine.get("/me").text
    starts = local(MONDAY + 3 * DAY, "11:00").isoformat(timespec="minutes")
    answer = send(mine, page, "Cancel the visit" if action == "cancel" else "Move to", starts=starts)
    assert (answer.status_code == 303) is open_
    assert (now_in(session, visit).version == 2) is open_


# Moving


def test_moving_offers_the_times_of_a_booking_and_leaves_the_visit_itself_out(
    mine: FlaskClient, session: Session, visit: Appointment
) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/move?day={MONDAY + DAY}")
    assert "Now: Tuesday 1 December, 10:00 am" in plain(page)
    assert f'value="{local(MONDAY + DAY, "10:15").isoformat(timespec="minutes")}"' in page.text, "it is in its own way"


def test_moving_keeps_the_visit_and_changes_its_time(mine: FlaskClient, session: Session, visit: Appointment) -> None:
    assert path_of(move_there(mine, visit, local(MONDAY + 2 * DAY, "11:00"))) == "/me"
    moved = now_in(session, visit)
    assert (moved.starts_local, moved.version, moved.status) == (local(MONDAY + 2 * DAY, "11:00"), 2, "booked")
    assert moved.practitioner and moved.practitioner.slug == "p1", "the same one, being free"
    assert "Your visit is now on Wednesday 2 December, 11:00 am." in plain(mine.get("/me"))
    by = session.scalars(select(AppointmentHistory.changed_by).order_by(AppointmentHistory.version.desc())).first()
    assert by == f"patient:{moved.patient.phone_account_id}"  # type: ignore[union-attr]


def test_moving_to_somebody_else_by_choice(mine: FlaskClient, session: Session, visit: Appointment) -> None:
    to = local(MONDAY + 2 * DAY, "11:00")
    page = mine.get(f"/me/visits/{visit.public_id}/move?practitioner=p2&day={to.date()}")
    assert path_of(send(mine, page, "Move to", starts=to.isoformat(timespec="minutes"))) == "/me"
    moved = now_in(session, visit)
    assert moved.practitioner and moved.practitioner.slug == "p2"


def test_a_double_click_moves_once(mine: FlaskClient, session: Session, visit: Appointment) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/move?day={MONDAY + 2 * DAY}")
    for _click in range(3):
        assert path_of(send(mine, page, "Move to", starts="2026-12-02T11:00")) == "/me"
    assert now_in(session, visit).version == 2


def test_moving_from_a_tab_that_shows_an_old_time_is_asked_again(
    mine: FlaskClient, session: Session, visit: Appointment
) -> None:
    old_tab = mine.get(f"/me/visits/{visit.public_id}/move?day={MONDAY + 2 * DAY}")
    move_there(mine, visit, local(MONDAY + 3 * DAY, "14:00"))
    answer = send(mine, old_tab, "Move to", starts="2026-12-02T11:00")
    assert answer.status_code == 409 and "Now: Thursday 3 December, 2:00 pm" in plain(answer)
    assert now_in(session, visit).starts_local == local(MONDAY + 3 * DAY, "14:00")


def test_a_time_lost_to_somebody_else_is_said_with_the_nearest_ones(
    mine: FlaskClient, session: Session, visit: Appointment
) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/move?day={MONDAY + 2 * DAY}&practitioner=p2")
    make_appointment(
        session,
        patient=make_patient(session),
        starts_local=local(MONDAY + 2 * DAY, "11:00"),
        practitioner="p2",
    )
    answer = send(mine, page, "Move to", starts="2026-12-02T11:00")
    assert answer.status_code == 409 and "Somebody else has just taken this time" in plain(answer)
    nearest = form_of(answer, "Move to Wednesday 2 December")
    assert len(nearest.buttons) == 3
    assert path_of(send(mine, answer, "Move to Wednesday 2 December", starts="2026-12-02T11:45")) == "/me"
    assert now_in(session, visit).starts_local == local(MONDAY + 2 * DAY, "11:45")


def test_the_seven_days_bind_a_move_as_well(
    mine: FlaskClient, session: Session, patient: Patient, visit: Appointment
) -> None:
    make_appointment(session, patient=patient, starts_local=local(MONDAY + 8 * DAY, "10:00"))
    page = mine.get(f"/me/visits/{visit.public_id}/move?practitioner=anyone&day={MONDAY + 2 * DAY}")
    offered = [row for row in (MONDAY + 2 * DAY, MONDAY + 14 * DAY) if f'id="open-{row}"' in page.text]
    assert offered == [], "neither within seven days before nor after"
    answer = send(mine, page, "Move to", starts="2026-12-02T10:00") if forms(page) else page
    assert now_in(session, visit).version == 1
    assert answer.status_code in (200, 409)


@pytest.mark.parametrize(
    "starts",
    [
        *("", "soon", "2026-02-30T10:00", "x" * 5000, "\x00", "2026-12-02T11:00Z", "2026-12-02T11:07"),
        *("9999-12-31T23:45", "2020-01-06T10:00", "2026-12-02T03:00", "2027-03-14T02:30", "2026-12-06T10:00"),
    ],
)
def test_a_start_that_cannot_be_is_refused_with_words_and_the_times(
    mine: FlaskClient, session: Session, visit: Appointment, starts: str
) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/move")
    answer = send(mine, page, "Move to", starts=starts)
    assert answer.status_code in (409, 422) and 'id="problem"' in answer.text and 'id="times"' in answer.text
    assert now_in(session, visit).version == 1


@pytest.mark.parametrize(
    "query",
    ["?practitioner=nobody", "?day=tomorrow", "?from=9999-12-31", "?from=0001-01-01&day=2026-99-99", "?past=\x00"],
)
def test_an_odd_address_shows_the_times_all_the_same(mine: FlaskClient, visit: Appointment, query: str) -> None:
    assert mine.get(f"/me/visits/{visit.public_id}/move{query}").status_code == 200


@pytest.mark.parametrize("practitioner", ["nobody", "\x00", "x" * 500])
def test_a_practitioner_who_is_not_there_is_refused_with_words(
    mine: FlaskClient, session: Session, visit: Appointment, practitioner: str
) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/move")
    answer = send(mine, page, "Move to", starts="2026-12-02T11:00", practitioner=practitioner)
    assert answer.status_code == 409 and now_in(session, visit).version == 1


def test_a_visit_cancelled_by_the_desk_is_not_moved(mine: FlaskClient, session: Session, visit: Appointment) -> None:
    page = mine.get(f"/me/visits/{visit.public_id}/move")
    cancel_appointment(session, clinic=CLINIC, public_id=visit.public_id, reason="", now=NOW, actor=DESK)
    answer = send(mine, page, "Move to", starts="2026-12-02T11:00")
    assert "can no longer be changed" in plain(answer) and now_in(session, visit).status == "cancelled"


def test_a_confirmed_visit_moved_by_the_desk_shows_its_new_time(
    mine: FlaskClient, session: Session, visit: Appointment
) -> None:
    to = local(MONDAY + 3 * DAY, "9:30".zfill(5))
    move_appointment(
        session, clinic=CLINIC, public_id=visit.public_id, starts_local=to, practitioner=None, now=NOW, actor=DESK
    )
    assert "Thursday 3 December, 9:30 am" in plain(mine.get("/me"))


# The calendar


def test_the_calendar_page_gives_the_feed_in_every_kind_of_way(
    mine: FlaskClient, patient: Patient, visit: Appointment
) -> None:
    page = mine.get(f"/me/patients/{patient.public_id}/calendar")
    token = patient.feed_token
    assert f"webcal://127.0.0.1:8000/feeds/{token}.ics" in page.text
    assert "https://calendar.google.com/calendar/r?cid=webcal%3A%2F%2F" in page.text
    assert "https://outlook.live.com/calendar/0/addfromweb?url=http" in page.text
    assert 'data-copy="#feed-address"' in page.text and "every few hours" in plain(page)
    assert mine.get(f"/feeds/{token}.ics").status_code == 200


def test_a_renewed_calendar_has_another_address_and_the_old_one_is_dead(
    mine: FlaskClient, session: Session, patient: Patient
) -> None:
    old = patient.feed_token
    page = mine.get(f"/me/patients/{patient.public_id}/calendar")
    answer = send(mine, page, "renew")
    session.rollback()
    session.refresh(patient)
    assert patient.feed_token != old
    renewed = mine.get(path_of(answer))
    assert patient.feed_token in renewed.text and old not in renewed.text and "new address" in plain(renewed)
    assert mine.get(f"/feeds/{old}.ics").status_code == 404
    assert mine.get(f"/feeds/{patient.feed_token}.ics").status_code == 200


def test_the_links_to_a_visits_file_work_where_nobody_is_signed_in(
    app: Flask, mine: FlaskClient, visit: Appointment
) -> None:
    page = mine.get("/me").text
    link = page[page.index("/appointments/") :].split('"')[0].replace("&amp;", "&")
    assert app.test_client().get(link).status_code == 200


# Two patients


@pytest.fixture
def others(session: Session, patient: Patient) -> Appointment:
    """A visit of somebody with another number."""
    return make_appointment(
        session, patient=make_patient(session), starts_local=local(MONDAY + DAY, "14:00"), practitioner="p2"
    )


ADDRESSES = [
    ("GET", "/me/visits/{visit}/cancel"),
    ("POST", "/me/visits/{visit}/cancel"),
    ("GET", "/me/visits/{visit}/move"),
    ("POST", "/me/visits/{visit}/move"),
    ("GET", "/me/patients/{patient}/calendar"),
    ("POST", "/me/patients/{patient}/calendar/renew"),
    ("GET", "/appointments/{visit}.ics"),
]


@pytest.mark.parametrize(("method", "address"), ADDRESSES)
def test_another_numbers_visit_or_patient_does_not_exist(
    mine: FlaskClient, session: Session, visit: Appointment, others: Appointment, method: str, address: str
) -> None:
    assert others.patient
    token, theirs = others.patient.feed_token, {"visit": others.public_id, "patient": others.patient.public_id}
    with_token = form_of(mine.get("/me"), "sign-out").fields | {"starts": "2026-12-02T11:00", "version": "1"}
    answer = mine.open(address.format(**theirs), method=method, data=with_token if method == "POST" else None)
    unknown = mine.open(
        address.format(visit="x" * 22, patient="x" * 22), method=method, data=with_token if method == "POST" else None
    )
    assert answer.status_code == unknown.status_code == 404
    assert plain(answer).split("Reference")[0] == plain(unknown).split("Reference")[0], "no telling which"
    assert now_in(session, others).version == 1 and others.patient.feed_token == token


@pytest.mark.parametrize(("method", "address"), [row for row in ADDRESSES if "/me/" in row[1]])
def test_nobody_signed_out_gets_in(
    client: FlaskClient, session: Session, visit: Appointment, patient: Patient, method: str, address: str
) -> None:
    there = address.format(visit=visit.public_id, patient=patient.public_id)
    answer = client.open(there, method=method, data={"starts": "2026-12-02T11:00"})
    assert path_of(answer) == f"/me/sign-in?next={there if method == 'GET' else '/me'}"
    assert now_in(session, visit).version == 1


@pytest.mark.parametrize("address", [address for method, address in ADDRESSES if method == "POST"])
def test_a_forged_form_changes_nothing(
    mine: FlaskClient, session: Session, visit: Appointment, patient: Patient, address: str
) -> None:
    token = patient.feed_token
    there = address.format(visit=visit.public_id, patient=patient.public_id)
    answer = mine.post(there, data={"starts": "2026-12-02T11:00", "version": "1", "csrf_token": "forged"})
    assert answer.status_code == 400
    assert now_in(session, visit).version == 1
    session.refresh(patient)
    assert patient.feed_token == token


def test_nothing_changes_by_get(mine: FlaskClient, session: Session, visit: Appointment, patient: Patient) -> None:
    token = patient.feed_token
    for address in (
        f"/me/visits/{visit.public_id}/cancel?reason=x&version=1",
        f"/me/visits/{visit.public_id}/move?starts=2026-12-02T11:00&version=1",
    ):
        assert mine.get(address).status_code == 200
    assert mine.get(f"/me/patients/{patient.public_id}/calendar/renew").status_code == 405
    assert mine.get("/me/sign-out").status_code == 405
    assert now_in(session, visit).version == 1
    session.refresh(patient)
    assert patient.feed_token == token


@pytest.mark.parametrize("public_id", ["x", "%00", "1", "é" * 22, "x" * 3000, "..%2F..%2Fdesk"])
def test_an_odd_id_is_404(mine: FlaskClient, visit: Appointment, public_id: str) -> None:
    for page in ("cancel", "move"):
        assert mine.get(f"/me/visits/{public_id}/{page}").status_code == 404
    assert mine.get(f"/me/patients/{public_id}/calendar").status_code == 404


@pytest.mark.parametrize("act", ["cancel", "move"])
def test_a_form_that_does_not_say_which_version_it_shows_changes_nothing(
    mine: FlaskClient, session: Session, patient: Patient, act: str
) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY + 2 * DAY, "10:00"))
    page = mine.get(f"/me/visits/{visit.public_id}/cancel")
    token = form_of(page, "Cancel the visit").fields["csrf_token"]
    typed = {"csrf_token": token, "starts": "2026-12-02T11:00", "shown_starts": "2026-12-01T09:00"}
    answer = mine.post(f"/me/visits/{visit.public_id}/{act}", data=typed)
    assert answer.status_code == 409 and now_in(session, visit).version == 1
    both = "Your page showed it on Tuesday 1 December, 9:00 am; it is now on Wednesday 2 December, 10:00 am."
    assert both in plain(answer)


def test_a_move_near_a_visit_of_which_nobody_has_said_whether_ims_was_given_warns(
    client: FlaskClient, session: Session
) -> None:
    """Behind the link of a text as well, which names no other visit."""
    make_clinic(session)
    patient = make_patient(session, number="+16135550142")
    make_appointment(
        session,
        patient=patient,
        starts_local=local(MONDAY - 4 * DAY, "10:00"),
        treatment="follow-up",
        status="completed",
        ims_open=True,
    )
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY + 7 * DAY, "10:00"))
    link, _until = make_link(session, visit, account_id=patient.phone_account_id or 0, clinic=CLINIC, now=NOW)
    session.commit()
    page = client.get(f"/m/{link.rpartition('/')[2]}/move")
    starts = local(MONDAY + DAY, "10:00").isoformat(timespec="minutes")
    said = plain(client.get(path_of(send(client, page, "/move", starts=starts))))
    assert "If you had IMS in the week before it, this visit is too soon" in said and "November" not in said, said
    sign_in(client, session, patient)
    page = client.get(f"/me/visits/{visit.public_id}/move")
    starts = local(MONDAY + 2 * DAY, "10:00").isoformat(timespec="minutes")
    said = plain(client.get(path_of(send(client, page, "/move", starts=starts))))
    assert "We have not noted yet whether you had IMS on Thursday 26 November." in said, said
