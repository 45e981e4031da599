"""Replies that no webhook brought, found in the provider's list."""

import itertools
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, delete, insert, select, update
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.gateways.sms import SmsReceived, SmsUnavailable
from scheduler.gateways.twilio_sms import TwilioSettings, TwilioSms
from scheduler.models import Appointment, Heartbeat, Message, PhoneAccount, WrongNumber
from scheduler.usecases.booking.booking import move_appointment
from scheduler.usecases.texts.replies import missed as missed_replies
from scheduler.usecases.texts.replies.inbound import IncomingText, receive
from scheduler.usecases.texts.replies.inbox import answer_text
from scheduler.usecases.texts.replies.missed import take_missed
from scheduler.usecases.texts.sending.delivery import record_status
from scheduler.usecases.texts.sending.unplanned import claim_codes
from tests.factories import CLINIC, MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.fakes import FakeClock, FakeSms
from tests.support.fake_twilio import ACCOUNT_SID, AUTH_TOKEN, FakeTwilio
from tests.usecases.texts.sms_clinic import make_reminder, send_codes, send_reminders

NUMBER = "+16135550142"
DESK = Actor("staff", "desk")
TUESDAY = MONDAY + timedelta(days=1)
_sids = itertools.count(1)


class Outage:
    """Of the webhook alone: what is texted meanwhile lies at the provider until somebody looks."""

    def __init__(self, session: Session, engine: Engine) -> None:
        self.session, self.engine = session, engine
        self.at, self.provider = FakeClock(NOW), FakeSms()
        assert self.look() == 0

    def text(self, body: str, *, number: str = NUMBER, attachments: int = 0) -> SmsReceived:
        text = SmsReceived(f"SMmissed{next(_sids)}", number, body, self.at(), attachments)
        self.provider.received.append(text)
        return text

    def webhook(self, body: str) -> None:
        text = self.text(body)
        receive(self.session, IncomingText(sid=text.sid, number=NUMBER, body=body), clinic=CLINIC, now=self.at())

    def look(self, **later: float) -> int:
        self.at.forward(**later)
        self.session.rollback()
        taken = take_missed(self.engine, self.provider, clinic=CLINIC, now=self.at())
        self.session.expire_all()
        return taken

    def answers(self) -> list[str]:
        before = len(self.provider.sent)
        send_codes(self.engine, self.provider, self.at)
        self.session.expire_all()
        return [sent.body for sent in self.provider.sent[before:]]

    def kept(self) -> list[tuple[str, datetime, bool]]:
        self.session.rollback()
        rows = self.session.execute(
            select(Message.body, Message.created_at, Message.for_desk)
            .where(Message.direction == "in")
            .order_by(Message.created_at)
        )
        return [(body, created_at, for_desk) for body, created_at, for_desk in rows]


@pytest.fixture
def outage(session: Session, engine: Engine) -> Outage:
    make_clinic(session)
    return Outage(session, engine)


@pytest.fixture
def visit(session: Session, outage: Outage) -> Appointment:
    """Tuesday 1 December, 10:00; they have just been reminded."""
    visit = make_appointment(
        session, patient=make_patient(session, number=NUMBER), starts_local=local(TUESDAY, "10:00")
    )
    make_reminder(session, visit, kind="days_before_1", due_at=outage.at())
    send_reminders(outage.engine, outage.provider, outage.at)
    return visit


def test_a_missed_c_confirms_and_is_answered_once(outage: Outage, visit: Appointment) -> None:
    outage.at.forward(minutes=1)
    said = outage.text("C").received_at
    assert outage.look(minutes=20) == 1
    assert visit.status == "confirmed"
    assert ["is confirmed" in answer for answer in outage.answers()] == [True]
    assert outage.kept() == [("C", said, False)]
    assert outage.look(hours=1) == 0
    assert outage.answers() == []


def test_what_the_webhook_brings_is_not_taken_again_and_one_just_sent_is_left_to_it(
    outage: Outage, visit: Appointment
) -> None:
    outage.at.forward(minutes=10)
    outage.webhook("C")
    assert len(outage.answers()) == 1
    assert outage.look(minutes=10) == 0
    outage.at.forward(minutes=10)
    outage.text("Can I bring my dog?")
    assert outage.look(minutes=1) == 0
    assert outage.look(minutes=5) == 1


def test_the_list_is_asked_every_five_minutes_and_soon_again_after_a_failure(outage: Outage) -> None:
    asked = outage.provider.asked
    outage.look(minutes=4)
    assert outage.provider.asked == asked
    outage.provider.find_error = SmsUnavailable()
    outage.text("Hello?")
    assert outage.look(hours=8) == 0
    outage.provider.find_error = None
    assert outage.look(minutes=1) == 1
    assert outage.provider.asked == asked + 2


def test_the_first_look_takes_nothing_and_a_clock_set_back_hinders_none(outage: Outage) -> None:
    outage.text("Hello?")
    outage.at.forward(hours=1)
    with Session(outage.engine) as session:
        session.execute(delete(Heartbeat))
        session.commit()
    assert outage.look() == 0
    assert outage.look(hours=3) == 0
    outage.at.forward(hours=-2)
    outage.text("Hello again?")
    assert outage.look(minutes=6) == 1


def test_a_visit_moved_since_is_not_confirmed(outage: Outage, session: Session, visit: Appointment) -> None:
    """The reply was to the time of before, though the text of the new one has gone out meanwhile."""
    outage.at.forward(minutes=1)
    outage.text("C")
    outage.at.forward(minutes=5)
    move_appointment(
        session,
        public_id=visit.public_id,
        practitioner=None,
        starts_local=local(TUESDAY, "14:00"),
        clinic=CLINIC,
        now=outage.at(),
        actor=DESK,
    )
    send_reminders(outage.engine, outage.provider, outage.at)
    assert outage.look(minutes=10) == 1
    assert visit.status == "booked"
    assert "2:00 pm" in outage.answers()[0]


def test_what_the_desk_wrote_since_is_not_what_they_answered(
    outage: Outage, session: Session, visit: Appointment
) -> None:
    outage.at.forward(minutes=1)
    outage.text("OK")
    outage.at.forward(minutes=5)
    answer_text(session, number=NUMBER, body="On Friday then?", up_to_id=0, now=outage.at(), actor=DESK)
    outage.answers()
    outage.look(minutes=10)
    assert visit.status == "confirmed"


def test_one_that_they_have_texted_after_is_for_people(outage: Outage, session: Session, visit: Appointment) -> None:
    outage.at.forward(minutes=1)
    outage.text("STOP")
    outage.at.forward(minutes=5)
    outage.webhook("START")
    outage.look(minutes=10)
    assert session.scalars(select(PhoneAccount.opted_out_at)).one() is None
    assert outage.kept()[0][2], "the desk reads it"


def test_several_missed_ones_count_in_their_order(outage: Outage, session: Session, visit: Appointment) -> None:
    for body in ("C", "STOP", "Thanks!"):
        outage.at.forward(minutes=1)
        outage.text(body)
    assert outage.look(minutes=10) == 3
    assert visit.status == "confirmed"
    assert session.scalars(select(PhoneAccount.opted_out_at)).one() is not None
    assert [for_desk for _, _, for_desk in outage.kept()] == [False, False, True]


@pytest.mark.parametrize("word", ["HELP", "AIDE", "ARRET"])
def test_words_of_twilios_are_not_answered_hours_later(
    outage: Outage, session: Session, visit: Appointment, word: str
) -> None:
    outage.text(word)
    outage.look(hours=2)
    assert outage.answers() == []
    assert [for_desk for _, _, for_desk in outage.kept()] == [word != "ARRET"]
    assert (session.scalars(select(PhoneAccount.opted_out_at)).one() is not None) == (word == "ARRET")


def test_nobody_is_woken_by_an_answer(outage: Outage, session: Session) -> None:
    visit = make_appointment(
        session, patient=make_patient(session, number=NUMBER), starts_local=local(TUESDAY, "10:00")
    )
    make_reminder(session, visit, kind="days_before_1", due_at=outage.at())
    send_reminders(outage.engine, outage.provider, outage.at)
    outage.at.forward(hours=9)  # seven in the evening
    outage.look()
    outage.text("C")
    outage.look(hours=5)
    assert visit.status == "confirmed"
    assert outage.answers() == []
    assert [for_desk for _, _, for_desk in outage.kept()] == [True]


def test_after_a_day_people_read_it(outage: Outage, visit: Appointment) -> None:
    outage.text("C")
    assert outage.look(hours=25) == 1
    assert visit.status == "booked"
    assert [for_desk for _, _, for_desk in outage.kept()] == [True]


def test_strangers_pictures_and_odd_senders(outage: Outage) -> None:
    outage.text("Sale!", number="CLINIC")
    outage.text("", number="+16135550199", attachments=2)
    outage.text("nul \0 byte" + "x" * 3000)
    outage.text("?", number="whatsapp:+16135550142")
    outage.text("?", number="+" + "1" * 40)
    assert outage.look(minutes=10) == 3
    assert [len(body) for body, _, _ in outage.kept()] == [5, 2, 1600]


def test_more_than_a_page_is_taken_oldest_first(outage: Outage, session: Session, visit: Appointment) -> None:
    outage.provider.page_size = 2
    for body in ("C", "STOP", "Is it raining?", "START", "Thanks!"):
        outage.at.forward(minutes=1)
        outage.text(body)
    assert outage.look(minutes=10) == 5
    assert visit.status == "confirmed"
    assert session.scalars(select(PhoneAccount.opted_out_at)).one() is None
    assert [body for body, _, _ in outage.kept()] == ["C", "STOP", "Is it raining?", "START", "Thanks!"]


@pytest.mark.parametrize("cut", ["outage", "crash"])
def test_a_look_that_is_cut_off_is_gone_on_with_and_loses_nothing(
    outage: Outage, session: Session, visit: Appointment, monkeypatch: pytest.MonkeyPatch, cut: str
) -> None:
    outage.provider.page_size = 2
    bodies = ["C", "Is it raining?", "And on Friday?", "Hello?", "Anybody there?", "M"]
    for body in bodies:
        outage.at.forward(hours=1)
        outage.text(body)
    outage.at.forward(minutes=10)
    if cut == "outage":
        outage.provider.pages_before_error = 2
        assert outage.look() == 4
        outage.provider.pages_before_error = None
    else:

        def take(session: Session, text: IncomingText, **more: Any) -> str | None:
            if text.body == bodies[4]:
                raise SystemExit
            return receive(session, text, **more)

        with monkeypatch.context() as patched, pytest.raises(SystemExit):
            patched.setattr(missed_replies, "receive", take)
            outage.look()
    assert visit.status == "confirmed"
    session.rollback()
    mark = session.scalars(select(Heartbeat.at)).one()
    assert mark == outage.provider.received[3].received_at, "read as far as that"
    assert outage.look(minutes=1) == 2
    assert [body for body, _, _ in outage.kept()] == bodies
    assert len([answer for answer in outage.answers() if "/m/" in answer]) == 1


def test_more_texts_than_twilio_lists_at_once_hide_none(outage: Outage, session: Session) -> None:
    """Seven thousand came by webhook; of the missed ones the first is the oldest of all."""
    with FakeTwilio() as twilio:
        settings = TwilioSettings(
            account_sid=ACCOUNT_SID,
            auth_token=AUTH_TOKEN,
            public_url=CLINIC.public_url,
            from_number="+16135550100",
            api_origin=twilio.origin,
        )
        begins = outage.at()
        texts = [
            twilio.take_in(from_=NUMBER, body=str(number), at=begins + timedelta(seconds=3 * number))
            for number in range(7_007)
        ]
        missed = texts[::1_001]
        session.execute(
            insert(Message),
            [
                {
                    "direction": "in",
                    "kind": "inbound",
                    "number": NUMBER,
                    "body": text.body,
                    "status": "received",
                    "sid": text.sid,
                    "created_at": text.created_at,
                }
                for text in texts
                if text not in missed
            ],
        )
        session.commit()
        outage.at.forward(hours=6)
        assert take_missed(outage.engine, TwilioSms(settings), clinic=CLINIC, now=outage.at()) == 7
    session.rollback()
    found = session.scalars(select(Message.body).where(Message.for_desk).order_by(Message.created_at)).all()
    assert found == [text.body for text in missed]


def opted_out(session: Session) -> bool:
    session.rollback()
    session.expire_all()
    return session.scalars(select(PhoneAccount.opted_out_at)).one() is not None


@pytest.mark.parametrize("word", ["ARRET", "STOP"])
def test_who_opted_out_stays_so_however_late_it_is_found(
    outage: Outage, session: Session, visit: Appointment, word: str
) -> None:
    """Twilio does not know ARRET: nobody else holds our texts back."""
    outage.text(word)
    assert outage.look(hours=30) == 1
    assert opted_out(session)


def test_who_opted_out_and_wrote_since_is_opted_out(outage: Outage, session: Session, visit: Appointment) -> None:
    outage.at.forward(minutes=1)
    outage.text("ARRET")
    outage.at.forward(minutes=5)
    outage.webhook("Hello?")
    outage.look(minutes=10)
    assert opted_out(session)


def test_who_said_start_since_gets_texts(outage: Outage, session: Session, visit: Appointment) -> None:
    outage.text("ARRET")
    outage.at.forward(hours=2)
    outage.webhook("START")
    outage.at.forward(hours=1)
    outage.webhook("Thanks")
    outage.look(hours=30)
    assert not opted_out(session)


def test_half_an_emoji_holds_up_none_of_the_others(outage: Outage, session: Session) -> None:
    outage.text("Hello \ud83d")
    outage.text("Anybody there?")
    assert outage.look(minutes=10) == 2


def test_one_that_cannot_be_kept_keeps_no_other_out(outage: Outage, monkeypatch: pytest.MonkeyPatch) -> None:
    def take(session: Session, text: IncomingText, **more: Any) -> str | None:
        if text.body == "?":
            raise ValueError
        return receive(session, text, **more)

    monkeypatch.setattr(missed_replies, "receive", take)
    outage.text("?")
    outage.text("Can I bring my dog?")
    assert outage.look(minutes=10) == 2
    assert [body for body, _, _ in outage.kept()] == ["Can I bring my dog?"]


def test_two_answers_of_one_moment_are_both_sent_though_the_receipt_of_the_first_comes_before_its_outcome(
    outage: Outage, visit: Appointment
) -> None:
    outage.at.forward(minutes=1)
    outage.text("M")
    outage.at.forward(minutes=1)
    outage.text("M please")
    assert outage.look(minutes=20) == 2
    [first] = claim_codes(outage.engine, now=outage.at(), limit=1, gateway="twilio").outgoing
    record_status(
        outage.engine, attempt_id=first.attempt_id, sid="SMfirst", word="sent", error_code=None, now=outage.at()
    )
    assert len(outage.answers()) == 1


@pytest.mark.parametrize("verified_since", [False, True])
def test_wrong_number_found_days_later_offers_to_stop_also_after_a_code_has_arrived(
    outage: Outage, session: Session, visit: Appointment, verified_since: bool
) -> None:
    outage.at.forward(minutes=1)
    said = outage.text("wrong number").received_at
    outage.at.forward(hours=30)
    if verified_since:
        session.execute(update(PhoneAccount).values(verified_at=outage.at()))
        session.commit()
    outage.look(hours=1)
    assert session.scalars(select(WrongNumber.said_at)).one() == said, "a code proves a telephone, not a person"
    assert [for_desk for _, _, for_desk in outage.kept()] == [True]


@pytest.mark.parametrize(("words", "opted_out"), [(("STOP", "START"), False), (("START", "STOP"), True)])
def test_the_last_of_stop_and_start_counts_also_days_later(
    outage: Outage, session: Session, visit: Appointment, words: tuple[str, str], opted_out: bool
) -> None:
    for word in words:
        outage.at.forward(minutes=1)
        outage.text(word)
    outage.look(hours=30)
    assert (session.scalars(select(PhoneAccount.opted_out_at)).one() is not None) is opted_out


def test_a_start_found_days_later_undoes_nothing_that_came_after_it(
    outage: Outage, session: Session, visit: Appointment
) -> None:
    outage.at.forward(minutes=1)
    outage.text("START")
    outage.at.forward(hours=30)
    session.execute(update(PhoneAccount).values(opted_out_at=outage.at(), opted_out_by="21610"))
    session.commit()
    outage.look(hours=1)
    assert session.scalars(select(PhoneAccount.opted_out_at)).one() is not None


def test_the_providers_clock_may_be_some_seconds_behind(outage: Outage, visit: Appointment) -> None:
    """It names whole seconds besides: a reply may seem older than the text it answers."""
    outage.at.forward(seconds=-10)
    outage.text("C")
    outage.look(minutes=10)
    assert visit.status == "confirmed"
