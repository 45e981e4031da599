"""A clinic, a moment, and visitors on its pages."""

import re
from datetime import date, datetime, timedelta
from typing import Any

from flask import Flask
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from scheduler.models import Appointment, Message
from tests.factories import MONDAY, local, make_appointment, make_patient
from tests.web.support.visitor import Page, Visitor

MONDAY_10 = local(MONDAY, "10:00")
KNOWN = "+16135550142"
BORN = date(1986, 3, 14)
"""As patients are made, and as somebody new says."""


class BookingVisitor(Visitor):
    """Knows the way through a booking; `engine` is for reading the texts that arrive on the phone."""

    def __init__(self, app: Flask, engine: Engine) -> None:
        super().__init__(app.test_client())
        self.engine = engine

    def begin(self, treatment: str = "ims-assessment", been_before: str | None = "no", **choices: Any) -> Page:
        self.get("/book")
        if been_before is not None:
            choices["been_before"] = been_before
        return self.send(self.page.form("treatment"), treatment=treatment, **choices)

    def times(self) -> list[str]:
        return self.page.form("starts").choices["starts"]

    def choose(self, start: str | datetime) -> Page:
        """Opens the start's day and chooses it."""
        if isinstance(start, datetime):
            start = start.isoformat(timespec="minutes")
        self.get(f"{self.page.path}?day={start[:10]}")
        assert start in self.times(), f"{start} is not on offer: {self.times()}"
        return self.send(self.page.form("starts"), starts=start)

    def give_number(self, number: str = "613-555-0177") -> Page:
        return self.send(self.page.form("number"), number=number)

    def type_code(self, code: str | None = None, born: date | None = BORN) -> Page:
        """And the birth date, where it is asked; none: not yet."""
        self.send(self.page.form("code"), code=code or self.code())
        if born and self.page.path.endswith("/birth-date"):
            self.give_birth_date(born)
        return self.page

    def give_birth_date(self, born: date, **typed: Any) -> Page:
        parts = {f"birth_date_{part}": str(getattr(born, part)) for part in ("day", "month", "year")}
        return self.send(self.page.form("birth_date_day"), **parts, **typed)

    def go_on_as_new(self) -> Page:
        """What was typed did not match."""
        return self.press("I am new here")

    def say_who(self, *, applies: list[str] | None = None, **typed: Any) -> Page:
        new = {
            "given_name": "Jean-François",
            "family_name": "O’Brien",
            "birth_date_day": "14",
            "birth_date_month": "3",
            "birth_date_year": "1986",
        }
        form = self.page.form("given_name")
        if "applies" in form.choices:
            typed["applies"] = applies or ["nothing"]
        return self.send(form, **{**(new if typed.get("patient", "new") == "new" else {}), **typed})

    def confirm(self, **typed: Any) -> Page:
        form = self.page.forms[-1]
        if "since" in form.choices:
            typed = {"since": "changed" if "applies" in typed else "same", **typed}
        elif "applies" in form.choices and "applies" not in typed and "applies" not in dict(form.values):
            typed["applies"] = ["nothing"]
        return self.send(form, **typed)

    def sign_in(self, number: str, treatment: str = "ims") -> Page:
        """By way of "I am a patient here"."""
        self.begin(treatment, been_before="yes")
        self.give_number(number)
        return self.type_code()

    def code(self) -> str:
        with Session(self.engine) as session:
            body = session.scalars(
                select(Message.body).where(Message.kind == "code").order_by(Message.id.desc())
            ).first()
        assert body is not None
        found = re.search(r"\b\d{6}\b", body)
        assert found is not None
        return found.group()

    @property
    def token(self) -> str:
        return self.page.path.split("/")[2]


def visits(engine: Engine, *statuses: str) -> list[Appointment]:
    """All that were made online."""
    with Session(engine) as session:
        query = select(Appointment).where(
            Appointment.origin == "online", Appointment.status.in_(statuses or ("booked",))
        )
        return list(session.scalars(query.order_by(Appointment.id)))


def count_of(engine: Engine, table: str) -> int:
    with engine.connect() as connection:
        return int(connection.execute(text(f"SELECT count(*) FROM {table}")).scalar_one())


def amelie(engine: Engine, *days_before_monday: int, cleared: bool = True, status: str = "completed") -> None:
    """A patient on KNOWN with IMS visits at 10:00, that many days before MONDAY."""
    with Session(engine) as session:
        patient = make_patient(session, number=KNOWN, cleared=cleared, given_name="Amélie", family_name="Lévesque")
        for days in days_before_monday:
            make_appointment(session, patient=patient, starts_local=MONDAY_10 - timedelta(days=days), status=status)


def reach_review(visitor: BookingVisitor, start: datetime = MONDAY_10, treatment: str = "ims-assessment") -> None:
    visitor.begin(treatment)
    visitor.choose(start)
    visitor.give_number()
    visitor.type_code()
    visitor.say_who()
    assert visitor.page.path.endswith("/review"), visitor.page.text
