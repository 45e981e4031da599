"""Calendar addresses, read back by two readers that we did not write."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from flask import Flask
from flask.testing import FlaskClient
from ical.calendar_stream import IcsCalendarStream
from icalendar import Calendar
from sqlalchemy import update
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.domain.actor import Actor
from scheduler.domain.clinic import setting_fields
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.extensions import db
from scheduler.models import Appointment, Patient
from scheduler.serving import live_settings
from scheduler.usecases.booking.booking import cancel_appointment, move_appointment
from scheduler.usecases.clinic.settings import change_settings, effective, mark_of
from scheduler.usecases.feeds.face import notice_calendar_face
from scheduler.usecases.patients.merging import merge_patients
from scheduler.usecases.patients.patients import renew_feed, restrict_patient, update_patient
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from scheduler.usecases.texts.wrong_numbers import settle_wrong_number
from scheduler.usecases.visits.status import change_status
from scheduler.web.feeds import visit_key
from tests.factories import CLINIC, MONDAY, NOW, PATIENT, STAFF, local, make_appointment, make_clinic, make_patient
from tests.support.statements import listen, statements_of_pages
from tests.web.conftest import make_app
from tests.web.support.pages import sign_in

DAY = timedelta(days=1)


@pytest.fixture(autouse=True)
def at_ten_on_friday() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as clock:
        yield clock


@pytest.fixture
def patient(app: Flask, session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session)


def get(client: FlaskClient, patient: Patient, **headers: str) -> TestResponse:
    return client.get(f"/feeds/{patient.feed_token}.ics", headers={k.replace("_", "-"): v for k, v in headers.items()})


def events(answer: TestResponse) -> list[tuple[str, str, datetime, int]]:
    """UID, status, wall clock and sequence of each visit, after both readers agree."""
    assert answer.status_code == 200, answer.text
    theirs = IcsCalendarStream.calendar_from_ics(answer.text).events
    mine = Calendar.from_ical(answer.data).walk("VEVENT")
    read = [
        (str(e["UID"]), str(e["STATUS"]), e.decoded("DTSTART").replace(tzinfo=None), int(e["SEQUENCE"])) for e in mine
    ]
    assert [(e.uid, e.start.replace(tzinfo=None), e.sequence or 0) for e in theirs] == [
        (r[0], r[2], r[3]) for r in read
    ]
    return read


def cancel(session: Session, visit: Appointment) -> None:
    cancel_appointment(
        session,
        clinic=CLINIC,
        public_id=visit.public_id,
        reason="",
        now=datetime.now(UTC),
        actor=Actor("staff", "desk"),
    )


def test_a_feed_holds_the_visits_by_the_clinics_wall_clock(
    client: FlaskClient, session: Session, patient: Patient
) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    summer = make_appointment(session, patient=patient, starts_local=local(MONDAY + 210 * DAY, "10:00"))
    answer = get(client, patient)
    assert events(answer) == [
        (visit.public_id, "CONFIRMED", local(MONDAY, "10:00"), 0),
        (summer.public_id, "CONFIRMED", local(MONDAY + 210 * DAY, "10:00"), 0),
    ]
    starts = [e.decoded("DTSTART").astimezone(UTC) for e in Calendar.from_ical(answer.data).walk("VEVENT")]
    assert starts == [visit.starts_at, summer.starts_at]


def test_a_feed_says_where_and_how_to_change_but_not_what_for(
    client: FlaskClient, session: Session, patient: Patient
) -> None:
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    answer = get(client, patient)
    [visit] = Calendar.from_ical(answer.data).walk("VEVENT")
    assert (visit["SUMMARY"], visit["LOCATION"], visit["CLASS"]) == (CLINIC.name, CLINIC.address, "PRIVATE")
    assert f"{CLINIC.public_url}/me" in visit["DESCRIPTION"] and CLINIC.phone in visit["DESCRIPTION"]
    shown = " ".join(str(value) for name, value in visit.property_items() if name not in ("UID", "BEGIN", "END"))
    said = f"{shown} {Calendar.from_ical(answer.data)['X-WR-CALNAME']}"
    assert not any(word in said for word in ("IMS", patient.family_name, "Pat1")), "calendars are seen by others"
    assert "METHOD" not in answer.text.replace(visit["UID"], "") and "VALARM" not in answer.text


def test_the_words_are_in_the_patients_language(client: FlaskClient, session: Session) -> None:
    make_clinic(session)
    patient = make_patient(session, language="fr")
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    [visit] = Calendar.from_ical(get(client, patient, Accept_Language="en").data).walk("VEVENT")
    assert visit["SUMMARY"].params["LANGUAGE"] == "fr"


def test_what_is_in_a_feed_and_what_is_not(client: FlaskClient, session: Session, patient: Patient) -> None:
    def past(days: int) -> datetime:
        return local(MONDAY - days * DAY, "10:00")

    long_ago = NOW - 400 * DAY
    for days, status in ((14, "no_show"), (21, "completed"), (357, "completed")):
        make_appointment(session, patient=patient, starts_local=past(days), status=status)
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"), status="confirmed")
    make_appointment(session, patient=patient, starts_local=past(28), status="cancelled")
    shown = len(events(get(client, patient)))
    make_appointment(session, patient=patient, starts_local=past(378), status="completed")
    make_appointment(session, patient=patient, starts_local=past(35), status="cancelled", changed_at=NOW - 15 * DAY)
    make_appointment(session, patient=patient, starts_local=past(42), status="expired", created_at=long_ago)
    make_appointment(session, patient=patient, starts_local=past(49), status="completed", origin="elsewhere")
    make_appointment(
        session, patient=None, starts_local=local(MONDAY, "15:00"), status="held", hold_until=NOW + DAY, room="Room 2"
    )
    assert shown == 5 and len(events(get(client, patient))) == 5


def test_a_cancelled_visit_is_struck_out_for_two_weeks_then_gone(
    client: FlaskClient, session: Session, patient: Patient, at_ten_on_friday: time_machine.Traveller
) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY + 7 * DAY, "10:00"))
    cancel(session, visit)
    struck = get(client, patient)
    assert [(row[1], row[3]) for row in events(struck)] == [("CANCELLED", 1)]
    assert b"TRANSP:TRANSPARENT" in struck.data
    at_ten_on_friday.move_to(NOW + 14 * DAY)
    assert [row[1] for row in events(get(client, patient))] == ["CANCELLED"]
    at_ten_on_friday.move_to(NOW + 15 * DAY)
    gone = get(client, patient, If_None_Match=struck.headers["ETag"])
    assert events(gone) == []


def test_a_move_keeps_the_uid_and_raises_the_sequence(client: FlaskClient, session: Session, patient: Patient) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    before = get(client, patient)
    move_appointment(
        session,
        clinic=CLINIC,
        public_id=visit.public_id,
        starts_local=local(MONDAY, "11:00"),
        practitioner=None,
        now=NOW,
        actor=Actor("staff", "desk"),
    )
    after = get(client, patient, If_None_Match=before.headers["ETag"])
    assert events(after) == [(visit.public_id, "CONFIRMED", local(MONDAY, "11:00"), 1)]


def test_unchanged_is_304_after_one_select_with_nothing_built(
    client: FlaskClient, app: Flask, session: Session, patient: Patient
) -> None:
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    first = get(client, patient)
    with app.app_context():
        engine = db.engine
    lent: list[object] = []
    statements = statements_of_pages(app)
    listen(engine, "checkout", lambda *call: lent.append(call[0]))
    again = get(client, patient, If_None_Match=first.headers["ETag"])
    assert (again.status_code, again.data, len(lent), len(statements)) == (304, b"", 1, 1)
    assert again.headers["ETag"] == first.headers["ETag"]
    weak = get(client, patient, If_None_Match=f'W/{first.headers["ETag"]}, "other"')
    assert weak.status_code == 304, "as a proxy that compresses makes it"
    assert get(client, patient, If_None_Match='"other"').data == first.data


def test_an_unchanged_feed_is_the_same_bytes_a_day_later(
    client: FlaskClient, session: Session, patient: Patient, at_ten_on_friday: time_machine.Traveller
) -> None:
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    first = get(client, patient).data
    at_ten_on_friday.move_to(NOW + DAY)
    assert get(client, patient).data == first


@pytest.mark.parametrize("change", ["status", "language", "given_name", "day"])
def test_the_etag_changes_with_whatever_changes_the_feed(
    client: FlaskClient, session: Session, patient: Patient, change: str, at_ten_on_friday: time_machine.Traveller
) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    before = get(client, patient).headers["ETag"]
    if change == "status":
        change_status(
            session,
            clinic=CLINIC,
            public_id=visit.public_id,
            status=AppointmentStatus.CONFIRMED,
            now=NOW,
            actor=Actor("staff", "desk"),
        )
    elif change == "day":
        at_ten_on_friday.move_to(NOW + DAY)
    else:
        session.execute(update(Patient).values({change: "fr" if change == "language" else "Zoé"}))
        session.commit()
    assert get(client, patient, If_None_Match=before).status_code == 200


@pytest.mark.parametrize(
    "setting",
    [
        {"CLINIC_NAME": "Other Physio"},
        {"CLINIC_PHONE": "613-555-0199"},
        {"CLINIC_ADDRESS": "1 Elgin Street, Ottawa"},
        {"CLINIC_TIMEZONE": "America/Vancouver"},
        {"PUBLIC_URL": "https://book.example.ca"},
    ],
)
def test_the_etag_changes_with_the_clinics_settings(
    client: FlaskClient, session: Session, patient: Patient, database_url: str, setting: dict[str, str]
) -> None:
    before = get(client, patient).headers["ETag"]
    other = make_app(database_url, **setting)
    assert get(other.test_client(), patient, If_None_Match=before).status_code == 200
    with other.app_context():
        db.engine.dispose()


def test_an_unknown_or_malformed_token_is_404(client: FlaskClient, patient: Patient) -> None:
    for token in ("x" * 32, patient.feed_token[:-1], patient.feed_token + "A", "%00" * 20, "é" * 20, "a", "x" * 5000):
        assert client.get(f"/feeds/{token}.ics").status_code == 404, token


def change_number(session: Session, patient: Patient) -> None:
    update_patient(session, public_id=patient.public_id, phone="+16135550155", now=NOW, today=MONDAY, actor=STAFF)


def take_number_away(session: Session, patient: Patient) -> None:
    update_patient(session, public_id=patient.public_id, phone="", now=NOW, today=MONDAY, actor=STAFF)


def say_wrong_number(session: Session, patient: Patient) -> None:
    text = IncomingText(sid="SM1", number=number_of(session, patient), body="wrong number")
    receive(session, text, clinic=CLINIC, now=NOW)


def mark_wrong_number(session: Session, patient: Patient) -> None:
    say_wrong_number(session, patient)
    settle_wrong_number(session, number=number_of(session, patient), stop=True, now=NOW, actor=STAFF)


def number_of(session: Session, patient: Patient) -> str:
    assert patient.phone_account
    number = patient.phone_account.number
    session.rollback()
    return number


def restrict(session: Session, patient: Patient) -> None:
    restrict_patient(session, public_id=patient.public_id, restricted=True, now=NOW, actor=STAFF)


def keep_in_a_merge(session: Session, patient: Patient) -> None:
    _merge(session, kept=patient, merged=make_patient(session))


def merge_away(session: Session, patient: Patient) -> None:
    _merge(session, kept=make_patient(session), merged=patient)


def _merge(session: Session, *, kept: Patient, merged: Patient) -> None:
    merge_patients(session, kept=kept.public_id, merged=merged.public_id, sure=True, now=NOW, actor=STAFF)


def renew(session: Session, patient: Patient) -> None:
    renew_feed(session, public_id=patient.public_id, now=NOW, actor=STAFF)


ENDS = (
    *(change_number, take_number_away, say_wrong_number, mark_wrong_number, restrict),
    *(keep_in_a_merge, merge_away, renew),
)


@pytest.mark.parametrize("end", ENDS, ids=lambda end: end.__name__)
def test_what_was_given_out_before_opens_nothing_any_more(
    app: Flask, client: FlaskClient, session: Session, patient: Patient, end: Callable[[Session, Patient], None]
) -> None:
    sister = make_patient(session)
    sister.phone_account = patient.phone_account
    session.commit()
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    with app.app_context():
        file = f"/appointments/{visit.public_id}.ics?key={visit_key(visit)}"
    feed, of_sister = f"/feeds/{patient.feed_token}.ics", f"/feeds/{sister.feed_token}.ics"
    before = client.get(feed)
    assert (before.status_code, client.get(file).status_code) == (200, 200)
    session.rollback()
    end(session, patient)
    unchanged = {"If-None-Match": before.headers["ETag"]}
    assert client.get(feed, headers=unchanged).status_code == 404
    assert client.get(file).status_code == 404
    of_the_number = end in (say_wrong_number, mark_wrong_number)
    assert client.get(of_sister).status_code == (404 if of_the_number else 200), "a number is more than one patient's"


def test_details_that_are_not_the_number_leave_the_calendar_alone(
    client: FlaskClient, session: Session, patient: Patient
) -> None:
    old, number = patient.feed_token, number_of(session, patient)
    update_patient(session, public_id=patient.public_id, phone=number, note="tall", now=NOW, today=MONDAY, actor=STAFF)
    assert client.get(f"/feeds/{old}.ics").status_code == 200


def test_of_two_records_that_become_one_the_kept_one_shows_the_visits_of_both(
    client: FlaskClient, session: Session, patient: Patient
) -> None:
    other = make_patient(session)
    visit = make_appointment(session, patient=other, starts_local=local(MONDAY, "10:00"))
    _merge(session, kept=patient, merged=other)
    assert [event[0] for event in events(get(client, patient))] == [visit.public_id]
    assert get(client, other).status_code == 404


def test_a_renewed_token_kills_the_old_one(client: FlaskClient, session: Session, patient: Patient) -> None:
    old = patient.feed_token
    etag = get(client, patient).headers["ETag"]
    renew_feed(session, public_id=patient.public_id, now=NOW, actor=PATIENT)
    assert patient.feed_token != old and get(client, patient).status_code == 200
    assert client.get(f"/feeds/{old}.ics", headers={"If-None-Match": etag}).status_code == 404


def test_a_feed_is_of_one_patient_even_in_a_family(client: FlaskClient, session: Session, patient: Patient) -> None:
    child = make_patient(session, given_name="Léo")
    child.phone_account = patient.phone_account
    session.commit()
    mine = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    theirs = make_appointment(session, patient=child, starts_local=local(MONDAY, "11:00"))
    assert [row[0] for row in events(get(client, patient))] == [mine.public_id]
    assert [row[0] for row in events(get(client, child))] == [theirs.public_id]
    assert b"L\xc3\xa9o" in get(client, child).data, "the calendar's name tells the two apart"


def test_headers_keep_a_feed_private(client: FlaskClient, patient: Patient) -> None:
    first = get(client, patient)
    for answer in (first, get(client, patient, If_None_Match=first.headers["ETag"])):
        assert answer.headers["Cache-Control"] == "private, no-cache"
        assert answer.headers["Referrer-Policy"] == "no-referrer"
        assert "noindex" in answer.headers["X-Robots-Tag"]
        assert "Set-Cookie" not in answer.headers
    assert first.headers["Content-Type"] == "text/calendar; charset=utf-8"


def test_head_answers_as_get_without_the_body(client: FlaskClient, patient: Patient) -> None:
    whole = get(client, patient)
    head = client.head(f"/feeds/{patient.feed_token}.ics")
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["ETag"] == whole.headers["ETag"]
    assert int(head.headers["Content-Length"]) == len(whole.data)


def test_the_token_is_in_no_log(
    app: Flask, client: FlaskClient, patient: Patient, capfd: pytest.CaptureFixture[str]
) -> None:
    get(client, patient)
    client.get(f"/feeds/{patient.feed_token}x.ics")
    client.post(f"/feeds/{patient.feed_token}.ics")
    written = "".join(capfd.readouterr())
    assert "/feeds/<token>.ics" in written and patient.feed_token not in written


def test_a_visits_file_opens_with_the_key_of_its_link(
    app: Flask, client: FlaskClient, session: Session, patient: Patient
) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    other = make_appointment(session, patient=make_patient(session), starts_local=local(MONDAY, "11:00"))
    with app.app_context():
        key, others_key = visit_key(visit), visit_key(other)
    answer = client.get(f"/appointments/{visit.public_id}.ics?key={key}")
    assert events(answer) == [(visit.public_id, "CONFIRMED", local(MONDAY, "10:00"), 0)]
    etag = answer.headers["ETag"]
    assert (
        client.get(f"/appointments/{visit.public_id}.ics?key={key}", headers={"If-None-Match": etag}).status_code == 304
    )
    for wrong in ("", "?key=", f"?key={others_key}", f"?key={key[:-1]}", "?key=%C3%A9", "?key=%00"):
        assert client.get(f"/appointments/{visit.public_id}.ics{wrong}").status_code == 404, wrong


def test_the_key_of_a_link_works_on_when_the_secret_was_changed(app: Flask, session: Session, patient: Patient) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    with app.app_context():
        path = f"/appointments/{visit.public_id}.ics?key={visit_key(visit)}"
    before = app.config["SECRET_KEY"]
    for fallbacks, status in (([], 404), (["another key from long ago", before], 200)):
        app.config.update(SECRET_KEY="the key of today: long", SECRET_KEY_FALLBACKS=fallbacks)
        assert app.test_client().get(path).status_code == status


def test_a_visits_file_opens_for_its_patient_signed_in_and_for_nobody_else(
    app: Flask, session: Session, patient: Patient
) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    somebody = make_patient(session)
    for who, status in ((patient, 200), (somebody, 404)):
        client = app.test_client()
        sign_in(client, session, who)
        assert client.get(f"/appointments/{visit.public_id}.ics").status_code == status


@pytest.mark.parametrize("status", ["held", "expired"])
def test_a_hold_has_no_file(app: Flask, client: FlaskClient, session: Session, patient: Patient, status: str) -> None:
    hold = make_appointment(
        session, patient=patient, starts_local=local(MONDAY, "10:00"), status=status, hold_until=NOW + DAY
    )
    with app.app_context():
        key = visit_key(hold)
    assert client.get(f"/appointments/{hold.public_id}.ics?key={key}").status_code == 404


def test_the_feed_and_the_file_tell_of_one_visit_alike(
    app: Flask, client: FlaskClient, session: Session, patient: Patient
) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    with app.app_context():
        key = visit_key(visit)
    [single] = Calendar.from_ical(client.get(f"/appointments/{visit.public_id}.ics?key={key}").data).walk("VEVENT")
    [in_feed] = Calendar.from_ical(get(client, patient).data).walk("VEVENT")
    assert single.to_ical() == in_feed.to_ical()


def test_a_new_address_of_the_clinic_rises_in_every_visit_of_the_feed(
    app: Flask, client: FlaskClient, session: Session, patient: Patient, at_ten_on_friday: time_machine.Traveller
) -> None:
    """Subscribers that trust SEQUENCE, DTSTAMP and LAST-MODIFIED would keep the old one."""
    make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    base = live_settings.of(app).base
    fields = setting_fields.shown(base)

    def change(**changed: str) -> None:
        seen = mark_of(setting_fields.shown(app.config["CLINIC"]))
        typed = setting_fields.shown(app.config["CLINIC"]) | changed
        change_settings(session, base=base, typed=typed, seen=seen, actor=STAFF, now=datetime.now(UTC))
        session.rollback()
        with app.app_context():
            live_settings.of(app).read(db.engine)

    def rising() -> tuple[int, str, str, str]:
        visit = Calendar.from_ical((answer := get(client, patient)).data).walk("VEVENT")[0]
        stamps = visit["DTSTAMP"].to_ical().decode(), visit["LAST-MODIFIED"].to_ical().decode()
        return int(visit["SEQUENCE"]), *stamps, answer.headers["Last-Modified"]

    before, content = rising(), get(client, patient).data
    at_ten_on_friday.shift(3600)
    change(cutoff_hours="48")
    assert get(client, patient).data == content
    change(address="7 Sparks Street, Ottawa")
    now = ("20261127T160000Z", "20261127T160000Z", "Fri, 27 Nov 2026 16:00:00 GMT")
    assert rising() == (before[0] + 1, *now)
    at_ten_on_friday.shift(3600)
    change(address=fields["address"])
    assert rising()[:2] == (before[0] + 2, "20261127T170000Z")


def test_an_environment_that_says_something_else_is_noticed_at_a_start(app: Flask, session: Session) -> None:
    for name, changes in (("One", 0), ("One", 0), ("Two", 1), ("Two", 1), ("One", 2)):
        clinic = replace(CLINIC, name=name)
        notice_calendar_face(session, clinic=clinic, now=NOW)
        assert effective(session.connection(), clinic).calendar_changes == changes


@pytest.mark.parametrize("written", ['"%s-gzip"', 'W/"%s"', 'W/"%s-br"', '"%s;gzip"', '"x", "%s--gzip"'])
def test_an_etag_to_which_a_proxy_has_added_something_is_known(
    client: FlaskClient, patient: Patient, written: str
) -> None:
    etag = get(client, patient).headers["ETag"].strip('"')
    assert get(client, patient, If_None_Match=written % etag).status_code == 304
    assert get(client, patient, If_None_Match=written % f"{etag}0").status_code == 200


def test_whoever_asks_by_the_day_of_the_last_change_is_answered_by_it(
    app: Flask, client: FlaskClient, session: Session, patient: Patient
) -> None:
    visit = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    at = get(client, patient).headers["Last-Modified"]
    assert get(client, patient, If_Modified_Since=at).status_code == 304
    assert get(client, patient, If_Modified_Since="Fri, 27 Nov 2026 14:00:00 GMT").status_code == 200
    assert get(client, patient, If_Modified_Since=at, If_None_Match='"another"').status_code == 200
    with app.app_context():
        single = f"/appointments/{visit.public_id}.ics?key={visit_key(visit)}"
    at = client.get(single).headers["Last-Modified"]
    assert client.get(single, headers={"If-Modified-Since": at}).status_code == 304
