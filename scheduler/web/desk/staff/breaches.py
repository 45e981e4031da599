"""The owner's record of breaches, and the year's counts."""

from collections.abc import Callable

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.extensions import db
from scheduler.queries.patients import page
from scheduler.queries.staff import breaches as queries
from scheduler.usecases.staff.breaches import NewBreach, record_breach
from scheduler.web import access
from scheduler.web.desk.patients.patients import local
from scheduler.web.desk.query_fields import day, number
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.forms.fields import FormError
from scheduler.web.words.actor import actor_words

FIELDS = ("happened_on", "kind", "people", "what", "whose", "told", "corrects")

blueprint = Blueprint("desk_breaches", __name__, url_prefix="/desk/breaches")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)


@blueprint.get("")
def show() -> str:
    """`?year=` for its counts; `?corrects=` a line that the form is to correct."""
    return _page({}, [])


@blueprint.post("")
def record() -> ResponseReturnValue:
    typed = {name: request.form.get(name, "").replace("\0", "").strip()[:2000] for name in FIELDS}
    now = clock.now()
    given = NewBreach(
        happened_on=day("happened_on"),
        kind=typed["kind"],
        people=number("people"),
        what=typed["what"],
        whose=typed["whose"],
        told=typed["told"],
        corrects=number("corrects"),
    )
    try:
        record_breach(db.session(), given, today=local(now).date(), actor=current_user.actor, now=now)
    except Invalid as refused:
        return _page(typed, [FormError(name, _(words)) for name, words in refused.errors.items()]), 422
    flash(_("Written down."))
    return redirect(url_for(".show"), 303)


def _page(typed: dict[str, str], errors: list[FormError]) -> str:
    found = queries.lines(db.session())
    today = local(clock.now()).date()
    asked = number("year")
    year = asked if asked is not None and 2000 <= asked <= 2999 else today.year
    corrected = number("corrects")
    before = next((line for line in queries.standing(found) if line.id == corrected), None)
    if before is not None and not typed:
        typed = {name: str(getattr(before, name)) for name in FIELDS[:-1]} | {"corrects": str(before.id)}
    names = page.names_of_staff(db.session().connection(), [line.written_by for line in found])
    return render_template(
        "desk/staff/breaches.html",
        lines=found,
        standing={line.id for line in queries.standing(found)},
        counts=queries.counts(found, year),
        year=year,
        today=today,
        typed=typed,
        errors=errors,
        kinds={kind: words() for kind, words in KIND_WORDS.items()},
        by=lambda actor: actor_words(actor, names),
        local=local,
    )


KIND_WORDS: dict[str, Callable[[], str]] = {
    "stolen": lambda: _("Stolen"),
    "lost": lambda: _("Lost"),
    "used": lambda: _("Used without authority"),
    "disclosed": lambda: _("Disclosed without authority"),
    "collected": lambda: _("Collected without authority"),
}
