"""What the clinic's own pages say, rewritten by the owner, with a preview."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user

from scheduler import clock
from scheduler.domain.clinic.page_texts import LANGUAGES, LONGEST, PAGES, blocks
from scheduler.domain.errors import ChangedMeanwhile, Invalid
from scheduler.extensions import clinic_settings, db
from scheduler.queries.clinic.page_texts import page_text
from scheduler.usecases.clinic.page_texts import page_mark, rewrite_page
from scheduler.web import access
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.forms.fields import FormError
from scheduler.web.page_context import NAMES

blueprint = Blueprint("desk_settings_pages", __name__, url_prefix="/desk/settings/pages")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)

TITLES = {"privacy": _l("Privacy")}


@blueprint.get("")
def show() -> str:
    own = {(page, language): _now(page, language) != PAGES[page][language] for page in PAGES for language in LANGUAGES}
    return render_template("desk/clinic/pages.html", tab="pages", titles=TITLES, own=own, names=NAMES)


@blueprint.get("/<page>/<language>")
def one(page: str, language: str) -> str:
    now = _now(page, language)
    return _page(page, language, typed=now, seen=page_mark(now))


@blueprint.post("/<page>/<language>")
def change(page: str, language: str) -> ResponseReturnValue:
    """Its "preview" button shows what was typed and keeps nothing."""
    _now(page, language)
    typed, seen = request.form.get("body", "")[: 2 * LONGEST].replace("\0", ""), request.form.get("seen", "")
    if "preview" in request.form:
        return _page(page, language, typed=typed, seen=seen)
    return _keep(page, language, typed, seen)


@blueprint.post("/<page>/<language>/ours")
def back_to_ours(page: str, language: str) -> ResponseReturnValue:
    _now(page, language)
    return _keep(page, language, PAGES[page][language], request.form.get("seen", ""))


def _keep(page: str, language: str, typed: str, seen: str) -> ResponseReturnValue:
    try:
        rewrite_page(
            db.session(),
            page=page,
            language=language,
            typed=typed,
            seen=seen,
            actor=current_user.actor,
            now=clock.now(),
        )
    except Invalid as refused:
        sentence = refused.errors["body"]
        return _page(page, language, typed=typed, seen=seen, problem=_(sentence)), 422
    except ChangedMeanwhile as refused:
        now = refused.now["text"]
        line = _("%(field)s: now %(value)s", field=_("Text"), value=now)
        return _page(page, language, typed=typed, seen=page_mark(now), changed=[line]), 409
    flash(_("Saved."))
    return redirect(url_for(".one", page=page, language=language), 303)


def _now(page: str, language: str) -> str:
    return page_text(db.session().connection(), page, language)


def _page(
    page: str, language: str, *, typed: str, seen: str, problem: str = "", changed: list[str] | None = None
) -> str:
    return render_template(
        "desk/clinic/page.html",
        tab="pages",
        page_name=page,
        language_of_text=language,
        title=TITLES[page],
        name=NAMES[language],
        typed=typed,
        seen=seen,
        preview=blocks(typed, clinic_settings()),
        is_own=_now(page, language) != PAGES[page][language],
        problem=problem,
        errors=[FormError("body", problem)] if problem else [],
        changed=changed or [],
    )
