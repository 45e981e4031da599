"""Whether IMS was given: what is still to be answered, what is flagged, and which booked visits must move for it."""

from sqlalchemy import ColumnElement, and_, or_, select

from scheduler.models import Appointment, Treatment


def took_place() -> ColumnElement[bool]:
    """IMS was given at this visit, here or elsewhere; an IMS visit of which nobody said otherwise is taken as one."""
    is_ims = Appointment.treatment_id.in_(select(Treatment.id).where(Treatment.needling))
    return and_(
        Appointment.status == "completed",
        or_(Appointment.ims_given, and_(Appointment.ims_given.is_(None), is_ims)),
    )
