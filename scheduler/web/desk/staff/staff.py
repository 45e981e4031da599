"""Who signs in at the desk: added, changed, disabled; passwords and second steps reset."""

from datetime import datetime, time, timedelta

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import select
from wtforms import BooleanField, HiddenField, SelectField, StringField
from wtforms.fields.choices import SelectChoice

from scheduler import clock
from scheduler.domain.errors import ChangedMeanwhile, Invalid, NotFound
from scheduler.extensions import clinic_zone, db
from scheduler.models import Practitioner, StaffUser
from scheduler.usecases.clinic.settings import mark_of
from scheduler.usecases.staff import accounts
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_colleague
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.desk.sign_in.forms import DeskForm, meanwhile
from scheduler.web.desk.sign_in.weighty import weighty
from scheduler.web.forms.fields import form_errors, tidy

blueprint = Blueprint("desk_settings_staff", __name__, url_prefix="/desk/settings/staff")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)

ROLES = {
    "receptionist": _l("Receptionist"),
    "practitioner": _l("Practitioner"),
    "owner": _l("Owner"),
}


def role_choices() -> list[SelectChoice]:
    return [SelectChoice(role, words) for role, words in ROLES.items()]


class ColleagueForm(DeskForm):
    seen = HiddenField()
    username = StringField(_l("User name"), filters=[tidy])
    display_name = StringField(_l("Name, as shown at the desk"), filters=[tidy])
    role = SelectField(_l("Role"), validate_choice=False)
    practitioner = SelectField(_l("Practitioner whose own day it is"), validate_choice=False)
    active = BooleanField(_l("Can sign in"))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.role.choices = role_choices()
        rows = db.session.scalars(select(Practitioner).where(Practitioner.active).order_by(Practitioner.position))
        self.practitioner.choices = [
            SelectChoice("", _("Nobody")),
            *(SelectChoice(str(row.id), row.full_name) for row in rows),
        ]

    def typed(self) -> dict[str, str]:
        return {
            "display_name": self.display_name.data or "",
            "role": self.role.data or "",
            "practitioner": self.practitioner.data or "",
            "active": "y" if self.active.data else "",
        }


@blueprint.get("")
def show() -> str:
    people = db.session.scalars(select(StaffUser).order_by(StaffUser.active.desc(), StaffUser.display_name)).all()
    return render_template("desk/staff/staff.html", tab="staff", people=people, roles=ROLES)


@blueprint.get("/new")
def new() -> str:
    return _page(ColleagueForm(None), None)


@blueprint.post("/new")
@weighty
def add() -> ResponseReturnValue:
    form = ColleagueForm()
    username = form.username.data or ""
    try:
        password = accounts.add_colleague(
            db.session(),
            username=username,
            display_name=form.display_name.data or "",
            role=form.role.data or "",
            actor=current_user.actor,
            now=clock.now(),
        )
    except Invalid as refused:
        if "name" in refused.errors:
            refused.errors["display_name"] = refused.errors.pop("name")
        form.show_refusal(refused)
        return _page(form, None), 422
    return _password_page(username, password)


@blueprint.get("/<int(max=2000000000):staff_id>")
def one(staff_id: int) -> str:
    person = _person(staff_id)
    values = accounts.shown(person)
    return _page(ColleagueForm(None, data={**values, "active": person.active, "seen": mark_of(values)}), person)


@blueprint.post("/<int(max=2000000000):staff_id>")
@weighty
def change(staff_id: int) -> ResponseReturnValue:
    form = ColleagueForm()
    try:
        accounts.change_colleague(
            db.session(),
            staff_id=staff_id,
            typed=form.typed(),
            seen=form.seen.data or "",
            actor=current_user.actor,
            now=clock.now(),
        )
    except Invalid as refused:
        form.show_refusal(refused)
        return _page(form, _person(staff_id)), 422
    except ChangedMeanwhile as refused:
        form.seen.data = mark_of(refused.now)
        return _page(form, _person(staff_id), meanwhile(form, refused.now, form.typed())), 409
    flash(_("Saved."))
    return redirect(url_for("desk_settings_staff.show"), 303)


def _colleague_now(staff_id: int) -> Facts:
    return of_colleague(_person(staff_id))


@blueprint.post("/<int(max=2000000000):staff_id>/password")
@weighty
@acts_on(_colleague_now)
def reset_password(staff_id: int) -> str:
    password = accounts.reset_password(db.session(), staff_id=staff_id, actor=current_user.actor, now=clock.now())
    return _password_page(_person(staff_id).username, password)


@blueprint.post("/<int(max=2000000000):staff_id>/second-step")
@weighty
@acts_on(_colleague_now)
def reset_second_step(staff_id: int) -> ResponseReturnValue:
    """Another authenticator is to be set up before midnight."""
    now = clock.now()
    try:
        accounts.reset_second_step(
            db.session(), staff_id=staff_id, due_at=_midnight(now), actor=current_user.actor, now=now
        )
    except Invalid as refused:
        return _refused(staff_id, refused)
    flash(_("The second step is reset: another authenticator is to be set up before midnight."))
    return redirect(url_for("desk_settings_staff.show"), 303)


@blueprint.post("/<int(max=2000000000):staff_id>/let-in")
@weighty
@acts_on(_colleague_now)
def let_in_today(staff_id: int) -> ResponseReturnValue:
    """Without the second step until midnight."""
    now = clock.now()
    try:
        accounts.let_in(
            db.session(),
            staff_id=staff_id,
            until=_midnight(now),
            actor=current_user.actor,
            now=now,
        )
    except Invalid as refused:
        return _refused(staff_id, refused)
    flash(_("The password alone is enough for the rest of the day."))
    return redirect(url_for("desk_settings_staff.show"), 303)


def _midnight(now: datetime) -> datetime:
    """That ends the clinic's day."""
    zone = clinic_zone()
    tomorrow = datetime.combine(clock.to_local(now, zone).date() + timedelta(days=1), time.min)
    return clock.to_utc_or_near(tomorrow, zone)


def _refused(staff_id: int, refused: Invalid) -> ResponseReturnValue:
    form = ColleagueForm(None, data=accounts.shown(_person(staff_id)))
    form.display_name.errors = [_(sentence) for sentence in refused.errors.values()]
    return _page(form, _person(staff_id)), 422


def _person(staff_id: int) -> StaffUser:
    person = db.session.get(StaffUser, staff_id)
    if person is None:
        raise NotFound("staff")
    return person


def _page(form: ColleagueForm, person: StaffUser | None, changed: list[str] | None = None) -> str:
    return render_template(
        "desk/staff/colleague.html",
        tab="staff",
        form=form,
        person=person,
        errors=form_errors(form),
        changed=changed or [],
    )


def _password_page(username: str, password: str) -> str:
    return render_template("desk/staff/password.html", tab="staff", username=username, password=password)
