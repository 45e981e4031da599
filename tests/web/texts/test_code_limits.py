"""When strangers use up the day's sign-in codes: what patients, new patients and the desk are told."""

from collections.abc import Callable, Iterator
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.models import Message
from scheduler.usecases import audit
from tests.factories import NOW, make_clinic, make_patient
from tests.web.support.desk_staff import make_staff
from tests.web.support.desk_staff import sign_in as sign_in_staff
from tests.web.support.pages import last_code, path_of, plain, send

pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
ENGLISH = {"Accept-Language": "en"}
KNOWN, NEW = "613-555-0142", "613-555-0199"


@pytest.fixture(autouse=True)
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def ask(app: Flask, number: str, address: str = "192.0.2.7", language: str = "en") -> str:
    """The words of the page that follows."""
    client = app.test_client()
    environ = {"REMOTE_ADDR": address}
    page = client.get(f"/me/sign-in?lang={language}", environ_base=environ)
    answer = send(client, page, "sign-in", number=number)
    return plain(client.get(path_of(answer)) if answer.status_code == 303 else answer)


def strangers(app: Flask, count: int) -> None:
    for index in range(count):
        ask(app, f"613-{600 + index}-0199", address=f"198.51.100.{index}")


def at_the_desk(app: Flask, session: Session, role: str = "receptionist") -> str:
    app.extensions.pop("code_use", None)  # fifteen seconds later
    client = app.test_client()
    sign_in_staff(client, session, role)
    return plain(client.get("/desk/list", headers=ENGLISH))


def test_patients_and_new_patients_read_the_same_when_codes_run_out_and_patients_get_theirs(
    another_app: Callable[..., Flask], session: Session, clock: time_machine.Traveller
) -> None:
    app = another_app(CODES_PER_DAY="20")
    make_clinic(session)
    make_patient(session, number="+16135550142")
    strangers(app, 6)
    known, new = ask(app, KNOWN), ask(app, NEW)
    assert known.replace(KNOWN, "") == new.replace(NEW, "")
    assert "only to numbers of our patients" in known and "try again after 11:00 am" in known
    assert session.scalars(select(Message.number).order_by(Message.id)).all()[3:] == ["+16135550142"]
    assert last_code(session)
    for hour in range(1, 6):
        clock.move_to(NOW + timedelta(hours=hour))
        strangers(app, 4)
    assert "or try again tomorrow, Saturday 28 November, from 10:00 am" in ask(app, NEW)
    assert "ou réessayez demain, samedi 28 novembre, à partir de 10 h" in ask(app, "613-555-0198", "192.0.2.8", "fr")


def test_the_desk_is_told_from_half_of_the_days_codes_on(
    another_app: Callable[..., Flask], session: Session, clock: time_machine.Traveller
) -> None:
    app = another_app(CODES_PER_DAY="10")
    make_clinic(session)
    make_staff(session, "receptionist", "practitioner")
    strangers(app, 2)
    assert "sign-in codes" not in at_the_desk(app, session)
    for hour in (1, 2):
        clock.move_to(NOW + timedelta(hours=hour))
        strangers(app, 2)
    assert "6 of the day’s 10 sign-in codes are used." in at_the_desk(app, session)
    assert "sign-in codes" not in at_the_desk(app, session, "practitioner")
    strangers(app, 3)
    assert "they now go to patients’ numbers alone" in at_the_desk(app, session)


def test_the_desk_is_told_of_three_new_names_on_one_number(app: Flask, session: Session) -> None:
    make_clinic(session)
    make_staff(session, "receptionist", "practitioner")
    account = make_patient(session, number="+16135550142").phone_account
    assert account
    for _name in range(3):
        audit.note(session, what=audit.REGISTERED, actor=Actor("patient", str(account.id)), now=NOW)
    session.commit()
    assert "Three new names or more were given online today on one number: 613-555-0142." in at_the_desk(app, session)
    assert "Three new names" not in at_the_desk(app, session, "practitioner")
