"""Whether IMS was given, as a visit's page shows and asks it."""

from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user
from werkzeug.exceptions import Forbidden

from scheduler import clock
from scheduler.domain.booking.refusals import SlotTaken
from scheduler.domain.visits import ims_given
from scheduler.domain.visits.ims_given import Concern
from scheduler.extensions import clinic_settings, db
from scheduler.models import Appointment
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import Reference
from scheduler.queries.visits import appointments
from scheduler.queries.visits import ims_given as answers
from scheduler.usecases.booking.refusing import with_alternatives
from scheduler.usecases.booking.request import BookingRequest
from scheduler.usecases.visits.ims_given import is_own_slip
from scheduler.web.words.dates import day_words
from scheduler.web.words.status import Sign, ims_sign

ANSWERS = {"yes": True, "no": False, "later": None}


@dataclass(frozen=True, slots=True)
class Agreed:
    """A time that the patient may agree to: in the words of the form that moves."""

    starts: datetime
    practitioner: str
    words: str


@dataclass(frozen=True, slots=True)
class MustMove:
    given_local: datetime
    offers: list[Agreed]


@dataclass(frozen=True, slots=True)
class ImsOfVisit:
    """`odd`: sentences for practitioner and owner. `may_take_back`: the completion with its answer."""

    sign: Sign | None
    odd: list[str]
    is_asked: bool
    may_answer: bool
    may_take_back: bool
    must_move: MustMove | None


def ims_of(visit: Appointment, known: Reference, now: datetime) -> ImsOfVisit:
    here = visit.status == "completed" and visit.origin != "elsewhere"
    return ImsOfVisit(
        sign=_sign(visit, known),
        odd=odd_words(visit, known) if current_user.role != "receptionist" else [],
        is_asked=_is_asked(visit, known),
        may_answer=here and is_practitioner() and (visit.ims_given is not None or _is_asked(visit, known)),
        may_take_back=_may_take_back(visit, now),
        must_move=must_move(visit, known, now),
    )


def must_move(visit: Appointment, known: Reference, now: datetime) -> MustMove | None:
    """A booked visit that is too soon after IMS that was given, and when it could be instead."""
    if visit.status not in ("booked", "confirmed") or visit.practitioner is None:
        return None
    session = db.session()
    given = answers.too_near_of(session.connection(), [visit.id], visit.starts_local).get(visit.id)
    if given is None:
        return None
    request = BookingRequest(
        clinic=clinic_settings(),
        treatment=visit.treatment.slug,
        practitioner=visit.practitioner.slug,
        starts_local=visit.starts_local,
        now=now,
        actor=current_user.actor,
        origin=visit.origin,
        patient=visit.patient_id,
        leaving_out=visit.id,
    )
    free = with_alternatives(session, SlotTaken(), request).alternatives
    people = {who.id: who for who in known.practitioners}
    return MustMove(
        given,
        [
            Agreed(start.starts_local, people[start.practitioner_id].slug, people[start.practitioner_id].full_name)
            for start in free
            if start.practitioner_id in people
        ],
    )


def asks(public_id: str) -> bool:
    session = db.session()
    return _is_asked(appointments.by_public_id(session, public_id), reference.current(session.connection()))


def require_may_take_back(public_id: str) -> None:
    """Whether IMS was given is a practitioner's to change, with a reason: nobody undoes a completion that says so,
    but whoever has just said it."""
    if not _may_take_back(appointments.by_public_id(db.session(), public_id), clock.now()):
        raise Forbidden


def is_practitioner() -> bool:
    return current_user.role == "practitioner" or current_user.practitioner_id is not None


def odd_words(visit: Appointment, known: Reference) -> list[str]:
    if not visit.ims_given:
        return []
    ims = next((treatment for treatment in known.treatments if treatment.needling), None)
    before = answers.given_before(db.session().connection(), visit) if ims else None
    days = (
        ims_given.days_after_the_last(visit.counts_from_local, [before], min_days=(ims.min_days or 0))
        if (ims and before)
        else None
    )
    return [*([near_words(days)] if days is not None else []), *concern_words(visit.ims_concerns)]


def near_words(days: int) -> str:
    if days == 0:
        return str(_("IMS given on the same day as the last time"))
    return str(
        ngettext("IMS given %(num)d day after the last time", "IMS given %(num)d days after the last time", days)
    )


def unanswered_words(visit: Appointment) -> str:
    """Of IMS that was moved so near to a visit that it could not be if IMS was given there; empty when there is none."""
    connection = db.session().connection()
    treatment = reference.current(connection).treatment_by_id(visit.treatment_id)
    if not treatment.needling or visit.patient_id is None:
        return ""
    near = answers.open_near(connection, visit.patient_id, visit.starts_local, treatment.min_days or 0)
    words = _("Nobody has said yet whether IMS was given on %(day)s: if so, this is too soon.")
    return " ".join(words % {"day": day_words(other.starts_local)} for other in near)


def concern_words(concerns: str) -> list[str]:
    words = {
        Concern.NOT_CLEARED: _("IMS given to somebody not cleared for it"),
        Concern.MAY_NOT_NEEDLE: _("IMS given by somebody who may not needle"),
    }
    return [words[Concern(concern)] for concern in concerns.split()]


def _sign(visit: Appointment, known: Reference) -> Sign | None:
    """On the visit's own page also that nobody was asked, which is not the same as an answer that is to come."""
    found = ims_sign(visit.ims_given, is_open=visit.ims_open)
    if found is None and visit.status == "completed" and visit.origin != "elsewhere" and _is_asked(visit, known):
        return Sign("?", _("IMS given? Nobody was asked"), "off")
    return found


def _is_asked(visit: Appointment, known: Reference) -> bool:
    if not any(treatment.needling for treatment in known.treatments):
        return False
    may_needle = visit.practitioner is not None and visit.practitioner.can_needle
    return ims_given.is_asked(is_ims=known.treatment_by_id(visit.treatment_id).needling, may_needle=may_needle)


def _may_take_back(visit: Appointment, now: datetime) -> bool:
    if visit.status != "completed" or visit.ims_given is None:
        return True
    last = answers.last_answer(db.session().connection(), visit.id)
    return is_own_slip(last, actor=current_user.actor, now=now, zone=clock.zone(visit.zone))
