"""What texts may cost in a month, and for how long what they said is kept."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.models import Message
from scheduler.usecases.codes import anything_waiting, claim_codes
from scheduler.usecases.sms_budget import SmsBudget, parts_used
from scheduler.usecases.sms_retention import blank_old_bodies
from tests.factories import NOW

TORONTO = "America/Toronto"


def add_text(session: Session, *, kind: str = "confirmation", status: str = "delivered", **columns: object) -> None:
    session.add(
        Message(
            **{
                "direction": "out",
                "kind": kind,
                "number": "+16135550142",
                "body": "words",
                "status": status,
                "segments": 1,
                "created_at": NOW,
                **columns,
            }
        )
    )
    session.commit()


def test_the_month_is_the_clinics_and_what_surely_did_not_go_out_is_free(session: Session, engine: Engine) -> None:
    add_text(session, segments=2)
    add_text(session, status="in_doubt")
    add_text(session, status="failed")
    add_text(session, status="queued")
    add_text(session, created_at=datetime(2026, 11, 1, 3, 59, tzinfo=UTC))  # still October in Toronto
    add_text(session, created_at=datetime(2026, 11, 1, 4, tzinfo=UTC))
    assert parts_used(engine, zone=TORONTO, now=NOW) == 4


def test_a_budget_used_up_is_noticed_within_a_minute_and_ends_with_the_month(session: Session, engine: Engine) -> None:
    budget = SmsBudget(engine, parts=2, zone=TORONTO)
    add_text(session)
    assert not budget.is_used_up(NOW)
    add_text(session)
    assert budget.is_used_up(NOW + timedelta(minutes=1))
    assert not budget.is_used_up(NOW + timedelta(days=5))
    assert not SmsBudget(engine, parts=0, zone=TORONTO).is_used_up(NOW)


def test_then_only_codes_go_out(session: Session, engine: Engine) -> None:
    add_text(session, kind="desk", status="queued", next_attempt_at=NOW)
    assert not anything_waiting(engine, now=NOW, only="code")
    add_text(session, kind="code", status="queued", next_attempt_at=NOW)
    claimed = claim_codes(engine, now=NOW, limit=9, gateway="twilio", only="code")
    assert len(claimed.outgoing) == 1
    assert anything_waiting(engine, now=NOW)


def test_what_texts_said_is_blanked_in_time_and_that_they_were_sent_stays(session: Session, engine: Engine) -> None:
    for days in (1, 29, 31, 400):
        add_text(session, created_at=NOW - timedelta(days=days), body=f"{days}")
    add_text(session, created_at=NOW - timedelta(days=40), status="in_doubt", body="in doubt")
    assert blank_old_bodies(engine, days=30, now=NOW) == 2
    assert blank_old_bodies(engine, days=10, now=NOW + timedelta(hours=1)) == 0, "once a day"
    assert session.scalars(select(Message.body).order_by(Message.id)).all() == ["1", "29", "", "", "in doubt"]
