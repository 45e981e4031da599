"""The health questions, answered on the visit's own page."""

from flask import Blueprint
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from scheduler import clock
from scheduler.domain.booking.refusals import BookingRefused
from scheduler.domain.errors import Invalid
from scheduler.domain.visits.refusals import VersionConflict
from scheduler.extensions import clinic_settings, db
from scheduler.queries.visits import appointments
from scheduler.usecases.booking.health_answers import answer_health
from scheduler.web import access
from scheduler.web.desk.booking.health import health_of
from scheduler.web.desk.query_fields import version
from scheduler.web.desk.sign_in.door import EVERYBODY, require_staff
from scheduler.web.desk.visits.visit import refused_page, visit_page

blueprint = Blueprint("desk_health", __name__)
access.declare(blueprint, "staff", roles=EVERYBODY, guard=require_staff)


@blueprint.post("/desk/visits/<public_id>/health")
def answer(public_id: str) -> ResponseReturnValue:
    """`since` same or changed where the patient answered before, `applies` several, `needled_on_…`; `version`."""
    session = db.session()
    visit = appointments.by_public_id(session, public_id)
    if visit.version != version():  # whoever answered meanwhile has changed what is asked
        return refused_page(public_id, VersionConflict(visit.version))
    health = health_of(visit.patient_id or 0)
    if health.form.answers is None:
        return visit_page(public_id, ask="health", status=422)
    session.rollback()
    try:
        answer_health(
            session,
            clinic=clinic_settings(),
            public_id=public_id,
            answers=health.form.answers,
            now=clock.now(),
            actor=current_user.actor,
            expected_version=version(),
        )
    except BookingRefused as refusal:
        return refused_page(public_id, refusal, ask="health")
    except Invalid as refused:
        return visit_page(public_id, done=_(next(iter(refused.errors.values()))), status=409)
    return visit_page(public_id, done=_("Answers noted"), changed=True)
