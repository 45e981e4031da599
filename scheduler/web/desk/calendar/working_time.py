"""What the pages about working hours, time off and closures share."""

from contextlib import suppress
from datetime import date, datetime, time, timedelta

from flask_babel import gettext as _
from sqlalchemy import Connection

from scheduler.domain.errors import Invalid
from scheduler.extensions import now_at_the_clinic
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import PractitionerInfo
from scheduler.queries.visits import must_move
from scheduler.queries.visits.must_move import DisplacedVisit
from scheduler.web.desk.query_fields import day, text
from scheduler.web.desk.records import masked
from scheduler.web.forms.fields import FormError

A_DAY = timedelta(days=1)


def displaced_visits(connection: Connection, practitioner: PractitionerInfo | None) -> list[DisplacedVisit]:
    """Everybody's, or with a practitioner theirs alone."""
    now, now_local = now_at_the_clinic()
    hours_of = practitioner.id if practitioner else None
    known = reference.current(connection)
    hours = [hour for hour in known.hours if hour.practitioner_id == hours_of]
    found = must_move.displaced(connection, now=now, now_local=now_local, hours_of=hours_of, hours=hours)
    return [visit for visit in masked.displaced(found) if hours_of in (None, visit.practitioner_id)]


def asked_time(name: str) -> time | None:
    with suppress(ValueError):
        found = time.fromisoformat(text(name))
        if found.tzinfo is None:
            return found.replace(second=0, microsecond=0)
    return None


def required_time(name: str) -> time:
    found = asked_time(name)
    if found is None:
        raise Invalid({name: _("Give a time of day.")})
    return found


def required_day(name: str) -> date:
    found = day(name)
    if found is None:
        raise Invalid({name: _("Give a day.")})
    return found


def asked_stretch() -> tuple[datetime, datetime]:
    """`first` and `last` day, both included; `opens` and `closes` only for part of them."""
    first = required_day("first")
    last = required_day("last") if text("last") else first
    opens, closes = asked_time("begins"), asked_time("ends")
    ends = datetime.combine(last, closes) if closes else datetime.combine(last, time.min) + A_DAY
    return datetime.combine(first, opens or time.min), ends


def form_errors(invalid: Invalid, form: str) -> list[FormError]:
    """With the fields' ids: `form`-`name`."""
    return [FormError(f"{form}-{name}", _(sentence)) for name, sentence in invalid.errors.items()]
