"""Which reminders go out, and what becomes of each."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.visits.appointment_status import AppointmentStatus
from scheduler.gateways.sms import FoundMessage, RefusalReason, SmsAccepted, SmsInDoubt, SmsRefused, SmsUnavailable
from scheduler.models import Appointment, Message, PhoneAccount, Reminder, VisitLink
from scheduler.queries.texts.calls import Call, due
from scheduler.usecases.booking import booking
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.texts import calls
from scheduler.usecases.texts.sending import unplanned
from scheduler.usecases.texts.sending.reminders import claim_due
from scheduler.usecases.texts.sending.sending import Ledger, Outgoing, call, record
from scheduler.usecases.visits import status as visit_status
from scheduler.usecases.visits.links import TEXTED_LINK, visit_behind
from tests.factories import CLINIC, MONDAY, NOW, STAFF, ZONE, local, make_clinic, make_patient
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import (
    VISIT_LOCAL,
    make_reminder,
    make_visit,
    send_reminders,
    settle,
    the_messages,
    the_reminder,
)

LATER = SmsUnavailable(error_code=20503)
OPTED_OUT = SmsRefused(21610, RefusalReason.OPTED_OUT)
BAD_NUMBER = SmsRefused(21211, RefusalReason.BAD_NUMBER)


@pytest.fixture
def sms() -> FakeSms:
    return FakeSms()


@pytest.fixture
def at() -> FakeClock:
    return FakeClock(NOW)


def test_a_due_reminder_is_sent_once_and_written_down(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    visit = make_visit(session, number="+16135550142")
    make_reminder(session, visit)
    send_reminders(engine, sms, at)
    at.forward(minutes=1)
    send_reminders(engine, sms, at)
    assert [(one.to, TEXTED_LINK.sub("/m/…", one.body)) for one in sms.sent] == [
        (
            "+16135550142",
            "East Side Physio: visit on Monday 7 December at 10:00 am with Pat1. Reply C to confirm, M to change. "
            "http://127.0.0.1:8000/m/… or 613-555-0100 Reply STOP to end all texts, sign-in codes too.",
        )
    ]
    reminder, [message] = the_reminder(session), the_messages(session)
    assert (reminder.status, reminder.attempts, reminder.settled_at) == ("sent", 1, NOW)
    assert (message.status, message.sid, message.attempt_id) == ("accepted", sms.sent[0].sid, sms.sent[0].attempt_id)
    assert (message.reminder_id, message.appointment_id, message.patient_id, message.kind, message.gateway) == (
        reminder.id,
        visit.id,
        visit.patient_id,
        "days_before_3",
        "twilio",
    )


def test_the_attempt_is_committed_and_no_transaction_open_when_the_provider_is_called(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    seen = []

    def look(text):
        with Session(engine) as other:
            seen.append(other.scalars(select(Message.status).where(Message.attempt_id == text.attempt_id)).one())
        seen.append(engine.pool.checkedout())  # type: ignore[attr-defined]
        return SmsAccepted(text.sid, "queued")

    sms.next_outcomes = [look]
    session.close()
    claim = claim_due(engine, clinic=CLINIC, now=at(), limit=5, gateway="twilio")
    send_one(engine, sms, claim.outgoing[0], at)
    assert seen == ["attempting", 0]


def test_a_booking_gets_its_three_texts_and_no_more(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    make_clinic(session)
    patient = make_patient(session)
    booking.book_slot(
        session,
        BookingRequest(
            clinic=CLINIC,
            patient=patient.id,
            treatment="ims",
            practitioner="p1",
            starts_local=VISIT_LOCAL,
            now=NOW,
            actor=STAFF,
            origin="desk",
        ),
    )
    counts = []
    for minutes in (2, 2, 60 * 24 * 6, 60 * 24 * 2, 60 * 24):
        at.forward(minutes=minutes)
        send_reminders(engine, sms, at)
        counts.append(len(sms.sent))
    assert counts == [0, 1, 1, 2, 3]
    assert "booked" in sms.sent[0].body
    assert all("Reply C to confirm" in one.body for one in sms.sent[1:])


def test_quick_changes_send_one_text_and_a_later_move_says_so(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_clinic(session)
    patient = make_patient(session)
    visit = booking.book_slot(
        session,
        BookingRequest(
            clinic=CLINIC,
            patient=patient.id,
            treatment="ims",
            practitioner="p1",
            starts_local=VISIT_LOCAL,
            now=at(),
            actor=STAFF,
            origin="desk",
        ),
    )

    def move(to: str) -> None:
        booking.move_appointment(
            session,
            clinic=CLINIC,
            public_id=visit.public_id,
            starts_local=local(VISIT_LOCAL.date(), to),
            practitioner=None,
            now=at(),
            actor=STAFF,
        )

    at.forward(minutes=1)
    move("11:00")
    at.forward(minutes=2, seconds=30)
    send_reminders(engine, sms, at)
    assert sms.sent == []
    at.forward(minutes=1)
    send_reminders(engine, sms, at)
    move("12:00")
    at.forward(minutes=4)
    send_reminders(engine, sms, at)
    first, second = (one.body for one in sms.sent)
    assert "you are booked on Monday 7 December at 11:00 am" in first
    assert "your visit is now on Monday 7 December at 12:00 pm" in second


def cancel(session: Session, visit: Appointment, now: datetime = NOW) -> None:
    booking.cancel_appointment(
        session, clinic=CLINIC, public_id=visit.public_id, reason="", now=now, actor=STAFF, tells_patient=True
    )


def test_a_visit_that_the_desk_cancels_is_told_once_and_after_the_grace(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    visit = make_visit(session, language="fr")
    make_reminder(session, visit)
    for _twice in range(2):
        cancel(session, visit)
    at.forward(minutes=2, seconds=59)
    send_reminders(engine, sms, at)
    assert sms.sent == []
    at.forward(seconds=1)
    send_reminders(engine, sms, at)
    (told,) = sms.sent
    assert "est annulé" in told.body and "/book ou 613-555-0100" in told.body


def test_a_cancellation_undone_within_the_grace_is_not_told_and_a_second_one_is(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    visit = make_visit(session)
    cancel(session, visit)
    status = {"public_id": visit.public_id, "status": AppointmentStatus.BOOKED, "actor": STAFF, "clinic": CLINIC}
    visit_status.change_status(session, now=NOW + timedelta(minutes=1), **status)
    at.forward(minutes=4)
    send_reminders(engine, sms, at)
    assert ["you are booked on" in text.body for text in sms.sent] == [True]
    cancel(session, visit, now=at())
    at.forward(minutes=3)
    send_reminders(engine, sms, at)
    assert ["is cancelled" in text.body for text in sms.sent] == [False, True]
    visit_status.change_status(session, now=at(), **status)
    at.forward(minutes=3)
    send_reminders(engine, sms, at)
    assert "your visit is now on" in sms.sent[2].body


def test_who_opted_out_is_not_told_and_no_visit_that_has_begun_is(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    visit, silent = make_visit(session), make_visit(session, starts_local=VISIT_LOCAL + timedelta(days=1))
    silent.patient.phone_account.opted_out_at = NOW
    session.commit()
    cancel(session, silent)
    begun = visit.starts_at + timedelta(minutes=1)
    cancel(session, visit, now=begun)
    at.forward(minutes=3)
    send_reminders(engine, sms, at)
    assert sms.sent == []
    assert session.scalars(select(Reminder.reason)).all() == ["opted out"]


@pytest.mark.parametrize(
    ("account", "outcome", "reason"),
    [
        ({}, BAD_NUMBER, "number unreachable"),
        ({}, OPTED_OUT, "opted out"),
        ({}, SmsRefused(30034, RefusalReason.UNDELIVERABLE), "failed"),
        ({}, SmsInDoubt("no answer"), "in doubt"),
        ({}, LATER, "trying"),
        ({"opted_out_at": NOW}, None, "opted out"),
        ({"number": None}, None, "no number"),
    ],
)
def test_a_cancellation_that_no_text_tells_is_for_the_call_list(
    session: Session,
    engine: Engine,
    sms: FakeSms,
    at: FakeClock,
    account: dict[str, object],
    outcome: Exception | None,
    reason: str,
):
    visit = make_visit(session)
    assert visit.patient and visit.patient.phone_account
    if "number" in account:
        visit.patient.phone_account = None
    elif account:
        visit.patient.phone_account.opted_out_at = NOW
    session.commit()
    tick_off_the_reminder(session, visit)
    cancel(session, visit)
    assert to_call(engine, at) == []
    at.forward(minutes=3)
    sms.next_outcomes = [outcome] if outcome else []
    send_reminders(engine, sms, at)
    [call] = to_call(engine, at)
    assert (call.public_id, call.cancelled, call.reason, call.called_at) == (visit.public_id, True, reason, None)
    version = visit.schedule_version
    session.rollback()
    calls.tick_off(session, public_id=visit.public_id, schedule_version=version, now=at(), actor=STAFF)
    at.forward(minutes=1)
    calls.tick_off(
        session, public_id=visit.public_id, schedule_version=version, now=at(), actor=Actor("staff", "other")
    )
    [call] = to_call(engine, at)
    assert (call.called_at, call.called_by) == (at() - timedelta(minutes=1), str(STAFF))
    calls.take_back(session, public_id=visit.public_id, now=at(), actor=STAFF)
    assert [call.called_at for call in to_call(engine, at)] == [None]


def test_a_cancellation_that_a_text_told_or_that_is_undone_is_not_on_the_call_list(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    told, undone, unsaid = [make_visit(session, starts_local=VISIT_LOCAL + timedelta(hours=n)) for n in range(3)]
    make_reminder(session, told, status="failed")
    cancel(session, told)
    cancel(session, undone)
    booking.cancel_appointment(session, clinic=CLINIC, public_id=unsaid.public_id, reason="", now=NOW, actor=STAFF)
    at.forward(minutes=3)
    sms.next_outcomes = [lambda text: SmsAccepted(text.sid, "sent"), LATER]
    send_reminders(engine, sms, at)
    assert [call.public_id for call in to_call(engine, at)] == [undone.public_id]
    visit_status.change_status(
        session,
        clinic=CLINIC,
        public_id=undone.public_id,
        status=AppointmentStatus.BOOKED,
        now=at(),
        actor=STAFF,
    )
    assert to_call(engine, at) == []


def test_a_reminder_that_an_outage_holds_up_is_for_the_call_list_once_the_visit_is_near_until_it_is_out(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    """NOW is Friday, 10:00 at the clinic."""
    near = make_visit(session, starts_local=local(NOW.date() + timedelta(days=1), "09:00"))
    far = make_visit(session, starts_local=local(NOW.date() + timedelta(days=3), "09:00"))
    make_reminder(session, near, kind="days_before_1")
    make_reminder(session, far, kind="days_before_3")
    sms.next_outcomes = [LATER, LATER]
    send_reminders(engine, sms, at)
    at.forward(minutes=60)
    assert to_call(engine, at) == []
    at.forward(minutes=1)
    assert [(call.public_id, call.reason) for call in to_call(engine, at)] == [(near.public_id, "trying")]
    send_reminders(engine, sms, at)
    assert to_call(engine, at) == []


def tick_off_the_reminder(session: Session, visit: Appointment) -> None:
    """Called before, about a reminder that had failed."""
    before = NOW - timedelta(hours=1)
    calls.tick_off(session, public_id=visit.public_id, schedule_version=1, now=before, actor=STAFF)


def to_call(engine: Engine, at: FakeClock) -> list[Call]:
    with engine.connect() as connection:
        return due(connection, from_at=at(), to_at=at() + timedelta(days=20))


def test_a_cancelled_visit_is_not_texted_about(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    visit = make_visit(session)
    make_reminder(session, visit)
    booking.cancel_appointment(session, clinic=CLINIC, public_id=visit.public_id, reason="", now=NOW, actor=STAFF)
    send_reminders(engine, sms, at)
    assert sms.sent == []
    assert (the_reminder(session).status, the_reminder(session).reason) == ("superseded", "cancelled")


def test_a_reminder_that_outlived_its_visit_by_some_mistake_is_caught_at_the_claim(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    visit = make_visit(session)
    reminder = make_reminder(session, visit)
    visit_status.change_status(
        session,
        clinic=CLINIC,
        public_id=visit.public_id,
        status=AppointmentStatus.ARRIVED,
        now=visit.starts_at,
        actor=STAFF,
    )
    session.execute(update(Reminder).where(Reminder.id == reminder.id).values(status="planned"))
    session.commit()
    send_reminders(engine, sms, at)
    assert sms.sent == []
    assert (the_reminder(session).status, the_reminder(session).reason) == ("superseded", "arrived")


@pytest.mark.parametrize(
    ("columns", "reason"),
    [
        ({"opted_out_at": NOW}, "opted out"),
        ({"unreachable_at": NOW, "unreachable_why": "21211"}, "number unreachable"),
    ],
)
def test_a_number_that_must_not_or_cannot_be_texted_suppresses_the_reminder(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, columns: dict[str, object], reason: str
):
    make_reminder(session, make_visit(session))
    session.execute(update(PhoneAccount).values(**columns))
    session.commit()
    send_reminders(engine, sms, at)
    assert sms.sent == []
    assert (the_reminder(session).status, the_reminder(session).reason) == ("suppressed", reason)


def test_a_patient_without_a_number_is_not_texted(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    visit = make_visit(session)
    assert visit.patient is not None
    visit.patient.phone_account_id = None
    make_reminder(session, visit)
    send_reminders(engine, sms, at)
    assert (the_reminder(session).status, the_reminder(session).reason) == ("suppressed", "no number")


@pytest.mark.parametrize(("hours", "invites"), [(25.1, True), (24.9, False), (2, False)])
def test_a_reminder_offers_to_change_the_visit_only_while_patients_may(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, hours: float, invites: bool
):
    """They may until 24 hours before, and need a while to read it."""
    starts_local = clock.to_local(NOW, ZONE).replace(tzinfo=None) + timedelta(hours=hours)
    make_reminder(session, make_visit(session, starts_local=starts_local))
    send_reminders(engine, sms, at)
    assert ("M to change" in sms.sent[0].body, "Changes: call" in sms.sent[0].body) == (invites, not invites)
    assert "Reply C to confirm" in sms.sent[0].body


def test_french_patients_read_french(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    make_reminder(session, make_visit(session, language="fr"))
    send_reminders(engine, sms, at)
    assert "rendez-vous lundi 7 décembre à 10 h avec Pat1" in sms.sent[0].body


@pytest.mark.parametrize(
    ("clinic_time", "kind", "due_ago", "goes_out"),
    [
        ("20:59", "days_before_3", timedelta(hours=2), True),
        ("21:00", "days_before_3", timedelta(hours=2), False),
        ("03:00", "days_before_3", timedelta(hours=8), False),
        ("07:59", "days_before_3", timedelta(hours=11), False),
        ("08:00", "days_before_3", timedelta(hours=11), True),
        ("23:30", "confirmation", timedelta(minutes=5), True),
        ("23:30", "confirmation", timedelta(minutes=45), False),
        ("08:00", "confirmation", timedelta(hours=9), True),
    ],
)
def test_at_night_only_the_answer_to_a_booking_made_just_now_goes_out(
    session: Session,
    engine: Engine,
    sms: FakeSms,
    at: FakeClock,
    clinic_time: str,
    kind: str,
    due_ago: timedelta,
    goes_out: bool,
):
    at.at = local(MONDAY, clinic_time).replace(tzinfo=UTC) + timedelta(hours=5)  # winter in Ottawa
    make_reminder(session, make_visit(session), kind=kind, due_at=at() - due_ago)
    send_reminders(engine, sms, at)
    assert len(sms.sent) == goes_out
    assert the_reminder(session).status == ("sent" if goes_out else "planned")


def test_an_overdue_reminder_found_at_night_is_dropped_when_the_visit_begins_before_the_morning_is_over(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session, starts_local=local(MONDAY, "09:00")), kind="days_before_1")
    at.at = datetime(2026, 11, 30, 8, tzinfo=UTC)  # 3:00 at the clinic
    send_reminders(engine, sms, at)
    assert the_reminder(session).status == "planned"
    at.at = datetime(2026, 11, 30, 14, tzinfo=UTC)  # 9:00: the visit begins
    send_reminders(engine, sms, at)
    assert (the_reminder(session).status, the_reminder(session).reason) == ("suppressed", "too late")
    assert sms.sent == []


def test_after_an_outage_one_reminder_goes_out_not_two(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    visit = make_visit(session)
    make_reminder(session, visit, kind="days_before_3", due_at=NOW - timedelta(days=2))
    make_reminder(session, visit, kind="days_before_1", due_at=NOW)
    send_reminders(engine, sms, at)
    assert len(sms.sent) == 1
    states = session.execute(select(Reminder.kind, Reminder.status, Reminder.reason).order_by(Reminder.kind)).all()
    assert [tuple(state) for state in states] == [
        ("days_before_1", "sent", None),
        ("days_before_3", "suppressed", "overtaken"),
    ]


@pytest.mark.parametrize(
    ("refusal", "column", "by"),
    [(OPTED_OUT, "opted_out", "21610"), (BAD_NUMBER, "unreachable", "21211")],
)
def test_a_refusal_ends_the_reminder_and_is_remembered(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, refusal: SmsRefused, column: str, by: str
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [refusal]
    send_reminders(engine, sms, at)
    at.forward(days=1)
    send_reminders(engine, sms, at)
    assert sms.calls == 1
    assert (the_reminder(session).status, the_reminder(session).reason) == ("failed", str(refusal.reason))
    [message] = the_messages(session)
    assert (message.status, message.error_code) == ("failed", by)
    account = session.scalars(select(PhoneAccount)).one()
    assert getattr(account, f"{column}_at") == NOW
    assert by in (account.opted_out_by, account.unreachable_why)


def test_an_outage_is_tried_again_ever_more_rarely_until_it_is_over(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [LATER, LATER, LATER]
    waits = []
    while not sms.sent:
        send_reminders(engine, sms, at)
        reminder = the_reminder(session)
        waits.append((reminder.next_attempt_at - at()).total_seconds())
        at.at = max(reminder.next_attempt_at, at())
    first, second, third, _ = waits
    assert 22 <= first <= 38 and 45 <= second <= 75 and 90 <= third <= 150
    assert [message.status for message in the_messages(session)] == ["failed", "failed", "failed", "accepted"]
    assert (reminder.status, reminder.attempts) == ("sent", 4)


def test_tries_that_died_with_their_workers_lengthen_no_wait_for_the_provider(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    for _killed in range(3):
        assert claim_due(engine, clinic=CLINIC, now=at(), limit=1, gateway="twilio").outgoing
        at.forward(seconds=46)
        settle(engine, sms, at)
        at.forward(seconds=46)
        settle(engine, sms, at)
    sms.next_outcomes = [LATER, LATER]
    for shortest, longest in ((22, 38), (45, 75)):
        send_reminders(engine, sms, at)
        reminder = the_reminder(session)
        assert shortest <= (reminder.next_attempt_at - at()).total_seconds() <= longest
        at.at = reminder.next_attempt_at
    assert reminder.attempts == 5


def test_who_is_told_when_to_come_back_does_not_wait_ever_longer(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsUnavailable(retry_after=1, error_code=20429)] * 4
    for _refused in range(4):
        send_reminders(engine, sms, at)
        wait = the_reminder(session).next_attempt_at - at()
        assert 22 <= wait.total_seconds() <= 38
        at.at += wait


def test_the_provider_says_how_long_to_wait(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsUnavailable(retry_after=600, error_code=20429)]
    send_reminders(engine, sms, at)
    assert the_reminder(session).next_attempt_at == NOW + timedelta(seconds=600)


def test_an_outage_that_lasts_until_the_visit_fails_as_too_late(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [LATER] * 5000
    tries = 0
    while the_reminder(session).status == "planned":
        send_reminders(engine, sms, at)
        at.forward(hours=4)
        tries += 1
    assert (the_reminder(session).status, the_reminder(session).reason) == ("failed", "too late")
    assert 10 < tries < 70
    assert at() <= datetime(2026, 12, 7, 23, tzinfo=UTC)


def test_in_doubt_and_found_is_sent(session: Session, engine: Engine, sms: FakeSms, at: FakeClock):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_reminders(engine, sms, at)
    assert the_reminder(session).status == "in_doubt"
    settle(engine, sms, at)
    assert sms.asked == 0, "a queued message may not be listed yet"
    sms.listed = [_found("SM-lost", at())]
    at.forward(seconds=61)
    settle(engine, sms, at)
    send_reminders(engine, sms, at)
    assert sms.calls == 1
    assert the_reminder(session).status == "sent"
    [message] = the_messages(session)
    assert (message.status, message.sid) == ("delivered", "SM-lost")


def test_in_doubt_and_not_there_is_sent_again_with_an_attempt_of_its_own(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_reminders(engine, sms, at)
    at.forward(seconds=61)
    settle(engine, sms, at)
    send_reminders(engine, sms, at)
    first, second = the_messages(session)
    assert (first.status, first.error_code, second.status) == ("failed", "not-there", "accepted")
    assert first.attempt_id != second.attempt_id
    assert len(sms.sent) == 1
    assert the_reminder(session).status == "sent"


def test_in_doubt_stays_so_while_the_provider_cannot_be_asked(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsInDoubt("no answer")]
    sms.find_error = SmsUnavailable()
    send_reminders(engine, sms, at)
    for _ in range(200):
        at.forward(minutes=10)
        settle(engine, sms, at)
        send_reminders(engine, sms, at)
    assert sms.calls == 1
    assert the_reminder(session).status == "in_doubt"
    assert 20 < sms.asked < 200
    asked = sms.asked
    at.forward(days=1)
    settle(engine, sms, at)
    assert sms.asked == asked, "after a day it is left to people"


def test_a_worker_that_died_in_the_call_leaves_an_attempt_that_is_looked_for(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    claim_due(engine, clinic=CLINIC, now=at(), limit=5, gateway="twilio")
    at.forward(seconds=44)
    settle(engine, sms, at)
    assert the_reminder(session).status == "attempting"
    at.forward(seconds=2)
    settle(engine, sms, at)
    assert (the_reminder(session).status, sms.asked) == ("in_doubt", 0)
    at.forward(seconds=46)
    settle(engine, sms, at)
    assert sms.asked == 1
    send_reminders(engine, sms, at)
    assert [message.status for message in the_messages(session)] == ["failed", "accepted"]
    assert len(sms.sent) == 1


def test_a_worker_that_dies_asking_the_provider_keeps_one_attempt_waiting(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    for hour in ("10:00", "11:00", "12:00"):
        make_reminder(session, make_visit(session, starts_local=local(MONDAY + timedelta(days=7), hour)))
    sms.next_outcomes = [SmsInDoubt("no answer")] * 3
    send_reminders(engine, sms, at)
    at.forward(seconds=61)
    sms.find_error = KeyboardInterrupt()  # nothing of the service catches it
    with pytest.raises(KeyboardInterrupt):
        settle(engine, sms, at)
    sms.find_error = None
    settle(engine, sms, at)
    statuses = select(Reminder.status).order_by(Reminder.status)
    assert session.scalars(statuses).all() == ["in_doubt", "planned", "planned"]
    session.rollback()
    at.forward(seconds=60)
    settle(engine, sms, at)
    assert session.scalars(statuses).all() == ["planned"] * 3


def test_a_worker_that_stood_still_between_claim_and_call_does_not_call(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    claim = claim_due(engine, clinic=CLINIC, now=at(), limit=5, gateway="twilio")
    at.forward(seconds=16)
    send_one(engine, sms, claim.outgoing[0], at)
    assert sms.calls == 0
    assert (the_reminder(session).status, the_reminder(session).attempts) == ("planned", 0)
    send_reminders(engine, sms, at)
    assert len(sms.sent) == 1


def test_a_worker_that_stood_still_does_not_call_either_when_the_clock_was_set_back_meanwhile(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    [claimed] = claim_due(engine, clinic=CLINIC, now=at(), limit=5, gateway="twilio").outgoing
    at.forward(hours=-1)
    assert call(sms, replace(claimed, claimed_steady=claimed.claimed_steady - 16), clock=at) is None
    assert sms.calls == 0


@pytest.mark.parametrize("there", [True, False])
@pytest.mark.parametrize("dies", [True, False])
def test_a_clock_that_is_set_back_keeps_no_attempt_waiting_until_it_is_that_late_again(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock, there: bool, dies: bool
):
    make_reminder(session, make_visit(session))
    at.forward(hours=1)
    if dies:
        claim_due(engine, clinic=CLINIC, now=at(), limit=5, gateway="twilio")
    else:
        sms.next_outcomes = [SmsInDoubt()]
        send_reminders(engine, sms, at)
    at.forward(hours=-1)
    if there:
        sms.listed = [FoundMessage("SM-there", "sent", at())]
    for _ in range(11):  # less than two minutes
        settle(engine, sms, at)
        at.forward(seconds=10)
    assert the_reminder(session).status == ("sent" if there else "planned")


def test_an_answer_that_comes_after_the_attempt_was_given_up_is_written_down_and_stops_the_second_text(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))

    def slower_than_anybody_waits(text):
        for _ in range(2):
            at.forward(minutes=5)
            settle(engine, sms, at)  # another worker: stale, looked for, not there
        assert the_reminder(session).status == "planned"
        return SmsAccepted("SM-late", "queued")

    sms.next_outcomes = [slower_than_anybody_waits]
    claim = claim_due(engine, clinic=CLINIC, now=at(), limit=5, gateway="twilio")
    send_one(engine, sms, claim.outgoing[0], at)
    send_reminders(engine, sms, at)
    assert sms.calls == 1
    assert the_reminder(session).status == "sent"
    [message] = the_messages(session)
    assert (message.status, message.sid) == ("accepted", "SM-late")


def test_a_call_under_way_when_the_clock_jumps_has_time_to_end(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    """Or when the machine wakes up, or when another worker's clock goes wrong."""
    make_reminder(session, make_visit(session))

    def the_clock_jumps(text):
        at.forward(hours=8)
        settle(engine, sms, at)
        send_reminders(engine, sms, at)
        at.forward(seconds=10)
        settle(engine, sms, at)
        assert (the_reminder(session).status, sms.asked) == ("in_doubt", 0)
        return SmsAccepted("SM-slow", "queued")

    sms.next_outcomes = [the_clock_jumps]
    send_reminders(engine, sms, at)
    at.forward(minutes=5)
    settle(engine, sms, at)
    send_reminders(engine, sms, at)
    assert sms.calls == 1
    assert [(message.status, message.sid) for message in the_messages(session)] == [("accepted", "SM-slow")]


def test_a_text_that_may_be_ours_but_is_no_longer_kept_there_is_not_sent_again(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    sms.next_outcomes = [SmsInDoubt("no answer")]
    send_reminders(engine, sms, at)
    sms.listed = [FoundMessage("SM-blanked", "delivered", at(), redacted=True)]
    for _ in range(100):
        at.forward(minutes=20)
        settle(engine, sms, at)
        send_reminders(engine, sms, at)
    assert sms.calls == 1
    assert the_reminder(session).status == "in_doubt"


def test_two_texts_alike_in_doubt_do_not_both_get_the_one_that_was_accepted(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    visit = make_visit(session, number="+16135550142")
    patient = make_patient(session, number="+16135550199")
    patient.phone_account = visit.patient.phone_account
    second = Appointment(
        **{
            column.key: getattr(visit, column.key)
            for column in Appointment.__table__.columns
            if column.key not in ("id", "public_id", "active", "practitioner_id", "room_id", "patient_id")
        },
        practitioner_id=visit.practitioner_id + 1,
        room_id=visit.room_id + 1,
        patient_id=patient.id,
    )
    session.add(second)
    session.commit()
    second.practitioner.given_name = visit.practitioner.given_name
    make_reminder(session, visit)
    make_reminder(session, second)
    sms.next_outcomes = [SmsInDoubt("no answer"), SmsInDoubt("no answer")]
    send_reminders(engine, sms, at)
    sms.listed = [_found("SM-one", at())]
    at.forward(seconds=61)
    settle(engine, sms, at)
    assert sorted(m.status for m in the_messages(session)) == ["delivered", "failed"]
    send_reminders(engine, sms, at)
    assert len(sms.sent) == 1
    session.rollback()
    assert session.scalars(select(Reminder.status)).all() == ["sent", "sent"]


def _found(sid: str, at: datetime):
    return FoundMessage(sid, "delivered", at)


def send_one(engine: Engine, sms: FakeSms, outgoing: Outgoing, at: FakeClock) -> None:
    outcome = call(sms, outgoing, clock=at)
    with Ledger(engine) as ledger:
        record(ledger, outgoing, outcome, now=at())


def test_only_the_first_text_to_a_number_says_how_to_stop(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
) -> None:
    visit = make_visit(session)
    sms.next_outcomes = [SmsUnavailable()]
    for kind in ("3d", "1d"):
        make_reminder(session, visit, kind=kind)
        send_reminders(engine, sms, at)
        at.forward(hours=1)
        send_reminders(engine, sms, at)
    assert ["STOP" in one.body for one in sms.sent] == [True, False], "what never went out said nothing"


def test_each_text_has_a_link_of_its_own_to_its_visit_until_it_begins(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    visit = make_visit(session)
    for kind in ("confirmation", "days_before_3"):
        make_reminder(session, visit, kind=kind)
        send_reminders(engine, sms, at)
        at.forward(minutes=1)
    tokens = [one.body.partition("/m/")[2][:17] for one in sms.sent]
    assert len(set(tokens)) == 2
    last_moment = visit.starts_at - timedelta(seconds=1)
    session.commit()
    assert {visit_behind(session, token, now=last_moment).id for token in tokens} == {visit.id}
    unplanned.blank_old_codes(engine, now=at())
    session.rollback()
    kept = " ".join(session.scalars(select(Message.body)))
    assert "/m…" in kept and not any(token in kept for token in tokens)


def test_a_text_that_the_owner_worded_without_a_link_makes_none(
    session: Session, engine: Engine, sms: FakeSms, at: FakeClock
):
    make_reminder(session, make_visit(session))
    clinic = replace(
        CLINIC, texts={("reminder", "en"): "{clinic} {day} {time}", ("reminder-short", "en"): "{clinic} {day} {time}"}
    )
    claim_due(engine, clinic=clinic, now=at(), limit=9, gateway="outbox")
    assert session.scalars(select(VisitLink)).all() == []
