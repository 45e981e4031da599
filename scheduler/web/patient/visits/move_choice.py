"""Choosing another time for a visit: what was asked and what is on offer, for every page that moves one."""

from contextlib import suppress
from datetime import date, datetime

from flask import request

from scheduler.extensions import clinic_settings, db
from scheduler.models import Appointment
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import PractitionerInfo, Reference, TreatmentInfo
from scheduler.queries.visits import ims_given
from scheduler.web.patient.booking.slot_times import SlotQuestion, TimesOnOffer, times_on_offer


def times_for(visit: Appointment, now: datetime) -> TimesOnOffer:
    """For the practitioner and the day that the page is asked for; at first for whoever the visit is with."""
    current = reference.current(db.session.connection())
    treatment = current.treatment_by_id(visit.treatment_id)
    question = SlotQuestion(
        clinic=clinic_settings(),
        now=now,
        reference=current,
        treatment=treatment,
        practitioner=_practitioner(visit, current, treatment),
        patient_id=visit.patient_id,
        leaving_out=visit.id,
    )
    return times_on_offer(question, from_day=_day(request.args.get("from")), open_day=_day(request.args.get("day")))


def wanted_start() -> datetime | None:
    """A naive wall clock minute; anything else is no choice."""
    text = request.form.get("starts")
    with suppress(ValueError):
        moment = datetime.fromisoformat(text) if text else None
        return moment if moment and moment.tzinfo is None else None
    return None


def wanted_practitioner() -> str | None:
    """None: with the same practitioner if free then, else with anyone."""
    asked = request.form.get("practitioner")
    return None if asked in (None, "", "anyone") else asked


def unanswered_near(moved: Appointment) -> list[datetime]:
    """When the patient was here so near to IMS at its new time that it is too soon if IMS was given, which nobody has noted
    yet."""
    connection = db.session.connection()
    treatment = reference.current(connection).treatment_by_id(moved.treatment_id)
    if not treatment.needling or moved.patient_id is None:
        return []
    near = ims_given.open_near(
        connection, moved.patient_id, moved.starts_local, treatment.min_days or 0, to_a_patient=True
    )
    return [visit.starts_local for visit in near]


def _practitioner(visit: Appointment, current: Reference, treatment: TreatmentInfo) -> PractitionerInfo | None:
    asked = request.values.get("practitioner")
    able = current.practitioners_for(treatment)
    if asked is None:
        return next((person for person in able if person.id == visit.practitioner_id), None)
    return next((person for person in able if person.slug == asked), None)


def _day(text: str | None) -> date | None:
    with suppress(ValueError):
        return date.fromisoformat(text) if text else None
    return None
