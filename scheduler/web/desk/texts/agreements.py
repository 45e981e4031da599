"""A patient says at the desk or on the telephone whether they agree to texts."""

from flask import Blueprint, flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.extensions import db
from scheduler.queries.patients import page
from scheduler.usecases.patients.patients import say_about_texts
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_texts
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.forms.pressed import pressed_yes
from scheduler.web.words.agreement import at_desk

blueprint = Blueprint("desk_text_agreements", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


def _texts_now(public_id: str) -> Facts:
    with db.reading.connect() as connection:
        return of_texts(page.record(connection, public_id))


@blueprint.post("/<public_id>/texts")
@acts_on(_texts_now)
def say(public_id: str) -> ResponseReturnValue:
    """`agrees`: yes or no."""
    agrees = pressed_yes("agrees")
    try:
        said = at_desk(agrees=agrees)
        say_about_texts(db.session(), said, public_id=public_id, now=clock.now(), actor=current_user.actor)
    except Invalid as refused:
        db.session.rollback()
        sentence = next(iter(refused.errors.values()))
        flash(_(sentence))
    else:
        flash(
            _("Noted: the patient agrees to texts.")
            if agrees
            else _("Noted: no more texts, but for codes that the patient asks for.")
        )
    return redirect(url_for("desk_patients.show", public_id=public_id, _anchor="details"), 303)
