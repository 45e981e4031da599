"""Days and hours on which the whole clinic is shut, and the public holidays to take over."""

from datetime import date, datetime, time, timedelta

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from scheduler import clock
from scheduler.domain.clinic.setting_fields import PROVINCES
from scheduler.domain.errors import Invalid
from scheduler.extensions import clinic_settings, db, now_at_the_clinic
from scheduler.gateways import public_holidays
from scheduler.queries.calendar import working_time
from scheduler.usecases.calendar import absences
from scheduler.usecases.calendar.absences import NewClosure
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_closures
from scheduler.web.desk.calendar.working_time import (
    A_DAY,
    asked_stretch,
    displaced_visits,
    form_errors,
)
from scheduler.web.desk.query_fields import text
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.forms.fields import FormError
from scheduler.web.requests.language import template_variables

blueprint = Blueprint("desk_closures", __name__)
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)

AHEAD = timedelta(days=548)  # a year and a half of holidays


@blueprint.get("/desk/closures")
def show() -> ResponseReturnValue:
    """`?province=` whose holidays are offered, instead of the clinic's own."""
    return _page()


def _closures_now(**_rest: object) -> Facts:
    _now, now_local = now_at_the_clinic()
    with db.reading.connect() as connection:
        return of_closures(working_time.closures(connection, now_local=now_local))


@blueprint.post("/desk/closures")
@acts_on(_closures_now)
def add() -> ResponseReturnValue:
    """`first`, `last` day, `begins`, `ends` for part of them, `name`."""
    try:
        starts, ends = asked_stretch()
        closure = NewClosure(starts, ends, text("name"))
        absences.add_closures(db.session(), closures=[closure], now=clock.now(), actor=current_user.actor)
    except Invalid as invalid:
        db.session.rollback()
        return _page(form_errors(invalid, "closure")), 422
    flash(_("The closure was added."))
    return _on_to_visits()


@blueprint.post("/desk/closures/holidays")
@acts_on(_closures_now)
def add_holidays() -> ResponseReturnValue:
    """`day`: each public holiday to take over, several."""
    wanted = set(request.form.getlist("day"))
    closures = [
        NewClosure(midnight := datetime.combine(holiday.day, time.min), midnight + A_DAY, holiday.name)
        for holiday in _holidays(now_at_the_clinic()[1].date())
        if holiday.day.isoformat() in wanted
    ]
    added = absences.add_closures(db.session(), closures=closures, now=clock.now(), actor=current_user.actor)
    flash(ngettext("%(num)d holiday was added.", "%(num)d holidays were added.", added))
    return _on_to_visits()


@blueprint.post("/desk/closures/<int:closure_id>/remove")
@acts_on(_closures_now)
def remove(closure_id: int) -> ResponseReturnValue:
    absences.remove_closure(db.session(), closure_id=closure_id, now=clock.now(), actor=current_user.actor)
    flash(_("The closure was taken back."))
    return redirect(url_for("desk_closures.show"), 303)


def _on_to_visits() -> ResponseReturnValue:
    with db.reading.connect() as connection:
        left = len(displaced_visits(connection, None))
    if left:
        flash(
            ngettext(
                "%(num)d visit is at a time when nobody is there.",
                "%(num)d visits are at a time when nobody is there.",
                left,
            )
        )
        return redirect(url_for("desk_displaced.show"), 303)
    return redirect(url_for("desk_closures.show"), 303)


def _page(errors: list[FormError] | None = None) -> str:
    _now, now_local = now_at_the_clinic()
    today = now_local.date()
    with db.reading.connect() as connection:
        closures = working_time.closures(connection, now_local=now_local)
        left = len(displaced_visits(connection, None))
    midnights = {closure.starts_local for closure in closures}
    return render_template(
        "desk/calendar/closures.html",
        closures=closures,
        on=of_closures(closures),
        left=left,
        today=today,
        province=_province(),
        provinces=PROVINCES,
        holidays=[(holiday, datetime.combine(holiday.day, time.min) in midnights) for holiday in _holidays(today)],
        errors=errors or (),
        typed=request.form if errors else {},
    )


def _province() -> str:
    asked = text("province")
    own: str = clinic_settings().province
    return asked if asked in PROVINCES else own


def _holidays(today: date) -> list[public_holidays.PublicHoliday]:
    language = template_variables()["language"]
    return public_holidays.between(today, today + AHEAD, province=_province(), language=language)
