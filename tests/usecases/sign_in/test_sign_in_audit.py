"""Every outcome of a sign-in leaves a line, and none of them what a stranger typed."""

from datetime import date, datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.domain.errors import TooManyTries
from scheduler.models import AuditLine
from scheduler.usecases.sign_in import code_limits, known_browsers, sign_in
from scheduler.usecases.staff.sign_in_audit import (
    STRANGERS_AN_HOUR,
    SignIn,
    patient_actor,
    record_refused_program,
    record_sign_in,
    staff_actor,
)
from scheduler.usecases.staff.staff import add_staff
from scheduler.usecases.staff.token_use import revoke_token
from scheduler.usecases.staff.tokens import create_token, token_hash
from tests.factories import CLINIC, NOW, make_clinic, make_patient, mark_wrong

MINUTE = timedelta(minutes=1)


def lines(session: Session) -> list[tuple[str, str, str, str]]:
    found = session.scalars(select(AuditLine).order_by(AuditLine.id))
    return [(line.actor, line.what, line.details, line.address) for line in found]


def test_who_signed_in_how_and_from_where_is_noted(session: Session) -> None:
    add_staff(session, username="olga", display_name="Olga", role="owner", password="mauve otter 81 lake", now=NOW)
    for outcome in SignIn:
        olga = staff_actor(" Olga ", "2001:db8::1")
        record_sign_in(session, outcome=outcome, actor=olga, step="password", now=NOW)
    record_sign_in(session, outcome=SignIn.RIGHT, actor=patient_actor(7, "192.0.2.7"), step="code", now=NOW)
    assert lines(session) == [
        ("staff:olga", "sign_in.right", "password", "2001:db8::/64"),
        ("staff:olga", "sign_in.wrong", "password", "2001:db8::/64"),
        ("staff:olga", "sign_in.locked", "password", "2001:db8::/64"),
        ("staff:olga", "sign_in.refused", "password", "2001:db8::/64"),
        ("staff:olga", "sign_in.signed_out", "password", "2001:db8::/64"),
        ("patient:7", "sign_in.right", "code", "192.0.2.7"),
    ]


def test_a_password_typed_as_a_name_is_not_kept(session: Session) -> None:
    typed = staff_actor("my secret password", "192.0.2.7")
    record_sign_in(session, outcome=SignIn.WRONG, actor=typed, step="password", now=NOW)
    assert lines(session) == [("staff:unknown", "sign_in.wrong", "password", "192.0.2.7")]


def test_somebody_locked_out_who_goes_on_trying_does_not_fill_the_log(session: Session) -> None:
    stranger = patient_actor(None, "192.0.2.7")
    for minute in (0, 1, 14, 16):
        record_sign_in(session, outcome=SignIn.LOCKED, actor=stranger, step="code", now=NOW + minute * MINUTE)
    assert lines(session) == [("patient:unknown", "sign_in.locked", "code", "192.0.2.7")] * 2


def test_a_code_that_is_not_sent_is_noted_once_and_why(session: Session) -> None:
    def ask(number: str, now: datetime = NOW, **limits: float) -> None:
        sign_in.request_code(
            session,
            number=number,
            address="192.0.2.7",
            language="en",
            secret="a secret",
            clinic=CLINIC,
            now=now,
            limits=code_limits.CodeLimits(**limits),
        )

    make_clinic(session)
    account = make_patient(session, number="+16135550142").phone_account_id
    ask("+16135550142")
    assert lines(session) == []
    for seconds in (1, 2):
        with pytest.raises(TooManyTries):
            ask("+16135550142", NOW + timedelta(seconds=seconds))
    refused = (f"patient:{account}", "sign_in.refused", "code request, too often", "192.0.2.7")
    assert lines(session) == [refused]
    ask("+16135550143", NOW + MINUTE, everybodys_part=0.001)  # takes the one code that is everybody's
    ask("+16135550144", NOW + MINUTE, everybodys_part=0.001)
    ask("+16135550142", NOW + MINUTE, everybodys_part=0.001)
    kept = ("patient:unknown", "sign_in.refused", "code request, kept for patients", "192.0.2.7")
    assert lines(session) == [refused, kept]


def test_what_became_of_a_birth_date_is_noted_and_never_the_date(session: Session) -> None:
    make_clinic(session)
    born, other = date(1986, 3, 14), date(1990, 1, 1)
    patient = make_patient(session, number="+16135550142", birth_date=born)
    account = patient.phone_account
    assert account

    def type_in(day: date, **more: bool) -> str:
        try:
            known_browsers.born_then(
                session, account=account, day=day, secret="a secret", now=NOW, address="192.0.2.7", **more
            )
        except TooManyTries:
            pass
        last = lines(session)[-1]
        assert last[0] == f"patient:{account.id}" and last[3] == "192.0.2.7"
        return f"{last[1]}: {last[2]}"

    assert type_in(born) == "sign_in.right: birth date"
    assert session.scalars(select(AuditLine.patient_id)).all() == [patient.id]
    assert type_in(born, shared=True) == "sign_in.right: birth date, shared device"
    assert type_in(other) == "sign_in.wrong: birth date"
    undated = make_patient(session, birth_date=None)
    undated.phone_account_id = account.id
    session.commit()
    assert type_in(other) == "sign_in.wrong: birth date, none on file"
    mark_wrong(session, patient)
    assert type_in(born) == "sign_in.wrong: birth date, record locked"
    assert [type_in(other) for _ in range(3)][-1] == "sign_in.locked: birth date, locked for the day"
    assert not any(str(day.year) in details for _who, _what, details, _from in lines(session) for day in (born, other))


def test_a_refused_token_is_noted_once_an_hour_and_address_and_strangers_do_not_fill_the_log(session: Session) -> None:
    token = create_token(session, name="accounts", role="owner", now=NOW)
    revoke_token(session, name="accounts", now=NOW)

    def refused(typed: str, address: str = "192.0.2.7", minutes: int = 0) -> None:
        record_refused_program(
            session, token_hash=token_hash(typed), address=address, now=NOW + timedelta(minutes=minutes)
        )

    for minutes in (0, 59, 60):
        refused(token, minutes=minutes)
    refused("a guess")
    refused("another guess")
    assert lines(session) == [
        ("token:accounts", "sign_in.refused", "token, ended", "192.0.2.7"),
        ("token:accounts", "sign_in.refused", "token, ended", "192.0.2.7"),
        ("token:unknown", "sign_in.refused", "token", "192.0.2.7"),
    ]
    for number in range(STRANGERS_AN_HOUR + 5):
        refused("a guess", f"198.51.{number // 250}.{number % 250}")
    assert len(lines(session)) == 2 + STRANGERS_AN_HOUR


def test_signing_out_everywhere_and_a_shared_device_are_noted(session: Session) -> None:
    make_clinic(session)
    patient = make_patient(session, number="+16135550142")
    assert patient.phone_account
    opened = known_browsers.Opened(patient.phone_account, NOW + MINUTE, None, patient, (patient,))
    known_browsers.sign_out_everywhere(session, opened, address="192.0.2.7", now=NOW)
    known_browsers.forget_browser(session, opened, address="192.0.2.7", now=NOW)
    who = f"patient:{patient.phone_account_id}"
    assert lines(session) == [
        (who, "sign_in.signed_out", "everywhere", "192.0.2.7"),
        (who, "sign_in.signed_out", "shared device", "192.0.2.7"),
    ]
