"""The pages behind the link in a text: one visit, to confirm, move and cancel, and nothing more told than the text told."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from scheduler.models import Appointment, Closure
from scheduler.usecases.booking.booking import cancel_appointment, move_appointment
from scheduler.usecases.patients.merging import merge_patients
from scheduler.usecases.visits.links import MADE_UP_LINKS, add_links, draw_link
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient, mark_wrong
from tests.web.support.pages import path_of, plain, send

DAY = timedelta(days=1)
TO = local(MONDAY + 2 * DAY, "13:30")


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


@pytest.fixture
def visit(client: FlaskClient, session: Session) -> Appointment:
    """IMS on Tuesday 1 December, 10:00; another one nine days later."""
    make_clinic(session)
    patient = make_patient(session, given_name="Amélie", family_name="Roy")
    make_appointment(session, patient=patient, starts_local=local(MONDAY + 10 * DAY, "10:00"))
    return make_appointment(session, patient=patient, starts_local=local(MONDAY + DAY, "10:00"))


@pytest.fixture
def path(session: Session, visit: Appointment) -> str:
    return texted(session, visit)


def texted(session: Session, visit: Appointment) -> str:
    """The path of the link that a reminder of it would have."""
    assert visit.patient and visit.patient.phone_account_id
    link = draw_link(
        appointment_id=visit.id,
        schedule_version=visit.schedule_version,
        patient_id=visit.patient.id,
        account_id=visit.patient.phone_account_id,
        clinic=CLINIC,
        now=NOW,
        until=visit.starts_at,
    )
    add_links(session.connection(), [link])
    session.commit()
    return link.address.removeprefix(CLINIC.public_url)


def test_it_shows_the_visit_as_the_text_told_it_and_confirms_it(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    page = client.get(path)
    for told in ("East Side Physio", "Tuesday 1 December, 10:00 am", "Pat1"):
        assert told in plain(page)
    for secret in ("Amélie", "Roy", "IMS", "10 December"):
        assert secret not in plain(page), secret
    for _press in range(2):
        assert path_of(send(client, page, "Confirm")) == path
    assert "You have confirmed this visit" in plain(client.get(path))
    session.refresh(visit)
    assert (visit.status, visit.version) == ("confirmed", 2)
    assert visit.changed_by == f"patient:{visit.patient.phone_account_id}"


def test_it_cancels_at_a_second_press_and_is_over_then(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    asked = client.get(f"{path}/cancel")
    session.refresh(visit)
    assert visit.status == "booked"
    session.rollback()
    for _press in range(2):
        assert path_of(send(client, asked, "Cancel the visit")) == "/m/cancelled"
    assert "Tuesday 1 December, 10:00 am is cancelled" in plain(client.get("/m/cancelled"))
    session.refresh(visit)
    assert visit.status == "cancelled"
    for page in (path, f"{path}/move", f"{path}/cancel"):
        assert client.get(page).status_code == 404


def test_after_the_cut_off_it_confirms_and_gives_the_telephone_until_the_visit_begins(
    client: FlaskClient, session: Session, visit: Appointment, path: str, clock: time_machine.Traveller
) -> None:
    early = {page: client.get(f"{path}/{page}") for page in ("move", "cancel")}
    clock.move_to(visit.starts_at - timedelta(hours=1))
    late = client.get(path)
    assert "please call us at 613-555-0100" in plain(late)
    assert "Choose another time" not in plain(late) and "Cancel" not in plain(late)
    send(client, early["move"], "Move to", starts=TO.isoformat(timespec="minutes"))
    send(client, early["cancel"], "Cancel the visit")
    session.refresh(visit)
    assert (visit.status, visit.version) == ("booked", 1)
    assert path_of(send(client, late, "Confirm")) == path
    clock.move_to(visit.starts_at)
    assert client.get(path).status_code == 404


def test_an_act_says_on_which_version_of_the_visit(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    pages = [(client.get(path), "Confirm"), (client.get(f"{path}/cancel"), "Cancel the visit")]
    for page, button in pages:
        assert send(client, page, button, version=None).status_code == 409
    visit.version += 1
    visit.changed_at, visit.changed_by = NOW, "staff:1"
    session.commit()
    for page, button in pages:
        answer = send(client, page, button)
        assert answer.status_code == 409
        assert "has changed since this page was opened" in plain(answer)
    session.refresh(visit)
    assert visit.status == "booked"


def test_a_time_that_the_clinic_cannot_keep_is_not_confirmed(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    session.add(
        Closure(name="Flood", starts_local=local(MONDAY + DAY, "00:00"), ends_local=local(MONDAY + 2 * DAY, "00:00"))
    )
    session.commit()
    page = client.get(path)
    assert "We cannot keep this time" in plain(page)
    assert "Confirm" not in plain(page) and "Flood" not in plain(page)


def test_merging_the_record_ends_it(client: FlaskClient, session: Session, visit: Appointment, path: str) -> None:
    assert visit.patient
    kept = make_patient(session)
    kept.phone_account = visit.patient.phone_account
    session.commit()
    assert client.get(path).status_code == 200
    session.rollback()
    merge_patients(session, kept=kept.public_id, merged=visit.patient.public_id, sure=True, now=NOW, actor=STAFF)
    assert client.get(path).status_code == 404


def test_stop_ends_texts_and_not_the_visit(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    assert visit.patient and visit.patient.phone_account
    visit.patient.phone_account.opted_out_at = NOW
    session.commit()
    assert client.get(path).status_code == 200


def test_who_makes_links_up_is_slowed_down_and_who_opens_an_old_one_is_not(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    cancel_appointment(session, clinic=CLINIC, public_id=visit.public_id, reason="", now=NOW, actor=STAFF)
    assert {client.get(path).status_code for _ in range(MADE_UP_LINKS + 5)} == {404}
    guesses = [client.get(f"/m/{number:017}").status_code for number in range(MADE_UP_LINKS + 2)]
    assert guesses == [404] * MADE_UP_LINKS + [429] * 2
    assert client.get(path).status_code == 429, "a right guess among them tells nothing"
    other = client.get(path, environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert other.status_code == 404


def test_it_moves_the_visit_without_signing_in_and_works_once(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    page = client.get(f"{path}/move?practitioner=anyone&day={TO.date()}")
    assert "Now: Tuesday 1 December, 10:00 am" in plain(page)
    assert page.headers["Cache-Control"] == "no-store"
    answer = send(client, page, "Move to", starts=TO.isoformat(timespec="minutes"))
    assert path_of(answer) == "/m/done"
    assert "Your visit is now on Wednesday 2 December, 1:30 pm" in plain(client.get("/m/done"))
    session.refresh(visit)
    assert visit.starts_local == TO
    assert visit.changed_by == f"patient:{visit.patient.phone_account_id}"
    assert path_of(send(client, page, "Move to", starts=TO.isoformat(timespec="minutes"))) == "/m/done", "pressed twice"
    for again in (client.get(path), send(client, page, "Move to", starts=f"{TO.date()}T15:00")):
        assert again.status_code == 404
        assert "This link no longer works" in plain(again)


def test_it_tells_no_more_than_the_text(client: FlaskClient, path: str) -> None:
    """No name, no treatment, no other visit, also where the seven days forbid a time or nothing is free."""
    near_the_other = local(MONDAY + 8 * DAY, "13:30")
    page = client.get(f"{path}/move?practitioner=anyone&day={near_the_other.date()}")
    refused = send(client, page, "Move to", starts=near_the_other.isoformat(timespec="minutes"))
    assert refused.status_code == 409
    for shown in (page, refused, client.get(f"{path}/move?from=2027-02-20")):
        for secret in ("Amélie", "Roy", "IMS", "seven days", "10 December"):
            assert secret not in plain(shown), secret
    assert "This time cannot be booked" in plain(refused)


def test_a_time_somebody_took_is_said_with_the_nearest_ones(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    page = client.get(f"{path}/move?practitioner=p1&day={TO.date()}")
    make_appointment(session, patient=make_patient(session), starts_local=TO)
    refused = send(client, page, "Move to", starts=TO.isoformat(timespec="minutes"))
    assert refused.status_code == 409
    assert "The nearest times you can have" in plain(refused)
    session.refresh(visit)
    assert visit.starts_local == local(MONDAY + DAY, "10:00")


def test_looking_changes_nothing_and_a_form_needs_its_token(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    version = visit.version
    for _ in range(3):
        assert client.get(path).status_code == 200
    forged = client.post(f"{path}/move", data={"starts": TO.isoformat(timespec="minutes")})
    assert forged.status_code == 400
    assert "open for too long" in plain(forged)
    session.refresh(visit)
    assert visit.version == version


def test_a_link_that_works_no_more_says_so_in_the_patients_language(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    visit.patient.language = "fr"
    session.commit()
    cancel_appointment(session, clinic=CLINIC, public_id=visit.public_id, reason="", now=NOW, actor=STAFF)
    assert "Ce lien ne fonctionne plus" in plain(client.get(path, headers={"Accept-Language": "en"}))
    nobodys = client.application.test_client().get("/m/k3Qv9tXw2LrB7sYc5PnD1g", headers={"Accept-Language": "en"})
    assert "This link no longer works" in plain(nobodys)


def test_it_speaks_the_patients_language(client: FlaskClient, session: Session, visit: Appointment, path: str) -> None:
    visit.patient.language = "fr"
    session.commit()
    assert "mardi 1er décembre" in plain(client.get(path))


@pytest.mark.parametrize("token", ["x", "a" * 22, "a" * 3000, "%00", "done.", "é"])
def test_a_made_up_link_is_404(client: FlaskClient, token: str) -> None:
    assert client.get(f"/m/{token}").status_code == 404


def test_an_old_link_is_404(client: FlaskClient, path: str, clock: time_machine.Traveller) -> None:
    clock.shift(4 * DAY)
    assert client.get(path).status_code == 404


def test_a_restricted_patients_link_works_no_more(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    """They move nothing online: times that are all refused would be no offer."""
    assert visit.patient
    visit.patient.restricted_at = NOW
    session.commit()
    assert client.get(path).status_code == 404


def test_a_link_on_a_telephone_that_is_somebody_elses_works_no_more(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    page = client.get(f"{path}/move?practitioner=anyone&day={TO.date()}")
    account = visit.patient.phone_account
    account.unreachable_at = NOW
    session.commit()
    assert client.get(path).status_code == 404
    session.rollback()
    account.unreachable_at = None
    session.commit()
    assert client.get(path).status_code == 200
    session.rollback()
    mark = mark_wrong(session, visit.patient)
    assert client.get(path).status_code == 404
    assert send(client, page, "Move to", starts=TO.isoformat(timespec="minutes")).status_code == 404
    session.rollback()
    mark.lifted_at = NOW  # it was theirs after all
    session.commit()
    assert client.get(path).status_code == 200


@pytest.mark.parametrize("has_another", [True, False])
def test_a_link_texted_to_the_number_of_before_works_no_more(
    client: FlaskClient, session: Session, visit: Appointment, path: str, has_another: bool
) -> None:
    page = client.get(f"{path}/move?practitioner=anyone&day={TO.date()}")
    visit.patient.phone_account = make_patient(session).phone_account if has_another else None
    session.commit()
    assert client.get(path).status_code == 404
    assert send(client, page, "Move to", starts=TO.isoformat(timespec="minutes")).status_code == 404
    session.rollback()
    session.refresh(visit)
    assert visit.starts_local == local(MONDAY + DAY, "10:00")


def test_nor_does_it_tell_whether_the_patient_has_moved_the_visit_since(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    page = client.get(f"{path}/move?practitioner=anyone&day={TO.date()}")
    send(client, page, "Move to", starts=TO.isoformat(timespec="minutes"))
    visit.patient.phone_account = make_patient(session).phone_account
    session.commit()
    assert send(client, page, "Move to", starts=TO.isoformat(timespec="minutes")).status_code == 404


@pytest.mark.parametrize(
    "form",
    [
        {"starts": "9999-12-31T23:59"},
        {"starts": "0001-01-01T00:00"},
        {"starts": "2026-12-02T13:30:00.000001"},
        {"starts": "2026-12-02T13:30", "practitioner": "p\0"},
        {"starts": "2026-03-08T02:30"},
    ],
)
def test_whatever_is_sent_to_it_is_answered(client: FlaskClient, path: str, form: dict[str, str]) -> None:
    page = client.get(f"{path}/move?practitioner=anyone&day={TO.date()}")
    assert send(client, page, "Move to", **form).status_code in (303, 409, 422)
    for query in (
        "from=9999-12-31",
        "from=0001-01-01",
        "day=9999-12-31",
        "day=0001-01-01",
        "practitioner=%00",
        "from=9999-12-31&day=0001-01-01",
    ):
        assert client.get(f"{path}/move?{query}").status_code in (200, 404)


def test_a_link_that_is_over_does_not_tell_where_the_visit_went(
    client: FlaskClient, session: Session, visit: Appointment, path: str
) -> None:
    page = client.get(f"{path}/move?practitioner=anyone&day={TO.date()}")
    move_appointment(
        session,
        public_id=visit.public_id,
        starts_local=TO,
        practitioner=None,
        clinic=CLINIC,
        now=NOW,
        actor=STAFF,
    )
    guessed = send(client, page, "Move to", starts=TO.isoformat(timespec="minutes"))
    assert guessed.status_code == 404
