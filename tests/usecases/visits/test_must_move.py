"""Visits whose patients were asked to choose another time: nobody is told to come meanwhile, and nobody is forgotten."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from sqlalchemy import Engine, event, select
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.gateways.sms import RefusalReason, SmsRefused, SmsUnavailable
from scheduler.models import Appointment, Closure, Message, Reminder, TimeOff, WorkingHours
from scheduler.queries.texts import calls
from scheduler.queries.visits.must_move import displaced
from scheduler.usecases.booking.booking import move_appointment
from scheduler.usecases.calendar.absences import NewClosure, add_closures, add_time_off, remove_closure, remove_time_off
from scheduler.usecases.calendar.working_hours import add_hours, end_hours, set_one_day
from scheduler.usecases.texts.calls import tick_off
from scheduler.usecases.texts.sending import reminders
from scheduler.usecases.visits.must_move import text_displaced
from tests.factories import CLINIC, MONDAY, NOW, STAFF, ZONE, local
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import make_closure, make_reminder, make_visit, send_reminders

DAY, HOUR = timedelta(days=1), timedelta(hours=1)
TEN = local(MONDAY + 7 * DAY, "10:00")
"""Monday 7 December, ten days from NOW."""
Way = Callable[[Session, Appointment, FakeClock], None]
WayBack = Callable[[Session, FakeClock], None]


@pytest.fixture
def sms() -> FakeSms:
    return FakeSms()


@pytest.fixture
def at() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def visit(session: Session) -> Appointment:
    visit = make_visit(session, starts_local=TEN)
    for days in (3, 1):
        make_reminder(session, visit, kind=f"days_before_{days}", due_at=visit.starts_at - days * DAY)
    return visit


def close(session: Session, visit: Appointment, at: FakeClock) -> None:
    closure = NewClosure(visit.starts_local - HOUR, visit.starts_local + HOUR, "Burst pipe")
    add_closures(session, closures=[closure], now=at(), actor=STAFF)


def open_again(session: Session, at: FakeClock) -> None:
    closure_id = session.scalars(select(Closure.id)).one()
    remove_closure(session, closure_id=closure_id, now=at(), actor=STAFF)


def go_away(session: Session, visit: Appointment, at: FakeClock) -> None:
    add_time_off(
        session,
        practitioner="p1",
        starts_local=visit.starts_local - HOUR,
        ends_local=visit.starts_local + HOUR,
        reason="",
        now=at(),
        actor=STAFF,
    )


def come_back(session: Session, at: FakeClock) -> None:
    remove_time_off(session, time_off_id=session.scalars(select(TimeOff.id)).one(), now=at(), actor=STAFF)


def end_mondays(session: Session, visit: Appointment, at: FakeClock) -> None:
    mondays = session.scalars(
        select(WorkingHours).where(
            WorkingHours.practitioner_id == visit.practitioner_id, WorkingHours.weekday == visit.starts_local.weekday()
        )
    ).one()
    end_hours(session, hours_id=mondays.id, last_day=visit.starts_local.date() - 7 * DAY, now=at(), actor=STAFF)


def add_mondays(session: Session, at: FakeClock) -> None:
    """With the day after those that ended as their first one."""
    add_hours(
        session,
        practitioner="p1",
        weekdays=[0],
        opens=time(8),
        closes=time(12),
        valid_from=MONDAY + DAY,
        valid_until=None,
        now=at(),
        actor=STAFF,
    )


def let_mondays_last(session: Session, at: FakeClock) -> None:
    """Ended too early: they end later."""
    ended = session.scalars(select(WorkingHours).where(WorkingHours.valid_until == MONDAY)).one()
    end_hours(session, hours_id=ended.id, last_day=MONDAY + 7 * DAY, now=at(), actor=STAFF)


def work_that_monday(session: Session, at: FakeClock) -> None:
    set_one_day(
        session, practitioner="p1", day=MONDAY + 7 * DAY, opens=time(10), closes=time(11), now=at(), actor=STAFF
    )


def work_late_that_monday(session: Session, visit: Appointment, at: FakeClock) -> None:
    set_one_day(
        session, practitioner="p1", day=MONDAY + 7 * DAY, opens=time(12), closes=time(20), now=at(), actor=STAFF
    )


WAYS = [
    (close, open_again),
    (go_away, come_back),
    (end_mondays, add_mondays),
    (end_mondays, let_mondays_last),
    (end_mondays, work_that_monday),
    (work_late_that_monday, work_that_monday),
]
"""In which somebody is there no more, and again."""


def ask(session: Session, at: FakeClock, *, hours_of: int | None = None) -> int:
    """As the desk's one button does."""
    session.rollback()
    hours = session.scalars(select(WorkingHours).where(WorkingHours.practitioner_id == hours_of)).all()
    now_local = clock.to_local(at(), ZONE)
    found = displaced(session.connection(), now=at(), now_local=now_local, hours_of=hours_of, hours=hours)
    return text_displaced(session, visits=found, clinic=CLINIC, now=at(), actor=STAFF)


def states(session: Session) -> dict[str, tuple[str, str | None]]:
    session.rollback()
    session.expire_all()
    rows = session.execute(select(Reminder.kind, Reminder.status, Reminder.reason))
    return {kind: (status, reason) for kind, status, reason in rows}


def to_call(engine: Engine, at: FakeClock) -> list[tuple[str, bool]]:
    """Of the call list's week: why, and whether somebody has called."""
    with engine.connect() as connection:
        found = calls.due(connection, from_at=at(), to_at=at() + 7 * DAY)
    return [(call.reason, call.called_at is not None) for call in found]


def asked_and_sent(session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment) -> None:
    close(session, visit, at)
    assert ask(session, at) == 1
    send_reminders(engine, sms, at)
    assert "must move" in sms.sent[-1].body


def test_no_reminder_tells_to_come_who_was_asked_to_choose_another_time_and_the_desk_calls(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    asked_and_sent(session, engine, sms, at, visit)
    assert to_call(engine, at) == []
    for days, reason in ((3, "days_before_3"), (1, "days_before_1")):
        at.at = visit.starts_at - days * DAY + timedelta(seconds=1)
        send_reminders(engine, sms, at)
        assert states(session)[reason] == ("suppressed", "must move")
        assert to_call(engine, at) == [("must move", False)]
    assert len(sms.sent) == 1


def test_a_patient_has_a_day_to_choose_before_the_desk_calls_unless_the_visit_is_near(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    at.at = visit.starts_at - 3 * DAY + HOUR
    send_reminders(engine, sms, at)  # that of three days before has gone out
    close(session, visit, at)
    ask(session, at)
    send_reminders(engine, sms, at)
    assert to_call(engine, at) == []
    at.forward(hours=24)
    assert to_call(engine, at) == []
    at.forward(minutes=1)
    assert to_call(engine, at) == [("must move", False)]


def test_a_visit_asked_about_yesterday_is_on_the_call_list_once_it_is_near(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    at.at = visit.starts_at - 25 * HOUR
    asked_and_sent(session, engine, sms, at, visit)
    assert to_call(engine, at) == []
    at.forward(minutes=61)
    assert to_call(engine, at) == [("must move", False)], "before the reminder was looked at"


def test_a_visit_that_has_moved_is_reminded_of_and_no_longer_called_about(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    asked_and_sent(session, engine, sms, at, visit)
    at.at = visit.starts_at - 2 * DAY
    send_reminders(engine, sms, at)
    assert to_call(engine, at) == [("must move", False)]
    move_appointment(
        session,
        public_id=visit.public_id,
        starts_local=visit.starts_local + 2 * HOUR,
        practitioner=None,
        clinic=CLINIC,
        now=at(),
        actor=STAFF,
    )
    assert to_call(engine, at) == []
    at.forward(hours=26)
    send_reminders(engine, sms, at)
    assert "12:00" in sms.sent[-1].body


@pytest.mark.parametrize(("away", "back"), WAYS)
def test_reminders_count_again_when_it_is_taken_back(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment, away: Way, back: WayBack
) -> None:
    away(session, visit, at)
    assert ask(session, at, hours_of=visit.practitioner_id) == 1
    send_reminders(engine, sms, at)
    at.at = visit.starts_at - 3 * DAY + HOUR
    send_reminders(engine, sms, at)
    assert states(session)["days_before_3"] == ("suppressed", "must move")
    back(session, at)
    assert to_call(engine, at) == []
    send_reminders(engine, sms, at)
    assert "visit on Monday 7 December" in sms.sent[-1].body
    at.at = visit.starts_at - DAY
    send_reminders(engine, sms, at)
    assert len(sms.sent) == 3
    assert {state for state, _reason in states(session).values()} == {"sent"}


def test_a_visit_that_two_absences_displace_stands_only_when_both_are_taken_back(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    go_away(session, visit, at)
    asked_and_sent(session, engine, sms, at, visit)
    open_again(session, at)
    at.at = visit.starts_at - 3 * DAY
    send_reminders(engine, sms, at)
    assert states(session)["days_before_3"] == ("suppressed", "must move")
    come_back(session, at)
    assert states(session)["days_before_3"] == ("planned", None)


def test_who_could_not_be_asked_is_not_told_to_come_either(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    close(session, visit, at)
    ask(session, at)
    sms.next_outcomes = [SmsRefused(30007, RefusalReason.UNDELIVERABLE)]
    send_reminders(engine, sms, at)
    at.at = visit.starts_at - 6 * DAY
    assert to_call(engine, at) == [("failed", False)]
    at.at = visit.starts_at - DAY
    send_reminders(engine, sms, at)
    assert sms.sent == []
    assert [reason for reason, _called in to_call(engine, at)] == ["must move"]


def test_a_call_made_before_the_patient_was_asked_does_not_count(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    at.at = visit.starts_at - 3 * DAY
    sms.next_outcomes = [SmsRefused(30007, RefusalReason.UNDELIVERABLE)]
    send_reminders(engine, sms, at)
    tick_off(session, public_id=visit.public_id, schedule_version=1, now=at(), actor=STAFF)
    assert to_call(engine, at) == [("failed", True)]
    at.forward(hours=1)
    close(session, visit, at)
    ask(session, at)
    send_reminders(engine, sms, at)
    at.at = visit.starts_at - 23 * HOUR
    assert to_call(engine, at) == [("must move", False)]
    tick_off(session, public_id=visit.public_id, schedule_version=1, now=at(), actor=STAFF)
    assert to_call(engine, at) == [("must move", True)]


def test_a_visit_displaced_of_which_nobody_was_asked_is_reminded_of(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment
) -> None:
    """The desk may have agreed to it on the telephone."""
    close(session, visit, at)
    at.at = visit.starts_at - DAY
    send_reminders(engine, sms, at)
    assert len(sms.sent) == 1


@pytest.mark.parametrize(("away", "back"), WAYS)
def test_nobody_is_told_in_the_morning_to_choose_another_time_for_what_was_taken_back_at_night(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment, away: Way, back: WayBack
) -> None:
    at.at = datetime(2026, 11, 28, 3, tzinfo=UTC)  # 22:00 at the clinic
    away(session, visit, at)
    assert ask(session, at, hours_of=visit.practitioner_id) == 1
    send_reminders(engine, sms, at)
    back(session, at)
    assert states(session)["displaced"] == ("superseded", "stands")
    at.forward(hours=11)
    send_reminders(engine, sms, at)
    assert sms.sent == []
    close(session, visit, at)
    assert ask(session, at) == 1, "for a closure of then once more"
    send_reminders(engine, sms, at)
    assert "must move" in sms.sent[-1].body


def test_hours_put_back_that_are_too_short_for_the_visit_let_it_not_stand(
    session: Session, engine: Engine, at: FakeClock, visit: Appointment
) -> None:
    end_mondays(session, visit, at)
    ask(session, at, hours_of=visit.practitioner_id)
    that_monday = visit.starts_local.date()
    set_one_day(session, practitioner="p1", day=that_monday, opens=time(9), closes=time(10), now=at(), actor=STAFF)
    assert states(session)["displaced"] == ("planned", None)
    close(session, visit, at)
    work_that_monday(session, at)
    assert states(session)["displaced"] == ("planned", None), "the clinic is closed all the same"


@pytest.mark.parametrize("hook", [True, False])
def test_a_text_that_an_outage_held_up_is_dropped_when_the_visit_stands_again(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, visit: Appointment, hook: bool
) -> None:
    """Also when the closure went otherwise, or was taken back while somebody asked."""
    close(session, visit, at)
    ask(session, at)
    sms.next_outcomes = [SmsUnavailable()]
    send_reminders(engine, sms, at)
    if hook:
        open_again(session, at)
    else:
        session.delete(session.scalars(select(Closure)).one())
        session.commit()
    at.forward(minutes=5)
    send_reminders(engine, sms, at)
    assert sms.sent == []
    assert states(session)["displaced"] == ("superseded", "stands")


def test_a_worker_that_keeps_a_reminder_back_while_the_closure_is_taken_back_is_waited_for(
    session: Session, engine: Engine, at: FakeClock, visit: Appointment
) -> None:
    make_closure(session, visit)
    make_reminder(session, visit, kind="displaced", status="sent", settled_at=NOW)
    at.at = visit.starts_at - 3 * DAY
    about_to_keep_back, removing = threading.Event(), threading.Event()

    @event.listens_for(engine, "before_cursor_execute")
    def meet(_connection, _cursor, statement, _parameters, _context, _many) -> None:
        if threading.current_thread().name != "worker":
            if "FOR UPDATE" in statement or statement.startswith("UPDATE reminder") or engine.dialect.name == "sqlite":
                removing.set()
        elif statement.startswith("UPDATE reminder SET status"):
            about_to_keep_back.set()
            assert removing.wait(20)

    def work() -> None:
        reminders.claim_due(engine, clinic=CLINIC, now=at(), limit=9, gateway="twilio")

    worker = threading.Thread(target=work, name="worker")
    worker.start()
    assert about_to_keep_back.wait(20)
    open_again(session, at)
    worker.join()
    assert states(session)["days_before_3"] == ("planned", None)
    assert session.scalars(select(Message)).all() == []
