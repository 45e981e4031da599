"""Whether IMS was given: what is still to be answered, what is flagged, and which booked visits must move for it."""

from datetime import datetime

from sqlalchemy import ColumnElement, Connection, and_, or_, select

from scheduler.models import Appointment, AppointmentHistory, ImsAnswer, Treatment


def took_place() -> ColumnElement[bool]:
    """IMS was given at this visit, here or elsewhere; an IMS visit of which nobody said otherwise is taken as one."""
    is_ims = Appointment.treatment_id.in_(select(Treatment.id).where(Treatment.needling))
    return and_(
        Appointment.status == "completed",
        or_(Appointment.ims_given.is_(True), and_(Appointment.ims_given.is_(None), is_ims)),
    )


def last_answer(connection: Connection, appointment_id: int) -> tuple[str, datetime] | None:
    """Who said last whether IMS was given, and when; none when nobody has, or before answers were kept."""
    line = AppointmentHistory
    found = connection.execute(
        select(line.changed_by, line.changed_at)
        .join(ImsAnswer, and_(ImsAnswer.appointment_id == line.appointment_id, ImsAnswer.version == line.version))
        .where(line.appointment_id == appointment_id, ImsAnswer.given.is_not(None))
        .order_by(ImsAnswer.id.desc())
        .limit(1)
    ).first()
    return (found.changed_by, found.changed_at) if found is not None else None
