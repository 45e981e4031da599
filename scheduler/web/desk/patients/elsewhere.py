"""IMS that a patient received at another clinic: it counts, and a visit that it makes too soon is settled with it."""

from collections import Counter
from datetime import date, datetime, time
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import Field, StringField, ValidationError

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.booking.treatment_spacing import VisitMustMove
from scheduler.domain.errors import Invalid
from scheduler.extensions import clinic_settings, db
from scheduler.models import Appointment
from scheduler.queries.booking import slots
from scheduler.queries.booking.slots import Wanted
from scheduler.queries.clinic import reference
from scheduler.queries.patients import page as patient_page
from scheduler.queries.patients.page import PatientRecord, PatientVisit
from scheduler.queries.visits import appointments as appointments_queries
from scheduler.usecases import audit
from scheduler.usecases.patients import elsewhere
from scheduler.usecases.patients.elsewhere_settling import Settlement, record_elsewhere_and_settle
from scheduler.web import access
from scheduler.web.desk.acting_on import acts_on
from scheduler.web.desk.acting_on.shown_facts import Facts, of_elsewhere
from scheduler.web.desk.patients.patients import local, patient_now, seen
from scheduler.web.desk.refusals import desk_words
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.forms.fields import DayMonthYearField, FormError, form_errors, tidy
from scheduler.web.words.refusals import explain

STARTS_SHOWN, STARTS_LOOKED_AT, A_DAY = 12, 300, 3
CANCEL = "cancel"

blueprint = Blueprint("desk_elsewhere", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


class ElsewhereForm(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    class Meta:
        csrf = False  # access.py checks it for all pages

    day = DayMonthYearField(
        _l("On which day?"),
        missing=_l("Type the day of the treatment, for example 14 3 2026."),
        example=_l("For example 14 3 2026."),
        future=_l("That day is still to come. Type the day of the last IMS or dry needling."),
        oldest_years=10,
    )
    time = StringField(_l("At what time?"), filters=[tidy])

    def __init__(self, *args: Any, now_local: datetime, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.now_local = now_local
        self.at: time | None = None

    def validate_day(self, field: DayMonthYearField) -> None:
        field.read(self.now_local.date())

    def validate_time(self, field: Field) -> None:
        if not field.data:
            return
        try:
            self.at = datetime.strptime(field.data.replace("h", ":").replace(" ", ""), "%H:%M").time()  # noqa: DTZ007 - a time of day
        except ValueError:
            raise ValidationError(_("Type the time as 14:30, or leave it empty.")) from None
        if self.day.data and datetime.combine(self.day.data, self.at) > self.now_local:
            raise ValidationError(_("That time is still to come."))


def _elsewhere_now(public_id: str, visit_id: str) -> Facts:
    with db.reading.connect() as connection:
        patient = patient_page.record(connection, public_id)
        visits = patient_page.visits(connection, patient.id)
    return of_elsewhere(patient, next((visit for visit in visits if visit.public_id == visit_id), None))


@blueprint.get("/<public_id>/elsewhere")
def ask(public_id: str) -> ResponseReturnValue:
    patient = seen(public_id, audit.VIEWED, "IMS elsewhere")
    return _show(patient, ElsewhereForm(None, now_local=local(clock.now())))


@blueprint.post("/<public_id>/elsewhere")
@acts_on(patient_now)
def record(public_id: str) -> ResponseReturnValue:
    """With `settle`: what becomes of the visit that is too near, decided on the page that named it."""
    now = clock.now()
    form = ElsewhereForm(request.form, now_local=local(now))
    with db.reading.connect() as connection:
        patient = patient_page.record(connection, public_id)
    if not form.validate():
        return _show(patient, form), 422
    return _recorded(patient, form, now, _settlement(patient))


@blueprint.post("/<public_id>/elsewhere/<visit_id>/take-back")
@acts_on(_elsewhere_now)
def take_back(public_id: str, visit_id: str) -> ResponseReturnValue:
    session = db.session()
    visit = appointments_queries.by_public_id(session, visit_id)
    if visit.origin == "elsewhere" and visit.patient is not None and visit.patient.public_id == public_id:
        elsewhere.take_back_elsewhere(session, public_id=visit_id, reason="", now=clock.now(), actor=current_user.actor)
        flash(_("Taken back. It no longer counts."))
    return redirect(url_for("desk_patients.show", public_id=public_id), 303)


def _recorded(
    patient: PatientRecord, form: ElsewhereForm, now: datetime, settlement: Settlement | None, problem: str = ""
) -> ResponseReturnValue:
    """To the patient's page; or the question what becomes of the visit that is too near, after a `problem` once more."""
    try:
        recorded = _record(patient, form, now, settlement)
    except VisitMustMove as refusal:
        return _show_settling(patient, form, refusal, now, problem)
    except Invalid as refusal:
        return _show(patient, form, [FormError("time", _(words)) for words in refusal.errors.values()]), 422
    except BookingRefused as refusal:
        words = " ".join(desk_words(refusal))
        if settlement is None:
            return _show(patient, form, [FormError("", words)]), explain(refusal).status
        # The start was lost, or somebody has changed the visit: ask as things stand now.
        return _recorded(patient, form, now, None, words)
    if recorded is None:
        return _recorded(patient, form, now, None, _("That is done, and another visit is too near as well."))
    flash(_("Recorded. It counts for the seven days."))
    return redirect(url_for("desk_patients.show", public_id=patient.public_id), 303)


def _record(
    patient: PatientRecord, form: ElsewhereForm, now: datetime, settlement: Settlement | None
) -> Appointment | None:
    """None when yet another visit is too near."""
    common: dict[str, Any] = {
        "clinic": clinic_settings(),
        "patient_id": patient.id,
        "day": form.day.data,
        "at": form.at,
        "now": now,
        "actor": current_user.actor,
    }
    if settlement is None:
        return elsewhere.record_elsewhere(db.session(), **common)
    return record_elsewhere_and_settle(db.session(), settlement=settlement, **common)


def _settlement(patient: PatientRecord) -> Settlement | None:
    """None where nothing was decided: then the page asks."""
    chosen, visit_id = request.form.get("settle", ""), request.form.get("visit", "")
    version = request.form.get("version", type=int)
    if not chosen or not visit_id or version is None:
        return None
    with db.reading.connect() as connection:
        if all(visit.public_id != visit_id for visit in patient_page.visits(connection, patient.id)):
            return None
    if chosen == CANCEL:
        return Settlement(visit_id, version)
    starts, _space, practitioner = chosen.partition(" ")
    try:
        starts_local = datetime.fromisoformat(starts)
    except ValueError:
        return None
    return None if starts_local.tzinfo else Settlement(visit_id, version, starts_local, practitioner or None)


def _show(patient: PatientRecord, form: ElsewhereForm, errors: list[FormError] | None = None) -> str:
    return render_template(
        "desk/patients/elsewhere.html", patient=patient, form=form, errors=errors or form_errors(form)
    )


def _show_settling(
    patient: PatientRecord, form: ElsewhereForm, refusal: VisitMustMove, now: datetime, problem: str = ""
) -> ResponseReturnValue:
    """The visit that is too near, and the nearest starts that would do."""
    with db.reading.connect() as connection:
        visit = patient_page.visit_counting_from(connection, patient.id, refusal.wanted_local)
        starts = _starts_for(connection, patient, visit, refusal.earliest, now)
    page = render_template(
        "desk/patients/settle.html",
        patient=patient,
        form=form,
        visit=visit,
        starts=starts,
        elsewhere_on=refusal.clash.day,
        problem=problem,
        cancel=CANCEL,
        errors=[],
    )
    return page, explain(refusal).status


def _starts_for(
    connection: Any, patient: PatientRecord, visit: PatientVisit, earliest: datetime, now: datetime
) -> list[tuple[str, datetime, str]]:
    """Value, start and practitioner of each; a few of each day, so that there is a choice of days."""
    current = reference.current(connection)
    clinic = clinic_settings()
    here = next(t for t in current.treatments if t.name_en == visit.treatment_en)
    first_day: date = max(earliest.date(), local(now).date())
    leaving_out = appointments_queries.id_of(connection, visit.public_id)
    wanted = Wanted(here, first_day, date.fromordinal(first_day.toordinal() + 60), None, leaving_out)
    found = slots.first_slots(connection, wanted, clinic=clinic, now=now, count=STARTS_LOOKED_AT, patient_id=patient.id)
    offered: list[tuple[str, datetime, str]] = []
    of_day: Counter[date] = Counter()
    for start in found.starts:
        practitioner = current.practitioner_by_id(start.practitioner_id)
        day = start.starts_local.date()
        if start.starts_local >= earliest and practitioner is not None and of_day[day] < A_DAY:
            of_day[day] += 1
            value = f"{start.starts_local.isoformat(timespec='minutes')} {practitioner.slug}"
            offered.append((value, start.starts_local, practitioner.full_name))
    return offered[:STARTS_SHOWN]
