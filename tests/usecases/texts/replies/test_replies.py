"""Patients' replies, from the text that comes in to the text that answers."""

import itertools
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine, select, update
from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.domain.errors import NotFound
from scheduler.domain.texts.reply import NO_WORDS, Wish
from scheduler.domain.texts.sms_segments import is_gsm7, segments
from scheduler.domain.texts.wording import LONGEST, WORDINGS, checked
from scheduler.gateways.sms import FoundMessage, SmsInDoubt
from scheduler.models import Appointment, AppointmentHistory, Message, Patient, VisitLink, WrongNumber
from scheduler.usecases.booking.booking import cancel_appointment, move_appointment
from scheduler.usecases.texts.replies.answers import which_text
from scheduler.usecases.texts.replies.inbound import AUTOMATIC_A_DAY, IncomingText, receive
from scheduler.usecases.texts.replies.inbox import answer_text
from scheduler.usecases.texts.sending import unplanned
from scheduler.usecases.texts.wrong_numbers import settle_wrong_number
from scheduler.usecases.visits.links import visit_behind
from tests.factories import CLINIC, MONDAY, NOW, local, make_appointment, make_clinic, make_patient
from tests.fakes import FakeClock, FakeSms
from tests.usecases.texts.sms_clinic import (
    make_closure,
    make_reminder,
    send_codes,
    send_reminders,
    settle,
    the_messages,
)

DAY = timedelta(days=1)
NUMBER = "+16135550142"
TUESDAY = MONDAY + DAY
DESK = Actor("staff", "desk")
_sids = itertools.count(1)


class Telephone:
    """A patient's: what it was sent, and what it sends. Answers are sent by a tick, as in life."""

    def __init__(self, session: Session, engine: Engine) -> None:
        self.session, self.engine = session, engine
        self.at, self.provider = FakeClock(NOW), FakeSms()

    def text(self, body: str, *, sid: str | None = None, number: str = NUMBER) -> str | None:
        """What comes back on it."""
        sid = sid or f"SMin{next(_sids)}"
        before = len(self.provider.sent)
        receive(self.session, IncomingText(sid=sid, number=number, body=body), clinic=CLINIC, now=self.at())
        send_codes(self.engine, self.provider, self.at)
        self.session.expire_all()
        answers = [sent.body for sent in self.provider.sent[before:] if sent.to == number]
        assert len(answers) <= 1
        return answers[0] if answers else None

    def is_asked_to_move(self, visit: Appointment) -> str:
        make_closure(self.session, visit)
        return self.is_reminded_of(visit, kind="displaced")

    def is_reminded_of(self, visit: Appointment, *, kind: str = "days_before_1") -> str:
        make_reminder(self.session, visit, kind=kind, due_at=self.at())
        send_reminders(self.engine, self.provider, self.at)
        self.session.expire_all()
        return self.provider.sent[-1].body


@pytest.fixture
def telephone(session: Session, engine: Engine) -> Telephone:
    make_clinic(session)
    return Telephone(session, engine)


@pytest.fixture
def patient(telephone: Telephone, session: Session) -> Patient:
    return make_patient(session, number=NUMBER)


@pytest.fixture
def visit(session: Session, patient: Patient) -> Appointment:
    """Tuesday 1 December, 10:00."""
    return make_appointment(session, patient=patient, starts_local=local(TUESDAY, "10:00"))


def last_in(session: Session) -> Message:
    return session.scalars(select(Message).where(Message.direction == "in").order_by(Message.id.desc())).first()


def test_c_confirms_the_visit_reminded_of_and_says_so(
    telephone: Telephone, session: Session, patient: Patient, visit: Appointment
) -> None:
    telephone.is_reminded_of(visit)
    answer = telephone.text("C")
    assert answer == "East Side Physio: thank you, your visit on Tuesday 1 December at 10:00 am with Pat1 is confirmed."
    assert visit.status == "confirmed"
    line = session.scalars(select(AppointmentHistory).order_by(AppointmentHistory.id.desc())).first()
    account = patient.phone_account
    assert account and (line.changed_by, line.changed_why) == (f"patient:{account.id}", "by text")
    kept = last_in(session)
    assert (kept.for_desk, kept.appointment_id, kept.patient_id) == (False, visit.id, patient.id)


def test_a_webhook_that_is_repeated_does_nothing_twice(
    telephone: Telephone, session: Session, visit: Appointment
) -> None:
    telephone.is_reminded_of(visit)
    assert telephone.text("C", sid="SMsame")
    version = visit.version
    assert telephone.text("C", sid="SMsame") is None
    assert visit.version == version
    assert "is confirmed" in (telephone.text("C") or ""), "a second text of the same kind is answered alike"
    assert visit.version == version


def test_the_answer_is_in_the_patients_language(telephone: Telephone, session: Session, patient: Patient) -> None:
    patient.language = "fr"
    session.commit()
    visit = make_appointment(session, patient=patient, starts_local=local(TUESDAY, "10:00"))
    telephone.is_reminded_of(visit)
    answer = telephone.text("oui c")
    assert answer == "East Side Physio : merci, votre rendez-vous du mardi 1er décembre à 10 h avec Pat1 est confirmé."


def test_the_answer_in_doubt_is_settled_and_not_sent_twice(
    telephone: Telephone, session: Session, visit: Appointment
) -> None:
    """The provider took it and gave no answer: it is found there by its text."""
    telephone.is_reminded_of(visit)
    telephone.provider.next_outcomes.append(SmsInDoubt("no answer"))
    assert telephone.text("C") is None
    telephone.provider.listed = [FoundMessage("SMfound", "sent", telephone.at())]
    telephone.at.forward(seconds=70)
    settle(telephone.engine, telephone.provider, telephone.at)
    send_codes(telephone.engine, telephone.provider, telephone.at)
    assert [m.status for m in the_messages(session) if m.kind == "reply"] == ["sent"]
    assert len(telephone.provider.sent) == 1


@pytest.mark.parametrize("body", ["M", "déplacer"])
def test_m_is_answered_with_a_link_that_works_for_that_visit_alone(
    telephone: Telephone, session: Session, visit: Appointment, body: str
) -> None:
    telephone.is_reminded_of(visit)
    answer = telephone.text(body)
    assert answer
    token = re.search(r"/m/([A-Za-z0-9]{17}) \(works for 48 h\)", answer)
    assert token and segments(answer) == 1 and is_gsm7(answer)
    assert token[1] not in session.scalars(select(VisitLink.token_hash)).all()
    assert visit_behind(session, token[1], now=telephone.at()).id == visit.id
    with pytest.raises(NotFound):
        visit_behind(session, token[1].swapcase(), now=telephone.at())
    with pytest.raises(NotFound):
        visit_behind(session, token[1], now=telephone.at() + timedelta(hours=48))
    unplanned.blank_old_codes(telephone.engine, now=telephone.at())
    session.rollback()
    assert token[1] not in "".join(session.scalars(select(Message.body)))


def test_the_link_dies_when_the_visit_changes(telephone: Telephone, session: Session, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    token = (telephone.text("M") or "").partition("/m/")[2][:17]
    visit_behind(session, token, now=telephone.at())
    move_appointment(
        session,
        clinic=CLINIC,
        public_id=visit.public_id,
        starts_local=local(TUESDAY, "15:00"),
        practitioner=None,
        now=telephone.at(),
        actor=DESK,
    )
    with pytest.raises(NotFound):
        visit_behind(session, token, now=telephone.at())


def test_a_link_near_the_cut_off_lasts_no_longer_and_after_it_they_are_asked_to_call(
    telephone: Telephone, session: Session, visit: Appointment
) -> None:
    telephone.at.at = datetime.fromisoformat("2026-11-30T09:30-05:00")  # half an hour before the cut-off
    telephone.is_reminded_of(visit)
    assert "(works for 30 min)" in (telephone.text("M") or "")
    telephone.at.forward(minutes=31)
    assert telephone.text("M") == (
        "East Side Physio: to change your visit on Tuesday 1 December at 10:00 am with Pat1, please call 613-555-0100."
    )


def two_children(session: Session, patient: Patient) -> tuple[Appointment, Appointment]:
    other = Patient(given_name="Léo", family_name="Roy", phone_account=patient.phone_account, created_at=NOW)
    session.add(other)
    session.commit()
    first = make_appointment(session, patient=patient, starts_local=local(TUESDAY, "10:00"))
    second = make_appointment(
        session, patient=other, starts_local=local(TUESDAY, "11:00"), practitioner="p2", room="Room 2"
    )
    return first, second


def test_of_several_visits_it_is_asked_which_and_the_number_keeps_its_meaning(
    telephone: Telephone, session: Session, patient: Patient
) -> None:
    first, second = two_children(session, patient)
    telephone.is_reminded_of(first)
    telephone.is_reminded_of(second)
    assert telephone.text("C") == (
        "East Side Physio: which visit? Reply C 1 for Tue 1 Dec 10:00 am, Pat1; C 2 for Tue 1 Dec 11:00 am, Pat2."
    )
    assert {first.status, second.status} == {"booked"}
    move_appointment(  # the first is now the later one, but the numbers were shown
        session,
        clinic=CLINIC,
        public_id=first.public_id,
        starts_local=local(TUESDAY, "15:00"),
        practitioner=None,
        now=telephone.at(),
        actor=DESK,
    )
    assert "11:00 am with Pat2 is confirmed" in (telephone.text("C 2") or "")
    assert (first.status, second.status) == ("booked", "confirmed")
    answer = telephone.text("1")
    assert answer and "is now on Tuesday 1 December at 3:00 pm" in answer, "what they were shown is no more"
    assert first.status == "booked"


def test_a_family_that_has_confirmed_one_means_the_other(
    telephone: Telephone, session: Session, patient: Patient
) -> None:
    first, second = two_children(session, patient)
    telephone.is_reminded_of(first)
    telephone.is_reminded_of(second)
    telephone.text("M")
    assert "11:00 am with Pat2 is confirmed" in (telephone.text("C 2") or "")
    assert "10:00 am with Pat1 is confirmed" in (telephone.text("C") or "")
    assert (first.status, second.status) == ("confirmed", "confirmed")


def test_the_visit_last_reminded_of_is_meant_and_not_the_later_ones(
    telephone: Telephone, session: Session, patient: Patient, visit: Appointment
) -> None:
    later = make_appointment(session, patient=patient, starts_local=local(TUESDAY + 7 * DAY, "10:00"))
    telephone.is_reminded_of(later, kind="confirmation")
    telephone.at.forward(hours=24)
    telephone.is_reminded_of(visit)
    assert "Tuesday 1 December" in (telephone.text("C") or "")
    assert (visit.status, later.status) == ("confirmed", "booked")


def test_late_replies_get_a_sensible_answer(
    telephone: Telephone, session: Session, patient: Patient, visit: Appointment
) -> None:
    telephone.is_reminded_of(visit)
    cancel_appointment(session, clinic=CLINIC, public_id=visit.public_id, reason="", now=telephone.at(), actor=DESK)
    assert "10:00 am is cancelled. To book another: http" in (telephone.text("C") or "")
    session.rollback()
    other = make_appointment(session, patient=patient, starts_local=local(MONDAY, "10:00"))
    telephone.is_reminded_of(other)
    telephone.at.at = datetime.fromisoformat("2026-11-30T10:01-05:00")
    assert "has begun or is over. To reach us: 613-555-0100" in (telephone.text("C") or "")
    assert other.status == "booked"


def test_ok_to_a_text_that_asks_to_choose_another_time_confirms_nothing(
    telephone: Telephone, session: Session, visit: Appointment
) -> None:
    telephone.is_reminded_of(visit)
    telephone.at.forward(minutes=5)
    assert "Choose a time" in telephone.is_asked_to_move(visit)
    assert telephone.text("ok") is None
    assert (visit.status, last_in(session).for_desk) == ("booked", True)
    assert "/m/" in (telephone.text("M") or "")


@pytest.mark.parametrize("body", ["Can I bring my dog?", "C", "7", "YES", "cancel"])
def test_what_nobody_can_answer_lies_on_the_desk(
    telephone: Telephone, session: Session, patient: Patient, body: str
) -> None:
    assert telephone.text(body) is None
    assert last_in(session).for_desk


def test_a_stranger_is_kept_apart_and_not_answered(telephone: Telephone, session: Session, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    assert telephone.text("C", number="+16135559999") is None
    assert (last_in(session).for_desk, last_in(session).patient_id, visit.status) == (True, None, "booked")


def test_a_number_that_went_to_somebody_else_confirms_nothing(
    telephone: Telephone, session: Session, patient: Patient, visit: Appointment
) -> None:
    telephone.is_reminded_of(visit)
    patient.phone_account = make_patient(session).phone_account
    session.commit()
    assert telephone.text("C") is None
    assert visit.status == "booked"


def test_wrong_number_is_marked_for_reception(telephone: Telephone, session: Session, patient: Patient) -> None:
    assert telephone.text("Wrong number, sorry") is None
    mark = session.scalars(select(WrongNumber)).one()
    assert (mark.patient_id, mark.phone_account_id, mark.said_at) == (patient.id, patient.phone_account_id, NOW)
    assert mark.stopped_at is None
    assert last_in(session).for_desk


@pytest.mark.parametrize("decided", [False, True])
@pytest.mark.parametrize("body", ["M", "C", "OK"])
def test_what_a_telephone_of_somebody_else_replies_is_for_people(
    telephone: Telephone, session: Session, visit: Appointment, body: str, decided: bool
) -> None:
    telephone.is_reminded_of(visit)
    telephone.text("wrong number")
    if decided:
        settle_wrong_number(session, number=NUMBER, stop=True, now=telephone.at(), actor=DESK)
    assert telephone.text(body) is None
    assert (visit.status, last_in(session).for_desk) == ("booked", True)
    assert len(session.scalars(select(VisitLink)).all()) == 1, "that of the reminder alone"


def test_once_the_number_is_right_after_all_its_replies_count_again(
    telephone: Telephone, session: Session, visit: Appointment
) -> None:
    telephone.is_reminded_of(visit)
    telephone.text("wrong number")
    settle_wrong_number(session, number=NUMBER, stop=False, now=telephone.at(), actor=DESK)
    assert "is confirmed" in (telephone.text("C") or "")


def test_two_robots_do_not_talk_for_ever_but_what_they_say_counts(
    telephone: Telephone, session: Session, visit: Appointment
) -> None:
    telephone.is_reminded_of(visit)
    answers = [telephone.text("M") for _ in range(AUTOMATIC_A_DAY + 3)]
    assert [bool(answer) for answer in answers] == [True] * AUTOMATIC_A_DAY + [False] * 3
    assert telephone.text("C") is None
    assert (visit.status, last_in(session).for_desk) == ("confirmed", True)
    assert receive(session, IncomingText(sid="SMhelp", number=NUMBER, body="AIDE"), clinic=CLINIC, now=NOW) is None
    telephone.at.forward(hours=25)
    assert telephone.text("C")


def test_who_opted_out_confirms_without_being_texted(
    telephone: Telephone, session: Session, patient: Patient, visit: Appointment
) -> None:
    telephone.is_reminded_of(visit)
    telephone.text("STOP")
    assert telephone.text("C") is None
    assert visit.status == "confirmed"


def test_an_answer_that_could_not_go_out_for_an_hour_is_not_sent_any_more(
    telephone: Telephone, session: Session, visit: Appointment
) -> None:
    telephone.is_reminded_of(visit)
    receive(session, IncomingText(sid="SMx", number=NUMBER, body="C"), clinic=CLINIC, now=NOW)
    telephone.at.forward(minutes=61)
    assert send_codes(telephone.engine, telephone.provider, telephone.at) == 0
    assert [m.status for m in the_messages(session) if m.kind == "reply"] == ["expired"]


def after_a_confirmation(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit, kind="confirmation")


def after_a_reminder(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)


def after_the_text_that_it_moved(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    move_unnoticed(telephone, visit)
    assert "is now on" in told_by_now(telephone)


def after_the_answer_that_it_moved(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    move_unnoticed(telephone, visit)
    assert "that visit is now on" in (telephone.text("C") or "")


def after_being_asked_away(telephone: Telephone, visit: Appointment) -> None:
    assert "must move" in telephone.is_asked_to_move(visit)


def after_a_cancellation(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    cancel(telephone, visit, tells_patient=True)
    assert "is cancelled. To book again" in told_by_now(telephone)


def after_the_answer_that_it_is_cancelled(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    cancel(telephone, visit)
    assert "is cancelled. To book another" in (telephone.text("C") or "")


def after_the_answer_that_it_is_confirmed(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    assert "is confirmed" in (telephone.text("C") or "")


def after_a_link(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    assert "/m/" in (telephone.text("M") or "")


def after_the_answer_that_it_is_too_late(telephone: Telephone, visit: Appointment) -> None:
    telephone.at.at = visit.starts_at - timedelta(hours=2)
    telephone.is_reminded_of(visit)
    assert "please call" in (telephone.text("M") or "")


def after_the_answer_that_it_has_begun(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    telephone.at.at = visit.starts_at + timedelta(minutes=1)
    assert "has begun" in (telephone.text("C") or "")


def after_what_the_desk_wrote(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    telephone.text("What shall I bring?")
    read = last_in(telephone.session).id
    answer_text(telephone.session, number=NUMBER, body="Nothing.", up_to_id=read, now=telephone.at(), actor=DESK)
    send_codes(telephone.engine, telephone.provider, telephone.at)


def move_unnoticed(telephone: Telephone, visit: Appointment) -> None:
    there = {"starts_local": local(TUESDAY, "15:00"), "practitioner": None}
    at, session = telephone.at(), telephone.session
    move_appointment(session, clinic=CLINIC, public_id=visit.public_id, **there, now=at, actor=DESK)


def cancel(telephone: Telephone, visit: Appointment, *, tells_patient: bool = False) -> None:
    at, why = telephone.at(), {"reason": "", "tells_patient": tells_patient}
    cancel_appointment(telephone.session, clinic=CLINIC, public_id=visit.public_id, **why, now=at, actor=DESK)


def told_by_now(telephone: Telephone) -> str:
    telephone.at.forward(minutes=3)
    send_reminders(telephone.engine, telephone.provider, telephone.at)
    telephone.session.expire_all()
    return telephone.provider.sent[-1].body


READ, TO_THE_DESK = None, "desk"


@pytest.mark.parametrize(
    ("last_text", "to_c", "to_ok", "to_m"),
    [
        (after_a_confirmation, "is confirmed", "is confirmed", "/m/"),
        (after_a_reminder, "is confirmed", "is confirmed", "/m/"),
        (after_the_text_that_it_moved, "3:00 pm with Pat1 is confirmed", "3:00 pm with Pat1 is confirmed", "/m/"),
        (after_the_answer_that_it_moved, "3:00 pm with Pat1 is confirmed", "3:00 pm with Pat1 is confirmed", "/m/"),
        (after_being_asked_away, TO_THE_DESK, TO_THE_DESK, "/m/"),
        (after_a_cancellation, "is cancelled. To book another", READ, "is cancelled. To book another"),
        (after_the_answer_that_it_is_cancelled, "is cancelled. To book another", READ, "is cancelled. To book another"),
        (after_the_answer_that_it_is_confirmed, "is confirmed", READ, "/m/"),
        (after_a_link, "is confirmed", READ, "/m/"),
        (after_the_answer_that_it_is_too_late, "is confirmed", READ, "please call"),
        (after_the_answer_that_it_has_begun, "has begun", READ, "has begun"),
        (after_what_the_desk_wrote, "is confirmed", TO_THE_DESK, "/m/"),
    ],
)
@pytest.mark.parametrize("reply", ["C", "ok merci", "M"])
def test_a_word_means_what_the_last_text_lets_it_mean(
    telephone: Telephone,
    session: Session,
    visit: Appointment,
    last_text: Callable[[Telephone, Appointment], None],
    to_c: str | None,
    to_ok: str | None,
    to_m: str | None,
    reply: str,
) -> None:
    last_text(telephone, visit)
    session.expire_all()
    before = visit.status
    expected = {"C": to_c, "ok merci": to_ok, "M": to_m}[reply]
    telephone.at.forward(minutes=1)
    answer = telephone.text(reply)
    kept, confirms = last_in(session), bool(expected and "is confirmed" in expected)
    if expected in (READ, TO_THE_DESK):
        assert answer is None
    else:
        assert expected and expected in (answer or "")
    assert kept.for_desk == (expected is TO_THE_DESK or last_text is after_what_the_desk_wrote)
    assert visit.status == ("confirmed" if confirms else before)
    assert kept.appointment_id == (None if expected is TO_THE_DESK else visit.id)


def test_c_after_a_cancellation_confirms_the_other_visit_that_was_reminded_of_before(
    telephone: Telephone, session: Session, patient: Patient, visit: Appointment
) -> None:
    other = make_appointment(
        session, patient=patient, starts_local=local(TUESDAY + DAY, "10:00"), treatment="follow-up"
    )
    telephone.is_reminded_of(other)
    telephone.at.forward(hours=7)
    after_a_cancellation(telephone, visit)
    assert telephone.text("ok") is None, "they have read it"
    assert "Tuesday 1 December at 10:00 am is cancelled" in (telephone.text("M") or "")
    assert "Wednesday 2 December at 10:00 am with Pat1 is confirmed" in (telephone.text("C") or "")
    assert other.status == "confirmed"


def test_ok_to_which_visit_asks_again_and_one_number_after_the_answer_that_it_moved_is_no_other_visit(
    telephone: Telephone, session: Session, patient: Patient
) -> None:
    first, second = two_children(session, patient)
    telephone.is_reminded_of(first)
    telephone.is_reminded_of(second)
    asked = telephone.text("C")
    assert asked and "which visit?" in asked
    assert telephone.text("ok") == asked
    move_unnoticed(telephone, first)
    assert "that visit is now on" in (telephone.text("C 1") or "")
    assert "11:00 am with Pat2 is confirmed" in (telephone.text("2") or "")
    assert (first.status, second.status) == ("booked", "confirmed")


def test_a_text_that_was_not_delivered_told_nobody_anything(
    telephone: Telephone, session: Session, visit: Appointment
) -> None:
    after_the_text_that_it_moved(telephone, visit)
    session.execute(update(Message).where(Message.id == the_messages(session)[-1].id).values(status="undelivered"))
    session.commit()
    assert "that visit is now on Tuesday 1 December at 3:00 pm" in (telephone.text("C") or "")
    assert visit.status == "booked"


@pytest.mark.parametrize("status", ["expired", "failed", "undelivered"])
def test_a_number_means_the_last_question_that_arrived(
    telephone: Telephone, session: Session, patient: Patient, status: str
) -> None:
    """Not one that an outage, the budget or a telephone out of reach kept from them."""
    first, second = two_children(session, patient)
    telephone.is_reminded_of(first)
    telephone.is_reminded_of(second)
    assert "C 2 for Tue 1 Dec 11:00 am" in (telephone.text("C") or "")
    later = make_appointment(session, patient=patient, starts_local=local(TUESDAY + 8 * DAY, "10:00"))
    latest = make_appointment(
        session,
        patient=second.patient,
        starts_local=local(TUESDAY + 8 * DAY, "11:00"),
        practitioner="p2",
        room="Room 2",
    )
    telephone.at.forward(hours=10)
    telephone.is_reminded_of(later)
    telephone.is_reminded_of(latest)
    assert "C 2 for Wed 9 Dec 11:00 am" in (telephone.text("C") or "")
    session.execute(update(Message).where(Message.id == the_messages(session)[-1].id).values(status=status))
    session.commit()
    assert "Tuesday 1 December at 11:00 am with Pat2 is confirmed" in (telephone.text("C 2") or "")
    assert (second.status, latest.status) == ("confirmed", "booked")


def test_ok_about_a_visit_of_somebody_who_has_another_number_now_is_for_the_desk(
    telephone: Telephone, session: Session, patient: Patient, visit: Appointment
) -> None:
    after_a_cancellation(telephone, visit)
    patient.phone_account = make_patient(session).phone_account
    session.commit()
    assert telephone.text("ok") is None
    assert (last_in(session).for_desk, last_in(session).appointment_id) == (True, None)


def restrict(session: Session, patient: Patient) -> None:
    patient.restricted_at = NOW
    session.commit()


def test_a_restricted_patients_visit_is_not_told_to_the_family(
    telephone: Telephone, session: Session, patient: Patient
) -> None:
    first, second = two_children(session, patient)
    telephone.is_reminded_of(first)
    telephone.is_reminded_of(second)
    restrict(session, patient)
    assert "11:00 am with Pat2 is confirmed" in (telephone.text("C") or "")
    assert (first.status, second.status) == ("booked", "confirmed")


@pytest.mark.parametrize("body", ["C", "ok"])
def test_of_two_visits_that_both_must_move_neither_is_confirmed(
    telephone: Telephone, session: Session, patient: Patient, body: str
) -> None:
    first, second = two_children(session, patient)
    for visit in (first, second):
        assert "must move" in telephone.is_asked_to_move(visit)
    assert telephone.text(body) is None
    assert last_in(session).for_desk
    assert "which visit?" in (telephone.text("M") or "")


def test_a_visit_that_must_move_is_none_of_those_to_confirm(
    telephone: Telephone, session: Session, patient: Patient
) -> None:
    first, second = two_children(session, patient)
    telephone.is_asked_to_move(first)
    telephone.at.forward(minutes=5)
    telephone.is_reminded_of(second)
    assert "11:00 am with Pat2 is confirmed" in (telephone.text("C") or "")
    assert (first.status, second.status) == ("booked", "confirmed")


@pytest.mark.parametrize("body", ["ok 5", "C le 2", "Je confirme 3"])
def test_a_number_that_no_visit_was_given_may_mean_another_time(
    telephone: Telephone, session: Session, visit: Appointment, body: str
) -> None:
    telephone.is_reminded_of(visit)
    assert telephone.text(body) is None
    assert (visit.status, last_in(session).for_desk) == ("booked", True)


def test_the_one_visit_may_be_called_the_first(telephone: Telephone, visit: Appointment) -> None:
    telephone.is_reminded_of(visit)
    assert "is confirmed" in (telephone.text("C1") or "")


def test_which_visit_is_asked_in_the_patients_language(
    telephone: Telephone, session: Session, patient: Patient
) -> None:
    """The account keeps the language of the day when it was made."""
    first, second = two_children(session, patient)
    for child in (first.patient, second.patient):
        assert child
        child.language = "fr"
    session.commit()
    telephone.is_reminded_of(first)
    telephone.is_reminded_of(second)
    assert "lequel? Répondez C 1 pour mar. 1er déc." in (telephone.text("C") or "")


@pytest.mark.parametrize("body", ['"Cancel"', "\u200bcancel", "Ｃａｎｃｅｌ", "(cancel)"])
def test_a_cancel_in_any_dress_is_read_by_somebody(
    telephone: Telephone, session: Session, patient: Patient, body: str
) -> None:
    telephone.text(body)
    assert patient.phone_account and patient.phone_account.opted_out_at
    assert last_in(session).for_desk


@pytest.mark.parametrize("body", ["«Arrêt»", "\u200bARRET", "Arre\u0302t"])
def test_an_arret_in_any_dress_is_confirmed_in_french(session: Session, telephone: Telephone, body: str) -> None:
    said = receive(session, IncomingText(sid="SMarret", number=NUMBER, body=body), clinic=CLINIC, now=NOW)
    assert said and "vous ne recevrez plus" in said


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("body", ["STOP\n\nSent from my iPhone", "Arrêt\nEnvoyé de mon iPad"])
def test_a_stop_above_a_signature_is_obeyed_confirmed_and_read_at_the_desk(
    session: Session, telephone: Telephone, patient: Patient, body: str, language: str
) -> None:
    """Twilio acts upon single words alone, and goes on delivering what we send."""
    patient.language = language
    session.commit()
    said = receive(session, IncomingText(sid="SMstop", number=NUMBER, body=body), clinic=CLINIC, now=NOW)
    is_french = language == "fr" or body.startswith("Arr")
    assert said and ("vous ne recevrez plus" if is_french else "we will not text you any more") in said
    session.refresh(patient.phone_account)
    account = patient.phone_account
    assert account and account.opted_out_at == NOW and account.opted_out_by in ("STOP", "Arrêt")
    assert last_in(session).for_desk
    assert telephone.text("START") is None
    assert account.opted_out_at is None


@pytest.mark.parametrize("word", ["CANCEL", "START", "YES", "HELP"])
def test_another_word_of_twilios_above_a_signature_is_for_people(
    session: Session, telephone: Telephone, visit: Appointment, word: str
) -> None:
    telephone.is_reminded_of(visit)
    assert telephone.text(f"{word}\nSent from my iPhone") is None
    account = visit.patient.phone_account
    assert account and account.opted_out_at is None
    assert (visit.status, last_in(session).for_desk) == ("booked", True)


def test_start_above_a_signature_does_not_undo_a_stop(session: Session, telephone: Telephone, patient: Patient) -> None:
    """Twilio would not let ours through."""
    telephone.text("STOP")
    telephone.text("START\nSent from my iPhone")
    assert patient.phone_account and patient.phone_account.opted_out_at
    assert last_in(session).for_desk


@pytest.mark.parametrize("below", ["Sent from my iPhone", "--\nAmélie", "--\nAMELIE\nSent from my iPhone"])
def test_a_reply_above_a_signature_does_its_work(
    telephone: Telephone, session: Session, visit: Appointment, below: str
) -> None:
    telephone.is_reminded_of(visit)
    assert "is confirmed" in (telephone.text(f"C\n{below}") or "")
    assert "/m/" in (telephone.text(f"M\n\n{below}") or "")


@pytest.mark.parametrize("below", ["but I'd rather come later", "--\nJane", "--\nFriday"])
def test_a_reply_with_anything_else_below_is_for_people(
    telephone: Telephone, session: Session, visit: Appointment, below: str
) -> None:
    telephone.is_reminded_of(visit)
    assert telephone.text(f"C\n{below}") is None
    assert (visit.status, last_in(session).for_desk) == ("booked", True)


def test_half_an_emoji_is_kept_as_far_as_it_goes(telephone: Telephone, session: Session) -> None:
    telephone.text("Hello \ud83d")
    assert last_in(session).body == "Hello ?"


def test_help_is_answered_in_the_patients_language(telephone: Telephone, session: Session, patient: Patient) -> None:
    patient.language = "fr"
    session.commit()
    said = receive(session, IncomingText(sid="SMhelp", number=NUMBER, body="help"), clinic=CLINIC, now=NOW)
    assert said and "pour voir ou changer vos rendez-vous" in said


@pytest.mark.parametrize("body", ["HELP", "Arrêt"])
def test_when_the_budget_is_used_up_no_word_is_answered_and_who_asked_for_help_is_read(
    telephone: Telephone, session: Session, patient: Patient, body: str
) -> None:
    session.add(
        Message(direction="out", kind="desk", number=NUMBER, body="x", status="sent", created_at=NOW, segments=9)
    )
    session.commit()

    def text(parts: int, sid: str) -> str | None:
        clinic = replace(CLINIC, sms_parts_monthly=parts)
        return receive(session, IncomingText(sid=sid, number=NUMBER, body=body), clinic=clinic, now=NOW)

    assert text(9, "SM1") is None
    assert last_in(session).for_desk == (body == "HELP")
    assert (last_in(session).opt_word, patient.phone_account.opted_out_at is not None) == (
        ("help", False) if body == "HELP" else ("stop", True)
    )
    assert text(10, "SM2") is not None
    assert last_in(session).for_desk is False


@pytest.mark.parametrize(
    ("number", "answered"),
    [("+12025550142", True), ("+18765550142", False), ("+447700900123", False), ("72345", False)],
)
def test_help_is_answered_to_numbers_of_canada_and_the_us_alone_and_the_desk_reads_the_others(
    telephone: Telephone, session: Session, number: str, answered: bool
) -> None:
    answer = receive(session, IncomingText(sid="SM1", number=number, body="HELP"), clinic=CLINIC, now=NOW)
    assert (answer is not None, last_in(session).for_desk) == (answered, not answered)


def test_help_asked_for_once_too_often_is_read_by_somebody(telephone: Telephone, session: Session) -> None:
    answers = [
        receive(session, IncomingText(sid=f"SM{each}", number=NUMBER, body="HELP"), clinic=CLINIC, now=NOW)
        for each in range(AUTOMATIC_A_DAY + 1)
    ]
    assert (answers.count(None), answers[-1], last_in(session).for_desk) == (1, None, True)


@pytest.mark.parametrize("body", ["\u200b", "\u2060\ufeff", " \u200e\n"])
def test_signs_that_cannot_be_seen_are_no_words(
    telephone: Telephone, session: Session, patient: Patient, body: str
) -> None:
    telephone.text(body)
    assert (last_in(session).body, last_in(session).for_desk) == (NO_WORDS, True)


def test_the_longest_question_that_the_owner_can_word_is_one_that_can_be_sent(
    session: Session, telephone: Telephone, patient: Patient
) -> None:
    """Twilio refuses more than 1,600 letters (error 21617)."""
    visits = [
        make_appointment(session, patient=patient, starts_local=local(TUESDAY, f"{10 + i}:00"), treatment="follow-up")
        for i in range(5)
    ]
    texts = {
        ("which", "en"): checked("which", ("{clinic} {choices}" + "x" * LONGEST)[: WORDINGS["which"].longest]),
        ("choice", "en"): checked(
            "choice", ("{letter} {number} {day} {time} {practitioner}" + "x" * LONGEST)[: WORDINGS["choice"].longest]
        ),
    }
    question = which_text(visits, wish=Wish.CONFIRM, clinic=replace(CLINIC, texts=texts), language="en")
    assert len(question) <= 1600


@pytest.mark.parametrize("seconds_left", [0, 59])
def test_a_link_that_would_be_over_before_it_is_opened_is_none(
    telephone: Telephone, visit: Appointment, seconds_left: int
) -> None:
    telephone.at.at = CLINIC.changeable_until(visit.starts_at) - timedelta(seconds=seconds_left)
    telephone.is_reminded_of(visit)
    assert "please call 613-555-0100" in (telephone.text("M") or "")


def test_m_after_a_visit_that_is_over_moves_the_one_to_come(
    telephone: Telephone, session: Session, patient: Patient, visit: Appointment
) -> None:
    coming = make_appointment(session, patient=patient, starts_local=local(TUESDAY + 7 * DAY, "10:00"))
    telephone.is_reminded_of(coming, kind="confirmation")
    telephone.at.forward(days=1)
    telephone.is_reminded_of(visit)
    telephone.at.forward(days=3, minutes=10)  # it has begun: who is late means this one
    assert "has begun" in (telephone.text("M") or "")
    telephone.at.forward(hours=2)
    assert "Tuesday 8 December" in (telephone.text("M") or "")
    assert "has begun" in (telephone.text("C") or "")
