"""The demo clinic is one that could exist, and the same for a given day."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from random import Random

import pytest
from sqlalchemy import Engine, func, select, text
from sqlalchemy.orm import Session

from scheduler import clock, demo
from scheduler.demo import house, people
from scheduler.demo.diary import DemoVisit, Diary
from scheduler.demo.people import AMELIE, ISLA, MARCO, NEW_NUMBER, TOUR, DemoPatient
from scheduler.demo.seed import ANY_NUMBER
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.sms_segments import segments
from scheduler.models import Appointment, Message, Patient, PhoneAccount, Reminder, StaffUser

CLINIC = ClinicSettings()
NOW = datetime(2026, 11, 24, 15, 30, tzinfo=UTC)  # Tuesday 10:30 at the clinic
DAYS = [date(2026, 11, 23) + timedelta(days=n) for n in range(7)] + [
    date(2026, 10, 20),  # the clocks go back within its weeks
    date(2027, 2, 24),  # and forward
    date(2026, 12, 30),
    date(2028, 2, 29),
]


def diary_of(day: date, seed: int = ANY_NUMBER) -> tuple[list[DemoPatient], list[DemoVisit]]:
    random = Random(seed)
    invented = people.invent(random)
    return invented, Diary(day, random, house.away(day)).write(invented)


@pytest.mark.parametrize("seed", [ANY_NUMBER, 1, 2])
@pytest.mark.parametrize("day", DAYS)
def test_any_day_has_a_plausible_diary(day: date, seed: int) -> None:
    invented, visits = diary_of(day, seed)
    here = [visit for visit in visits if not visit.elsewhere]
    absences = house.away(day)
    for visit in here:
        practitioner = next(who for who in house.PRACTITIONERS if who.slug == visit.practitioner)
        hours = list(house.open_hours(practitioner, visit.starts_local.date(), absences))
        minutes = next(treatment.minutes for treatment in house.TREATMENTS if treatment.slug == visit.treatment)
        ends = visit.starts_local + timedelta(minutes=minutes)
        assert any(opens <= visit.starts_local and ends <= closes for opens, closes in hours), visit
        assert practitioner.can_needle or visit.treatment != "ims"
        assert visit.booked_local < visit.starts_local
    for of in ("practitioner", "room"):
        in_order = sorted(here, key=lambda visit: (getattr(visit, of), visit.starts_local))
        for one, other in pairwise(in_order):
            if getattr(one, of) == getattr(other, of):
                assert one.busy_until <= other.starts_local
    for who in invented:
        ims = sorted(
            v.starts_local for v in visits if v.patient == who.key and v.treatment == "ims" and v.fate == "kept"
        )
        assert all(later - earlier >= timedelta(days=7) for earlier, later in pairwise(ims))


@pytest.mark.parametrize("day", DAYS)
def test_about_70_percent_of_the_time_is_filled(day: date) -> None:
    _, visits = diary_of(day)
    absences = house.away(day)
    weeks = [day + timedelta(days=n) for n in range(-28, 28)]
    there = sum(
        (closes - opens).total_seconds()
        for one in weeks
        for who in house.PRACTITIONERS
        for opens, closes in house.open_hours(who, one, absences)
    )
    filled = sum(
        (visit.busy_until - visit.starts_local).total_seconds()
        for visit in visits
        if visit.practitioner and visit.starts_local.date() in weeks and visit.cancelled_local is None
    )
    assert 0.62 < filled / there < 0.78


def test_three_rooms_are_enough_for_whoever_is_in() -> None:
    for day in DAYS[:7]:
        for minute in range(0, 24 * 60, 15):
            at = datetime.combine(day, datetime.min.time()) + timedelta(minutes=minute)
            present = [
                who
                for who in house.PRACTITIONERS
                if any(opens <= at < closes for opens, closes in house.open_hours(who, day, ()))
            ]
            assert len(present) <= len(house.ROOMS)


def test_the_same_day_gives_the_same_clinic(session: Session) -> None:
    assert demo.is_empty(session)
    demo.seed(session, clinic=CLINIC, now=NOW)
    assert not demo.is_empty(session)
    assert _fingerprint(session) == FINGERPRINT.setdefault("first engine", _fingerprint(session))
    with pytest.raises(demo.NotEmpty):
        demo.seed(session, clinic=CLINIC, now=NOW)


FINGERPRINT: dict[str, list[object]] = {}  # the other engine's: the two must agree as well


def _fingerprint(session: Session) -> list[object]:
    visits = select(Appointment.public_id, Appointment.starts_local, Appointment.status, Appointment.version)
    texts = select(Message.attempt_id, Message.body, Message.status)
    return [
        *map(tuple, session.execute(visits.order_by(Appointment.public_id))),
        *map(tuple, session.execute(texts.order_by(Message.attempt_id))),
        session.scalar(select(func.count()).select_from(Reminder)),
    ]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize("days", range(7))
def test_it_can_be_begun_on_every_day_of_the_week(session: Session, days: int) -> None:
    demo.seed(session, clinic=CLINIC, now=NOW + timedelta(days=days, hours=3 * days))
    marco = select(Appointment.starts_local).join(Patient, Patient.id == Appointment.patient_id)
    latest = session.scalars(marco.where(Patient.given_name == MARCO.given_name).order_by(Appointment.starts_at)).all()
    today = clock.to_local(NOW + timedelta(days=days, hours=3 * days), clock.zone(CLINIC.zone)).date()
    assert latest[-1].date() == today - timedelta(days=3)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_what_the_demo_holds(session: Session, engine: Engine) -> None:
    demo.seed(session, clinic=CLINIC, now=NOW)
    count = session.scalar(select(func.count()).select_from(Patient))
    assert count == 300
    statuses = set(session.scalars(select(Appointment.status).distinct()))
    assert statuses == {"held", "booked", "confirmed", "arrived", "completed", "cancelled", "no_show", "expired"}
    assert all("55501" in number for number in session.scalars(select(PhoneAccount.number)))
    shared = session.execute(text("SELECT max(n) FROM (SELECT count(*) AS n FROM patient GROUP BY phone_account_id)"))
    assert shared.scalar_one() >= 3
    started = session.execute(
        select(func.count()).where(
            Appointment.starts_at > NOW, Appointment.status.in_(("arrived", "completed", "no_show"))
        )
    ).scalar_one()
    early = session.scalars(
        select(Appointment.starts_at).where(Appointment.status == "arrived", Appointment.starts_at > NOW)
    )
    assert started == len(early.all()), "nobody has completed or missed a visit that is still to come"
    over = session.execute(
        select(func.count()).where(
            Appointment.ends_at < NOW - timedelta(hours=1), Appointment.status.in_(("booked", "confirmed"))
        )
    ).scalar_one()
    assert over == 0, "yesterday's visits have ended one way or another"
    overdue = select(func.count()).where(Reminder.status == "planned", Reminder.due_at <= NOW)
    assert session.execute(overdue).scalar_one() == 0
    assert session.execute(select(func.count()).where(Reminder.status == "planned")).scalar_one() > 300
    assert {row.role for row in session.scalars(select(StaffUser))} == {"receptionist", "practitioner", "owner"}
    assert session.scalar(select(PhoneAccount).where(PhoneAccount.number == NEW_NUMBER)) is None


@pytest.mark.parametrize("day", DAYS[:7])
def test_the_patients_of_the_tour_are_as_the_readme_says(day: date) -> None:
    _, visits = diary_of(day)
    now = datetime.combine(day, datetime.min.time())

    def ims(who: people.TourPatient) -> list[DemoVisit]:
        return [visit for visit in visits if visit.patient == TOUR.index(who) and visit.treatment == "ims"]

    assert all(visit.starts_local < now - timedelta(days=7) for visit in ims(AMELIE))
    assert max(visit.starts_local for visit in ims(MARCO)).date() == day - timedelta(days=3)
    assert [visit.elsewhere for visit in ims(ISLA)] == [True]


def test_every_text_that_went_out_has_the_parts_it_cost(session: Session) -> None:
    demo.seed(session, clinic=CLINIC, now=NOW)
    sent = session.execute(select(Message.body, Message.segments).where(Message.direction == "out")).all()
    assert len(sent) > 100
    assert [counted for _body, counted in sent] == [segments(body) for body, _counted in sent]
