"""IMS elsewhere: what it stops from counting counts again when it is taken back, whatever has been written meanwhile."""

from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon
from scheduler.usecases.booking.booking import book_slot
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.patients.elsewhere import record_elsewhere, take_back_elsewhere
from scheduler.usecases.visits.details import write_note
from tests.factories import CLINIC, MONDAY, NOW, STAFF, local, make_appointment, make_clinic, make_patient

DAY = timedelta(days=1)


@pytest.mark.parametrize("noted", [False, True])
def test_a_visit_that_did_not_count_beside_ims_elsewhere_counts_again_also_with_a_note(
    session: Session, noted: bool
) -> None:
    make_clinic(session)
    patient = make_patient(session)
    wednesday = NOW.date() - 2 * DAY
    visit = make_appointment(session, patient=patient, starts_local=local(wednesday, "10:00"), status="completed")
    thursday = wednesday + DAY
    there = record_elsewhere(session, clinic=CLINIC, patient_id=patient.id, day=thursday, now=NOW, actor=STAFF)
    session.refresh(visit)
    assert visit.spacing_group_id is None
    if noted:
        write_note(session, public_id=visit.public_id, words="left shoulder", now=NOW, actor=STAFF)
    take_back_elsewhere(session, public_id=there.public_id, reason="", now=NOW, actor=STAFF)
    session.refresh(visit)
    assert visit.spacing_group_id is not None
    with pytest.raises(TreatmentTooSoon):
        book_slot(
            session,
            BookingRequest(
                clinic=CLINIC,
                treatment="ims",
                practitioner=None,
                starts_local=local(MONDAY, "10:00"),
                patient=patient.id,
                now=NOW,
                actor=STAFF,
                origin="desk",
            ),
        )
