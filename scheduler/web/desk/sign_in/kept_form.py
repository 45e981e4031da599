"""What was typed and sent after an idle sign-out stands in its page again once the same person has signed in.

Nothing is sent by itself. It stands there until it is sent, left, or half an hour old.
"""

from flask import Blueprint, Response, make_response, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from scheduler import clock
from scheduler.extensions import db
from scheduler.models import KeptForm
from scheduler.usecases.staff import kept_forms
from scheduler.web import access
from scheduler.web.desk.acting_on.typed import typed_values
from scheduler.web.desk.panel import in_panel
from scheduler.web.desk.sign_in.door import EVERYBODY, KEPT_FORM, require_staff
from scheduler.web.desk.sign_in.filled_in import fill_in
from scheduler.web.desk.sign_in.paths import page_before

blueprint = Blueprint("desk_kept_form", __name__, url_prefix="/desk/kept-form")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("")
def show() -> ResponseReturnValue:
    """Where its page is gone: what was typed, to be read."""
    found = _kept()
    if found is None:
        return redirect(url_for("desk_calendar.show"), 303)
    return render_template("desk/sign_in/kept_form.html", values=typed_values(found.fields))


@blueprint.post("/discard")
def discard() -> ResponseReturnValue:
    _forget()
    return redirect(page_before(), 303)


def put_back(response: Response) -> Response:
    """After every view of the desk."""
    if KEPT_FORM not in session or not current_user.is_authenticated:
        return response
    found = _kept()
    if found is None:  # half an hour is over
        session.pop(KEPT_FORM)
        return response
    here = request.full_path.rstrip("?")
    if request.method == "POST" and request.path == found.path.partition("?")[0] and response.status_code < 400:
        _forget()
    if request.method != "GET" or in_panel() or here != found.page:
        return response
    if response.status_code >= 400:
        return make_response(redirect(url_for("desk_kept_form.show"), 303))
    if response.status_code == 200 and response.mimetype == "text/html":
        _fill_in(response, found)
    return response


def _fill_in(response: Response, kept: KeptForm) -> None:
    filled = fill_in(response.get_data(as_text=True), kept.page, kept.path, kept.fields)
    if filled is not None:
        notice = render_template(
            "desk/sign_in/kept_notice.html", is_filled=filled.is_filled, values=typed_values(filled.left)
        )
        response.set_data(filled.before_main + notice + filled.main)


def _kept() -> KeptForm | None:
    return kept_forms.kept(db.session(), staff_id=current_user.id, token=session.get(KEPT_FORM, ""), now=clock.now())


def _forget() -> None:
    kept_forms.discard(db.session(), token=session.pop(KEPT_FORM, ""))
