"""One patient: everything the desk knows, on one page. Every view is in the audit log before anything is shown."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from scheduler import clock
from scheduler.domain.booking.screening import ScreeningQuestion
from scheduler.domain.booking.treatment_spacing import CountingVisit, earliest_allowed
from scheduler.domain.errors import NotFound
from scheduler.domain.patients.clearance import is_cleared
from scheduler.extensions import clinic_settings, clinic_zone, db
from scheduler.gateways.phone_numbers import display
from scheduler.queries.booking import visits_that_bear as visits_queries
from scheduler.queries.clinic import reference
from scheduler.queries.patients import acting, corrections, page
from scheduler.queries.patients.clearances import clearances
from scheduler.queries.patients.page import PatientRecord, PatientScreening, PatientText, PatientVisit
from scheduler.queries.patients.protection import box_of
from scheduler.queries.texts import agreements
from scheduler.queries.visits import ims_reviews
from scheduler.usecases import audit
from scheduler.usecases.patients.acting_codes import BY_OWN_CODE
from scheduler.usecases.texts.agreements import TOLD_US
from scheduler.web import access
from scheduler.web.desk.acting_on.shown_facts import Facts, of_patient
from scheduler.web.desk.looks import note_seen
from scheduler.web.desk.patients.deciders import deciders, may_decide
from scheduler.web.desk.records.protection import allowed, allowed_number
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.words.actor import actor_words
from scheduler.web.words.agreement import agreement_words
from scheduler.web.words.screening import QUESTION_WORDS
from scheduler.web.words.status import ims_sign, kind_words, text_sign, visit_sign

blueprint = Blueprint("desk_patients", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@dataclass(frozen=True, slots=True)
class Visits:
    coming: list[PatientVisit]
    past: list[PatientVisit]
    elsewhere: list[PatientVisit]


@blueprint.get("/<public_id>")
def show(public_id: str) -> ResponseReturnValue:
    patient = seen(public_id, audit.VIEWED)
    return render_template("desk/patients/show.html", **shown(patient))


def seen(public_id: str, what: str, details: str = "") -> PatientRecord:
    """The record, once it is noted who looks at it and why."""
    with db.reading.connect() as connection:
        patient = page.record(connection, public_id)
    note_seen(patient.id, details, what)
    return patient


def patient_now(public_id: str, **_rest: object) -> Facts:
    """For forms about a patient: what their pages show of whom they act on."""
    with db.reading.connect() as connection:
        return of_patient(page.record(connection, public_id))


def shown(patient: PatientRecord, most: int | None = None) -> dict[str, Any]:
    """What the page and its printed form show; `most` of everything instead of a page's worth."""
    now = clock.now()
    now_local = local(now)
    with db.reading.connect() as connection:
        found = page.visits(connection, patient.id, limit=most or page.MOST_VISITS)
        texts = page.texts(connection, patient.id, allowed_number(patient.number), limit=most or page.MOST_TEXTS)
        screenings = page.screenings(connection, patient.id, limit=most or page.MOST_SCREENINGS)
        family = allowed(page.family(connection, patient.account_id or 0, patient.id))
        may_act = allowed(acting.acting_of(connection, patient.id, now_local.date()))
        over = allowed(acting.ended_acting_of(connection, patient.id, now_local.date()))
        said = agreements.of_patient(connection, patient)
        asked = corrections.of_patient(connection, patient.id)
        reviewed = ims_reviews.open_for(connection, patient.id, now)
        acted_by = (name for one in (*may_act, *over) for name in (one.granted_by, one.ended_by))
        about = (name for one in asked for name in (one.asked_by, one.answered_by, one.stated_by))
        actors = (patient.cleared_by, patient.restricted_by, *acted_by, *(one.said_by for one in said), *about)
        names = page.names_of_staff(connection, [actor for actor in actors if actor])
        next_allowed = next_ims(connection, patient.id, now_local)
        clearance = clearances(connection, [patient.id], clinic=clinic_settings(), now=now)[patient.id]
        box = box_of(connection, patient.id)
    months = clinic_settings().clearance_months

    def by(actor: str) -> str:
        return actor_words(actor, names)

    now_said = next((one for one in said if one.number == patient.number), None)
    return {
        "patient": patient,
        "age": age(patient.birth_date, now_local.date()),
        "number": display(patient.number) if patient.number else None,
        "visits": sorted_out(found, now),
        "thread_id": next((text.thread_id for text in texts if text.thread_id), None),
        "texts": [(text, local(text.created_at), readable(text)) for text in texts],
        "screenings": [(screening, local(screening.answered_at), yeses(screening)) for screening in screenings],
        "family": family,
        "acting": may_act,
        "acted": over,
        "how_words": how_words,
        "box": box,
        "next_allowed": next_allowed,
        "cleared": is_cleared(clearance, now_local.date(), months=months),
        "lapses_on": clearance.lapses_on(months),
        "may_decide": may_decide(),
        "deciders": deciders(),
        "local": local,
        "by": by,
        "agreement": agreement_words(now_said, local, by) if patient.number else "",
        "agreed_words": now_said.words if now_said else "",
        "agreements": [(one, display(one.number), agreement_words(one, local, by)) for one in said],
        "corrections": asked,
        "reviewed": reviewed,
        "told_us": patient.opted_out_by == TOLD_US,
        "visit_sign": visit_sign,
        "ims_sign": ims_sign,
        "text_sign": text_sign,
        "kind_words": kind_words,
    }


def sorted_out(found: list[PatientVisit], now: datetime) -> Visits:
    """Coming ones the next first, past ones the latest first."""
    elsewhere = [visit for visit in found if visit.origin == "elsewhere"]
    here = [visit for visit in found if visit.origin != "elsewhere"]
    coming = [visit for visit in here if visit.ends_at > now and visit.status in ("booked", "confirmed", "arrived")]
    return Visits(coming[::-1], [visit for visit in here if visit not in coming], elsewhere)


def next_ims(connection: Any, patient_id: int, now_local: datetime) -> datetime | None:
    """The first start that the seven days allow; none when they forbid nothing now."""
    try:
        ims = reference.current(connection).needling
    except NotFound:
        return None
    days = ims.min_days or 0
    counting = visits_queries.counting_of(connection, [patient_id], now_local - timedelta(days=days)).get(
        patient_id, []
    )
    moments = [CountingVisit(v.counts_from_local) for v in counting if v.spacing_group_id == ims.spacing_group_id]
    on_clock = clock.on(clinic_zone())
    allowed = earliest_allowed(now_local, moments, min_days=days, on_clock=on_clock)
    return allowed if allowed > now_local else None


def age(birth_date: date | None, today: date) -> int | None:
    if birth_date is None:
        return None
    return today.year - birth_date.year - ((today.month, today.day) < (birth_date.month, birth_date.day))


def yeses(screening: PatientScreening) -> list[str]:
    return [str(QUESTION_WORDS[question]) for question in ScreeningQuestion if screening.answers.get(question.value)]


def how_words(how_asked: str) -> str:
    """What we wrote ourselves, in the reader's language; the desk's own words as they are."""
    ours = {
        "registered the child": _("registered the child"),
        BY_OWN_CODE: _("by a code of their own"),
        "the only adult on the number": _("the only adult on the number"),
        "by their own code": _("by their own press: a code from one to the other"),
    }
    return str(ours.get(how_asked, how_asked))


def readable(text: PatientText) -> str | None:
    """None: a sign-in code that really went out is its owner's secret."""
    return None if text.kind == "code" and current_app.config["SMS"] else text.body


def local(moment: datetime) -> datetime:
    clinic = clinic_settings()
    return clock.to_local(moment, clock.zone(clinic.zone))
