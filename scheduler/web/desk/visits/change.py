"""Moving and cancelling a visit at the desk: from the panel as a page, from a dragged card as data."""

from datetime import datetime

from flask import Blueprint, flash, jsonify, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.errors import Invalid
from scheduler.extensions import clinic_settings, db
from scheduler.models import Appointment
from scheduler.queries.visits import appointments
from scheduler.usecases.booking.booking import cancel_appointment, move_appointment
from scheduler.usecases.visits.details import change_length, change_room, write_note
from scheduler.usecases.visits.private_visits import set_private
from scheduler.web import access
from scheduler.web.desk.panel import wants_json
from scheduler.web.desk.query_fields import number, place, text, version
from scheduler.web.desk.refusals import refused
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.desk.visits.ims_words import unanswered_words
from scheduler.web.desk.visits.visit import from_list, refused_page, sought_at, visit_page
from scheduler.web.desk.visits.words import conflict_words
from scheduler.web.errors import problem
from scheduler.web.forms.pressed import pressed_yes
from scheduler.web.words.dates import day_and_time_words
from scheduler.web.words.refusals import explain

blueprint = Blueprint("desk_visit_change", __name__)
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@blueprint.post("/desk/visits/<public_id>/move")
def move(public_id: str) -> ResponseReturnValue:
    """`starts`, `practitioner`, `version`; `insists` after the question about hours or a past day.

    With `room` (among rooms a card is dragged to another time and another room at once) the practitioner stays.
    """
    starts, practitioner = place()
    if starts is None:
        return _no_time(public_id)
    room_id = number("room")
    before = appointments.by_public_id(db.session(), public_id)
    undo = _place(before)
    if room_id is not None:
        practitioner = practitioner or str(undo["practitioner"]) or None
    if before.room_id is not None:
        undo["room"] = before.room_id
    insists = text("insists") == "yes"
    try:
        moved = move_appointment(
            db.session(),
            clinic=clinic_settings(),
            public_id=public_id,
            starts_local=starts,
            practitioner=practitioner,
            now=clock.now(),
            actor=current_user.actor,
            expected_version=version(),
            insists=insists,
            room=room_id,
        )
    except BookingRefused as refusal:
        if wants_json():
            return _refused_as_data(public_id, refusal, insisted=insists)
        return refused_page(public_id, refusal, ask="move", insisted=insists)
    undo["version"] = moved.version
    when = day_and_time_words(moved.starts_local)
    says = _("Moved to %(when)s.", when=when)
    if room_id is not None and moved.room:
        says = _("Moved to %(when)s, %(room)s.", when=when, room=moved.room.name)
    says = " ".join(filter(None, (says, unanswered_words(moved))))
    if wants_json():
        return jsonify(says=says, version=moved.version, undo=undo)
    return _to_list(moved, says) or visit_page(public_id, done=says, undo={"kind": "move", **undo}, changed=True)


@blueprint.post("/desk/visits/<public_id>/cancel")
def cancel(public_id: str) -> ResponseReturnValue:
    """`reason`, `by` patient or clinic, `version`; `text` yes: the patient is told so; `call` yes: gets no texts, and is
    called when the clinic cancels. Within ten seconds of booking it is called undoing."""
    reason = text("reason")
    is_to_be_called = text("call") == "yes" and text("by") == "clinic"
    by = {"patient": _("by the patient"), "clinic": _("by the clinic")}.get(text("by"), "")
    try:
        cancelled = cancel_appointment(
            db.session(),
            clinic=clinic_settings(),
            public_id=public_id,
            reason=": ".join(part for part in (by, reason) if part),
            now=clock.now(),
            actor=current_user.actor,
            expected_version=version(),
            tells_patient=text("text") == "yes" or is_to_be_called,
        )
    except BookingRefused as refusal:
        return refused_page(public_id, refusal, ask="cancel")
    says = _("Cancelled")
    return _to_list(cancelled, says) or visit_page(public_id, done=says, undo={"kind": "cancel"}, changed=True)


@blueprint.post("/desk/visits/<public_id>/room")
def room(public_id: str) -> ResponseReturnValue:
    """`room`, a room's id, and `version`."""
    before = appointments.by_public_id(db.session(), public_id).room_id
    try:
        moved = change_room(
            db.session(),
            public_id=public_id,
            room_id=number("room") or 0,
            now=clock.now(),
            actor=current_user.actor,
            expected_version=version(),
        )
    except BookingRefused as refusal:
        if wants_json():
            return _refused_as_data(public_id, refusal, insisted=True)
        return refused_page(public_id, refusal)
    says = _("Now in %(room)s.", room=moved.room.name if moved.room else "")
    if wants_json():
        return jsonify(says=says, version=moved.version, undo={"room": before, "version": moved.version})
    return visit_page(public_id, done=says, changed=True)


@blueprint.post("/desk/visits/<public_id>/length")
def length(public_id: str) -> ResponseReturnValue:
    """`minutes` and `version`; `insists` after the question about hours."""
    insists = text("insists") == "yes"
    try:
        changed = change_length(
            db.session(),
            public_id=public_id,
            minutes=number("minutes") or 0,
            now=clock.now(),
            actor=current_user.actor,
            expected_version=version(),
            insists=insists,
        )
    except BookingRefused as refusal:
        if wants_json():
            return _refused_as_data(public_id, refusal, insisted=insists)
        return refused_page(public_id, refusal, ask="length", insisted=insists)
    says = _("Now %(minutes)d min.", minutes=changed.minutes)
    if wants_json():
        return jsonify(says=says, version=changed.version)
    return visit_page(public_id, done=says, changed=True)


@blueprint.post("/desk/visits/<public_id>/note")
def note(public_id: str) -> ResponseReturnValue:
    """`note` and `version`; empty takes the note away."""
    try:
        write_note(
            db.session(),
            public_id=public_id,
            words=request.form.get("note", ""),
            now=clock.now(),
            actor=current_user.actor,
            expected_version=version(),
        )
    except BookingRefused as refusal:
        return refused_page(public_id, refusal, ask="note")
    return visit_page(public_id, done=_("Noted"), changed=True)


@blueprint.post("/desk/visits/<public_id>/private")
def private(public_id: str) -> ResponseReturnValue:
    """`private` yes or no, and `version`: not shown to whoever acts for the patient, or shown again."""
    is_private = pressed_yes("private")
    try:
        set_private(
            db.session(),
            public_id=public_id,
            is_private=is_private,
            now=clock.now(),
            actor=current_user.actor,
            expected_version=version(),
        )
    except BookingRefused as refusal:
        return refused_page(public_id, refusal)
    done = _("Not shown to a parent from now on") if is_private else _("Shown again to whoever acts for the patient")
    return visit_page(public_id, done=done, changed=True)


def _to_list(visit: Appointment, says: str) -> ResponseReturnValue | None:
    """Back to the visits to move, when they led here: the next one waits there."""
    kept = from_list()
    if not kept:
        return None
    name = f"{visit.patient.given_name} {visit.patient.family_name}" if visit.patient else ""
    flash(_("%(what)s: %(words)s", what=name, words=says))
    return redirect(url_for("desk_displaced.show", who=kept.get("who")), 303)


def _place(visit: Appointment) -> dict[str, str | int]:
    """Where the visit is, in the words of this very form."""
    starts: datetime = visit.starts_local
    return {
        "starts": starts.isoformat(timespec="minutes"),
        "practitioner": visit.practitioner.slug if visit.practitioner else "",
    }


def _no_time(public_id: str) -> ResponseReturnValue:
    if wants_json():
        return problem(explain(Invalid({})))
    return visit_page(public_id, ask="move")


def _refused_as_data(public_id: str, refusal: BookingRefused, *, insisted: bool) -> ResponseReturnValue:
    words = refused(refusal, sought_at(public_id), insisted=insisted)
    seen = conflict_words(public_id, version()) if words.code == "version-conflict" else ()
    return (
        jsonify(
            code=words.code,
            title=words.title,
            advice=words.advice,
            question=words.question,
            seen=seen,
            others=[{"words": other.words, "href": other.href} for other in words.others],
            nearest=[
                {
                    "starts": near.starts.isoformat(timespec="minutes"),
                    "practitioner": near.practitioner,
                    "words": near.words,
                }
                for near in words.nearest
            ],
        ),
        words.status,
    )
