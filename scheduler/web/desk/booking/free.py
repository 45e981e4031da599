"""The nearest free times for the patient on the telephone, by weekday and part of the day."""

from datetime import datetime, time, timedelta

from flask import Blueprint
from flask.typing import ResponseReturnValue

from scheduler import clock
from scheduler.domain.patients.clearance import is_cleared
from scheduler.extensions import clinic_local, clinic_settings, db
from scheduler.queries.booking import desk_free
from scheduler.queries.booking.slots import Wanted
from scheduler.queries.clinic import reference
from scheduler.queries.patients import patients
from scheduler.queries.patients.clearances import clearances
from scheduler.web import access
from scheduler.web.desk.panel import page
from scheduler.web.desk.query_fields import day, number, text
from scheduler.web.desk.refusals import Nearest
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.words.dates import day_and_time_words

SHOWN = 8
NOON, EVENING = time(12), time(17)
PARTS = {"morning": (time.min, NOON), "afternoon": (NOON, EVENING), "evening": (EVENING, time.max)}

blueprint = Blueprint("desk_booking_free", __name__)
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@blueprint.get("/desk/book/free")
def nearest() -> ResponseReturnValue:
    """`patient`, `treatment`, perhaps `practitioner`, `weekday` (Monday 0), `part` of the day and `from` a day."""
    now = clock.now()
    clinic = clinic_settings()
    today = clinic_local(now).date()
    first_day = max(day("from") or today, today)
    begins, ends = PARTS.get(text("part"), (time.min, time.max))
    weekday = number("weekday")

    def fits(start: datetime) -> bool:
        return begins <= start.time() < ends and (weekday is None or start.weekday() == weekday)

    with db.reading.connect() as connection:
        known = reference.current(connection)
        practitioner = known.practitioner(text("practitioner")) if text("practitioner") else None
        wanted = Wanted(known.treatment(text("treatment")), first_day, first_day, practitioner)
        patient = patients.row(connection, text("patient"))
        cleared = clearances(connection, [patient.id], clinic=clinic, now=now)[patient.id]
        found = desk_free.next_free(connection, wanted, patient.id, clinic=clinic, now=now, count=SHOWN, fits=fits)
    names = {who.id: who for who in known.practitioners}
    free = [
        Nearest(
            start.starts_local,
            names[start.practitioner_id].slug,
            f"{day_and_time_words(start.starts_local)}, {names[start.practitioner_id].given_name}",
        )
        for start in found
    ]
    later = found[-1].starts_local.date() + timedelta(days=1) if len(found) == SHOWN else None
    holds = is_cleared(cleared, first_day, months=clinic.clearance_months)
    not_cleared = wanted.treatment.needs_clearance and not holds
    return page("desk/booking/free.html", free=free, later=later, not_cleared=not_cleared)
