"""Working hours and time off of one practitioner: everybody sees them, the desk changes them."""

from collections.abc import Callable
from datetime import date, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.extensions import db, now_at_the_clinic
from scheduler.queries.calendar import working_time
from scheduler.queries.clinic import reference
from scheduler.usecases.calendar import absences, working_hours
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_hours
from scheduler.web.desk.calendar.working_time import (
    asked_stretch,
    displaced_visits,
    form_errors,
    required_day,
    required_time,
)
from scheduler.web.desk.query_fields import day, text
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.forms.fields import FormError

blueprint = Blueprint("desk_hours", __name__)
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)
changes = Blueprint("desk_hours_change", __name__, url_prefix="/desk/hours/<slug>")
access.declare(changes, "staff", roles=("receptionist", "owner"), guard=require_staff)

SOME_MONDAY = date(2001, 1, 1)
WEEK = [SOME_MONDAY + timedelta(days=number) for number in range(7)]


@blueprint.get("/desk/hours")
def show() -> ResponseReturnValue:
    """`?who=` a practitioner's slug; without it one's own, or the first one."""
    return _page(text("who"))


def _hours_now(slug: str, **_rest: object) -> Facts:
    _now, now_local = now_at_the_clinic()
    with db.reading.connect() as connection:
        who = reference.current(connection).practitioner(slug)
        hours = working_time.hours_of(connection, who.id, today=now_local.date())
        return of_hours(who.full_name, hours, working_time.time_off_of(connection, who.id, now_local=now_local))


@changes.post("/weekly")
@acts_on(_hours_now)
def add_weekly(slug: str) -> ResponseReturnValue:
    """`weekday` (several, Monday 0), `opens`, `closes`, `valid_from`, `valid_until`."""
    weekdays = {int(number) for number in request.form.getlist("weekday") if number in set("0123456")}

    def add() -> None:
        working_hours.add_hours(
            db.session(),
            practitioner=slug,
            weekdays=weekdays,
            opens=required_time("opens"),
            closes=required_time("closes"),
            valid_from=day("valid_from"),
            valid_until=day("valid_until"),
            now=clock.now(),
            actor=current_user.actor,
        )

    return _change(slug, "weekly", add, _("The hours were added."))


@changes.post("/<int:hours_id>/end")
@acts_on(_hours_now)
def end(slug: str, hours_id: int) -> ResponseReturnValue:
    """`last_day` on which they hold."""

    def finish() -> None:
        working_hours.end_hours(
            db.session(),
            hours_id=hours_id,
            last_day=required_day("last_day"),
            now=clock.now(),
            actor=current_user.actor,
        )

    return _change(slug, f"end{hours_id}", finish, _("These hours now end."))


@changes.post("/one-day")
@acts_on(_hours_now)
def one_day(slug: str) -> ResponseReturnValue:
    """`day`, `opens`, `closes`: instead of the usual hours."""

    def set_hours() -> None:
        working_hours.set_one_day(
            db.session(),
            practitioner=slug,
            day=required_day("day"),
            opens=required_time("opens"),
            closes=required_time("closes"),
            now=clock.now(),
            actor=current_user.actor,
        )

    return _change(slug, "one_day", set_hours, _("The hours of that day were changed."))


@changes.post("/time-off")
@acts_on(_hours_now)
def add_time_off(slug: str) -> ResponseReturnValue:
    """`first`, `last` day, `begins`, `ends` for part of them, `reason`."""

    def add() -> None:
        starts, ends = asked_stretch()
        absences.add_time_off(
            db.session(),
            practitioner=slug,
            starts_local=starts,
            ends_local=ends,
            reason=text("reason"),
            now=clock.now(),
            actor=current_user.actor,
        )

    return _change(slug, "time_off", add, _("The time off was added."))


@changes.post("/time-off/<int:time_off_id>/remove")
@acts_on(_hours_now)
def remove_time_off(slug: str, time_off_id: int) -> ResponseReturnValue:
    absences.remove_time_off(db.session(), time_off_id=time_off_id, now=clock.now(), actor=current_user.actor)
    flash(_("The time off was taken back."))
    return redirect(url_for("desk_hours.show", who=slug), 303)


def _change(slug: str, form: str, work: Callable[[], None], said: str) -> ResponseReturnValue:
    try:
        work()
    except Invalid as invalid:
        db.session.rollback()
        return _page(slug, form_errors(invalid, form), form), 422
    flash(said)
    with db.reading.connect() as connection:
        left = displaced_visits(connection, reference.current(connection).practitioner(slug))
    if left:
        flash(
            ngettext(
                "%(num)d visit is at a time when nobody is there.",
                "%(num)d visits are at a time when nobody is there.",
                len(left),
            )
        )
        return redirect(url_for("desk_displaced.show", who=slug), 303)
    return redirect(url_for("desk_hours.show", who=slug), 303)


def _page(slug: str, errors: list[FormError] | None = None, form: str = "") -> str:
    _now, now_local = now_at_the_clinic()
    today = now_local.date()
    with db.reading.connect() as connection:
        known = reference.current(connection)
        if not known.practitioners:
            return render_template("desk/calendar/hours.html", practitioner=None, errors=())
        own = known.practitioner_by_id(current_user.practitioner_id or 0)
        practitioner = known.practitioner(slug) if slug else own or known.practitioners[0]
        hours = working_time.hours_of(connection, practitioner.id, today=today)
        times_off = working_time.time_off_of(connection, practitioner.id, now_local=now_local)
        left = len(displaced_visits(connection, practitioner))
    return render_template(
        "desk/calendar/hours.html",
        practitioner=practitioner,
        on=of_hours(practitioner.full_name, hours, times_off),
        practitioners=known.practitioners,
        week=[
            (monday, [one for one in hours if not one.only_day and one.weekday == monday.weekday()]) for monday in WEEK
        ],
        single_days=sorted((one for one in hours if one.only_day), key=lambda one: (str(one.valid_from), one.opens)),
        times_off=times_off,
        left=left,
        today=today,
        yesterday=today - timedelta(days=1),
        may_change=current_user.role in ("receptionist", "owner"),
        errors=errors or (),
        typed=request.form if errors else {},
        form=form,
    )
