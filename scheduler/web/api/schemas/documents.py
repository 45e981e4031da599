"""What the API says of each thing, as dictionaries ready for JSON; their description for OpenAPI is in schemas/__init__.py."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from scheduler import clock
from scheduler.domain.booking.availability import OfferedStart
from scheduler.domain.booking.treatment_spacing import CountingVisit, earliest_allowed
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.patients.clearance import Clearance, is_cleared
from scheduler.models import Appointment
from scheduler.queries.booking.visits_that_bear import Counting
from scheduler.queries.clinic.reference import PractitionerInfo, Reference, SpacingGroupInfo, TreatmentInfo
from scheduler.queries.patients.patients import PatientRow
from scheduler.queries.visits.appointments import AppointmentRow
from scheduler.web.words import rfc3339


def treatment(info: TreatmentInfo) -> dict[str, Any]:
    return {
        "slug": info.slug,
        "kind": info.kind.value,
        "name": {"en": info.name_en, "fr": info.name_fr},
        "minutes": info.minutes,
        "buffer_minutes": info.buffer_minutes,
        "online": info.online,
        "needs_clearance": info.needs_clearance,
        "spacing_group": info.spacing_group,
        "min_days": info.min_days,
    }


def practitioner(info: PractitionerInfo, current: Reference) -> dict[str, Any]:
    return {
        "slug": info.slug,
        "given_name": info.given_name,
        "family_name": info.family_name,
        "can_needle": info.can_needle,
        "treatments": [treatment.slug for treatment in current.treatments if info.does(treatment)],
    }


def slot(start: OfferedStart, info: TreatmentInfo, current: Reference, zone: ZoneInfo) -> dict[str, Any]:
    who = current.practitioner_by_id(start.practitioner_id)
    return {
        "starts_at": rfc3339.moment(start.starts_local, zone),
        "ends_at": rfc3339.moment_after(start.starts_local, info.minutes, zone),
        "treatment": info.slug,
        "practitioner": who.slug if who else None,
    }


def patient(
    row: PatientRow,
    counting: Sequence[Counting],
    clearance: Clearance,
    current: Reference,
    *,
    clinic: ClinicSettings,
    now: datetime,
) -> dict[str, Any]:
    """`counting`: this patient's visits that count for a spacing group, from the group's days ago on."""
    zone = clock.zone(clinic.zone)
    today, lapses_on = clock.to_local(now, zone).date(), clearance.lapses_on(clinic.clearance_months)
    return {
        "id": row.public_id,
        "given_name": row.given_name,
        "family_name": row.family_name,
        "birth_date": row.birth_date.isoformat() if row.birth_date else None,
        "phone": row.number,
        "language": row.language,
        "cleared_for_ims": is_cleared(clearance, today, months=clinic.clearance_months),
        "cleared_by": row.cleared_by,
        "clearance_entered_by": row.clearance_entered_by,
        "clearance_lapses_on": lapses_on.isoformat() if lapses_on else None,
        "next_allowed": {
            group.slug: _next_allowed(group, counting, clock.to_local(now, zone), zone)
            for group in current.spacing_groups
        },
        "feed_url": f"{clinic.public_url}/feeds/{row.feed_token}.ics",
    }


def appointment(row: AppointmentRow) -> dict[str, Any]:
    zone = clock.zone(row.zone)
    return {
        "id": row.public_id,
        "patient": row.patient,
        "treatment": row.treatment,
        "practitioner": row.practitioner,
        "status": row.status,
        "starts_at": rfc3339.moment(row.starts_local, zone),
        "ends_at": rfc3339.moment_at(row.ends_at, zone),
        "time_known": row.time_known,
        "counts_for": row.counts_for,
        "ims_given": row.ims_given,
        "origin": row.origin,
        "version": row.version,
    }


def fresh_appointment(visit: Appointment, patient: str, current: Reference) -> dict[str, Any]:
    """One that a use case has just made, without asking the database again."""
    treatment = current.treatment_by_id(visit.treatment_id)
    who = current.practitioner_by_id(visit.practitioner_id) if visit.practitioner_id else None
    return appointment(
        AppointmentRow(
            id=visit.id,
            public_id=visit.public_id,
            patient=patient,
            treatment=treatment.slug,
            practitioner=who.slug if who else None,
            status=visit.status,
            starts_local=visit.starts_local,
            ends_at=visit.ends_at,
            zone=visit.zone,
            time_known=visit.time_known,
            counts_for=treatment.spacing_group if visit.spacing_group_id else None,
            ims_given=visit.ims_given,
            origin=visit.origin,
            version=visit.version,
        )
    )


def _next_allowed(
    group: SpacingGroupInfo, counting: Sequence[Counting], now_local: datetime, zone: ZoneInfo
) -> str | None:
    """None when nothing forbids a visit now."""
    visits = [CountingVisit(visit.counts_from_local) for visit in counting if visit.spacing_group_id == group.id]
    allowed = earliest_allowed(now_local, visits, min_days=group.min_days, on_clock=clock.on(zone))
    return None if allowed <= now_local else rfc3339.moment(allowed, zone)
