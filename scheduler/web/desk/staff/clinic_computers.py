"""The clinic's own computers: this browser becomes one, and any of them stops being one."""

from flask import Blueprint, flash, make_response, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from wtforms import StringField

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.extensions import clinic_zone, db
from scheduler.queries.staff import clinic_computers as computers_now
from scheduler.usecases.staff import clinic_computers
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_computer
from scheduler.web.desk.sign_in import computers
from scheduler.web.desk.sign_in.door import at_computer, require_staff
from scheduler.web.desk.sign_in.forms import DeskForm
from scheduler.web.desk.sign_in.weighty import weighty
from scheduler.web.forms.fields import form_errors, tidy

blueprint = Blueprint("desk_settings_computers", __name__, url_prefix="/desk/settings/computers")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)


class ComputerForm(DeskForm):
    name = StringField(_l("Its name, like “Front desk”"), filters=[tidy])


@blueprint.get("")
def show() -> str:
    return _page(ComputerForm(None))


@blueprint.post("")
@weighty
def register() -> ResponseReturnValue:
    form, now = ComputerForm(), clock.now()
    try:
        token = clinic_computers.register(db.session(), name=form.name.data or "", actor=current_user.actor, now=now)
    except Invalid as refused:
        form.show_refusal(refused)
        return _page(form), 422
    computer = computers_now.computer_of(db.session(), token, now=now)
    if computer is not None:
        at_computer(computer.id)
    flash(_("This is a clinic computer now, for 90 days."))
    return computers.remember(make_response(redirect(url_for("desk_settings_computers.show"), 303)), token)


def _computer_now(computer_id: int) -> Facts:
    rows = computers_now.registered(db.session(), now=clock.now())
    return of_computer(next((row for row in rows if row.id == computer_id), None))


@blueprint.post("/<int(max=2000000000):computer_id>/revoke")
@acts_on(_computer_now)
def revoke(computer_id: int) -> ResponseReturnValue:
    clinic_computers.revoke(db.session(), computer_id=computer_id, actor=current_user.actor, now=clock.now())
    if session.get(computers.COMPUTER) == computer_id:
        del session[computers.COMPUTER]
    flash(_("A PIN no longer opens that computer."))
    return redirect(url_for("desk_settings_computers.show"), 303)


def _page(form: ComputerForm) -> str:
    now, zone = clock.now(), clinic_zone()
    rows = computers_now.registered(db.session(), now=now)
    here = computers.here(now)
    return render_template(
        "desk/staff/clinic_computers.html",
        tab="computers",
        form=form,
        rows=rows,
        this_computer=here.id if here else None,
        ends={row.id: clock.to_local(row.ends_at, zone).date() for row in rows},
        errors=form_errors(form),
    )
