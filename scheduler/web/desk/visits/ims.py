"""A practitioner's answers: whether IMS was given at a visit that is completed, and what is still to be answered."""

from flask import Blueprint, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.exceptions import Forbidden

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.errors import Invalid
from scheduler.extensions import clinic_settings, db
from scheduler.queries.clinic import reference
from scheduler.queries.visits import ims_given
from scheduler.usecases.staff.looks import Listing
from scheduler.usecases.visits.ims_given import answer_ims
from scheduler.web import access
from scheduler.web.desk.looks import note_visits
from scheduler.web.desk.query_fields import text, version
from scheduler.web.desk.records import masked
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.desk.visits.ims_words import ANSWERS, concern_words, is_practitioner, near_words
from scheduler.web.desk.visits.visit import refused_page, visit_page

blueprint = Blueprint("desk_ims", __name__)
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("/desk/ims-given")
def show() -> ResponseReturnValue:
    """What is to be answered, and what was odd in the last four weeks: a practitioner's own, everybody's for the others."""
    own = current_user.practitioner_id if current_user.role == "practitioner" else None
    with db.reading.connect() as connection:
        known = reference.current(connection)
        ims = next((treatment for treatment in known.treatments if treatment.needling), None)
        to_answer = ims_given.still_open(connection, own)
        days = ims.min_days or 0 if ims else 0
        odd = [] if current_user.role == "receptionist" else ims_given.odd(connection, own, clock.now(), days)
    note_visits(Listing.IMS_GIVEN, [visit.public_id for visit in (*to_answer, *odd)])
    return render_template(
        "desk/visits/ims.html",
        to_answer=masked.given(to_answer),
        odd=masked.given(odd),
        min_days=days,
        may_answer=is_practitioner(),
        near_words=near_words,
        concern_words=concern_words,
    )


def waiting() -> int:
    """For the bar: how many visits wait for the answer of who is signed in, as their own list shows them."""
    if not is_practitioner():
        return 0
    with db.reading.connect() as connection:
        return ims_given.number_open(connection, current_user.practitioner_id)


@blueprint.post("/desk/visits/<public_id>/ims-given")
def answer(public_id: str) -> ResponseReturnValue:
    """`ims_given` yes or no, `version`, and a `reason` where it was answered before. `back`: list, where it was pressed."""
    if not is_practitioner():
        raise Forbidden
    given = ANSWERS.get(text("ims_given"))
    if given is None:
        raise Invalid({"ims_given": _("Answer yes or no.")})
    try:
        answer_ims(
            db.session(),
            clinic=clinic_settings(),
            public_id=public_id,
            given=given,
            reason=text("reason"),
            now=clock.now(),
            actor=current_user.actor,
            expected_version=version(),
        )
    except BookingRefused as refusal:
        return refused_page(public_id, refusal)
    if text("back") == "list":
        return redirect(url_for("desk_ims.show"), 303)
    return visit_page(public_id, done=_("Saved."), changed=True)
