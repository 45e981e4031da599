"""Before something weighty the password once more: is it still the same person at the keyboard?

A view says that it is weighty, and the guard asks. The page that asks carries the whole form along, so nothing has to
be typed twice. Whoever typed the password in the last five minutes is not asked.
"""

from collections.abc import Callable
from datetime import datetime
from typing import Any, TypeVar

from flask import current_app, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid, TooManyTries
from scheduler.extensions import csrf, db
from scheduler.usecases.staff.own_account import require_password
from scheduler.web.desk.sign_in.forms import PasswordAgainForm
from scheduler.web.errors import retry_after
from scheduler.web.forms.fields import form_errors
from scheduler.web.words.refusals import explain

PASSWORD_AT = "password_at"  # noqa: S105 - when it was typed, not what
FRESH = 5 * 60  # seconds

View = TypeVar("View", bound=Callable[..., Any])


def weighty(view: View) -> View:
    view.weighty = True  # type: ignore[attr-defined]
    return view


def note_password(now: datetime) -> None:
    """The password was typed here and was right."""
    session[PASSWORD_AT] = int(now.timestamp())


def ask_password() -> ResponseReturnValue | None:
    """None to go on: not weighty, typed lately, or typed now and right."""
    now = clock.now()
    if not getattr(current_app.view_functions[request.endpoint or ""], "weighty", False):
        return None
    if 0 <= int(now.timestamp()) - session.get(PASSWORD_AT, 0) <= FRESH:
        return None
    csrf.protect()  # before anything counts as a try
    form = PasswordAgainForm()
    if form.password_again.name not in request.form:
        return _page(form), 422
    try:
        require_password(
            db.session(),
            staff_id=current_user.id,
            password=form.password_again.data or "",
            key=current_app.config["SECRET_KEY"],
            actor=current_user.actor,
            now=now,
            field=form.password_again.name,
        )
    except Invalid as refused:
        form.show_refusal(refused)
        return _page(form), 422
    except TooManyTries as refusal:
        explained = explain(refusal)
        form.password_again.errors = [f"{explained.title} {explained.advice}"]
        return _page(form), explained.status, retry_after(refusal)
    note_password(now)
    return None


def _page(form: PasswordAgainForm) -> str:
    own = ("csrf_token", form.password_again.name)
    return render_template(
        "desk/sign_in/password_again.html",
        form=form,
        errors=form_errors(form),
        path=request.full_path.rstrip("?"),
        fields=[(name, value) for name, value in request.form.items(multi=True) if name not in own],
    )
