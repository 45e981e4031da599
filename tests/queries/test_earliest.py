"""The first starts on offer, however far away they are, and whatever was asked before."""

from datetime import date, datetime, timedelta

from sqlalchemy import Engine, delete
from sqlalchemy.orm import Session

from scheduler.domain.booking.availability import OfferedStart
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.models import Closure
from scheduler.models.engine import without_transactions
from scheduler.queries.booking import slots
from scheduler.queries.booking.slots import Wanted
from scheduler.queries.clinic import reference
from tests.factories import MONDAY, NOW, make_clinic
from tests.support.statements import statements_of

CLINIC = ClinicSettings(horizon_days=180)


def close_for(session: Session, days: int) -> None:
    """From Monday on, and nothing else is closed."""
    session.execute(delete(Closure))
    if days:
        midnight = datetime.combine(MONDAY, datetime.min.time())
        session.add(Closure(starts_local=midnight, ends_local=midnight + timedelta(days=days), name="Holiday"))
    session.commit()


def earliest(engine: Engine) -> tuple[OfferedStart, ...]:
    with without_transactions(engine).connect() as connection:
        return slots.first_slots(connection, _wanted(engine), clinic=CLINIC, now=NOW, count=3).starts


def _wanted(engine: Engine) -> Wanted:
    with engine.connect() as connection:
        treatment = reference.current(connection).treatment("ims")
    return Wanted(treatment, MONDAY, date(2027, 5, 1))


def test_the_answer_is_that_of_one_search_through_all_days(engine: Engine, session: Session) -> None:
    make_clinic(session)
    for days in (0, 3, 14, 0, 40, 8, 300, 21, 7, 0):
        close_for(session, days)
        with engine.connect() as connection:
            found = slots.find_slots(connection, _wanted(engine), clinic=CLINIC, now=NOW)
        assert earliest(engine) == tuple(found.offer.first(3)), days


def test_a_calendar_that_stays_full_is_read_once_for_each_answer(engine: Engine, session: Session) -> None:
    make_clinic(session)
    close_for(session, 14)
    earliest(engine)
    for days in (15, 14, 120, 130):
        close_for(session, days)
        wanted = _wanted(engine)  # what seldom changes is in memory
        statements = statements_of(engine)
        with without_transactions(engine).connect() as connection:
            slots.first_slots(connection, wanted, clinic=CLINIC, now=NOW, count=3)
        asked = len(statements)
        assert asked == (3 if days == 120 else 2), f"the calendar's state and the days: {statements}"
