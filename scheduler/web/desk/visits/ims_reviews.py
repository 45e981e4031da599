"""Booked IMS that a physiotherapist is to look at: go ahead, or call the patient."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.extensions import db
from scheduler.gateways.phone_numbers import display
from scheduler.queries.patients import page
from scheduler.queries.visits import ims_reviews
from scheduler.usecases.patients.clearance import answer_review
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_review
from scheduler.web.desk.looks import note_patients
from scheduler.web.desk.patients.deciders import decider, deciders, may_decide
from scheduler.web.desk.patients.patients import local
from scheduler.web.desk.query_fields import text
from scheduler.web.desk.records import masked
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.words.actor import actor_words

blueprint = Blueprint("desk_ims_reviews", __name__, url_prefix="/desk/ims-reviews")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("")
def show() -> str:
    return _page()


def _review_now() -> Facts:
    with db.reading.connect() as connection:
        visits = masked.reviews(ims_reviews.waiting(connection, clock.now()))
    return of_review(next((visit for visit in visits if visit.visit == text("visit")), None))


@blueprint.post("")
@acts_on(_review_now)
def answer() -> ResponseReturnValue:
    """`visit`: its public id; `answer`: go_ahead or call; `cleared_by`: whose it is, when an owner enters it."""
    try:
        answer_review(
            db.session(),
            visit=text("visit"),
            answer=text("answer"),
            decider=decider(),
            now=clock.now(),
            actor=current_user.actor,
        )
    except Invalid as refused:
        sentence = next(iter(refused.errors.values()))
        return _page(_(sentence)), 422
    flash(
        _("Noted: the visit goes ahead.") if text("answer") == "go_ahead" else _("Noted: the patient is to be called.")
    )
    return redirect(url_for("desk_ims_reviews.show"), 303)


def unanswered() -> int:
    """For the note at the top, where somebody can answer."""
    if current_user.role == "receptionist" or not may_decide():
        return 0
    with db.reading.connect() as connection:
        return ims_reviews.unanswered(connection, clock.now())


def _page(problem: str = "") -> str:
    with db.reading.connect() as connection:
        visits = masked.reviews(ims_reviews.waiting(connection, clock.now()))
        names = page.names_of_staff(connection, [visit.answered_by for visit in visits if visit.answered_by])
    note_patients(Listing.IMS_REVIEWS, [visit.patient_id for visit in visits])
    return render_template(
        "desk/visits/ims_reviews.html",
        to_look_at=[visit for visit in visits if visit.answer is None],
        to_call=[visit for visit in visits if visit.answer is not None],
        may_decide=may_decide(),
        deciders=deciders(),
        problem=problem,
        local=local,
        display=display,
        by=lambda actor: actor_words(actor, names),
    )
