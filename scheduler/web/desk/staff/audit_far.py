"""Who opened records without a visit near: for the owner, by account and days."""

from datetime import date, datetime, time, timedelta

from flask import Blueprint, render_template, request

from scheduler import clock
from scheduler.extensions import clinic_zone, db
from scheduler.queries.patients import page
from scheduler.queries.staff import audit as audit_queries
from scheduler.queries.staff.looks_without_visit import NEAR, openings
from scheduler.web import access
from scheduler.web.desk.patients.patients import local
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.desk.staff.audit import what_words
from scheduler.web.words.actor import actor_words

DAYS, LONGEST, SHOWN = 30, 366, 300

blueprint = Blueprint("desk_audit_far", __name__, url_prefix="/desk/audit/without-visit")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)


@blueprint.get("")
def show() -> str:
    """`?staff=`, and `?from=` to `?to=`, both included; the last 30 days unless asked otherwise."""
    zone = clinic_zone()
    today = clock.to_local(clock.now(), zone).date()
    last = _day("to") or today
    first = min(_day("from") or last - timedelta(days=DAYS - 1), last)
    first = max(first, last - timedelta(days=LONGEST - 1))
    since, until = (
        clock.to_utc_or_near(datetime.combine(day, time.min), zone) for day in (first, last + timedelta(days=1))
    )
    staff = request.args.get("staff", "")[:60].replace("\0", "")
    with db.reading.connect() as connection:
        found = openings(connection, since=since, until=until, actor=f"staff:{staff}" if staff else None)
        names = page.names_of_staff(connection, list(found.opened))
        people = audit_queries.staff(connection)
    far = {actor: sum(one.actor == actor for one in found.far) for actor in found.opened}
    return render_template(
        "desk/staff/audit_far.html",
        counts=sorted(((far[actor], number, actor) for actor, number in found.opened.items()), reverse=True),
        openings=found.far[:SHOWN],
        full=found.full or len(found.far) > SHOWN,
        first=first,
        last=last,
        chosen=staff,
        staff=people,
        near_days=NEAR.days,
        by=lambda actor: actor_words(actor, names),
        what_words=what_words,
        local=local,
    )


def _day(name: str) -> date | None:
    try:
        day = date.fromisoformat(request.args.get(name, ""))
    except ValueError:
        return None
    return day if 2000 <= day.year <= 2999 else None
