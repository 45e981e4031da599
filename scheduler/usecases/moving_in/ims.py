"""Whether IMS was given at the past visits of a file: which are still to be answered, and what was odd."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import Connection, select

from scheduler.domain.patients.clearance import Clearance, was_cleared
from scheduler.domain.visits import ims_given
from scheduler.models import Practitioner
from scheduler.queries.clinic import reference
from scheduler.queries.patients.clearances import clearances
from scheduler.usecases.moving_in.importing import ImportSettings
from scheduler.usecases.moving_in.patients import SELECTED
from scheduler.usecases.moving_in.staging import batches
from scheduler.usecases.moving_in.visit_rows import NewVisit

ASKED_FOR = timedelta(days=7)
"""Of visits longer ago nobody is asked any more: they stand in no booking's way."""


def note_answers(connection: Connection, visits: Sequence[NewVisit], settings: ImportSettings) -> None:
    """`ims_open` and `ims_concerns` of the completed ones, as a completion here would set them."""
    completed = [visit for visit in visits if visit.status == "completed"]
    if not any(treatment.needling for treatment in reference.current(connection).treatments):
        return
    needles = set(connection.scalars(select(Practitioner.id).where(Practitioner.can_needle)))
    since = settings.now - ASKED_FOR
    for visit in completed:
        if visit.ims_given is None and visit.diary.starts_at > since:
            may_needle = visit.practitioner_id in needles
            visit.ims_open = ims_given.is_asked(is_ims=visit.treatment.needling, may_needle=may_needle)
    told = [visit for visit in completed if visit.ims_given]
    cleared = _cleared(connection, completed, told, settings)
    for visit in told:
        found = ims_given.concerns(cleared=visit.row in cleared, may_needle=visit.practitioner_id in needles)
        visit.ims_concerns = " ".join(found)


def _cleared(
    connection: Connection, completed: Sequence[NewVisit], told: Sequence[NewVisit], settings: ImportSettings
) -> set[int]:
    """Rows of those whose patient was cleared on that day, or is so on the word of the import."""
    if settings.clear_for_ims:
        return {visit.row for visit in told}
    found: dict[int, Clearance] = {}
    for batch in batches({visit.patient_id for visit in told}, SELECTED):
        found |= clearances(connection, batch, clinic=settings.clinic, now=settings.now)
    days: defaultdict[int, list[date]] = defaultdict(list)
    for visit in completed:
        if visit.ims_given or (visit.ims_given is None and visit.treatment.needling):
            days[visit.patient_id].append(visit.diary.starts_local.date())
    cleared = set()
    for visit in told:
        day, here = visit.diary.starts_local.date(), found[visit.patient_id]
        before = tuple(other for other in (*days[visit.patient_id], *here.ims) if other < day)
        if was_cleared(Clearance(here.given, before), day, months=settings.clinic.clearance_months):
            cleared.add(visit.row)
    return cleared
