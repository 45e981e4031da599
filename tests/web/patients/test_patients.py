"""One patient at the desk: seen, changed, cleared, merged, exported, restricted, and called."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.texts.reply import ATTACHED, NO_WORDS
from scheduler.models import (
    Appointment,
    AuditLine,
    ImsReview,
    MayActFor,
    Patient,
    PatientMerge,
    PhoneAccount,
    Practitioner,
    Reminder,
    Screening,
    StaffUser,
)
from tests.factories import MONDAY, local, make_appointment, make_clinic, make_patient
from tests.fakes import FakeClock, FakeSms
from tests.support.statements import statements_of_pages
from tests.usecases.texts.sms_clinic import send_reminders
from tests.web.calendar.test_desk import NOW, ROLES, at_the_clinic, enter, staff, text_message  # noqa: F401 - fixtures
from tests.web.support.visitor import Visitor

BORN = date(1986, 3, 14)
EVERYBODY, RECEPTION, CLINICAL, OWNER = ROLES, ("receptionist", "owner"), ("practitioner", "owner"), ("owner",)

ON_SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

ROUTES: list[tuple[str, str, tuple[str, ...]]] = [
    ("GET", "/desk/patients", EVERYBODY),
    ("GET", "/desk/patients/search?q=x", EVERYBODY),
    ("GET", "/desk/patients/{a}", EVERYBODY),
    ("GET", "/desk/patients/{a}/elsewhere", EVERYBODY),
    ("POST", "/desk/patients/{a}/elsewhere", EVERYBODY),
    ("POST", "/desk/patients/{a}/elsewhere/{v}/take-back", EVERYBODY),
    ("GET", "/desk/patients/{a}/edit", RECEPTION),
    ("POST", "/desk/patients/{a}/edit", RECEPTION),
    ("GET", "/desk/patients/{a}/merge", RECEPTION),
    ("GET", "/desk/patients/{a}/merge/{b}", RECEPTION),
    ("POST", "/desk/patients/{a}/merge/{b}", RECEPTION),
    ("GET", "/desk/patients/{a}/export", RECEPTION),
    ("GET", "/desk/patients/{a}/print", RECEPTION),
    ("POST", "/desk/patients/{a}/new-calendar-address", RECEPTION),
    ("POST", "/desk/patients/{a}/number-is-right", RECEPTION),
    ("GET", "/desk/patients/{a}/record.zip", RECEPTION),
    ("GET", "/desk/patients/{a}/acting", RECEPTION),
    ("POST", "/desk/patients/{a}/acting", RECEPTION),
    ("POST", "/desk/patients/{a}/acting/end", RECEPTION),
    ("POST", "/desk/patients/{a}/texts", RECEPTION),
    ("GET", "/desk/patients/{a}/correction", EVERYBODY),
    ("POST", "/desk/patients/{a}/correction", EVERYBODY),
    ("GET", "/desk/patients/{a}/corrections/{r}/statement", EVERYBODY),
    ("POST", "/desk/patients/{a}/corrections/{r}/statement", EVERYBODY),
    ("GET", "/desk/calls", RECEPTION),
    ("POST", "/desk/calls/{v}", RECEPTION),
    ("POST", "/desk/calls/{v}/take-back", RECEPTION),
    ("POST", "/desk/patients/{a}/clear", CLINICAL),
    ("POST", "/desk/patients/{a}/take-back-clearance", CLINICAL),
    ("GET", "/desk/patients/{a}/restrict", OWNER),
    ("POST", "/desk/patients/{a}/restrict", OWNER),
    ("POST", "/desk/patients/{a}/release", OWNER),
    ("GET", "/desk/patients/{b}/protected", EVERYBODY),
    ("POST", "/desk/patients/{b}/protected", EVERYBODY),
    ("GET", "/desk/patients/{b}/lock-box", RECEPTION),
    ("POST", "/desk/patients/{b}/lock-box/lift", RECEPTION),
    ("POST", "/desk/patients/{b}/lock-box", RECEPTION),  # last: it shuts the others out
    ("GET", "/desk/audit", OWNER),
]


@pytest.fixture
def amelie(session: Session) -> Patient:
    make_clinic(session)
    return make_patient(session, family_name="Lévesque", birth_date=BORN, number="+16135550142")


@pytest.fixture
def as_role(app: Flask, staff: object) -> Callable[[str], Visitor]:  # noqa: F811
    def enter_as(role: str) -> Visitor:
        client = app.test_client()
        client.environ_base["HTTP_ACCEPT_LANGUAGE"] = "en"
        enter(client, role)
        return Visitor(client)

    return enter_as


def audited(session: Session) -> list[str]:
    """About patients, so without who signed in."""
    session.rollback()
    signing_in = AuditLine.what.startswith("sign_in.")
    return list(session.scalars(select(AuditLine.what).where(~signing_in).order_by(AuditLine.id)))


def test_every_address_lets_in_its_roles_and_nobody_else(
    app: Flask, as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    other = make_patient(session)
    visit = make_appointment(session, patient=amelie, starts_local=local(MONDAY, "14:00"))
    is_practitioner(session, "p1")
    ids = {"a": amelie.public_id, "b": other.public_id, "v": visit.public_id, "r": "1"}
    app.config["WTF_CSRF_ENABLED"] = False
    clients = {role: as_role(role).client for role in ROLES}
    stranger = app.test_client()
    for method, path, roles in ROUTES:
        address = path.format(**ids)
        assert stranger.open(address, method=method).status_code == 303, path
        for role, client in clients.items():
            status = client.open(address, method=method).status_code
            assert (status != 403) == (role in roles), f"{role} {method} {path}: {status}"
            assert status < 500
    ours = ("/desk/patients", "/desk/calls")
    written = {
        (method, re.sub("<.*?>", "{}", rule.rule))
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
        if rule.rule.startswith(ours)
    }
    tried = {(method, re.sub(r"\?.*", "", re.sub("{.}", "{}", path))) for method, path, _roles in ROUTES}
    assert written == {route for route in tried if route[1].startswith(ours)}


@ON_SQLITE
def test_forms_need_their_token(as_role: Callable[[str], Visitor], amelie: Patient) -> None:
    client = as_role("owner").client
    for path in ("edit", "clear", "restrict", "elsewhere"):
        assert client.post(f"/desk/patients/{amelie.public_id}/{path}").status_code == 400


@ON_SQLITE
def test_the_page_shows_what_is_known_and_who_looked(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    make_patient(session, given_name="Ada", number="+16135550199")
    ada = make_patient(session, given_name="Zoë", family_name="Roy")
    ada.phone_account_id = amelie.phone_account_id
    amelie.note = "Prefers <b>mornings</b>"
    visit = make_appointment(session, patient=amelie, starts_local=local(MONDAY + timedelta(days=7), "14:00"))
    make_appointment(session, patient=amelie, starts_local=local(MONDAY, "09:00"), status="completed")
    session.add(
        Screening(
            appointment_id=visit.id,
            patient_id=amelie.id,
            answers={"pregnancy": True, "blood_thinners": False},
            flagged=True,
            answered_at=NOW,
        )
    )
    text_message(session, 1, patient_id=amelie.id, body="See you on Monday")
    page = as_role("practitioner").get(f"/desk/patients/{amelie.public_id}")
    for words in ("Lévesque, Amélie", "14 March 1986 (40 years old)", "613-555-0142", "Zoë Roy", "See you on Monday"):
        assert words in page.text
    assert "Prefers <b>mornings</b>" in page.text and "<b>mornings" not in page.html
    assert "Yes: I am pregnant" in page.text and "blood thinners" not in page.text
    assert "The next IMS visit may be on Monday 14 December, 2:00 pm or later." in page.text
    assert "Change" not in [words for _href, words in page.links]
    assert audited(session) == ["patient.viewed"]


@ON_SQLITE
def test_nobody_and_somebody_elses_visit_are_not_found(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    visitor = as_role("owner")
    for path in ("", "/edit", "/merge", "/export", "/print", "/elsewhere", "/restrict"):
        assert visitor.get(f"/desk/patients/nobody{path}").status == 404
    assert audited(session) == []


@ON_SQLITE
def test_details_are_changed_and_refused_with_reasons(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    visitor = as_role("receptionist")
    address = f"/desk/patients/{amelie.public_id}/edit"
    page = visitor.get(address)
    page = visitor.send(
        page.form("given_name"), given_name="x" * 200, family_name="\u200b", phone="12", birth_date_year="1886"
    )
    assert page.status == 422 and page.title.startswith("Error: ")
    for words in ("at most 100 letters", "Type a name.", "not a mobile number", "too long ago"):
        assert words in page.text
    page = visitor.send(
        page.form("given_name"), given_name="小明", family_name="O’Hara", phone="613 555 0143", birth_date_year="1987"
    )
    assert page.path == f"/desk/patients/{amelie.public_id}" and "Saved." in page.text
    assert "O’Hara, 小明" in page.text and "613-555-0143" in page.text and "14 March 1987" in page.text
    assert "O’Hara" in visitor.get("/desk/patients/search?q=ohara 0143").text
    assert audited(session)[-2:] == ["patient.changed", "patient.viewed"]


@ON_SQLITE
def test_the_second_of_two_receptionists_sees_both_versions(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    one, other = as_role("receptionist"), as_role("owner")
    address = f"/desk/patients/{amelie.public_id}/edit"
    mine, theirs = one.get(address).form("given_name"), other.get(address).form("given_name")
    assert other.send(theirs, note="Called on Friday", family_name="Roy").status == 200
    page = one.send(mine, note="Wants mornings")
    assert page.status == 409 and "Somebody has changed" in page.text
    assert "Roy" in page.text and "Lévesque" in page.text and "Called on Friday" in page.text
    page = one.send(page.form("given_name"), note="Called on Friday. Wants mornings", family_name="Roy")
    assert page.status == 200 and "Called on Friday. Wants mornings" in page.text


def is_practitioner(session: Session, slug: str | None) -> None:
    """Whose account that of the practitioner at the desk is."""
    session.rollback()
    whose = session.scalar(select(Practitioner.id).where(Practitioner.slug == slug))
    session.rollback()
    session.execute(update(StaffUser).where(StaffUser.role == "practitioner").values(practitioner_id=whose))
    session.commit()


@ON_SQLITE
def test_clearing_and_taking_back(as_role: Callable[[str], Visitor], session: Session, amelie: Patient) -> None:
    amelie.cleared_for_ims_at = None
    session.commit()
    visitor = as_role("practitioner")
    is_practitioner(session, "p1")
    visitor.get(f"/desk/patients/{amelie.public_id}")
    assert (
        "✓ Cleared for IMS by Pat1 Doe1 on 30 November 2026, entered by practitioner"
        in visitor.press("Clear for IMS").text
    )
    assert "Not cleared for IMS" in visitor.press("Take the clearance back").text
    assert audited(session) == [
        "patient.viewed",
        "patient.cleared",
        "patient.viewed",
        "patient.clearance_taken_back",
        "patient.viewed",
    ]


def record_elsewhere(visitor: Visitor, patient: Patient, day: date, at: str = "") -> None:
    page = visitor.get(f"/desk/patients/{patient.public_id}/elsewhere")
    typed = {"day_day": str(day.day), "day_month": str(day.month), "day_year": str(day.year), "time": at}
    visitor.send(page.form("day_day"), **typed)


@ON_SQLITE
def test_ims_elsewhere_is_recorded_and_taken_back(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    visitor = as_role("receptionist")
    for day, at, words in (
        (date(2026, 12, 1), "", "still to come"),
        (MONDAY, "11:00", "still to come"),
        (MONDAY, "eleven", "14:30"),
        (date(2026, 11, 1), "01:30", "exists twice"),
        (date(2001, 1, 1), "", "too long ago"),
    ):
        record_elsewhere(visitor, amelie, day, at)
        assert visitor.page.status == 422 and words in visitor.page.text
    record_elsewhere(visitor, amelie, date(2026, 11, 27))
    assert "Recorded." in visitor.page.text and "27 November 2026" in visitor.page.text
    assert "Saturday 5 December or later" in visitor.page.text
    visitor.press("Take back")
    assert "taken back" in visitor.page.text and "allow an IMS visit now" in visitor.page.text


@ON_SQLITE
@pytest.mark.parametrize("settled", ["moved", "cancelled"])
def test_a_visit_made_too_soon_is_settled_in_the_same_step(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient, settled: str
) -> None:
    visit = make_appointment(session, patient=amelie, starts_local=local(date(2026, 12, 2), "10:00"))
    visitor = as_role("receptionist")
    record_elsewhere(visitor, amelie, date(2026, 11, 28))
    assert visitor.page.status == 409
    assert "Wednesday 2 December" in visitor.page.text and "with Pat1 Doe1" in visitor.page.text
    session.rollback()
    assert session.scalars(select(Appointment.origin)).all() == ["desk"]  # nothing is recorded yet
    form = visitor.page.form("settle")
    *starts, cancel = form.choices["settle"]
    assert len(starts) == 12 and min(starts) >= "2026-12-06T00:00" and len({start[:10] for start in starts}) == 4
    visitor.send(form, settle=cancel if settled == "cancelled" else starts[0])
    assert visitor.page.status == 200 and "Recorded." in visitor.page.text
    session.rollback()
    if settled == "cancelled":
        assert (visit.status, visit.changed_by) == ("cancelled", "staff:receptionist")
    else:
        assert (visit.status, f"{visit.starts_local:%Y-%m-%dT%H:%M}") == ("booked", starts[0].split()[0])


@ON_SQLITE
def test_two_visits_made_too_soon_are_settled_one_after_the_other(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    """A weekly series: the one of today, not done yet, and the next."""
    for day in (MONDAY, MONDAY + timedelta(days=7)):
        make_appointment(session, patient=amelie, starts_local=local(day, "15:00"))
    visitor = as_role("receptionist")
    record_elsewhere(visitor, amelie, MONDAY)
    assert "Monday 30 November" in visitor.page.text
    page = visitor.send(visitor.page.form("settle"), settle="cancel")
    assert page.status == 409 and "another visit is too near as well" in page.text
    assert "The visit on Monday 7 December" in page.text
    page = visitor.send(page.form("settle"), settle=page.form("settle").choices["settle"][0])
    assert page.status == 200 and "Recorded." in page.text
    session.rollback()
    found = session.execute(select(Appointment.origin, Appointment.status).order_by(Appointment.id)).all()
    assert [tuple(row) for row in found] == [("desk", "cancelled"), ("desk", "booked"), ("elsewhere", "completed")]


@ON_SQLITE
def test_a_visit_changed_meanwhile_is_asked_about_again(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    visit = make_appointment(session, patient=amelie, starts_local=local(date(2026, 12, 2), "10:00"))
    visitor = as_role("receptionist")
    record_elsewhere(visitor, amelie, date(2026, 11, 28))
    form = visitor.page.form("settle")
    session.rollback()
    visit.status, visit.version = "confirmed", 2
    session.commit()
    page = visitor.send(form, settle="cancel")
    assert page.status == 409 and "changed in the meantime" in page.text
    assert visitor.send(page.form("settle"), settle="cancel").status == 200


def test_two_records_of_one_person_become_one(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    double = make_patient(session, given_name="Amelie", family_name="Levesque", birth_date=BORN, cleared=False)
    moved = make_appointment(session, patient=double, starts_local=local(MONDAY + timedelta(days=14), "10:00"))
    make_appointment(session, patient=amelie, starts_local=local(MONDAY + timedelta(days=7), "10:00"))
    visitor = as_role("receptionist")
    visitor.get(f"/desk/patients/{amelie.public_id}")
    page = visitor.follow("Merge with another record")
    assert "Levesque, Amelie" in page.text
    page = visitor.follow("Levesque, Amelie")
    assert "different people" not in page.text and "cannot be merged" not in page.text
    page = visitor.press("Merge into Amélie Lévesque")
    assert "one now" in page.text and "14 December 2026" in page.text
    session.rollback()
    assert moved.patient_id == amelie.id and moved.changed_why == "two records of one person were merged"
    assert session.scalars(select(PatientMerge)).one().merged_by == "staff:receptionist"
    assert "Levesque" not in visitor.get("/desk/patients/search?q=levesque amelie").text.replace("Lévesque", "")
    old = visitor.get(f"/desk/patients/{double.public_id}")
    assert "merged into another" in old.text
    again = visitor.client.get(f"/desk/patients/{double.public_id}/merge/{amelie.public_id}")
    assert again.status_code == 200
    visitor.get(f"/desk/patients/{amelie.public_id}/merge/{double.public_id}")
    assert "merged already" in visitor.press("Merge into").text


def test_records_whose_visits_break_the_rule_together_are_not_merged(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    double = make_patient(session, given_name="Amelie", family_name="Levesque", birth_date=BORN)
    make_appointment(session, patient=amelie, starts_local=local(MONDAY + timedelta(days=7), "10:00"))
    kept = make_appointment(session, patient=double, starts_local=local(MONDAY + timedelta(days=9), "10:00"))
    visitor = as_role("receptionist")
    page = visitor.get(f"/desk/patients/{amelie.public_id}/merge/{double.public_id}")
    words = "The visits on Monday 7 December, 10:00 am and Wednesday 9 December, 10:00 am are less than 7 days"
    assert words in page.text
    merge = next(form for form in page.forms if dict(form.values).get("csrf_token") and not form.action)
    assert [said for _name, _value, said in merge.buttons] == [], "nothing to press that cannot be done"
    page = visitor.send(merge)
    assert page.status == 409 and words in page.text
    session.rollback()
    assert kept.patient_id == double.id and session.scalar(select(PatientMerge.id)) is None


@ON_SQLITE
def test_different_people_are_merged_only_after_one_clear_question(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    marco = make_patient(session, given_name="Marco", family_name="Rossi", birth_date=date(1979, 8, 2))
    visitor = as_role("receptionist")
    page = visitor.get(f"/desk/patients/{amelie.public_id}/merge/{marco.public_id}")
    assert "These look like two different people." in page.text
    page = visitor.send(page.form("sure"))
    assert page.status == 422 and "Say that the two are one person." in page.text
    assert visitor.send(page.form("sure"), sure="yes").status == 200


def test_everything_is_exported_and_printed(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    make_appointment(session, patient=amelie, starts_local=local(MONDAY, "09:00"), status="completed")
    text_message(session, 1, patient_id=amelie.id, body="See you")
    text_message(session, 2, kind="code", body="Your code is 123456")
    other = make_patient(session, family_name="Stranger")
    text_message(session, 3, patient_id=other.id, body="For somebody else")
    text_message(session, 4, patient_id=amelie.id, body=f"My referral {ATTACHED}")
    text_message(session, 5, patient_id=amelie.id, body=NO_WORDS)
    visitor = as_role("owner")
    answer = visitor.client.get(f"/desk/patients/{amelie.public_id}/export")
    assert "attachment" in answer.headers["Content-Disposition"]
    everything = json.loads(answer.text)
    assert everything["patient"][0]["family_name"] == "Lévesque"
    assert everything["appointment"][0]["treatment"] == "IMS"
    assert len(everything["appointment_history"]) == 1
    assert [text["body"] for text in everything["message"]] == ["See you", "", "My referral [file]", ""]
    assert everything["audit_line"][0]["what"] == "patient.exported"
    assert amelie.feed_token not in answer.text and "Stranger" not in answer.text
    assert "See you" in visitor.get(f"/desk/patients/{amelie.public_id}/print").text
    assert audited(session) == ["patient.exported", "patient.printed"]


@ON_SQLITE
def test_restriction_is_shown_and_reversible(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    visitor = as_role("owner")
    visitor.get(f"/desk/patients/{amelie.public_id}")
    visitor.follow("Restrict")
    page = visitor.press("Restrict")
    assert "Restricted by owner on 30 November 2026" in page.text
    assert "no longer restricted" in visitor.press("End the restriction").text
    assert [what for what in audited(session) if what != "patient.viewed"] == ["patient.restricted", "patient.released"]


@ON_SQLITE
def test_reception_gives_a_calendar_a_new_address(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    old = amelie.feed_token
    visitor = as_role("receptionist")
    visitor.get(f"/desk/patients/{amelie.public_id}")
    assert "The calendar has a new address" in visitor.press("New calendar address").text
    assert "patient.feed_renewed" in audited(session) and amelie.feed_token != old


@ON_SQLITE
def test_the_audit_log_is_filtered_and_paged(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    other = make_patient(session, family_name="Rossi")
    session.add_all(
        AuditLine(
            at=NOW - timedelta(days=n % 2),
            actor="staff:owner" if n % 3 else "token:website",
            what="patient.viewed",
            patient_id=amelie.id if n % 2 else other.id,
            address="192.0.2.7",
        )
        for n in range(250)
    )
    session.commit()
    visitor = as_role("owner")
    page = visitor.get("/desk/audit")
    assert page.html.count("<tr>") == 101 and "the program “website”" in page.text and "192.0.2.7" in page.text
    assert visitor.follow("Older").html.count("<tr>") == 101
    assert visitor.follow("Older").html.count("<tr>") == 52  # and the owner's own sign-in
    page = visitor.get(f"/desk/audit?patient={amelie.public_id}&staff=owner&day=2026-11-29")
    assert page.html.count("<tr>") == 1 + sum(1 for n in range(250) if n % 2 and n % 3)
    assert "Rossi" not in page.text
    for wrong in ("?day=x", "?day=9999-12-31", "?before=x", "?patient=%27", "?staff=' OR 1=1", "?before=" + "9" * 30):
        assert visitor.get(f"/desk/audit{wrong}").status == 200


def a_reminder(session: Session, visit: Appointment, status: str, reason: str = "", days: int = 1) -> None:
    moment = NOW - timedelta(days=days)
    session.add(
        Reminder(
            appointment_id=visit.id,
            version=visit.schedule_version,
            kind=f"days_before_{days}",
            due_at=moment,
            next_attempt_at=moment,
            status=status,
            reason=reason or None,
        )
    )
    session.commit()


def test_the_call_list_holds_whom_no_text_reached(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    def visit_of(name: str, clock_time: str, **account: object) -> Appointment:
        patient = make_patient(session, family_name=name)
        assert patient.phone_account
        for column, value in account.items():
            setattr(patient.phone_account, column, value)
        day = MONDAY + timedelta(days=1)
        return make_appointment(session, patient=patient, starts_local=local(day, clock_time), treatment="follow-up")

    a_reminder(session, visit_of("Failed", "09:00"), "failed", "30005")
    a_reminder(session, visit_of("Doubt", "10:00"), "in_doubt")
    visit_of("Stopped", "11:00", opted_out_at=NOW, opted_out_by="STOP")
    visit_of("Away", "12:00", unreachable_at=NOW)
    fine = visit_of("Fine", "13:00")
    a_reminder(session, fine, "failed", days=3)
    a_reminder(session, fine, "sent", days=1)
    without = visit_of("Without", "14:00")
    assert without.patient
    without.patient.phone_account_id = None
    gone = visit_of("Gone", "15:00")
    a_reminder(session, gone, "failed")
    gone.status, gone.version = "cancelled", 2
    session.commit()
    visitor = as_role("receptionist")
    page = visitor.get("/desk/calls")
    for words in ("The text failed", "not known whether", "Opted out", "cannot be reached", "No mobile number"):
        assert words in page.text
    assert "5 patients to call" in page.text and "Fine" not in page.text and "Gone" not in page.text
    assert any(href.startswith("tel:+1613") for href, _words in page.links)
    page = visitor.press("✓ Called")
    assert "4 patients to call" in page.text and "✓ Called receptionist, Monday 30 November" in page.text
    assert "5 patients to call" in visitor.press("Not yet").text
    assert audited(session) == ["patient.called", "patient.call_taken_back"]


@pytest.mark.parametrize(("by", "called"), [("clinic", True), ("patient", False)])
def test_a_visit_that_the_clinic_cancels_is_for_the_call_list_when_no_text_can_tell(
    as_role: Callable[[str], Visitor], session: Session, engine: Engine, amelie: Patient, by: str, called: bool
) -> None:
    visit = make_appointment(session, patient=amelie, starts_local=local(MONDAY + timedelta(days=1), "14:00"))
    session.get_one(PhoneAccount, amelie.phone_account_id).opted_out_at = NOW
    session.commit()
    visitor = as_role("receptionist")
    form = visitor.get(f"/desk/visits/{visit.public_id}?ask=cancel").form("by")
    visitor.send(form, by=by)
    with time_machine.travel(NOW + timedelta(minutes=4)):
        send_reminders(engine, FakeSms(), FakeClock(clock.now()))
        page = visitor.get("/desk/calls")
        assert ("1 patient to call" in page.text) == ("Cancelled: to be told" in page.text) == called
        if called:
            assert "Opted out of texts" in page.text and any(href == "tel:+16135550142" for href, _words in page.links)
            page = visitor.press("✓ Called")
            assert "1 patient to call" not in page.text and "✓ Called receptionist" in page.text


@ON_SQLITE
def test_a_visit_moved_after_the_call_is_called_about_again(
    as_role: Callable[[str], Visitor], session: Session, amelie: Patient
) -> None:
    visit = make_appointment(session, patient=amelie, starts_local=local(MONDAY + timedelta(days=1), "09:00"))
    session.get_one(PhoneAccount, amelie.phone_account_id).opted_out_at = NOW
    session.commit()
    visitor = as_role("receptionist")
    form = visitor.get("/desk/calls").form("version")
    visitor.send(form)
    session.rollback()
    later = [moment + timedelta(days=1) for moment in (visit.starts_at, visit.ends_at, visit.busy_until)]
    with session.no_autoflush:
        visit.starts_local = visit.counts_from_local = local(MONDAY + timedelta(days=2), "09:00")
        visit.starts_at, visit.ends_at, visit.busy_until = later
        visit.version = visit.schedule_version = 2
    session.commit()
    assert "1 patient to call" in visitor.get("/desk/calls").text
    refused = visitor.send(form)
    assert refused.status == 409 and "This has changed meanwhile" in refused.text


@ON_SQLITE
def test_pages_speak_french(as_role: Callable[[str], Visitor], session: Session, amelie: Patient) -> None:
    visitor = as_role("owner")
    for path in (f"patients/{amelie.public_id}", f"patients/{amelie.public_id}/edit", "calls", "audit"):
        page = visitor.get(f"/desk/{path}?lang=fr")
        assert page.status == 200 and 'lang="fr"' in page.html


@ON_SQLITE
def test_a_patient_takes_the_same_number_of_queries_whatever_is_known(
    as_role: Callable[[str], Visitor], session: Session, app: Flask, amelie: Patient
) -> None:
    """The first page learns the clinic's hours and the notices, which are kept for the next ones."""
    visitor = as_role("owner")
    address = f"/desk/patients/{amelie.public_id}"
    visitor.get(address)
    seen = statements_of_pages(app)
    counts = []
    for number in range(4):
        seen.clear()
        visitor.get(address)
        counts.append(sum(statement.startswith("SELECT") for statement in seen))
        session.rollback()
        more_is_known(session, amelie, number)
    assert "Relative2" in visitor.page.text
    assert set(counts) == {19}


def more_is_known(session: Session, patient: Patient, number: int) -> None:
    """A visit to come with its answers, one elsewhere, a text, and somebody on the same number who may act."""
    day = MONDAY + timedelta(days=7 * number + 7)
    visit = make_appointment(session, patient=patient, starts_local=local(day, "09:00"))
    text_message(session, number, patient_id=patient.id)
    relative = make_patient(session, family_name=f"Relative{number}", number=None)
    relative.phone_account_id = patient.phone_account_id
    session.add_all(
        (
            Screening(
                appointment_id=visit.id,
                patient_id=patient.id,
                answers={"pregnancy": True},
                flagged=True,
                answered_at=NOW,
            ),
            ImsReview(appointment_id=visit.id, why="screening", asked_at=NOW),
            MayActFor(
                actor_id=relative.id,
                patient_id=patient.id,
                kind="adult",
                granted_at=NOW,
                granted_by="patient",
                how_asked="in person",
            ),
        )
    )
    session.commit()
