"""Every outcome of a sign-in leaves a line, and none of them what a stranger typed."""

from datetime import timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import AuditLine
from scheduler.usecases.sign_in_audit import SignIn, patient_actor, record_sign_in, staff_actor
from scheduler.usecases.staff import add_staff
from tests.factories import NOW

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
