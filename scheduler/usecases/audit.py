"""The audit log: every view and change of a patient, every change of a setting.

A change notes itself in its own transaction (`note`); a view has one of its own (`note_view`). What becomes of visits
stands in their history already.
"""

from datetime import datetime

from sqlalchemy.orm import Session

from scheduler.domain.actor import Actor
from scheduler.models import AuditLine
from scheduler.usecases.transaction import begin_write, retry_deadlocks

VIEWED, LISTED, EXPORTED, PRINTED = "patient.viewed", "patient.listed", "patient.exported", "patient.printed"
REGISTERED, CHANGED, MERGED = "patient.registered", "patient.changed", "patient.merged"
NOT_REGISTERED = "patient.not_registered"
CLEARED, CLEARANCE_TAKEN_BACK = "patient.cleared", "patient.clearance_taken_back"
RESTRICTED, RELEASED, FEED_RENEWED = "patient.restricted", "patient.released", "patient.feed_renewed"
ELSEWHERE, ELSEWHERE_TAKEN_BACK = "patient.ims_elsewhere", "patient.ims_elsewhere_taken_back"
ACTING, ACTING_ENDED = "patient.acting", "patient.acting_ended"
ACTING_CODE = "patient.acting_code"
PROTECTED, PROTECTION_ENDED = "patient.protected", "patient.protection_ended"
OPENED_PROTECTED = "patient.opened_in_emergency"
IMS_REVIEWED = "patient.ims_reviewed"
CORRECTION_ASKED, CORRECTION_ANSWERED = "patient.correction_asked", "patient.correction_answered"
DISAGREED = "patient.disagreed"
CALLED, CALL_TAKEN_BACK = "patient.called", "patient.call_taken_back"
RETENTION_HELD, RETENTION_HOLD_LIFTED, BLANKED = "retention.held", "retention.hold_lifted", "retention.blanked"
SETTINGS, STAFF = "settings.changed", "staff.changed"
IMPORTED, EXPORTED_ALL = "clinic.imported", "clinic.exported"
IMPORT_TAKEN_BACK = "clinic.import_taken_back"

LONGEST = 300


def note(
    session: Session, *, what: str, actor: Actor, now: datetime, patient_id: int | None = None, details: str = ""
) -> None:
    """Add the line to the transaction under way; commits nothing."""
    session.add(
        AuditLine(
            at=now,
            actor=str(actor)[:80],
            what=what,
            patient_id=patient_id,
            details=details[:LONGEST],
            address=actor.address[:45],
        )
    )


@retry_deadlocks
def note_view(
    session: Session, *, actor: Actor, now: datetime, patient_id: int | None, what: str = VIEWED, details: str = ""
) -> None:
    """Somebody looks at a patient, who is shown only once this has been written."""
    begin_write(session)
    note(session, what=what, actor=actor, now=now, patient_id=patient_id, details=details)
    session.commit()
