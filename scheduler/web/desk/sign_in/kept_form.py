"""What was typed and sent after an idle sign-out is there again once the same person has signed in."""

from flask import Blueprint, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import db
from scheduler.usecases.staff import kept_forms
from scheduler.web import access
from scheduler.web.desk.sign_in.door import EVERYBODY, KEPT_FORM, require_staff
from scheduler.web.desk.sign_in.kept_words import in_words

blueprint = Blueprint("desk_kept_form", __name__, url_prefix="/desk/kept-form")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("")
def show() -> ResponseReturnValue:
    found = kept_forms.kept(db.session(), staff_id=current_user.id, token=session.get(KEPT_FORM, ""), now=clock.now())
    if found is None:
        return redirect(url_for("desk_calendar.show"), 303)
    return render_template(
        "desk/sign_in/kept_form.html",
        path=found.path,
        fields=found.fields,
        words=in_words(found.path, found.fields),
    )


@blueprint.post("/discard")
def discard() -> ResponseReturnValue:
    kept_forms.discard(db.session(), token=session.pop(KEPT_FORM, ""))
    return redirect(url_for("desk_calendar.show"), 303)
