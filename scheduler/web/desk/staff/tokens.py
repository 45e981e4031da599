"""Bearer tokens of the API: made, shown once, revoked."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from sqlalchemy import select
from wtforms import SelectField, StringField
from wtforms.fields.choices import SelectChoice

from scheduler import clock
from scheduler.domain.errors import Invalid, NotFound
from scheduler.extensions import clinic_zone, db
from scheduler.models import ApiToken
from scheduler.usecases.staff.token_use import revoke_token
from scheduler.usecases.staff.tokens import DAYS, create_token
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_token
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.desk.sign_in.forms import DeskForm
from scheduler.web.desk.sign_in.weighty import weighty
from scheduler.web.desk.staff.staff import ROLES, role_choices
from scheduler.web.forms.fields import form_errors, tidy

blueprint = Blueprint("desk_settings_tokens", __name__, url_prefix="/desk/settings/tokens")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)


GOOD_FOR = {30: _l("30 days"), 90: _l("90 days"), DAYS: _l("a year")}


class TokenForm(DeskForm):
    name = StringField(_l("What it is for"), filters=[tidy])
    role = SelectField(_l("Role"), validate_choice=False)
    days = SelectField(_l("Good for"), validate_choice=False, default=str(DAYS))

    def __init__(self, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)
        self.role.choices = [SelectChoice("", _("Choose")), *role_choices()]
        self.days.choices = [SelectChoice(str(days), words) for days, words in GOOD_FOR.items()]


@blueprint.get("")
def show() -> str:
    return _page(TokenForm(None))


@blueprint.post("")
@weighty
def make() -> ResponseReturnValue:
    form = TokenForm()
    try:
        token = create_token(
            db.session(),
            name=form.name.data or "",
            role=form.role.data or "",
            days=int(form.days.data) if form.days.data in map(str, GOOD_FOR) else 0,
            now=clock.now(),
            made_by=current_user.actor,
        )
    except Invalid as refused:
        form.show_refusal(refused)
        return _page(form), 422
    return _page(TokenForm(None), token)


def _token_now(token_id: int) -> Facts:
    token = db.session.get(ApiToken, token_id)
    return of_token(token) if token is not None else {}


@blueprint.post("/<int(max=2000000000):token_id>/revoke")
@acts_on(_token_now)
def revoke(token_id: int) -> ResponseReturnValue:
    token = db.session.get(ApiToken, token_id)
    if token is None:
        raise NotFound("token")
    revoke_token(db.session(), name=token.name, now=clock.now(), revoked_by=current_user.actor)
    flash(_("The token no longer works."))
    return redirect(url_for("desk_settings_tokens.show"), 303)


def _page(form: TokenForm, token: str = "") -> str:
    zone = clinic_zone()
    rows = db.session.scalars(select(ApiToken).order_by(ApiToken.revoked_at.is_not(None), ApiToken.name)).all()
    now = clock.now()
    used = {row.id: clock.to_local(row.last_used_at, zone).date() for row in rows if row.last_used_at}
    ends = {row.id: clock.to_local(row.ends_at, zone).date() for row in rows}
    return render_template(
        "desk/staff/tokens.html",
        tab="tokens",
        form=form,
        token=token,
        rows=rows,
        used=used,
        ends=ends,
        ended={row.id for row in rows if row.ends_at <= now},
        roles=ROLES,
        errors=form_errors(form),
    )
