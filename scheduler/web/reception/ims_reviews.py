"""Booked IMS that a physiotherapist is to look at: go ahead, or call the patient."""

from flask import Blueprint, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.extensions import db
from scheduler.gateways.phone_numbers import display
from scheduler.queries import ims_reviews, patient_page
from scheduler.usecases.clearance import answer_review
from scheduler.usecases.looks import Listing
from scheduler.web import access
from scheduler.web.reception import masked
from scheduler.web.reception.actor_words import actor_words
from scheduler.web.reception.acts_on import acts_on
from scheduler.web.reception.asked import text
from scheduler.web.reception.deciders import decider, deciders, may_decide
from scheduler.web.reception.door import EVERYBODY, require_staff
from scheduler.web.reception.noted import note_patients
from scheduler.web.reception.patients import local
from scheduler.web.reception.shown_facts import Facts, of_review

blueprint = Blueprint("reception_ims_reviews", __name__, url_prefix="/desk/ims-reviews")
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
    return redirect(url_for("reception_ims_reviews.show"), 303)


def unanswered() -> int:
    """For the note at the top, where somebody can answer."""
    if current_user.role == "receptionist" or not may_decide():
        return 0
    with db.reading.connect() as connection:
        return ims_reviews.unanswered(connection, clock.now())


def _page(problem: str = "") -> str:
    with db.reading.connect() as connection:
        visits = masked.reviews(ims_reviews.waiting(connection, clock.now()))
        names = patient_page.names_of_staff(connection, [visit.answered_by for visit in visits if visit.answered_by])
    note_patients(Listing.IMS_REVIEWS, [visit.patient_id for visit in visits])
    return render_template(
        "reception/ims_reviews/show.html",
        to_look_at=[visit for visit in visits if visit.answer is None],
        to_call=[visit for visit in visits if visit.answer is not None],
        may_decide=may_decide(),
        deciders=deciders(),
        problem=problem,
        local=local,
        display=display,
        by=lambda actor: actor_words(actor, names),
    )
