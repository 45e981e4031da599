"""Treatments and their kind, as the owner changes them."""

from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from scheduler.models import Practitioner, PractitionerTreatment, SpacingGroup, Treatment
from tests.factories import local, make_appointment, make_patient
from tests.web.clinic.test_settings_rows import COMING, ENGLISH, SQLITE, owner, send
from tests.web.support.desk_staff import make_staff, sign_in

__all__ = ["owner"]  # a fixture
NEW = "/desk/settings/treatments/new"
SOUNDS_SO = "This name sounds like IMS."


@SQLITE
def test_a_clinic_without_ims_begins_it_with_a_treatment(client: FlaskClient, session: Session) -> None:
    make_staff(session, "owner")
    sign_in(client, session, "owner")
    names = {"name_en": "IMS", "name_fr": "SIM", "minutes": "30"}
    loud = send(client, NEW, **names, kind="other")
    assert loud.status_code == 422 and SOUNDS_SO in loud.text
    assert send(client, NEW, **names, kind="other", named_so_on_purpose="y").status_code == 303
    assert send(client, NEW, **names, kind="ims").status_code == 303
    assert send(client, NEW, **names, kind="ims").status_code == 303
    made = {row.slug: (row.needling, row.needs_clearance) for row in session.scalars(select(Treatment))}
    assert made == {"ims-2": (False, False), "ims": (True, True), "ims-3": (True, True)}
    [group] = session.scalars(select(SpacingGroup))
    assert (group.slug, group.min_days, group.needling) == ("ims", 7, True)


@SQLITE
def test_the_kind_is_never_left_to_a_default(owner: FlaskClient, session: Session) -> None:
    names = {"name_en": "Laser", "name_fr": "Laser"}
    forgotten = send(owner, NEW, **names)
    assert forgotten.status_code == 422 and "Choose what kind of treatment this is." in forgotten.text
    assert send(owner, NEW, **names, kind="surgery").status_code == 422
    assert SOUNDS_SO not in send(owner, NEW, **names, kind="other").text
    session.rollback()
    laser = session.scalars(select(Treatment).where(Treatment.slug == "laser")).one()
    assert (laser.kind, laser.spacing_group_id) == ("other", None)


@SQLITE
def test_a_name_that_sounds_like_ims_is_asked_about_again_when_it_changes(owner: FlaskClient, session: Session) -> None:
    """The tick is of the name and kind that it was given for: without one that sounds so it is forgotten."""
    follow_up = session.scalars(select(Treatment.id).where(Treatment.slug == "follow-up")).one()
    session.rollback()
    page = f"/desk/settings/treatments/{follow_up}"
    assert send(owner, page, name_fr="Séance d’aiguilles").status_code == 422
    assert send(owner, page, name_fr="Séance d’aiguilles", named_so_on_purpose="y").status_code == 303
    assert "named_so_on_purpose" in owner.get(page).text
    assert send(owner, page, name_fr="Suivi").status_code == 303
    assert "named_so_on_purpose" not in owner.get(page).text
    assert send(owner, page, name_en="Dry-Needling").status_code == 422


@SQLITE
def test_a_treatment_becomes_ims_when_nothing_is_booked_and_all_who_do_it_may_needle(
    owner: FlaskClient, session: Session
) -> None:
    follow_up, ims = (
        session.scalars(select(Treatment.id).where(Treatment.slug == slug)).one() for slug in ("follow-up", "ims")
    )
    visit = make_appointment(
        session, patient=make_patient(session), starts_local=local(COMING, "10:00"), treatment="follow-up"
    )
    page = f"/desk/settings/treatments/{follow_up}"
    assert send(owner, page, kind="ims").status_code == 409
    session.refresh(visit)
    visit.status, visit.version = "cancelled", visit.version + 1
    session.commit()
    p2 = session.scalars(select(Practitioner).where(Practitioner.slug == "p2")).one()
    session.execute(
        delete(PractitionerTreatment).where(
            PractitionerTreatment.practitioner_id == p2.id, PractitionerTreatment.treatment_id == ims
        )
    )
    p2.can_needle = False
    session.commit()
    refused = send(owner, page, kind="ims")
    assert refused.status_code == 422 and "Somebody who is not authorised for IMS does this" in refused.text
    p2.can_needle = True
    session.commit()
    assert send(owner, page, kind="ims").status_code == 303
    session.expire_all()
    row = session.get_one(Treatment, follow_up)
    assert (row.needs_clearance, row.spacing_group_id) == (True, session.get_one(Treatment, ims).spacing_group_id)
    session.rollback()
    assert send(owner, page, kind="other").status_code == 303, "a slip is mended while nothing is booked"
    kept = send(owner, f"/desk/settings/treatments/{ims}", kind="other", named_so_on_purpose="y")
    assert kept.status_code == 422 and "it stays of this kind" in kept.text
    assert "; Assessment" in owner.get("/desk/settings/treatments", headers=ENGLISH).text
