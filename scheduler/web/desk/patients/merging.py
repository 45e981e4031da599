"""Merging two records of one person: find the other, look at both, press."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.errors import Invalid
from scheduler.domain.patients.refusals import MergeConflict, MergeRefused
from scheduler.domain.patients.search import LONGEST, criteria_of
from scheduler.extensions import clinic_settings, db
from scheduler.gateways.phone_numbers import display
from scheduler.models import Patient, Practitioner
from scheduler.queries.patients import page, patients, search
from scheduler.queries.patients.clearances import cleared_today
from scheduler.queries.patients.duplicates import LikelyDuplicate, likely_duplicates
from scheduler.queries.patients.search import FoundPatient
from scheduler.usecases import audit
from scheduler.usecases.patients import merging
from scheduler.usecases.patients.acting import after_merge
from scheduler.usecases.staff.looks import Listing
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_record, of_two
from scheduler.web.desk.looks import note_patients, note_search
from scheduler.web.desk.patients.patients import local, seen, sorted_out
from scheduler.web.desk.records.protection import allowed
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.words.dates import day_with_year_words
from scheduler.web.words.refusals import explain
from scheduler.web.words.status import ims_sign, visit_sign

blueprint = Blueprint("desk_merging", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


@blueprint.get("/<public_id>/merge")
def ask(public_id: str) -> ResponseReturnValue:
    """Which other record? Likely ones first, and a search."""
    patient = seen(public_id, audit.VIEWED, "merging")
    typed = request.args.get("q", "")[:LONGEST].replace("\0", " ")
    others: list[LikelyDuplicate] | list[FoundPatient]
    if typed:
        with db.reading.connect() as connection:
            others = allowed(search.find(connection, criteria_of(typed)))
        note_search(criteria_of(typed), [other.public_id for other in others])
    else:
        born, number = patient.birth_date, patient.number
        others = allowed(likely_duplicates(db.session(), patient.given_name, patient.family_name, born, number))
        note_patients(Listing.SAME_PERSON, [other.public_id for other in others])
    return render_template(
        "desk/patients/merge_with.html",
        patient=patient,
        typed=typed,
        others=[other for other in others if other.public_id != public_id],
        display=display,
    )


@blueprint.get("/<public_id>/merge/<other_id>")
def preview(public_id: str, other_id: str) -> ResponseReturnValue:
    for one in (public_id, other_id):
        seen(one, audit.VIEWED, "merging")
    return _preview(public_id, other_id)


def _two_now(public_id: str, other_id: str) -> Facts:
    with db.reading.connect() as connection:
        both = [page.record(connection, one) for one in (public_id, other_id)]
        return of_two(*(of_record(one, page.visits(connection, one.id)) for one in both))


@blueprint.post("/<public_id>/merge/<other_id>")
@acts_on(_two_now)
def merge(public_id: str, other_id: str) -> ResponseReturnValue:
    try:
        merging.merge_patients(
            db.session(),
            kept=public_id,
            merged=other_id,
            sure=request.form.get("sure") == "yes",
            now=clock.now(),
            actor=current_user.actor,
        )
    except Invalid as refusal:
        return _preview(public_id, other_id, " ".join(_(words) for words in refusal.errors.values())), 422
    except MergeRefused as refusal:
        explained = explain(refusal)
        return _preview(public_id, other_id, f"{explained.title} {explained.advice}"), explained.status
    flash(_("The two records are one now."))
    return redirect(url_for("desk_patients.show", public_id=public_id), 303)


def _preview(public_id: str, other_id: str, problem: str = "") -> str:
    session, now = db.session(), clock.now()
    session.rollback()
    kept, other = (patients.by_public_id(session, one) for one in (public_id, other_id))
    connection = session.connection()
    visits = {one.id: sorted_out(page.visits(connection, one.id), now) for one in (kept, other)}
    conflicts = merging.conflicts_of(session, kept.id, other.id, now=now)
    beside = merging.beside_each_other(session, kept.id, other.id, now=now)
    cleared = cleared_today(connection, [kept.id, other.id], clinic=clinic_settings(), now=now)
    return render_template(
        "desk/patients/merge.html",
        records=[(one, visits[one.id]) for one in (kept, other)],
        cleared=cleared,
        on=_two_now(public_id, other_id),
        taken_over=_clearance_words(kept, other),
        kept=kept,
        other=other,
        alike=merging.look_alike(kept, other),
        conflicts=[_conflict_words(conflict) for conflict in conflicts],
        beside=[_conflict_words(conflict) for conflict in beside],
        acting=after_merge(session, kept=kept, merged=other),
        problem=problem,
        visit_sign=visit_sign,
        ims_sign=ims_sign,
        display=display,
        local=local,
    )


def _clearance_words(kept: Patient, other: Patient) -> str:
    """Whose decision it is that the record that stays takes over; empty when it takes over none."""
    if kept.cleared_for_ims_at is not None or other.cleared_for_ims_at is None:
        return ""
    day = day_with_year_words(local(other.cleared_for_ims_at))
    who = db.session().get(Practitioner, other.clearing_practitioner_id) if other.clearing_practitioner_id else None
    name = who.full_name if who else _("no practitioner named")
    return str(_("It takes over the clearance for IMS: decided by %(who)s on %(day)s.", who=name, day=day))


def _conflict_words(conflict: MergeConflict) -> str:
    return explain(MergeRefused(conflict)).title
