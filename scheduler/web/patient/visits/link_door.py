"""What the pages behind a link in a text share: opening it, and showing its visit or that it is over."""

from datetime import datetime

from flask import current_app, render_template, request, session
from flask.typing import ResponseReturnValue
from flask_babel import refresh

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.errors import NotFound
from scheduler.extensions import clinic_settings, db
from scheduler.models import Appointment
from scheduler.queries.visits.must_move import VisitTime, without_anybody
from scheduler.usecases.rate_limit import network_keys
from scheduler.usecases.visits.links import count_made_up, language_behind, require_may_look, visit_behind
from scheduler.web.forms.fields import FormError


def open_visit(token: str, now: datetime) -> Appointment:
    """NotFound when the link is over, or never was one; TooManyTries for who makes links up."""
    keys = network_keys(current_app.config["SECRET_KEY"], "visit link", address=request.remote_addr or "")
    require_may_look(db.session(), keys=keys, now=now)
    language = language_behind(db.session(), token)
    if language is None:
        count_made_up(db.session(), keys=keys, now=now)
        raise NotFound("visit link")
    if "lang" not in session:  # the text's, also where the link works no more
        session["lang"] = "fr" if language.startswith("fr") else "en"
        refresh()
    return visit_behind(db.session(), token, now=now)


def show_visit(
    token: str, visit: Appointment, now: datetime, problem: str = "", status: int = 200
) -> ResponseReturnValue:
    place = VisitTime(visit.id, visit.practitioner_id, visit.starts_local, visit.minutes)
    clinic = clinic_settings()
    page = render_template(
        "patient/visits/link_show.html",
        token=token,
        visit=visit,
        must_move=visit.id in without_anybody(db.session.connection(), [place]),
        is_open=is_changeable(visit, now),
        until_local=clock.to_local(clinic.changeable_until(visit.starts_at), clock.zone(clinic.zone)),
        errors=[FormError("", problem)] if problem else [],
    )
    return page, status


def gone() -> ResponseReturnValue:
    return render_template("patient/visits/link_gone.html"), 404


def is_changeable(visit: Appointment, now: datetime) -> bool:
    """By patients; they telephone after the cut-off."""
    return bool(now <= clinic_settings().changeable_until(visit.starts_at))


def holder_of(visit: Appointment) -> Actor:
    account_id = visit.patient.phone_account_id if visit.patient else None
    return Actor("patient", str(account_id), request.remote_addr or "")
