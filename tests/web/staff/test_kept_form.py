"""What is typed before an idle sign-out is not lost by it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy import func, select, update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.models import Appointment, KeptForm, Patient, Room
from scheduler.usecases.housekeeping import tidy
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from tests.factories import CLINIC, MONDAY, local, make_appointment, make_clinic, make_patient
from tests.web.support.desk_staff import token
from tests.web.support.filled_forms import Fields, fields_of
from tests.web.support.pages import forms, plain, send
from tests.web.support.signing_in import PASSWORD, make_staff, press, sign_in

NOW = datetime(2026, 11, 30, 15, 30, tzinfo=UTC)
AWAY = timedelta(minutes=31)
NEW_ROOM = "/desk/settings/rooms/new"
TYPED_AGAIN = "You had been signed out before this was saved. It is typed in again below: look at it and send it."

on_sqlite = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def away() -> Iterator[Callable[[], None]]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield lambda: clock.shift(AWAY)


@pytest.fixture
def visit(client: FlaskClient, session: Session, away: Callable[[], None]) -> Appointment:
    """Of Amélie, who has sent a text; the owner is signed in."""
    make_clinic(session)
    make_staff(session)
    patient = make_patient(session, number="+16135550142")
    made = make_appointment(session, patient=patient, starts_local=local(MONDAY + timedelta(days=2), "10:00"))
    receive(session, IncomingText(sid="SMin1", number="+16135550142", body="Where?"), clinic=CLINIC, now=NOW)
    session.commit()
    sign_in(client)
    return made


@dataclass(frozen=True)
class Case:
    """`typed`: what is changed of what the page holds; an empty list is a box that is no longer ticked."""

    page: str
    action: str
    typed: Fields


CASES = {
    "a note on a visit": Case("/desk/visits/{visit}", "/desk/visits/{visit}/note", {"note": ["left <knee>\nis & was"]}),
    "a cancellation": Case(
        "/desk/visits/{visit}?ask=cancel",
        "/desk/visits/{visit}/cancel",
        {"by": ["clinic"], "reason": ['"ill"'], "text": []},
    ),
    "a move, with a select": Case(
        "/desk/visits/{visit}?ask=move",
        "/desk/visits/{visit}/move",
        {"starts_day": ["2026-12-11"], "starts_time": ["15:15"], "practitioner": ["p2"]},
    ),
    "a patient's details": Case(
        "/desk/patients/{patient}/edit",
        "/desk/patients/{patient}/edit",
        {"family_name": ["Côté"], "birth_date_year": ["19x"], "language": ["fr"], "note": [" \n two lines"]},
    ),
    "a row of the settings, with boxes and selects": Case(
        "/desk/settings/practitioners/new",
        "/desk/settings/practitioners/new",
        {"family_name": ["Ng"], "treatments": ["2", "3"], "can_needle": ["y"], "active": []},
    ),
    "a list of ticks": Case(
        "/desk/closures?province=QC", "/desk/closures/holidays", {"day": ["2026-12-25", "2027-01-01"]}
    ),
    "a line with a choice": Case("/desk/breaches", "/desk/breaches", {"kind": ["lost"], "what": ["a list"]}),
    "an answer in the inbox": Case("/desk/inbox/{text}", "/desk/inbox/{text}/answer", {"body": ["At 5, <door> B"]}),
}


@pytest.mark.parametrize("case", CASES.values(), ids=CASES)
@on_sqlite
def test_the_page_comes_back_with_what_was_typed_in_it(
    case: Case, client: FlaskClient, session: Session, visit: Appointment, away: Callable[[], None]
) -> None:
    assert visit.patient is not None
    names = {"visit": visit.public_id, "patient": visit.patient.public_id, "text": "1"}
    address, action = case.page.format(**names), case.action.format(**names)
    session.rollback()
    before = client.get(address)
    typed = fields_of(before, action) | case.typed
    assert typed.keys() == fields_of(before, action).keys() and typed != fields_of(before, action)
    away()
    post(client, before, action, typed)
    assert sign_in(client).location == address
    again = client.get(address)
    assert fields_of(again, action) == typed
    assert TYPED_AGAIN in plain(again)
    assert fields_of(again, action, hidden=True)["csrf_token"] != fields_of(before, action, hidden=True)["csrf_token"]
    assert press(client, address, "/desk/kept-form/discard").location == "/desk"  # no Referer: the calendar
    assert fields_of(client.get(address), action) == fields_of(before, action)


@on_sqlite
def test_what_a_colleague_changed_meanwhile_is_shown_when_the_form_is_sent(
    client: FlaskClient, session: Session, visit: Appointment, away: Callable[[], None]
) -> None:
    assert visit.patient is not None
    patient_id, address = visit.patient.id, f"/desk/patients/{visit.patient.public_id}/edit"
    session.rollback()
    before = client.get(address)
    away()
    post(client, before, address, fields_of(before, address) | {"note": ["mine"]})
    session.execute(update(Patient).values(note="a colleague's", version=Patient.version + 1))
    session.commit()
    sign_in(client)
    again = client.get(address)
    refused = post(client, again, address, fields_of(again, address))
    assert refused.status_code == 409
    assert session.scalars(select(Patient.note).where(Patient.id == patient_id)).one() == "a colleague's"


def post(client: FlaskClient, page: TestResponse, action: str, typed: Fields, **headers: str) -> TestResponse:
    """From that page, with its hidden fields, as a browser does."""
    fields = fields_of(page, action, hidden=True) | typed
    goes_to = next((form.action for form in forms(page) if form.action.startswith(action)), action)
    return client.post(goes_to, data=fields, headers={"Referer": page.request.url, **headers})


def kept(session: Session) -> int:
    session.rollback()
    return session.scalar(select(func.count()).select_from(KeptForm)) or 0


def room_typed_while_away(client: FlaskClient, away: Callable[[], None], **typed: str) -> None:
    form = client.get(NEW_ROOM)
    away()
    assert send(client, form, "Save", name="Blue <room>", **typed).location == "/desk/sign-in"


def test_nothing_is_sent_by_itself_and_what_is_sent_is_no_longer_kept(
    client: FlaskClient, session: Session, away: Callable[[], None]
) -> None:
    make_staff(session)
    sign_in(client)
    room_typed_while_away(client, away)
    assert sign_in(client).location == NEW_ROOM
    again = client.get(NEW_ROOM)
    assert kept(session) == 1 and session.scalars(select(Room.name)).all() == []
    session.rollback()
    assert send(client, again, "Save", name="").status_code == 422  # refused: still kept
    assert kept(session) == 1
    assert send(client, again, "Save").status_code == 303
    assert kept(session) == 0
    assert session.scalars(select(Room.name)).all() == ["Blue <room>"]
    assert "signed out" not in client.get(NEW_ROOM).text


@on_sqlite
def test_where_the_page_is_gone_what_was_typed_is_listed(
    client: FlaskClient, session: Session, visit: Appointment, away: Callable[[], None]
) -> None:
    add = client.get(NEW_ROOM)
    assert send(client, add, "Save", name="Green").status_code == 303
    session.rollback()
    address = f"/desk/settings/rooms/{session.scalars(select(Room.id).where(Room.name == 'Green')).one()}"
    page = client.get(address)
    away()
    send(client, page, "Save", name="Dark <green>")
    session.rollback()
    session.delete(session.scalars(select(Room).where(Room.name == "Green")).one())
    session.commit()
    assert sign_in(client).location == address
    gone = client.get(address, follow_redirects=True)
    assert gone.request.path == "/desk/kept-form" and "<li>Dark &lt;green&gt;</li>" in gone.text
    assert send(client, gone, "Leave it").location == "/desk/kept-form"
    assert client.get("/desk/kept-form").location == "/desk" and kept(session) == 0


@on_sqlite
def test_a_form_that_its_page_no_longer_has_is_listed_there(
    client: FlaskClient, session: Session, visit: Appointment, away: Callable[[], None]
) -> None:
    page = client.get(f"/desk/visits/{visit.public_id}?ask=cancel")
    action = f"/desk/visits/{visit.public_id}/cancel"
    session.rollback()
    away()
    post(client, page, action, fields_of(page, action) | {"reason": ["away"]})
    visit.status, visit.version = "no_show", 2
    session.commit()
    assert sign_in(client).location == f"/desk/visits/{visit.public_id}?ask=cancel"
    again = client.get(f"/desk/visits/{visit.public_id}?ask=cancel")
    assert "its form is not on this page" in again.text and "<li>away</li>" in again.text


@on_sqlite
def test_a_panels_form_comes_back_on_a_page_of_its_own(
    client: FlaskClient, session: Session, visit: Appointment, away: Callable[[], None]
) -> None:
    address = f"/desk/visits/{visit.public_id}"
    panel = client.get(address, headers={"HX-Request": "true"})
    assert f'data-address="{address}"' in panel.text
    away()
    sent = {"csrf_token": token(panel), "version": "1", "note": "left knee"}
    from_calendar = {"HX-Request": "true", "Referer": "http://localhost/desk?day=2026-12-02"}
    post_of_panel = client.post(f"{address}/note", data=sent, headers=from_calendar | {"X-Panel": address})
    assert post_of_panel.headers["HX-Redirect"] == "/desk/sign-in"
    assert sign_in(client).location == address
    page = client.get(address)
    assert fields_of(page, f"{address}/note")["note"] == ["left knee"]
    sent["csrf_token"] = token(page)  # the calendar stood in another tab, and there it is sent
    assert client.post(f"{address}/note", data=sent, headers=from_calendar).status_code == 200
    assert kept(session) == 0


@on_sqlite
@pytest.mark.parametrize(
    ("referer", "page"),
    [
        (f"http://localhost{NEW_ROOM}?x=1", f"{NEW_ROOM}?x=1"),
        ("http://localhost/desk/settings/rooms/1/nothing", "/desk/settings/rooms/1"),
        ("http://localhost/desk/closures/holidays", "/desk/closures"),
        ("http://elsewhere.example/desk/calls", "/desk"),
        ("http://localhost/book", "/desk"),
        ("http://localhost//elsewhere.example/desk", "/desk"),
        ("http://[", "/desk"),
        ("", "/desk"),
    ],
)
def test_only_a_page_of_the_desk_is_come_back_to(
    referer: str, page: str, client: FlaskClient, session: Session, away: Callable[[], None]
) -> None:
    make_staff(session)
    sign_in(client)
    form = {"csrf_token": token(client.get(NEW_ROOM)), "name": "Blue <room>"}
    away()
    client.post(NEW_ROOM, data=form, headers={"Referer": referer})
    assert sign_in(client).location == page
    if page == "/desk":
        assert "<li>Blue &lt;room&gt;</li>" in client.get(page).text


@on_sqlite
def test_a_press_without_anything_typed_is_to_be_pressed_again(
    client: FlaskClient, session: Session, visit: Appointment, away: Callable[[], None]
) -> None:
    page = client.get(f"/desk/visits/{visit.public_id}")
    assert send(client, page, "/private").status_code == 422, "nobody has said anything"
    away()
    send(client, page, "/private", private="yes")
    sign_in(client)
    assert "Do it once more if it is still right." in plain(client.get(f"/desk/visits/{visit.public_id}"))


@on_sqlite
def test_who_reads_french_is_told_in_french(client: FlaskClient, session: Session, away: Callable[[], None]) -> None:
    make_staff(session)
    sign_in(client)
    client.get(f"{NEW_ROOM}?lang=fr")
    form = client.get(NEW_ROOM)
    away()
    send(client, form, "Enregistrer", name="Salle bleue")
    assert '<html lang="fr"' in client.get("/desk/sign-in").text
    sign_in(client)
    page = client.get(NEW_ROOM)
    assert "Vous aviez été déconnecté" in page.text and fields_of(page, NEW_ROOM)["name"] == ["Salle bleue"]


@on_sqlite
def test_nobody_else_sees_it_and_it_is_forgotten_after_half_an_hour(
    client: FlaskClient, session: Session, away: Callable[[], None]
) -> None:
    make_staff(session)
    make_staff(session, "robin", "receptionist")
    sign_in(client)
    form = client.get(NEW_ROOM)
    away()
    assert send(client, form, "Save", name="Blue", csrf_token="forged").status_code == 303
    assert kept(session) == 0
    sign_in(client)
    room_typed_while_away(client, away)
    assert kept(session) == 1
    assert sign_in(client, "robin").location == "/desk"
    assert client.get("/desk/kept-form").status_code == 303
    assert "Blue" not in client.get("/desk").text
    tidy(session, now=NOW + timedelta(minutes=93))
    assert kept(session) == 0


@on_sqlite
def test_passwords_and_a_dragged_card_are_not_kept(
    client: FlaskClient, session: Session, visit: Appointment, away: Callable[[], None]
) -> None:
    form = {"csrf_token": token(client.get("/desk/account")), "current": PASSWORD, "new": "x", "again": "x"}
    away()
    client.post("/desk/account/password", data=form)
    assert kept(session) == 0
    sign_in(client)
    drag = {"csrf_token": token(client.get("/desk")), "starts": "2026-12-02T11:00", "practitioner": "p1"}
    away()
    client.post(f"/desk/visits/{visit.public_id}/move", data=drag, headers={"Accept": "application/json"})
    assert kept(session) == 0


@on_sqlite
def test_a_calendar_open_in_another_tab_does_not_lose_it(
    client: FlaskClient, session: Session, away: Callable[[], None]
) -> None:
    """The calendar asks by itself, and hears first that nobody has been here."""
    make_staff(session)
    sign_in(client)
    form = client.get(NEW_ROOM)
    away()
    asked = client.get("/desk/calendar.json?day=2026-11-30", follow_redirects=True)
    assert asked.request.path == "/desk/sign-in"
    assert "because nobody used the desk for 30 minutes" in asked.text
    assert send(client, form, "Save", name="Blue").location == "/desk/sign-in"
    assert kept(session) == 1
    assert client.get(NEW_ROOM).status_code == 303
