"""The booking under way in this request: what the draft says, who is signed in, and which pages are done."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import cached_property
from typing import Any, TypeVar

from scheduler import clock
from scheduler.domain.booking.screening import EarlierAnswers
from scheduler.domain.booking.steps import BEGIN, BIRTH, CODE, NUMBER, TIME, WHO, BookingPath, BookingStep, steps_of
from scheduler.domain.booking.treatment_spacing import CountingVisit
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.clinic.treatment_kind import TreatmentKind
from scheduler.domain.errors import NotFound
from scheduler.domain.patients.clearance import Clearance, is_cleared
from scheduler.extensions import clinic_settings, db
from scheduler.models import Patient, PhoneAccount
from scheduler.queries.booking.drafts import Draft, draft_of, last_answers
from scheduler.queries.clinic import reference
from scheduler.queries.clinic.reference import PractitionerInfo, Reference, TreatmentInfo
from scheduler.queries.patients import patients
from scheduler.queries.patients.clearances import clearances
from scheduler.queries.patients.known_browsers import Opened
from scheduler.usecases.booking import drafts
from scheduler.web.forms.screening import ScreeningForm
from scheduler.web.patient.booking.forms import NEW_PATIENT, Typed, WhoForm, as_formdata
from scheduler.web.patient.booking.slot_times import SlotQuestion
from scheduler.web.patient.sign_in.session import browser_id, opened

T = TypeVar("T")


@dataclass
class Booking:
    """Empty before the first page is sent: `token` is none then."""

    token: str | None
    fields: Mapping[str, Any]
    booked: str | None
    opened: Opened | None
    reference: Reference
    now: datetime
    clinic: ClinicSettings = field(default_factory=lambda: clinic_settings())

    def keep(self, **fields: Any) -> None:
        """Write these into the draft, at once."""
        assert self.token  # noqa: S101 - only pages that have a draft keep something
        self.fields = drafts.keep_in_draft(
            db.session(), token=self.token, browser=browser_id(), fields=fields, now=self.now
        )

    @property
    def now_local(self) -> datetime:
        return clock.to_local(self.now, clock.zone(self.clinic.zone))

    @property
    def today(self) -> date:
        return self.now_local.date()

    def slot_question(self, practitioner: PractitionerInfo | None, patient: Patient | None = None) -> SlotQuestion:
        """For `patient`, or for whoever is chosen by now."""
        assert self.treatment  # noqa: S101 - the first page asks for it
        patient = patient or self.patient
        return SlotQuestion(
            clinic=self.clinic,
            now=self.now,
            reference=self.reference,
            treatment=self.treatment,
            practitioner=practitioner,
            patient_id=patient.id if patient else None,
            elsewhere=self.visit_elsewhere,
            leaving_out=self.fields.get("hold_id"),
        )

    @property
    def path(self) -> BookingPath:
        kept = self.fields.get("path")
        return BookingPath(kept) if kept else BookingPath.SIGNED_IN if self.account else BookingPath.FIRST_TIME

    @property
    def treatment(self) -> TreatmentInfo | None:
        found = _found(self.reference.treatment, self.fields.get("treatment"))
        return found if found and found.online else None

    @property
    def treatments(self) -> list[TreatmentInfo]:
        return [treatment for treatment in self.reference.treatments if treatment.online]

    @property
    def assessment(self) -> TreatmentInfo | None:
        """What somebody new, or not cleared, books instead; none: then they telephone."""
        return self.reference.assessment

    @property
    def asked_practitioner(self) -> PractitionerInfo | None:
        """None: anyone."""
        return _found(self.reference.practitioner, self.fields.get("practitioner"))

    @property
    def practitioner(self) -> PractitionerInfo | None:
        """With whom the time is kept."""
        return _found(self.reference.practitioner, self.fields.get("with")) or self.asked_practitioner

    @property
    def starts_local(self) -> datetime | None:
        return _moment(self.fields.get("starts_local"))

    @property
    def lost_start(self) -> datetime | None:
        """A time that was chosen and could not be had."""
        return _moment(self.fields.get("lost_start"))

    @property
    def lost_practitioner(self) -> PractitionerInfo | None:
        return _found(self.reference.practitioner, self.fields.get("lost_with"))

    @property
    def held_until_local(self) -> datetime | None:
        """None when nothing is kept any more."""
        until = _moment(self.fields.get("held_until"))
        return clock.to_local(until, clock.zone(self.clinic.zone)) if until and until > self.now else None

    @property
    def changeable(self) -> bool:
        """Whether the patient may still move or cancel the visit themselves, once it is booked."""
        if self.starts_local is None:
            return False
        starts_at = clock.to_utc_or_near(self.starts_local, clock.zone(self.clinic.zone))
        return self.now < self.clinic.changeable_until(starts_at)

    @property
    def account(self) -> PhoneAccount | None:
        """Whose code was typed here."""
        return self.opened.account if self.opened else None

    @property
    def is_known(self) -> bool:
        """Somebody has shown who they are, or has said that they are new here."""
        if self.opened is None:
            return False
        return self.opened.person is not None or self.fields.get("new_here") == self.opened.account.id

    @cached_property
    def patients(self) -> list[Patient]:
        """Who may be booked for: those opened here, and whoever was registered in this very booking."""
        if self.opened is None:
            return []
        found = list(self.opened.patients)
        registered = self.fields.get("registered")
        if registered and registered not in [patient.public_id for patient in found]:
            found += patients.registered_here(db.session(), registered, self.opened.account.id)
        return found

    def knows(self, patient: str) -> bool:
        """Whether the form may name this patient."""
        return patient == NEW_PATIENT or any(known.public_id == patient for known in self.patients)

    @property
    def patient_choice(self) -> str:
        """A public id, NEW_PATIENT or nothing yet. Somebody known and alone on the number need not be asked."""
        chosen = str(self.fields.get("patient") or "")
        if self.knows(chosen):
            return chosen
        if not self.is_known:
            return ""
        if self.path is not BookingPath.FIRST_TIME and len(self.patients) == 1:
            return self.patients[0].public_id
        return NEW_PATIENT if self.account and not self.patients and self.path is not BookingPath.FIRST_TIME else ""

    @property
    def patient(self) -> Patient | None:
        return next((patient for patient in self.patients if patient.public_id == self.patient_choice), None)

    @property
    def is_new_patient(self) -> bool:
        return self.patient_choice == NEW_PATIENT

    def typed(self, page: str) -> Typed:
        """Answers about somebody's health are nobody else's: when another patient is chosen, they are asked anew."""
        if page == "screening" and self.fields.get("screening_for", self.patient_choice) != self.patient_choice:
            return {}
        kept: Typed = self.fields.get(f"typed_{page}", {})
        return kept

    def keep_screening(self, typed: Typed) -> None:
        self.keep(typed_screening=typed, screening_for=self.patient_choice)

    def who_form(self, typed: Typed | None = None) -> WhoForm:
        labels = [(patient.public_id, patient.full_name) for patient in self.patients]
        data = {"patient": [self.patient_choice], **(self.typed("who") if typed is None else typed)}
        return WhoForm(as_formdata(data), today=self.today, patients=labels)

    def screening_form(self, typed: Typed | None = None) -> ScreeningForm:
        typed = self.typed("screening") if typed is None else typed
        return ScreeningForm(as_formdata(typed), today=self.today, earlier=self.earlier_answers)

    @cached_property
    def earlier_answers(self) -> EarlierAnswers | None:
        """For the review, where a patient whom we know says whether anything has changed since. Not for whoever has
        answered every question in this booking: what they told may stand on another visit by now."""
        typed = self.typed("screening")
        if self.screening_with_who or self.patient is None or (typed and "asked_since" not in typed):
            return None
        return last_answers(db.session(), self.patient.id, clock.zone(self.clinic.zone))

    @property
    def screening_with_who(self) -> bool:
        """A first-time visitor answers on the page before the review, everybody else on the review."""
        return self.path is BookingPath.FIRST_TIME

    @property
    def visit_elsewhere(self) -> CountingVisit | None:
        """As typed in this booking; it counts for treatments with needles."""
        if not (self.typed("screening") and self.treatment and self.treatment.needling):
            return None
        form = self.screening_form()
        if form.validate() and form.answers:
            return form.answers.visit_elsewhere
        return None

    @property
    def needs_assessment(self) -> bool:
        """The treatment chosen is not for this patient yet: a first visit is an assessment, and IMS asks for the
        clearance that comes of it. Where no assessment can be booked, a first visit is any but IMS."""
        if self.treatment is None or self.treatment.kind is TreatmentKind.ASSESSMENT:
            return False
        if self.patient:
            return self.treatment.needs_clearance and not self.is_cleared
        if self.assessment is None and not self.treatment.needs_clearance:
            return False
        if self.is_new_patient:
            return True
        says_cleared = self.treatment.needs_clearance and self.fields.get("says_cleared")
        return self.path is BookingPath.FIRST_TIME and not says_cleared

    @cached_property
    def _clearance(self) -> Clearance:
        if self.patient is None:
            return Clearance(None)
        connection, who = db.session.connection(), self.patient.id
        return clearances(connection, [who], clinic=self.clinic, now=self.now)[who]

    @property
    def is_cleared(self) -> bool:
        """Of the patient chosen, today; a later start is judged when it is chosen."""
        return is_cleared(self._clearance, self.today, months=self.clinic.clearance_months)

    @property
    def clearance_lapsed_on(self) -> date | None:
        """None when there never was one, or it holds."""
        months = self.clinic.clearance_months
        return self._clearance.lapses_on(months) if self._clearance.has_lapsed(self.today, months) else None

    @cached_property
    def done(self) -> set[BookingStep]:
        done = set()
        if self.treatment and not self.needs_assessment:
            done.add(BEGIN)
        if self.starts_local:
            done.add(TIME)
        if self.account or self.fields.get("challenge"):
            done.add(NUMBER)
        if self.account:
            done.add(CODE)
        if self.is_known:
            done.add(BIRTH)
        if self._who_is_done():
            done.add(WHO)
        return done

    def _who_is_done(self) -> bool:
        if self.screening_with_who and not (self.typed("screening") and self.screening_form().validate()):
            return False
        return self.patient is not None or (self.is_new_patient and self.who_form().validate())

    @property
    def steps(self) -> tuple[BookingStep, ...]:
        """The pages of this visitor, for "Step 2 of 6"."""
        skipped = set()
        if self.is_known and not self.fields.get("asked_birth_date"):
            skipped.add(BIRTH)
        if self.path is BookingPath.SIGNED_IN and self.account:
            skipped |= {NUMBER, CODE}
        if self.path is not BookingPath.FIRST_TIME and not (self.is_new_patient or len(self.patients) > 1):
            skipped.add(WHO)
        if self.path is BookingPath.SIGNED_IN and not self.is_new_patient:
            skipped.add(WHO)
        return steps_of(self.path, skipped)


def new_booking() -> Booking:
    return _booking(Draft("", {}, None), None)


def open_booking(token: str) -> Booking:
    """NotFound in any other browser than the one that began it."""
    return _booking(draft_of(db.session(), token, browser_id()), token)


def _booking(draft: Draft, token: str | None) -> Booking:
    now = clock.now()
    current = reference.current(db.session.connection())
    return Booking(token, draft.fields, draft.booked, opened(), current, now)


def _found(look_up: Callable[[str], T], slug: Any) -> T | None:
    try:
        return look_up(slug) if slug else None
    except NotFound:
        return None


def _moment(text: Any) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
