"""What patients want corrected in their records: entered for them by anybody, answered by practitioners and owners."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid, NotFound
from scheduler.domain.patients.corrections import REFUSED, days_left
from scheduler.extensions import db
from scheduler.queries.patients import corrections as queries
from scheduler.queries.patients import page
from scheduler.queries.patients.corrections import Correction
from scheduler.usecases import audit
from scheduler.usecases.patients import corrections as usecases
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_correction
from scheduler.web.desk.looks import note_patients
from scheduler.web.desk.patients.patients import local, seen
from scheduler.web.desk.query_fields import SHOWN_AGAIN
from scheduler.web.desk.records.protection import allowed, hidden
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.forms.fields import FormError
from scheduler.web.words.actor import actor_words

blueprint = Blueprint("desk_corrections", __name__, url_prefix="/desk/corrections")
access.declare(blueprint, "staff", roles=("practitioner", "owner"), guard=require_staff)
asks = Blueprint("desk_asked_corrections", __name__, url_prefix="/desk/patients")
access.declare(asks, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.get("")
def show() -> str:
    return _list()


def _request_now(request_id: int) -> Facts:
    """Nothing of somebody whose record is protected."""
    with db.reading.connect() as connection:
        asked = queries.one(connection, request_id)
    return of_correction(None if asked is None or asked.public_id in hidden().patients else asked)


@blueprint.post("/<int:request_id>")
@acts_on(_request_now)
def answer(request_id: int) -> ResponseReturnValue:
    """`answer`: corrected or refused, and `words`."""
    words = _typed("words")
    try:
        usecases.answer_correction(
            db.session(),
            request_id=request_id,
            answer=request.form.get("answer", ""),
            words=words,
            actor=current_user.actor,
            now=clock.now(),
        )
    except Invalid as refused:
        db.session.rollback()
        return _list(_errors(refused, f"-{request_id}"), {request_id: words}), 422
    flash(_("Answered. The patient can read it on their page."))
    return redirect(url_for(".show"), 303)


@asks.route("/<public_id>/correction", methods=["GET", "POST"])
def ask(public_id: str) -> ResponseReturnValue:
    typed = {name: _typed(name) for name in ("what_is_wrong", "should_say")}
    errors: list[FormError] = []
    if request.method == "POST":
        try:
            usecases.ask_for_correction(
                db.session(), public_id=public_id, **typed, actor=current_user.actor, now=clock.now()
            )
        except Invalid as refused:
            db.session.rollback()
            errors = _errors(refused)
        else:
            flash(_("Entered. It is to be answered within 30 days."))
            return redirect(url_for("desk_patients.show", public_id=public_id), 303)
    patient = seen(public_id, audit.VIEWED, "correction")
    html = render_template("desk/records/correction_ask.html", patient=patient, typed=typed, errors=errors)
    return html, 422 if errors else 200


@asks.route("/<public_id>/corrections/<int:request_id>/statement", methods=["GET", "POST"])
def disagree(public_id: str, request_id: int) -> ResponseReturnValue:
    statement, errors = _typed("statement"), []
    if request.method == "POST":
        try:
            usecases.state_disagreement(
                db.session(),
                public_id=public_id,
                request_id=request_id,
                statement=statement,
                actor=current_user.actor,
                now=clock.now(),
            )
        except Invalid as refused:
            db.session.rollback()
            errors = _errors(refused)
        else:
            flash(_("The statement is in the record."))
            return redirect(url_for("desk_patients.show", public_id=public_id), 303)
    patient = seen(public_id, audit.VIEWED, "correction")
    with db.reading.connect() as connection:
        asked = queries.one(connection, request_id, patient.id)
    if asked is None or asked.answer != REFUSED:
        raise NotFound("request")
    html = render_template(
        "desk/records/correction_disagree.html", patient=patient, asked=asked, typed=statement, errors=errors
    )
    return html, 422 if errors else 200


def waiting() -> int:
    """For the menu of those who answer."""
    with db.reading.connect() as connection:
        return queries.number_waiting(connection)


def _list(errors: list[FormError] | None = None, typed: dict[int, str] | None = None) -> str:
    with db.reading.connect() as connection:
        to_answer = allowed(queries.waiting(connection))
        answered = allowed(queries.answered(connection))
        actors = {actor for one in (*to_answer, *answered) for actor in _actors(one) if actor}
        names = page.names_of_staff(connection, sorted(actors))
    note_patients(Listing.CORRECTIONS, {one.public_id for one in (*to_answer, *answered)})
    today = local(clock.now()).date()
    return render_template(
        "desk/records/corrections.html",
        to_answer=[(one, days_left(local(one.asked_at).date(), today)) for one in to_answer],
        answered=answered,
        errors=errors or [],
        typed=typed or {},
        local=local,
        by=lambda actor: actor_words(actor, names),
    )


def _actors(one: Correction) -> tuple[str | None, ...]:
    return one.asked_by, one.answered_by, one.stated_by


def _errors(refused: Invalid, ending: str = "") -> list[FormError]:
    return [FormError(f"{name}{ending}", _(words)) for name, words in refused.errors.items()]


def _typed(name: str) -> str:
    return request.form.get(name, "")[:SHOWN_AGAIN].replace("\0", "").strip()
