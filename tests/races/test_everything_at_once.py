"""Bookings, moves, cancellations, IMS elsewhere, merges, people who leave, rooms and days that are closed, all at the
same moment and at random: whatever each was answered, what is left keeps every rule and every reminder."""

import os
import random
import threading
from collections import Counter
from datetime import timedelta

import pytest
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.booking.screening import ScreeningAnswers
from scheduler.models import Appointment, Closure, Patient, Reminder
from scheduler.queries.visits.must_move import displaced
from scheduler.usecases.booking.booking import cancel_appointment
from scheduler.usecases.calendar.absences import NewClosure, add_closures
from scheduler.usecases.patients.elsewhere import record_elsewhere
from scheduler.usecases.patients.merging import merge_patients
from tests.factories import CLINIC, MONDAY, NOW, PATIENT, STAFF, local, make_clinic, make_patient
from tests.races.test_changes_under_a_booking import Act, book, move, outcome, require_sound, switch_off

CLIENTS = 16
ROUNDS = int(os.environ.get("RACE_ROUNDS", "2"))  # `make soak` runs 100
PEOPLE = 4  # two records each
DAYS = [MONDAY + timedelta(days=day) for day in (0, 1, 2, 3, 4, 7, 8, 9, 10)]
REFUSALS = {
    *("done", "slot-taken", "slot-not-offered", "treatment-too-soon", "patient-busy", "patient-restricted"),
    *("too-late-to-change", "version-conflict", "status-refused", "merge-refused", "room-taken"),
    *("NotFound", "StillBooked", "Invalid", "ChangedMeanwhile"),
}


def act_at_random(chance: random.Random) -> tuple[str, Act]:
    starts_local = local(chance.choice(DAYS), f"{chance.randrange(9, 13):02}:{chance.choice(('00', '15', '30'))}")
    patient = chance.randrange(1, 2 * PEOPLE + 1)
    practitioner = chance.choice(("p1", "p2", "p3", None))
    treatment = chance.choice(("ims", "ims", "follow-up"))
    kind = chance.choice(("book", "book", "book", "screened", "move", "move", "cancel", "elsewhere", "merge", "rare"))
    actor = chance.choice((STAFF, PATIENT))

    def a_visit(session: Session) -> str:
        found = session.scalars(select(Appointment.public_id).where(Appointment.status == "booked")).all()
        session.rollback()
        return chance.choice(found or ["none"])

    def merge(session: Session) -> object:
        person = chance.randrange(PEOPLE)
        ids = [2 * person + 1, 2 * person + 2]
        chance.shuffle(ids)
        kept, merged = (session.get_one(Patient, each).public_id for each in ids)
        session.rollback()
        return merge_patients(session, kept=kept, merged=merged, sure=True, now=NOW, actor=STAFF)

    def tell(session: Session) -> object:
        day = MONDAY - timedelta(days=chance.randrange(3, 20))
        return record_elsewhere(session, clinic=CLINIC, patient_id=patient, day=day, now=NOW, actor=actor)

    def cancel(session: Session) -> object:
        return cancel_appointment(session, clinic=CLINIC, public_id=a_visit(session), reason="", now=NOW, actor=STAFF)

    def close(session: Session) -> object:
        day = chance.choice(DAYS)
        closed = NewClosure(local(day, "12:00"), local(day, "13:00"), "drill")
        return add_closures(session, closures=[closed], now=NOW, actor=STAFF)

    acts: dict[str, Act] = {
        "book": book(patient, starts_local, practitioner, treatment, actor=actor),
        "screened": book(patient, starts_local, practitioner, treatment, actor=actor, screening=ScreeningAnswers()),
        "move": lambda session: move(a_visit(session), starts_local)(session),
        "cancel": cancel,
        "elsewhere": tell,
        "merge": merge,
        "rare": chance.choice((close, switch_off("practitioners", "p3"), switch_off("rooms", "Room 3"))),
    }
    return kind, acts[kind]


@pytest.mark.parametrize("seed", range(ROUNDS))
def test_whatever_happens_at_the_same_moment_no_rule_is_broken_and_no_reminder_lost(
    engine: Engine, session: Session, seed: int
) -> None:
    make_clinic(session, practitioners=3, rooms=3)
    for person in range(PEOPLE):
        for _record in range(2):
            make_patient(session, given_name="Zoë", family_name=f"Roy{person}", birth_date=None)
    session.rollback()
    outcomes: Counter[str] = Counter()
    together = threading.Barrier(CLIENTS)

    def client(number: int) -> None:
        chance = random.Random(f"{seed}-{number}")
        with Session(engine) as mine:
            together.wait()
            for _act in range(8):
                kind, act = act_at_random(chance)
                outcomes[f"{kind}: {outcome(act, mine)}"] += 1
                mine.rollback()

    clients = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in clients:
        thread.start()
    for thread in clients:
        thread.join()
    assert {told.partition(": ")[2] for told in outcomes} <= REFUSALS, outcomes
    assert outcomes["book: done"] + outcomes["screened: done"] > 5, outcomes
    require_sound(engine)
    _require_reminders_of_standing_visits_alone(engine)
    _require_history_without_gaps(engine)
    _require_closed_days_to_be_known(engine)


def _require_reminders_of_standing_visits_alone(engine: Engine) -> None:
    with Session(engine) as session:
        planned = select(Appointment.status).join(Reminder).where(Reminder.status == "planned").distinct()
        assert set(session.scalars(planned)) <= {"booked", "confirmed"}


def _require_history_without_gaps(engine: Engine) -> None:
    with engine.connect() as connection:
        lines = "SELECT a.id FROM appointment a JOIN appointment_history h ON h.appointment_id = a.id"
        gaps = connection.execute(text(f"{lines} GROUP BY a.id, a.version HAVING count(*) <> a.version"))
        assert gaps.all() == []


def _require_closed_days_to_be_known(engine: Engine) -> None:
    """A visit booked at the moment of a closure is on the list of those to be moved, like one booked before."""
    with Session(engine) as session:
        stands = select(Appointment).where(Appointment.status.in_(("booked", "confirmed")))
        closures = session.scalars(select(Closure)).all()
        closed = {
            visit.public_id
            for visit in session.scalars(stands)
            for closure in closures
            if visit.starts_local < closure.ends_local
            and closure.starts_local < visit.starts_local + timedelta(minutes=visit.minutes)
        }
        now_local = clock.to_local(NOW, clock.zone(CLINIC.zone))
        listed = displaced(session.connection(), now=NOW, now_local=now_local, hours_of=None, hours=())
        # Merging and IMS elsewhere put visits on the list as well: too near to IMS that was given.
        assert closed == {each.public_id for each in listed if each.closed is not None}
