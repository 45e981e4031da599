"""Practitioners, rooms, treatments, staff and tokens, as the owner changes them."""

import re
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from scheduler.models import (
    ApiToken,
    Appointment,
    AppointmentHistory,
    AuditLine,
    Practitioner,
    PractitionerTreatment,
    Room,
    SpacingGroup,
    StaffUser,
    Treatment,
)
from scheduler.usecases.staff.staff import password_matches
from scheduler.web.desk.sign_in.half_way import HALF_WAY
from tests.factories import local, make_appointment, make_clinic, make_patient
from tests.support.statements import statements_of_pages
from tests.web.support import signing_in
from tests.web.support.desk_staff import make_staff, said, sign_in, token

ENGLISH = {"Accept-Language": "en"}
SQLITE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
COMING = (datetime.now(UTC) + timedelta(days=20)).date()


@pytest.fixture
def owner(client: FlaskClient, session: Session) -> FlaskClient:
    make_clinic(session)
    make_staff(session, "owner", "receptionist")
    sign_in(client, session, "owner")
    return client


def form_of(client: FlaskClient, path: str) -> dict[str, object]:
    page = client.get(path)
    assert page.status_code == 200
    main = page.text[page.text.index('<form method="post" class="stack"') :]
    form: dict[str, object] = dict(re.findall(r'<input id="\w+" name="(\w+)"[^>]*?value="([^"]*)"', main))
    form |= dict(re.findall(r'<select[^>]*name="(\w+)".*?<option value="([^"]*)" selected', main, re.DOTALL))
    form |= dict.fromkeys(re.findall(r'name="(\w+)" value="y" checked', main), "y")
    form["treatments"] = re.findall(r'name="treatments" value="(\d+)" checked', main)
    found = re.search(r'name="seen" value="(\w*)"', main)
    return {**form, "seen": found[1] if found else "", "csrf_token": token(page)}


def send(client: FlaskClient, path: str, **changed: object) -> TestResponse:
    form = {**form_of(client, path), **changed}
    return client.post(
        path, data={name: value for name, value in form.items() if value != "" or name == "group"}, headers=ENGLISH
    )


def test_a_practitioner_comes_and_goes(owner: FlaskClient, session: Session) -> None:
    treatments = [str(each) for each in session.scalars(select(Treatment.id))]
    session.rollback()
    path = "/desk/settings/practitioners/new"
    assert (
        send(owner, path, given_name="Ève", family_name="Roy", treatments=treatments, can_needle="y").status_code == 303
    )
    added = session.scalars(select(Practitioner).where(Practitioner.family_name == "Roy")).one()
    page = f"/desk/settings/practitioners/{added.id}"
    assert (added.slug, added.active, added.can_needle) == ("eve-roy", True, True)
    make_appointment(
        session, patient=make_patient(session), starts_local=local(COMING, "10:00"), practitioner="eve-roy"
    )
    for taken in ({"active": ""}, {"can_needle": ""}, {"treatments": treatments[:1]}):
        refused = send(owner, page, **taken)
        assert refused.status_code == 409
        assert f"/desk/list?day={COMING}" in refused.text or f"day={COMING}" in refused.text
    session.rollback()
    session.refresh(added)
    assert added.active and added.can_needle
    assert send(owner, page, given_name="Eve").status_code == 303
    session.rollback()
    assert any("given_name: Ève → Eve" in line for line in session.scalars(select(AuditLine.details)))


@SQLITE
def test_a_room_with_visits_stays_and_names_are_ones_own(owner: FlaskClient, session: Session) -> None:
    make_appointment(session, patient=make_patient(session), starts_local=local(COMING, "10:00"), room="Room 1")
    room, other = session.scalars(select(Room.id).order_by(Room.id)).all()
    session.rollback()
    assert send(owner, f"/desk/settings/rooms/{room}", active="").status_code == 409
    assert send(owner, f"/desk/settings/rooms/{other}", active="").status_code == 303
    assert send(owner, f"/desk/settings/rooms/{other}", name="Room 1").status_code == 422
    assert send(owner, f"/desk/settings/rooms/{other}", name="").status_code == 422
    assert send(owner, f"/desk/settings/rooms/{other}", position="-1").status_code == 422
    assert owner.get("/desk/settings/rooms/999").status_code == 404
    assert owner.get("/desk/settings/kitchens").status_code == 404


def test_ims_never_goes_below_seven_days(owner: FlaskClient, session: Session) -> None:
    group = session.scalars(select(SpacingGroup.id)).one()
    session.rollback()
    page = f"/desk/settings/spacing/{group}"
    refused = send(owner, page, min_days="6")
    assert refused.status_code == 422
    assert "never less than 7 days apart" in refused.text
    for wrong in ("", "x", "0", "366", "-7", "7.5"):
        assert send(owner, page, min_days=wrong).status_code == 422
    with pytest.raises(IntegrityError, match="ims_min_days_at_least_7"):
        session.execute(update(SpacingGroup).values(min_days=6))
    session.rollback()
    assert send(owner, page, min_days="10").status_code == 303
    session.rollback()
    assert session.scalars(select(SpacingGroup.min_days)).one() == 10
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(COMING, "10:00"))
    assert visit.spacing_days == 10
    noted = session.scalars(select(AuditLine.details).where(AuditLine.what == "settings.changed")).all()
    assert f"spacing {group}: min_days: 7 → 10" in noted


def days_of(session: Session) -> list[int | None]:
    session.rollback()
    session.expire_all()
    return list(session.scalars(select(Appointment.spacing_days).order_by(Appointment.id)))


def test_other_days_hold_from_now_on_and_what_is_booked_nearer_stays_and_is_shown(
    owner: FlaskClient, session: Session
) -> None:
    group = session.scalars(select(SpacingGroup.id)).one()
    weekly, rare = make_patient(session, given_name="Weekly", family_name="Roy"), make_patient(session)
    for weeks in range(3):
        make_appointment(session, patient=weekly, starts_local=local(COMING + timedelta(weeks=weeks), "10:00"))
    for weeks in range(0, 4, 2):
        make_appointment(session, patient=rare, starts_local=local(COMING + timedelta(weeks=weeks), "14:00"))
    page = f"/desk/settings/spacing/{group}"
    longer = send(owner, page, min_days="14")
    assert longer.location == page  # there they are
    assert days_of(session) == [7, 7, 14, 14, 14]
    said = owner.get(page, headers=ENGLISH).text
    assert "2 visits stay as they were booked" in said
    assert said.count("Weekly Roy") == 2
    kept = session.scalars(select(Appointment).order_by(Appointment.id)).first()
    assert kept is not None and kept.version == 1
    session.rollback()
    shorter = send(owner, page, min_days="9")
    assert shorter.location == page
    assert days_of(session) == [7, 7, 9, 9, 9]
    assert send(owner, page, min_days="7").location == "/desk/settings/spacing"
    assert days_of(session) == [7, 7, 7, 7, 7]
    # Now a visit seven days after one that was booked under fourteen is possible again, also to the database.
    make_appointment(session, patient=rare, starts_local=local(COMING + timedelta(weeks=3), "14:00"))
    whys = session.scalars(select(AppointmentHistory.changed_why).where(AppointmentHistory.version > 1)).all()
    assert len(whys) == 9 and set(whys) == {"spacing days"}


@SQLITE
def test_which_treatments_are_spaced(owner: FlaskClient, session: Session) -> None:
    ims, follow_up, assessment = (
        session.scalars(select(Treatment.id).where(Treatment.slug == slug)).one()
        for slug in ("ims", "follow-up", "ims-assessment")
    )
    group = session.scalars(select(SpacingGroup.id)).one()
    session.rollback()
    page = f"/desk/settings/spacing/{group}"
    refused = send(owner, page, treatments=[])
    assert refused.status_code == 422
    assert "An IMS treatment stays in its group." in refused.text
    assert send(owner, "/desk/settings/spacing/new", name="IMS", min_days="3").status_code == 422  # taken
    assert (
        send(owner, "/desk/settings/spacing/new", name="Ims!", min_days="3", treatments=[str(ims)]).status_code == 422
    )
    made = send(owner, "/desk/settings/spacing/new", name="Assessments", min_days="30", treatments=[str(assessment)])
    assert made.status_code == 303
    session.rollback()
    other = session.scalars(select(SpacingGroup).where(SpacingGroup.name == "Assessments")).one()
    assert (other.needling, session.get_one(Treatment, assessment).spacing_group_id) == (False, other.id)
    make_appointment(session, patient=make_patient(session), starts_local=local(COMING, "10:00"), treatment="follow-up")
    session.rollback()
    only_ims = send(owner, page, treatments=[str(ims), str(follow_up)])
    assert only_ims.status_code == 422 and "Only treatments of the kind IMS are in this group." in only_ims.text
    assert (
        send(owner, f"/desk/settings/spacing/{other.id}", treatments=[str(follow_up)]).status_code == 409
    )  # one is booked
    treatment = f"/desk/settings/treatments/{assessment}"
    assert send(owner, treatment, group=str(group)).status_code == 422  # that of IMS
    assert send(owner, treatment, group="999").status_code == 422
    assert send(owner, treatment, group="").status_code == 303
    session.rollback()
    session.expire_all()
    assert session.get_one(Treatment, assessment).spacing_group_id is None


def test_nobody_is_given_ims_who_is_not_authorised_for_it(owner: FlaskClient, session: Session) -> None:
    needling = str(session.scalars(select(Treatment.id).where(Treatment.needling)).one())
    session.rollback()
    path = "/desk/settings/practitioners/new"
    refused = send(owner, path, given_name="Ève", family_name="Roy", treatments=[needling])
    assert refused.status_code == 422 and "tick this as well, or take IMS away" in refused.text
    assert send(owner, path, given_name="Ève", family_name="Roy", treatments=[needling], can_needle="y").location
    assert "; Authorised for IMS" in owner.get("/desk/settings/practitioners", headers=ENGLISH).text


def test_of_two_owners_at_one_practitioner_the_second_is_told(owner: FlaskClient, session: Session) -> None:
    page = f"/desk/settings/practitioners/{session.scalars(select(Practitioner.id)).first()}"
    session.rollback()
    second = form_of(owner, page)
    assert send(owner, page, family_name="Tremblay").status_code == 303
    refused = owner.post(page, data={**second, "given_name": "Ann"}, headers=ENGLISH)
    assert refused.status_code == 409
    assert "Last name: now Tremblay" in refused.text


def test_a_colleague_is_added_with_a_password_for_one_sign_in(owner: FlaskClient, app: Flask, session: Session) -> None:
    path = "/desk/settings/staff/new"
    assert send(owner, path, username="Robin!", display_name="Robin", role="receptionist").status_code == 422
    assert send(owner, path, username="robin", display_name="", role="receptionist").status_code == 422
    assert send(owner, path, username="robin", display_name="Robin", role="king").status_code == 422
    made = send(owner, path, username="robin", display_name="Robin", role="receptionist")
    found = re.search(r'class="secret">([a-z0-9-]+)<', made.text)
    assert found
    session.rollback()
    robin = session.scalars(select(StaffUser).where(StaffUser.username == "robin")).one()
    assert robin.password_temporary
    assert password_matches(robin, found[1])
    colleague = app.test_client()
    signing_in.sign_in(colleague, "robin", found[1])
    assert colleague.get("/desk").location == "/desk/account"
    page = f"/desk/settings/staff/{robin.id}"
    assert send(owner, page, active="").status_code == 303  # and out at once
    assert colleague.get("/desk/account").status_code == 303


def test_an_owner_is_always_left_and_nobody_changes_their_own_role(owner: FlaskClient, session: Session) -> None:
    me = session.scalars(select(StaffUser).where(StaffUser.username == "owner")).one()
    page = f"/desk/settings/staff/{me.id}"
    for changed in ({"role": "receptionist"}, {"active": ""}):
        refused = send(owner, page, **changed)
        assert refused.status_code == 422
        assert "last owner" in refused.text
    signing_in.make_staff(session, "morgan")
    refused = send(owner, page, role="receptionist")
    assert refused.status_code == 422
    assert "your own account" in refused.text
    session.rollback()
    session.refresh(me)
    assert (me.role, me.active) == ("owner", True)
    morgan = session.scalars(select(StaffUser.id).where(StaffUser.username == "morgan")).one()
    session.rollback()
    assert send(owner, f"/desk/settings/staff/{morgan}", role="practitioner").status_code == 303


@SQLITE
def test_a_lost_telephone_and_a_forgotten_password(owner: FlaskClient, app: Flask, session: Session) -> None:
    robin = signing_in.make_staff(session, "robin", "receptionist", totp_secret="JBSWY3DPEHPK3PXP")
    page = f"/desk/settings/staff/{robin.id}"
    assert owner.post(f"{page}/second-step", data=said(owner.get(page))).status_code == 303
    reset = owner.post(f"{page}/password", data=said(owner.get(page)))
    found = re.search(r'class="secret">([a-z0-9-]+)<', reset.text)
    assert found
    session.rollback()
    session.refresh(robin)
    assert robin.totp_secret is None
    colleague = app.test_client()
    assert signing_in.sign_in(colleague, "robin").status_code == 422
    assert signing_in.sign_in(colleague, "robin", found[1]).status_code == 303
    with colleague.session_transaction("/desk") as cookie:
        assert HALF_WAY not in cookie


@SQLITE
def test_a_token_is_shown_once_and_dies_when_revoked(owner: FlaskClient, client: FlaskClient, session: Session) -> None:
    page = "/desk/settings/tokens"
    form = {"csrf_token": token(owner.get(page)), "name": "website", "role": "receptionist"}
    made = owner.post(page, data=form)
    found = re.search(r'class="secret">(ims_[\w-]+)<', made.text)
    assert found
    assert found[1] not in owner.get(page).text
    assert owner.post(page, data=form).status_code == 422
    bearer = {"Authorization": f"Bearer {found[1]}"}
    assert client.get("/api/v1/patients", headers=bearer).status_code == 200
    made_id = session.scalars(select(ApiToken.id)).one()
    session.rollback()
    assert owner.post(f"{page}/{made_id}/revoke", data=said(owner.get(page))).status_code == 303
    assert client.get("/api/v1/patients", headers=bearer).status_code == 401
    noted = session.scalars(select(AuditLine.details).where(AuditLine.what == "settings.changed")).all()
    assert [*noted] == ["token website: made as receptionist", "token website: revoked"]


def test_of_many_visits_in_the_way_the_first_are_listed_and_all_are_counted(
    owner: FlaskClient, session: Session
) -> None:
    patient = make_patient(session)
    for n in range(52):
        make_appointment(
            session, patient=patient, starts_local=local(COMING + timedelta(days=n), "10:00"), treatment="follow-up"
        )
    session.rollback()
    refused = send(owner, "/desk/settings/practitioners/1", active="")
    assert "52 visits are still booked that need this." in refused.text
    assert "and 2 more, later than these" in refused.text
    assert refused.text.count("/desk/list?day=") == 50
    group = session.scalars(select(SpacingGroup.id)).one()
    session.rollback()
    assert "Order" not in owner.get(f"/desk/settings/spacing/{group}").text
    for kind in ("practitioners", "rooms", "treatments"):
        page = owner.get(f"/desk/settings/{kind}/1", headers=ENGLISH).text
        assert 'aria-describedby="position-hint"' in page and "The smallest number comes first" in page


@pytest.mark.parametrize("kind", ["practitioners", "rooms", "treatments", "spacing"])
def test_a_list_asks_the_database_no_more_often_for_more_rows(
    owner: FlaskClient, app: Flask, session: Session, kind: str
) -> None:
    seen = statements_of_pages(app)
    owner.get(f"/desk/settings/{kind}")
    seen.clear()
    owner.get(f"/desk/settings/{kind}")
    before = len(seen)
    group = SpacingGroup(slug="shockwave", name="Shockwave", min_days=3)
    session.add(group)
    session.flush()
    for number in range(3):
        words = f"Extra{number}"
        treatment = Treatment(
            slug=words, name_en=words, name_fr=words, minutes=30, buffer_minutes=0, spacing_group_id=group.id
        )
        practitioner = Practitioner(slug=words, given_name=words, family_name="Roy")
        session.add_all([treatment, practitioner, Room(name=words), SpacingGroup(slug=words, name=words, min_days=2)])
        session.flush()
        session.add(PractitionerTreatment(practitioner_id=practitioner.id, treatment_id=treatment.id))
    session.commit()
    page = owner.get(f"/desk/settings/{kind}")
    seen.clear()
    page = owner.get(f"/desk/settings/{kind}")
    assert page.text.count("Extra") >= 3
    assert len(seen) == before <= 10  # four of them are counts in the bar of every page
