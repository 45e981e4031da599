"""Whether IMS was given: said at completion, or later by a practitioner. What has happened is never refused."""

from datetime import datetime
from zoneinfo import ZoneInfo

from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import Invalid
from scheduler.domain.visits import ims_given
from scheduler.domain.visits.appointment_status import AppointmentStatus, StatusRefused
from scheduler.models import Appointment
from scheduler.queries.clinic import reference
from scheduler.queries.patients.clearances import was_cleared_for
from scheduler.usecases.transaction import begin_write, retry_deadlocks
from scheduler.usecases.visits.changing import change_to, locked, require_version, touch
from scheduler.usecases.visits.ims_counting import count_again, ims_now, plan, required_ims, stop_counting
from scheduler.usecases.visits.must_move import let_stand

LONGEST_REASON = 300


@retry_deadlocks
def answer_ims(
    session: Session,
    *,
    clinic: ClinicSettings,
    public_id: str,
    given: bool | None,
    reason: str,
    now: datetime,
    actor: Actor,
    expected_version: int | None = None,
) -> Appointment:
    """A practitioner says whether IMS was given at a completed visit, or says otherwise than before and why.

    Callers let only a practitioner in. The same answer again changes nothing. Refuses with Invalid a change without a
    reason, and with StatusRefused a visit that is not completed here.
    """
    begin_write(session)
    visit = locked(session, public_id)
    require_version(visit, expected_version)
    if visit.status != AppointmentStatus.COMPLETED or visit.origin == "elsewhere":
        raise StatusRefused(from_status=AppointmentStatus(visit.status), to_status=AppointmentStatus.COMPLETED)
    if visit.ims_given is not given or (given is not None and visit.ims_open):
        why = reason.strip()[:LONGEST_REASON]
        if visit.ims_given is not None and not why:
            raise Invalid({"reason": "Say why the answer changes."})
        complete(session, visit, given, clinic=clinic, now=now, actor=actor, why=why or None)
    session.commit()
    return visit


def is_own_slip(last: tuple[str, datetime] | None, *, actor: Actor, now: datetime, zone: ZoneInfo) -> bool:
    """Whoever answered may take it back on the same day; any other answer is a practitioner's to change."""
    if last is None:
        return False
    by, at = last
    return by == str(actor) and clock.to_local(at, zone).date() == clock.to_local(now, zone).date()


def complete(
    session: Session,
    visit: Appointment,
    given: bool | None,
    *,
    clinic: ClinicSettings,
    now: datetime,
    actor: Actor,
    why: str | None = None,
) -> None:
    """Completed with this answer, or the answer of a completed visit; commits nothing."""
    current = reference.current(session.connection())
    treatment = current.treatment_by_id(visit.treatment_id)
    may_needle = visit.practitioner is not None and visit.practitioner.can_needle
    takes_place = given or (given is None and treatment.needling)
    asked = ims_now(session) is not None and ims_given.is_asked(is_ims=treatment.needling, may_needle=may_needle)
    group, days = (None, None) if treatment.needling else (treatment.spacing_group_id, treatment.min_days)
    around, was_given = [visit.counts_from_local], visit.ims_given
    again = []
    if takes_place or treatment.needling or visit.ims_given:
        assert visit.patient_id is not None  # noqa: S101 - a completed visit has one, by constraint
        found = plan(
            session, patients=(visit.patient_id,), around=around, now=now, changing=visit, takes_place=bool(takes_place)
        )
        stop_counting(session, found.stopping, now=now, actor=actor)
        again = found.again
        if takes_place:
            ims = required_ims(session)
            group, days = (ims.spacing_group_id, ims.min_days) if found.counts else (None, None)
    if visit.spacing_group_id != group:
        visit.spacing_group_id, visit.spacing_days = group, days
    visit.ims_given, visit.ims_open = given, given is None and asked
    visit.ims_concerns = _concerns(session, visit, may_needle, clinic) if given else ""
    if visit.status == AppointmentStatus.COMPLETED:
        touch(visit, now=now, actor=actor, why=why)
    else:
        change_to(visit, AppointmentStatus.COMPLETED, now=now, actor=actor, why=why)
    session.flush()
    count_again(session, again, now=now, actor=actor)
    if was_given and not given:
        let_stand(session, Appointment.patient_id == visit.patient_id, now=now)


def _concerns(session: Session, visit: Appointment, may_needle: bool, clinic: ClinicSettings) -> str:
    cleared = was_cleared_for(session.connection(), visit, clinic=clinic)
    return " ".join(ims_given.concerns(cleared=cleared, may_needle=may_needle))
