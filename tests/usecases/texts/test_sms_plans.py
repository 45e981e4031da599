"""What is asked at every tick and scrape costs the same however many texts there have been."""

import re
from contextlib import closing
from datetime import timedelta
from typing import Any

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from scheduler.gateways.sms import FoundMessage
from scheduler.models import Message
from scheduler.usecases.texts.sending import budget, in_doubt, receipts, reminders, unplanned
from scheduler.usecases.texts.sending.status import sms_status
from tests.factories import CLINIC, NOW
from tests.fakes import FakeClock, FakeSms
from tests.support.statements import listen
from tests.usecases.texts.sms_clinic import make_reminder, make_visit, send_codes, send_reminders

HOUR = timedelta(hours=1)
READS_ALL = re.compile(r"SCAN (?:message|reminder)(?! USING INDEX ix_message_silent)|Seq Scan on (?:message|reminder)")


def plans_of(engine: Engine) -> list[str]:
    """Every statement from now on with its plan; on PostgreSQL as if every table were large."""
    plans: list[str] = []
    is_sqlite = engine.dialect.name == "sqlite"

    def explain(connection: Any, _cursor: Any, statement: str, parameters: Any, _context: Any, many: bool) -> None:
        if many or not statement.lstrip().startswith(("SELECT", "UPDATE", "DELETE", "WITH")):
            return
        with closing(connection.connection.cursor()) as cursor:
            if not is_sqlite:
                cursor.execute("SET enable_seqscan = off")
            cursor.execute(f"EXPLAIN {'QUERY PLAN' if is_sqlite else ''} {statement}", parameters)
            plans.append("\n".join([*(str(row[-1]) for row in cursor.fetchall()), statement]))

    listen(engine, "before_cursor_execute", explain)
    return plans


def test_no_tick_and_no_scrape_reads_every_text_there_ever_was(session: Session, engine: Engine) -> None:
    visit = make_visit(session)
    make_reminder(session, visit)
    for kind, state, columns in (
        ("code", "queued", {"next_attempt_at": NOW}),
        ("desk", "queued", {"next_attempt_at": NOW}),
        ("reply", "queued", {"created_at": NOW - 2 * HOUR}),
        ("code", "attempting", {"attempted_at": NOW - HOUR}),
        ("desk", "in_doubt", {"attempted_at": NOW - HOUR, "next_attempt_at": NOW - HOUR}),
        ("desk", "sent", {"sid": "SMsilent", "settled_at": NOW - 5 * HOUR}),
    ):
        values: dict[str, Any] = {"created_at": NOW, "direction": "out", "number": "+16135550142", "body": "words"}
        session.add(Message(**{**values, "kind": kind, "status": state, **columns}))
    session.commit()
    sms, at = FakeSms(), FakeClock(NOW)
    sms.statuses["SMsilent"] = FoundMessage("SMsilent", "delivered", NOW)
    plans = plans_of(engine)
    budget.mark_waiting(engine, now=NOW)
    send_reminders(engine, sms, at, concurrency=1)
    send_codes(engine, sms, at)
    in_doubt.take_stale(engine, now=NOW)
    in_doubt.settle_some(engine, sms, clock=at, limit=5)
    receipts.match_early(engine, now=NOW)
    receipts.ask_about_silent(engine, sms, clock=at, limit=5)
    unplanned.blank_old_codes(engine, now=NOW)
    reminders.anything_due(engine, clinic=CLINIC, now=NOW)
    with engine.connect() as connection:
        sms_status(connection, clinic=CLINIC, now=NOW, sender="")
    assert len(sms.sent) == 3
    assert len(plans) > 30
    assert [plan for plan in plans if READS_ALL.search(plan)] == []
