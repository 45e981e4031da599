"""Settings of the clinic as a whole, for the owner."""

from flask import Blueprint, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext
from flask_login import current_user
from wtforms import HiddenField, SelectField, SelectMultipleField, StringField
from wtforms.fields.choices import SelectChoice

from scheduler import clock
from scheduler.domain.clinic import setting_fields
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.errors import ChangedMeanwhile, Invalid
from scheduler.extensions import clinic_settings, db
from scheduler.queries.calendar.left_in_zone import left_visits
from scheduler.serving import live_settings
from scheduler.usecases.calendar.clock_refresh import refresh_instants
from scheduler.usecases.clinic import settings
from scheduler.web import access
from scheduler.web.desk.sign_in.door import require_staff
from scheduler.web.desk.sign_in.forms import DeskForm, meanwhile
from scheduler.web.forms.fields import form_errors, tidy
from scheduler.web.words.dates import day_and_time_words

blueprint = Blueprint("desk_settings", __name__, url_prefix="/desk/settings")
access.declare(blueprint, "staff", roles=("owner",), guard=require_staff)

ZONES = (
    "America/St_Johns",
    "America/Halifax",
    "America/Moncton",
    "America/Toronto",
    "America/Winnipeg",
    "America/Regina",
    "America/Edmonton",
    "America/Vancouver",
    "America/Whitehorse",
)


class ClinicForm(DeskForm):
    seen = HiddenField()
    name = StringField(_l("Name of the clinic"), filters=[tidy])
    address = StringField(_l("Address"), filters=[tidy])
    phone = StringField(_l("Telephone"), filters=[tidy])
    zone = SelectField(_l("Time zone"), validate_choice=False)
    province = SelectField(
        _l("Province, for its public holidays"),
        choices=[SelectChoice(code, code) for code in setting_fields.PROVINCES],
        validate_choice=False,
    )
    languages = SelectMultipleField(
        _l("Languages of the pages and texts"),
        choices=[SelectChoice("en", _l("English")), SelectChoice("fr", _l("French"))],
        validate_choice=False,
    )
    lead_minutes = StringField(_l("Soonest visit that can be booked online, in minutes from now"), filters=[tidy])
    horizon_days = StringField(_l("Latest visit that can be booked online, in days from now"), filters=[tidy])
    cutoff_hours = StringField(
        _l("Hours before a visit until which patients move or cancel it themselves"), filters=[tidy]
    )
    hold_minutes = StringField(_l("Minutes for which a chosen time is kept"), filters=[tidy])
    clearance_months = StringField(_l("Months after the last IMS until a clearance for IMS lapses"), filters=[tidy])
    reminder_days = StringField(_l("Reminders, in days before the visit"), filters=[tidy])
    quiet_from = StringField(_l("No texts from"), filters=[tidy])
    quiet_until = StringField(_l("until"), filters=[tidy])
    sms_parts_monthly = StringField(_l("Most parts of texts in a month; 0 is no limit"), filters=[tidy])
    code_parts_monthly = StringField(_l("Most parts of sign-in codes in a month; 0 is no limit"), filters=[tidy])
    retention_years = StringField(_l("Years for which a record is kept after its last visit"), filters=[tidy])

    def typed(self) -> dict[str, str]:
        values = {name: self[name].data or "" for name in setting_fields.FIELDS}
        return {**values, "languages": ",".join(self.languages.data or ())}


@blueprint.get("")
def show() -> str:
    return _page(_filled(clinic_settings()))


@blueprint.post("")
def change() -> ResponseReturnValue:
    live = live_settings.of(current_app)
    form, was, now = _offering(ClinicForm()), clinic_settings(), clock.now()
    try:
        clinic = settings.change_settings(
            db.session(),
            base=live.base,
            typed=form.typed(),
            seen=form.seen.data or "",
            actor=current_user.actor,
            now=now,
        )
    except Invalid as refused:
        form.show_refusal(refused)
        return _page(form), 422
    except ChangedMeanwhile as refused:
        live.read(db.engine)
        form.seen.data = settings.mark_of(refused.now)
        return _page(form, meanwhile(form, refused.now, form.typed())), 409
    live.read(db.engine)
    flash(_("Saved."))
    if clinic.zone != was.zone:
        moved = refresh_instants(db.session(), clinic=clinic, now=now)
        flash(
            ngettext(
                "%(num)d visit keeps its time on the clinic’s clock, in the new zone.",
                "%(num)d visits keep their time on the clinic’s clock, in the new zone.",
                sum(one.takes_place and not one.refused for one in moved),
            )
        )
    return redirect(url_for("desk_settings.show"), 303)


def _filled(clinic: ClinicSettings) -> ClinicForm:
    shown = setting_fields.shown(clinic)
    languages = list(clinic.languages)
    return _offering(ClinicForm(None, data={**shown, "languages": languages, "seen": settings.mark_of(shown)}))


def _offering(form: ClinicForm) -> ClinicForm:
    """The zones of Canada, and the one that is set."""
    zone = clinic_settings().zone
    form.zone.choices = [SelectChoice(name, name) for name in dict.fromkeys((*ZONES, zone, form.zone.data or zone))]
    return form


def _page(form: ClinicForm, changed: list[str] | None = None) -> str:
    zone = clinic_settings().zone
    with db.reading.connect() as connection:
        left = left_visits(connection, zone=zone, now=clock.now())
    return render_template(
        "desk/clinic/settings.html",
        left=left,
        zone=zone,
        words=day_and_time_words,
        form=form,
        errors=form_errors(form),
        changed=changed or [],
        tab="clinic",
    )
