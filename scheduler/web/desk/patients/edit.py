"""Changing a patient's details. Of two people editing one patient the second sees both versions before saving."""

from datetime import date
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_login import current_user
from flask_wtf import FlaskForm
from wtforms import BooleanField, Field, IntegerField, RadioField, StringField, TextAreaField, ValidationError
from wtforms.fields.choices import SelectChoice

from scheduler import clock
from scheduler.domain.patients.person_name import LONGEST, tidy_name
from scheduler.domain.patients.refusals import PatientChanged
from scheduler.extensions import db
from scheduler.gateways import phone_numbers
from scheduler.queries.patients import page
from scheduler.queries.patients.page import PatientRecord
from scheduler.usecases import audit
from scheduler.usecases.patients.patients import LONGEST_NOTE, update_patient
from scheduler.web import access
from scheduler.web.desk.patients.patients import local, seen
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.forms.fields import DayMonthYearField, form_errors, tidy
from scheduler.web.words.agreement import at_desk, desk_words
from scheduler.web.words.dates import day_with_year_words
from scheduler.web.words.phone import no_mobile_number
from scheduler.web.words.refusals import explain

blueprint = Blueprint("desk_patients_edit", __name__, url_prefix="/desk/patients")
access.declare(blueprint, "staff", roles=("receptionist", "owner"), guard=require_staff)


def _tidied(name: str | None) -> str:
    return tidy_name(name or "")


class DetailsForm(FlaskForm):  # type: ignore[misc]  # flask_wtf has no types
    class Meta:
        csrf = False  # access.py checks it for all pages

    version = IntegerField()
    given_name = StringField(_l("First name"), filters=[_tidied])
    family_name = StringField(_l("Last name"), filters=[_tidied])
    birth_date = DayMonthYearField(
        _l("Date of birth"),
        missing=_l("Type the date of birth, for example 14 3 1986."),
        example=_l("For example 14 3 1986."),
        future=_l("This date of birth is in the future. Check the year."),
    )
    phone = StringField(_l("Mobile number"), filters=[tidy])
    agrees_to_texts = BooleanField(_l("The patient agrees to texts to the new number"))
    language = RadioField(
        _l("Language of texts"), choices=[SelectChoice("en", _l("English")), SelectChoice("fr", _l("French"))]
    )
    note = TextAreaField(_l("Note"))

    def __init__(self, *args: Any, today: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.today = today
        self.e164 = ""

    def validate_given_name(self, field: Field) -> None:
        _require_name(field)

    def validate_family_name(self, field: Field) -> None:
        _require_name(field)

    def validate_birth_date(self, field: DayMonthYearField) -> None:
        if any(field.typed.values()):
            field.read(self.today)

    def validate_phone(self, field: Field) -> None:
        if not field.data:
            return
        try:
            self.e164 = phone_numbers.parse(field.data)
        except phone_numbers.BadPhoneNumber:
            raise ValidationError(no_mobile_number()) from None

    def validate_note(self, field: Field) -> None:
        if len(field.data or "") > LONGEST_NOTE:
            raise ValidationError(_("This is too long: at most 2,000 letters fit."))


@blueprint.get("/<public_id>/edit")
def edit(public_id: str) -> ResponseReturnValue:
    patient = seen(public_id, audit.VIEWED, "edit")
    return _show(patient, _form(patient))


@blueprint.post("/<public_id>/edit")
def save(public_id: str) -> ResponseReturnValue:
    form = _form(None)
    with db.reading.connect() as connection:
        patient = page.record(connection, public_id)
    if not form.validate():
        return _show(patient, form), 422
    now = clock.now()
    try:
        update_patient(
            db.session(),
            public_id=public_id,
            now=now,
            today=form.today,
            actor=current_user.actor,
            given_name=form.given_name.data,
            family_name=form.family_name.data,
            birth_date=form.birth_date.data,
            phone=form.e164,
            texts=at_desk(agrees=form.agrees_to_texts.data) if form.e164 not in ("", patient.number) else None,
            language=form.language.data,
            note=form.note.data,
            expected_version=form.version.data or 0,
        )
    except PatientChanged as refusal:
        form.version.data, form.version.raw_data = refusal.current_version, None
        explained = explain(refusal)
        return _show(patient, form, f"{explained.title} {explained.advice}"), explained.status
    flash(_("Saved."))
    return redirect(url_for("desk_patients.show", public_id=public_id), 303)


def _form(patient: PatientRecord | None) -> DetailsForm:
    """What stands in the records, or what was sent."""
    today = local(clock.now()).date()
    if patient is None:
        return DetailsForm(request.form, today=today)
    number = phone_numbers.display(patient.number) if patient.number else ""
    return DetailsForm(
        None,
        today=today,
        data={
            "version": patient.version,
            "given_name": patient.given_name,
            "family_name": patient.family_name,
            "birth_date": patient.birth_date,
            "phone": number,
            "language": patient.language,
            "note": patient.note,
        },
    )


def _show(patient: PatientRecord, form: DetailsForm, changed: str = "") -> str:
    """`changed`: somebody else's version is shown beside this one."""
    return render_template(
        "desk/patients/edit.html",
        patient=patient,
        form=form,
        errors=form_errors(form),
        read_out=desk_words(),
        changed=changed,
        differences=_differences(patient, form) if changed else [],
    )


def _differences(patient: PatientRecord, form: DetailsForm) -> list[tuple[str, str, str]]:
    """Label, what stands now, what was typed."""
    number = phone_numbers.display(patient.number) if patient.number else ""
    typed = phone_numbers.display(form.e164) if form.e164 else ""
    born = day_with_year_words(patient.birth_date) if patient.birth_date else ""
    typed_born = day_with_year_words(form.birth_date.data) if form.birth_date.data else born
    pairs = [
        (form.given_name, patient.given_name, form.given_name.data),
        (form.family_name, patient.family_name, form.family_name.data),
        (form.birth_date, born, typed_born),
        (form.phone, number, typed),
        (form.language, patient.language, form.language.data),
        (form.note, patient.note, (form.note.data or "").strip()),
    ]
    return [(str(field.label.text), now, mine) for field, now, mine in pairs if now != mine]


def _require_name(field: Field) -> None:
    if not field.data:
        raise ValidationError(_("Type a name."))
    if len(field.data) > LONGEST:
        raise ValidationError(_("This name is too long: at most 100 letters fit."))
