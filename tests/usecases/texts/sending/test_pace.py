"""How fast one sender goes on, whoever sends: its rate, Retry-After, and what happens when the provider is down."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from scheduler.gateways.sms import RefusalReason, SmsInDoubt, SmsRefused, SmsUnavailable
from scheduler.models import SmsSender
from scheduler.usecases.texts.sending.pace import OPEN_AFTER, Pace, WatchedGateway
from scheduler.usecases.texts.sending.reminders import anything_due, claim_due
from tests.factories import CLINIC, NOW
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import VISIT_LOCAL, make_reminder, make_visit


@pytest.fixture
def at() -> FakeClock:
    return FakeClock(NOW)


def send(gateway: WatchedGateway) -> None:
    try:
        gateway.send(to="+16135550142", body="x", attempt_id="a")
    except (SmsUnavailable, SmsInDoubt, SmsRefused):
        pass


def test_the_rate_is_kept_by_all_workers_together(engine: Engine, at: FakeClock) -> None:
    workers = [Pace(engine, sender="+1", per_second=5) for _ in range(3)]
    for second in range(4):
        assert sum(worker.take(4, now=at()) for worker in workers) == 5, second
        wait = workers[0].wait_seconds(at())
        assert wait is not None and 0 < wait <= 1
        at.forward(seconds=1)


def test_one_a_second_is_one_a_second(engine: Engine, at: FakeClock) -> None:
    pace, granted = Pace(engine, sender="+1", per_second=1), 0
    for _tenth in range(100):
        granted += pace.take(4, now=at())
        at.forward(seconds=0.1)
    assert granted == 10


def test_a_long_rest_saves_nothing_up(engine: Engine, at: FakeClock) -> None:
    pace = Pace(engine, sender="+1", per_second=5)
    pace.take(5, now=at())
    at.forward(hours=1)
    assert pace.take(100, now=at()) == 5


def test_a_clock_that_was_set_back_stops_nothing_for_long(engine: Engine, at: FakeClock) -> None:
    pace = Pace(engine, sender="+1", per_second=1)
    at.forward(hours=3)
    assert pace.take(1, now=at()) == 1
    pace.note_outage(60, now=at())
    at.forward(hours=-3)
    waited = pace.wait_seconds(at())
    assert waited is not None and waited <= 60
    at.forward(seconds=61)
    assert pace.take(1, now=at()) == 1


def test_codes_do_not_wait_but_count(engine: Engine, at: FakeClock) -> None:
    pace = Pace(engine, sender="+1", per_second=2)
    assert pace.take(2, now=at()) == 2
    assert pace.take(4, now=at(), urgent=True) == 4
    at.forward(seconds=2)
    assert pace.take(2, now=at()) == 0
    at.forward(seconds=1)
    assert pace.take(2, now=at()) == 2


def test_what_was_not_sent_is_given_back(engine: Engine, at: FakeClock) -> None:
    pace = Pace(engine, sender="+1", per_second=2)
    pace.take(2, now=at())
    pace.give_back(2)
    assert pace.take(2, now=at()) == 2


def test_without_a_limit_nothing_is_written(session: Session, engine: Engine, at: FakeClock) -> None:
    assert Pace(engine, sender="+1", per_second=0).take(64, now=at()) == 64
    assert session.scalars(select(SmsSender)).all() == []


def test_retry_after_pauses_the_sender_for_every_worker(engine: Engine, at: FakeClock) -> None:
    sms = FakeSms()
    first, second = (Pace(engine, sender="+1", per_second=0) for _ in range(2))
    sms.next_outcomes = [SmsUnavailable(30)]
    send(WatchedGateway(sms, first, at))
    assert second.take(8, now=at(), urgent=True) == 0
    assert second.wait_seconds(at()) is None, "not worth waiting for"
    at.forward(seconds=20)
    assert second.wait_seconds(at()) == 10
    at.forward(seconds=10)
    assert second.take(8, now=at()) == 8


def test_when_the_provider_is_down_one_probe_goes_out_at_a_time(engine: Engine, at: FakeClock) -> None:
    sms = FakeSms()
    paces = [Pace(engine, sender="+1", per_second=0) for _ in range(2)]
    gateways = [WatchedGateway(sms, pace, at) for pace in paces]
    for number in range(OPEN_AFTER):
        assert paces[0].take(8, now=at()) == 8
        sms.next_outcomes = [SmsUnavailable() if number % 2 else SmsInDoubt("no answer")]
        send(gateways[number % 2])
    assert [pace.take(8, now=at()) for pace in paces] == [0, 0]
    at.forward(seconds=15)
    assert [pace.take(8, now=at()) for pace in paces] == [1, 0], "one probe, of one worker"
    sms.next_outcomes = [SmsUnavailable()]
    send(gateways[0])
    at.forward(seconds=29)
    assert paces[1].take(8, now=at()) == 0, "it is left alone for longer"
    at.forward(seconds=1)
    assert paces[1].take(8, now=at()) == 1
    send(gateways[1])
    assert [pace.take(8, now=at()) for pace in paces] == [8, 8], "it is back"


def test_a_probe_whose_worker_died_is_followed_by_another(engine: Engine, at: FakeClock) -> None:
    sms, pace = FakeSms(), Pace(engine, sender="+1", per_second=0)
    for _ in range(OPEN_AFTER):
        sms.next_outcomes = [SmsUnavailable()]
        send(WatchedGateway(sms, pace, at))
    at.forward(seconds=15)
    assert pace.take(8, now=at()) == 1
    at.forward(seconds=21)
    assert pace.take(8, now=at()) == 1


def test_a_refusal_is_an_answer_too(engine: Engine, at: FakeClock) -> None:
    sms, pace = FakeSms(), Pace(engine, sender="+1", per_second=0)
    for _ in range(3 * OPEN_AFTER):
        sms.next_outcomes = [SmsUnavailable()]
        send(WatchedGateway(sms, pace, at))
        sms.next_outcomes = [SmsRefused(21211, RefusalReason.BAD_NUMBER)]
        send(WatchedGateway(sms, pace, at))
    assert pace.take(8, now=at()) == 8


def test_many_threads_take_no_more_than_there_is(engine: Engine, at: FakeClock) -> None:
    taken: list[int] = []
    threads = [
        threading.Thread(target=lambda: taken.append(Pace(engine, sender="+1", per_second=10).take(3, now=at())))
        for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(taken) == 10


def test_after_hours_asleep_the_visit_that_begins_first_is_told_first(
    session: Session, engine: Engine, at: FakeClock
) -> None:
    late = make_visit(session, number="+16135550101", starts_local=VISIT_LOCAL + timedelta(days=2))
    soon = make_visit(session, number="+16135550102", starts_local=VISIT_LOCAL)
    sooner = make_visit(session, number="+16135550103", starts_local=VISIT_LOCAL - timedelta(hours=1))
    for hours, visit in ((8, late), (7, soon), (1, sooner)):
        make_reminder(session, visit, due_at=NOW - timedelta(hours=hours))
    numbers = []
    while claimed := claim_due(engine, clinic=CLINIC, now=at(), limit=1, gateway="twilio").outgoing:
        numbers.append(claimed[0].number[-3:])
    assert numbers == ["103", "102", "101"]


def test_confirmations_go_before_reminders(session: Session, engine: Engine, at: FakeClock) -> None:
    make_reminder(session, make_visit(session), due_at=NOW - timedelta(hours=2))
    visit = make_visit(session, starts_local=NOW.replace(tzinfo=None) + timedelta(days=12))
    make_reminder(session, visit, kind="confirmation", due_at=NOW - timedelta(minutes=1))
    assert anything_due(engine, clinic=CLINIC, now=NOW)
    [first] = claim_due(engine, clinic=CLINIC, now=NOW, limit=1, gateway="twilio").outgoing
    assert "you are booked" in first.body
    [second] = claim_due(engine, clinic=CLINIC, now=NOW, limit=1, gateway="twilio").outgoing
    assert "Reply C to confirm" in second.body
