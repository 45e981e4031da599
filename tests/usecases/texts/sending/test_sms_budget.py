"""What texts may cost in a month, and for how long what they said is kept."""

import dataclasses
from datetime import UTC, datetime, timedelta

from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.gateways.sms import RefusalReason, SmsRefused, SmsUnavailable
from scheduler.models import Message
from scheduler.queries.texts.calls import due
from scheduler.usecases.texts.retention import blank_at_provider, blank_old_bodies
from scheduler.usecases.texts.sending.budget import SmsBudget, mark_waiting, parts_used
from scheduler.usecases.texts.sending.reminders import claim_due
from scheduler.usecases.texts.sending.status import sms_status
from scheduler.usecases.texts.sending.unplanned import anything_waiting, claim_codes
from tests.factories import CLINIC, NOW
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import make_reminder, make_visit, send_codes, send_reminders

TORONTO = "America/Toronto"


def limited(parts: int) -> ClinicSettings:
    return dataclasses.replace(CLINIC, zone=TORONTO, sms_parts_monthly=parts)


def text_row(**columns: object) -> Message:
    return Message(
        **{
            "direction": "out",
            "kind": "confirmation",
            "number": "+16135550142",
            "body": "words",
            "status": "delivered",
            "segments": 1,
            "created_at": NOW,
            **columns,
        }
    )


def add_text(session: Session, **columns: object) -> None:
    session.add(text_row(**columns))
    session.commit()


def test_the_month_is_the_clinics_and_what_surely_did_not_go_out_is_free(session: Session, engine: Engine) -> None:
    add_text(session, segments=2)
    add_text(session, status="in_doubt")
    add_text(session, status="failed")
    add_text(session, status="queued")
    add_text(session, kind="code", segments=9)  # of a budget of its own
    add_text(session, created_at=datetime(2026, 11, 1, 3, 59, tzinfo=UTC))  # still October in Toronto
    add_text(session, created_at=datetime(2026, 11, 1, 4, tzinfo=UTC))
    assert parts_used(engine, zone=TORONTO, now=NOW) == 4


def test_a_budget_used_up_is_noticed_within_a_minute_and_ends_with_the_month(session: Session, engine: Engine) -> None:
    budget = SmsBudget(engine, lambda: limited(2))
    add_text(session)
    assert not budget.is_used_up(NOW)
    add_text(session)
    assert budget.is_used_up(NOW + timedelta(minutes=1))
    assert not budget.is_used_up(NOW + timedelta(days=5))
    assert not SmsBudget(engine, lambda: limited(0)).is_used_up(NOW)


def test_what_a_process_claims_counts_before_the_sum_is_read_again(session: Session, engine: Engine) -> None:
    budget = SmsBudget(engine, lambda: limited(4))
    add_text(session, segments=2)
    assert budget.state(NOW).at_most(32) == 1
    visit = make_visit(session, number="+16135550142")
    make_reminder(session, visit, due_at=NOW)
    claimed = claim_due(engine, clinic=CLINIC, now=NOW, limit=2, gateway="twilio").outgoing
    budget.count(claimed)
    assert (len(claimed), budget.state(NOW).at_most(32)) == (1, 1)
    budget.count(claimed)
    assert budget.is_used_up(NOW)
    assert budget.state(NOW).at_most(32) == 0


def test_near_its_end_other_workers_count_at_once(session: Session, engine: Engine) -> None:
    budget = SmsBudget(engine, lambda: limited(4))
    assert budget.state(NOW).at_most(32) == 1, "a text may have four parts"
    add_text(session, segments=3)  # by another worker
    assert not budget.is_used_up(NOW + timedelta(seconds=1))
    add_text(session)
    assert budget.is_used_up(NOW + timedelta(seconds=2))


def test_another_budget_holds_at_once(session: Session, engine: Engine) -> None:
    clinic = limited(1)
    budget = SmsBudget(engine, lambda: clinic)
    add_text(session)
    assert budget.is_used_up(NOW)
    clinic = limited(2)
    assert not budget.is_used_up(NOW)


def test_then_only_codes_go_out(session: Session, engine: Engine) -> None:
    add_text(session, kind="desk", status="queued", next_attempt_at=NOW)
    assert not anything_waiting(engine, now=NOW, only="code")
    add_text(session, kind="code", status="queued", next_attempt_at=NOW)
    claimed = claim_codes(engine, now=NOW, limit=9, gateway="twilio", only="code")
    assert len(claimed.outgoing) == 1
    assert anything_waiting(engine, now=NOW)


def calls(engine: Engine) -> list[str]:
    with engine.connect() as connection:
        return [call.reason for call in due(connection, from_at=NOW, to_at=NOW + timedelta(days=14))]


def test_what_waits_for_the_next_month_is_called_about_and_goes_out_when_it_can(
    session: Session, engine: Engine
) -> None:
    visit = make_visit(session)
    reminder = make_reminder(session, visit, due_at=NOW - timedelta(minutes=1))
    later = make_reminder(session, visit, kind="days_before_1", due_at=NOW + timedelta(days=8))
    add_text(session, kind="desk", status="queued", next_attempt_at=NOW, body="Yes, come at five")
    add_text(session, kind="code", status="queued", next_attempt_at=NOW)
    assert calls(engine) == []
    for _ in range(2):
        mark_waiting(engine, now=NOW)
    assert calls(engine) == ["budget"]
    with engine.connect() as connection:
        status = sms_status(connection, clinic=CLINIC, now=NOW, sender="")
        assert status.due == 1, "the code: the rest is no failure of the service"
    session.rollback()
    session.expire_all()
    assert (reminder.status, reminder.reason, later.reason) == ("planned", "budget used up", None)
    waiting = session.scalars(select(Message.error_code).where(Message.status == "queued").order_by(Message.id)).all()
    assert waiting == ["budget used up", None]
    session.rollback()
    sms, clock = FakeSms(), FakeClock(NOW + timedelta(hours=1))
    send_reminders(engine, sms, clock)
    send_codes(engine, sms, clock)
    assert len(sms.sent) == 2  # the code is too old by now
    assert calls(engine) == []
    session.expire_all()
    assert (reminder.status, reminder.reason) == ("sent", None)
    assert session.scalars(select(Message.error_code).where(Message.kind == "desk")).one() is None


def test_what_the_desk_wrote_keeps_its_words_when_its_day_is_over(session: Session, engine: Engine) -> None:
    add_text(session, kind="desk", status="queued", body="Yes, come at five")
    add_text(session, kind="reply", status="queued", body="thank you")
    mark_waiting(engine, now=NOW + timedelta(days=1))
    assert session.execute(select(Message.status, Message.body).order_by(Message.id)).all() == [
        ("expired", "Yes, come at five"),
        ("expired", ""),
    ]


def test_an_answer_that_twilio_could_not_take_for_a_day_keeps_its_words(session: Session, engine: Engine) -> None:
    sms, clock = FakeSms(), FakeClock(NOW)
    add_text(session, kind="desk", status="queued", next_attempt_at=NOW, body="Yes, come at five")
    clock.forward(hours=23, minutes=59, seconds=59)
    sms.next_outcomes = [SmsUnavailable(retry_after=60)]
    send_codes(engine, sms, clock)
    assert session.execute(select(Message.status, Message.body)).all() == [("expired", "Yes, come at five")]


def test_what_texts_said_is_blanked_in_time_and_that_they_were_sent_stays(session: Session, engine: Engine) -> None:
    for days in (1, 29, 31, 400):
        add_text(session, created_at=NOW - timedelta(days=days), body=f"{days}")
    add_text(session, created_at=NOW - timedelta(days=40), status="in_doubt", body="in doubt", next_attempt_at=NOW)
    assert blank_old_bodies(engine, days=30, now=NOW) == 2
    assert blank_old_bodies(engine, days=10, now=NOW + timedelta(hours=1)) == 0, "once a day"
    assert session.scalars(select(Message.body).order_by(Message.id)).all() == ["1", "29", "", "", "in doubt"]


def test_years_of_old_texts_are_blanked_some_thousand_a_tick(session: Session, engine: Engine) -> None:
    session.add_all(text_row(created_at=NOW - timedelta(days=400)) for _ in range(2_600))
    session.commit()
    assert [blank_old_bodies(engine, days=30, now=NOW) for _tick in range(3)] == [2_000, 600, 0]


def test_the_provider_is_asked_to_forget_what_is_blanked_here_once_its_fate_is_final(
    session: Session, engine: Engine
) -> None:
    gateway, old = FakeSms(), NOW - timedelta(days=2)
    for number, (status, body, created_at) in enumerate(
        (
            ("delivered", "", old),
            ("queued", "", old),
            ("failed", "", old),
            ("delivered", "kept", old),
            ("delivered", "", NOW),
            ("sent", "", NOW),
        )
    ):
        add_text(session, status=status, body=body, created_at=created_at, sid=f"SM{number}", gateway="twilio")
    gateway.blank_error = SmsUnavailable()
    assert blank_at_provider(engine, gateway, now=NOW) == 0
    gateway.blank_error, gateway.blanked = SmsRefused(20404, RefusalReason.UNKNOWN), []
    assert blank_at_provider(engine, gateway, now=NOW) == 2, "what the provider no longer has is done with"
    assert gateway.blanked == ["SM0", "SM2"]
    assert blank_at_provider(engine, gateway, now=NOW) == 0


def test_a_text_that_never_got_a_receipt_is_blanked_at_the_provider_too(session: Session, engine: Engine) -> None:
    gateway, old = FakeSms(), NOW - timedelta(days=91)
    for status in ("accepted", "sent", "in_doubt"):
        add_text(session, status=status, body="", created_at=old, sid=f"SM{status}", gateway="twilio")
    assert blank_at_provider(engine, gateway, now=NOW) == 3
    assert gateway.blanked == ["SMaccepted", "SMsent", "SMin_doubt"]
    assert blank_at_provider(engine, gateway, now=NOW) == 0


def test_a_text_that_the_provider_has_still_to_send_is_blanked_there_another_day(
    session: Session, engine: Engine
) -> None:
    gateway = FakeSms()
    gateway.blank_error = SmsRefused(20009, RefusalReason.UNKNOWN)
    add_text(session, status="accepted", body="", created_at=NOW - timedelta(days=2), sid="SM0", gateway="twilio")
    assert [blank_at_provider(engine, gateway, now=NOW) for _tick in range(2)] == [0, 0]
    assert gateway.blanked == ["SM0"], "tried again tomorrow, not with every tick"
    gateway.blank_error = None
    assert blank_at_provider(engine, gateway, now=NOW + timedelta(days=1)) == 1
    assert gateway.blanked == ["SM0", "SM0"]


def test_what_the_provider_will_never_blank_is_given_up(session: Session, engine: Engine) -> None:
    gateway = FakeSms()
    gateway.blank_error = SmsRefused(20009, RefusalReason.UNKNOWN)
    add_text(session, status="sent", body="", created_at=NOW - timedelta(days=91), sid="SM0", gateway="twilio")
    assert [blank_at_provider(engine, gateway, now=NOW) for _tick in range(2)] == [1, 0]
