"""When the month's texts run out: the desk is warned, and whoever is not texted is telephoned."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from scheduler import clock, jobs
from scheduler.models import Message, Reminder
from tests.factories import local, make_appointment, make_clinic, make_patient
from tests.usecases.texts.sms_clinic import make_reminder
from tests.web.support.desk_staff import make_staff, sign_in
from tests.web.support.pages import plain

ENGLISH = {"Accept-Language": "en"}
ROLES = ("owner", "receptionist", "practitioner")


def said(app: Flask, session: Session, role: str, path: str = "/desk/list") -> str:
    app.extensions.pop("sms_budget", None)  # a minute later
    client = app.test_client()
    sign_in(client, session, role)
    return plain(client.get(path, headers=ENGLISH))


def use(session: Session, parts: int) -> None:
    session.add(
        Message(
            direction="out",
            kind="confirmation",
            number="+16135550142",
            body="",
            status="delivered",
            segments=parts,
            created_at=clock.now(),
        )
    )
    session.commit()


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_owner_is_warned_before_and_the_desk_when_they_are_used_up(
    another_app: Callable[..., Flask], session: Session
) -> None:
    app, unlimited = another_app(SMS_SEGMENTS_MONTHLY="10"), another_app()
    make_clinic(session)
    make_staff(session, *ROLES)
    use(session, 7)
    assert not any("parts" in said(app, session, role) for role in ROLES)
    use(session, 1)
    warned = {role: "8 of the month’s 10 parts of texts are used." in said(app, session, role) for role in ROLES}
    assert warned == {"owner": True, "receptionist": False, "practitioner": False}
    use(session, 2)
    told = {role: "used up (10 parts of 10)" in said(app, session, role) for role in ROLES}
    assert told == {"owner": True, "receptionist": True, "practitioner": False}
    links = {role: "Change the limit" in said(app, session, role) for role in ROLES}
    assert links == {"owner": True, "receptionist": False, "practitioner": False}
    assert "used up" not in said(unlimited, session, "owner")


def test_a_reminder_that_the_budget_holds_back_is_called_about_until_it_goes_out(
    another_app: Callable[..., Flask], session: Session
) -> None:
    app, richer = (
        another_app(SMS_SEGMENTS_MONTHLY="10", QUIET_HOURS="00:00-00:00"),
        another_app(QUIET_HOURS="00:00-00:00"),
    )
    make_clinic(session)
    make_staff(session, "receptionist")
    in_two_days = (clock.now() + timedelta(days=2)).date()
    visit = make_appointment(session, patient=make_patient(session), starts_local=local(in_two_days, "12:00"))
    make_reminder(session, visit, due_at=clock.now() - timedelta(minutes=1))
    use(session, 10)
    jobs.tick(app)
    assert (
        "The month’s texts are used up"
        in said(app, session, "receptionist", "/desk/calls").partition("1 patient to call")[2]
    )
    assert "Waits: the month’s texts are used up" in said(
        app, session, "receptionist", f"/desk/visits/{visit.public_id}"
    )
    assert session.scalars(select(Reminder.status)).one() == "planned"
    session.rollback()
    jobs.tick(richer)
    assert session.scalars(select(Reminder.status)).one() == "sent"
    assert "Nobody needs a call" in said(richer, session, "receptionist", "/desk/calls")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_long_list_of_reminders_stops_where_the_budget_does(
    another_app: Callable[..., Flask], session: Session
) -> None:
    app = another_app(SMS_SEGMENTS_MONTHLY="20", SMS_CONCURRENCY="2", QUIET_HOURS="00:00-00:00")
    make_clinic(session)
    day = (clock.now() + timedelta(days=2)).date()
    for minutes in range(0, 480, 15):
        hour = f"{9 + minutes // 60:02}:{minutes % 60:02}"
        visit = make_appointment(
            session,
            patient=make_patient(session),
            starts_local=local(day, hour),
            treatment="follow-up",
            minutes=15,
            practitioner="p1" if minutes % 30 else "p2",
            room="Room 1" if minutes % 30 else "Room 2",
        )
        make_reminder(session, visit, due_at=clock.now() - timedelta(minutes=1))
    jobs.tick(app)
    sent = session.scalars(select(Message.id).where(Message.status == "delivered")).all()
    assert len(sent) == 10, "two parts each: the first text to a number says how to stop them"
    assert session.execute(
        update(Reminder).where(Reminder.status == "planned").values(reason=None)
    ).rowcount == 32 - len(sent)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_many_answers_of_the_desk_stop_where_the_budget_does_and_codes_do_not(
    another_app: Callable[..., Flask], session: Session
) -> None:
    app = another_app(SMS_SEGMENTS_MONTHLY="10", SMS_CONCURRENCY="16")
    for kind in ["desk"] * 9 + ["code"] * 3:
        session.add(
            Message(
                direction="out",
                kind=kind,
                number="+16135550142",
                body="Yes, come at five",
                status="queued",
                segments=1,
                created_at=clock.now(),
            )
        )
    use(session, 4)
    jobs.tick(app)
    sent = session.scalars(select(Message.kind).where(Message.status == "delivered", Message.body != "")).all()
    assert (sent.count("code"), sent.count("desk")) == (3, 6), "codes are of a budget of their own"
