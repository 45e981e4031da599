"""The health questions at the desk: while booking on the telephone, or at the arrival of whoever was not asked then."""

from dataclasses import dataclass
from datetime import datetime

from flask import request
from flask_babel import gettext as _

from scheduler import clock
from scheduler.extensions import clinic_settings, db
from scheduler.models import Appointment, Screening
from scheduler.queries.booking.drafts import last_answers
from scheduler.usecases.visits.ims_reviews import OPEN
from scheduler.web.forms.fields import FormError, form_errors
from scheduler.web.forms.screening import ScreeningForm
from scheduler.web.words.screening import answer_words


@dataclass(frozen=True, slots=True)
class Health:
    """The questions as a page shows them; `is_begun`: something was chosen or typed."""

    form: ScreeningForm
    earlier_words: list[str]
    errors: list[FormError]
    is_begun: bool


def health_of(patient_id: int) -> Health:
    """Nothing is ticked but what was sent."""
    clinic = clinic_settings()
    zone = clock.zone(clinic.zone)
    earlier = last_answers(db.session(), patient_id, zone)
    is_begun = request.method == "POST" and any(request.form.get(name) for name in _FIELDS)
    form = ScreeningForm(
        request.form if is_begun else None, today=clock.to_local(clock.now(), zone).date(), earlier=earlier
    )
    if is_begun:
        form.validate()
    return Health(form, answer_words(earlier.answers) if earlier else [], form_errors(form), is_begun)


def is_unasked(visit: Appointment, screening: Screening | None) -> bool:
    """IMS to come whose health questions nobody has answered."""
    return screening is None and visit.treatment.needling and visit.status in OPEN and visit.patient_id is not None


def when_to_ask(visit: Appointment, now_local: datetime) -> str:
    if visit.starts_local.date() > now_local.date():
        return str(_("Health questions: ask at arrival"))
    return str(_("Health questions: ask today"))


_FIELDS = ("since", "applies", "needled_on_day", "needled_on_month", "needled_on_year")
