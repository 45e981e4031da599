"""A kept form in the words of its own page: what its button does, and what somebody filled in or chose.

Fields without words here (ids, versions, tokens) are not shown. tests/web/staff/test_kept_words.py walks the desk's forms and
compares with what their pages say.
"""

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import Any
from urllib.parse import urlsplit

from flask import current_app
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_wtf import FlaskForm
from sqlalchemy import Connection, select
from werkzeug.datastructures import MultiDict
from wtforms import BooleanField, Field

from scheduler.extensions import db, now_at_the_clinic
from scheduler.models import StaffUser
from scheduler.queries.calendar import desk_calendar
from scheduler.queries.clinic import reference
from scheduler.web.desk.clinic.rows import KINDS
from scheduler.web.desk.clinic.settings import ClinicForm
from scheduler.web.desk.moving_in.words import FIELDS
from scheduler.web.desk.patients.edit import DetailsForm
from scheduler.web.desk.patients.elsewhere import CANCEL, ElsewhereForm
from scheduler.web.desk.query_fields import place_of
from scheduler.web.desk.staff.breaches import KIND_WORDS
from scheduler.web.desk.staff.clinic_computers import ComputerForm
from scheduler.web.desk.staff.staff import ColleagueForm
from scheduler.web.desk.staff.tokens import TokenForm
from scheduler.web.forms.fields import DayMonthYearField
from scheduler.web.forms.screening import HEALTH_CHOICES, SINCE_CHOICES
from scheduler.web.page_context import NAMES
from scheduler.web.requests.language import template_variables
from scheduler.web.words.dates import day_and_time_words, day_words, time_words, weekday_words

LONG_PAST = "2000-01-01"
"""The last day of one day's hours that are taken back: no day that anybody typed."""


@dataclass(frozen=True, slots=True)
class Line:
    label: str
    values: list[str]


@dataclass(frozen=True, slots=True)
class KeptWords:
    """`act`: the words of the button that was pressed."""

    act: str
    lines: list[Line]


def in_words(path: str, fields: Iterable[list[str]]) -> KeptWords:
    endpoint, values = current_app.url_map.bind("").match(urlsplit(path).path, method="POST")
    typed: MultiDict[str, str] = MultiDict((name, value) for name, value in fields)
    sent = [f"{name}={value}" for name, value in typed.items(multi=True)]
    buttons = BUTTONS.get(endpoint, {})
    act = next((words for pair, words in buttons.items() if any(each.startswith(pair) for each in sent)), "")
    lines = _lines_of_form(_FORMS[endpoint](typed, values), typed) if endpoint in _FORMS else []
    return KeptWords(str(act), lines + _lines(LABELS.get(endpoint, {}), typed))


def _lines_of_form(form: FlaskForm, typed: MultiDict[str, str]) -> list[Line]:
    return [
        Line(str(field.label.text), values)
        for field in form
        if field.name not in _TECHNICAL and (values := _values_of(field, typed.getlist(field.name)))
    ]


def _values_of(field: Field, sent: list[str]) -> list[str]:
    if isinstance(field, DayMonthYearField):
        parts = " ".join(filter(None, field.typed.values()))
        return [parts] if parts else []
    if isinstance(field, BooleanField):
        return [_("Yes")] if sent else []
    named = {str(choice.value): str(choice.label) for choice in field.iter_choices()} if _has_choices(field) else {}
    return [named.get(value, value) for value in sent if value]


def _has_choices(field: Field) -> bool:
    return bool(getattr(field, "choices", None))


def _lines(labels: Mapping[str, Any], typed: MultiDict[str, str]) -> list[Line]:
    overruled = _PLACE.keys() - {"at"} if any(typed.getlist("at")) else ()
    with db.reading.connect() as connection:
        return [
            Line(str(label), [_value_words(connection, name, value) for value in sent])
            for name, label in labels.items()
            if name not in overruled and (sent := [each for each in typed.getlist(name) if each not in ("", LONG_PAST)])
        ]


def _value_words(connection: Connection, name: str, value: str) -> str:
    """As typed, where it is none of the values that the page offers."""
    with suppress(ValueError, KeyError, IndexError, StopIteration):
        if name in _VALUES:
            return str(_VALUES[name][value])
        if name in _READ:
            return _READ[name](connection, value)
    return value


def _day(_connection: Connection, value: str) -> str:
    day = date.fromisoformat(value)
    return f"{day_words(day)} {day.year}"


def _time(_connection: Connection, value: str) -> str:
    return time_words(time.fromisoformat(value))


def _moment(_connection: Connection, value: str) -> str:
    return day_and_time_words(datetime.fromisoformat(value))


def _place(connection: Connection, value: str) -> str:
    starts, practitioner = place_of(value)
    if starts is None:
        return value
    return ", ".join([day_and_time_words(starts), *([_practitioner(connection, practitioner)] if practitioner else [])])


def _settled(connection: Connection, value: str) -> str:
    return str(_("Cancel it") if value == CANCEL else _("Move it to %(moment)s", moment=_place(connection, value)))


def _practitioner(connection: Connection, value: str) -> str:
    return next(who.full_name for who in reference.current(connection).practitioners if who.slug == value)


def _staff(connection: Connection, value: str) -> str:
    return str(connection.execute(select(StaffUser.display_name).where(StaffUser.id == int(value))).scalar_one())


def _room(connection: Connection, value: str) -> str:
    return next(str(room.name) for room in desk_calendar.rooms(connection) if str(room.id) == value)


def _treatment(connection: Connection, value: str) -> str:
    found = next(each for each in reference.current(connection).treatments if each.slug == value)
    return found.name(str(template_variables()["language"]))


_TECHNICAL = {"corrects", "seen", "version"}

_FORMS: Mapping[str, Callable[[MultiDict[str, str], Mapping[str, Any]], FlaskForm]] = {
    "desk_elsewhere.record": lambda typed, _values: ElsewhereForm(typed, now_local=now_at_the_clinic()[1]),
    "desk_patients_edit.save": lambda typed, _values: DetailsForm(typed, today=now_at_the_clinic()[1].date()),
    "desk_settings.change": lambda typed, _values: ClinicForm(typed),
    "desk_settings_rows.add": lambda typed, values: KINDS[values["kind"]].form(typed),
    "desk_settings_rows.change": lambda typed, values: KINDS[values["kind"]].form(typed),
    "desk_settings_staff.add": lambda typed, _values: ColleagueForm(typed),
    "desk_settings_staff.change": lambda typed, _values: ColleagueForm(typed),
    "desk_settings_tokens.make": lambda typed, _values: TokenForm(typed),
    "desk_settings_computers.register": lambda typed, _values: ComputerForm(typed),
}

_PLACE = {
    "at": _l("When"),
    "starts": _l("When"),
    "starts_day": _l("Day"),
    "starts_time": _l("Time"),
    "practitioner": _l("With"),
    "room": _l("Room"),
}
_BOOKING = {
    "treatment": _l("Treatment"),
    **_PLACE,
    "weekday": _l("Weekday"),
    "part": _l("Part of the day"),
    "count": _l("Visits in all"),
}
_HEALTH = {
    "since": _l("Since then"),
    "applies": _l("Does any of this apply?"),
    **dict.fromkeys((f"needled_on_{part}" for part in ("day", "month", "year")), _l("On which day, the last time?")),
}
_STRETCH = {
    "first": _l("First day"),
    "last": _l("Last day"),
    "begins": _l("From (or all day)"),
    "ends": _l("To (or all day)"),
}

LABELS: Mapping[str, Mapping[str, Any]] = {
    "desk_booking.register": {
        "given_name": _l("Given name"),
        "family_name": _l("Family name"),
        "birth_date": _l("Birth date"),
        "phone": _l("Mobile phone"),
        "agrees_to_texts": _l("The patient agrees to texts"),
        "language": _l("Language of the texts"),
    },
    "desk_booking.save": {**_BOOKING, **_HEALTH},
    "desk_booking_series.dates": {**_BOOKING, **_HEALTH},
    "desk_booking_series.save": {"at": _l("When")},
    "desk_closures.add": {**_STRETCH, "name": _l("Why, as the calendar says it")},
    "desk_closures.add_holidays": {"day": _l("Close on")},
    "desk_elsewhere.record": {"settle": _l("What becomes of this visit?")},
    "desk_health.answer": _HEALTH,
    "desk_hours_change.add_time_off": {**_STRETCH, "reason": _l("Reason, for the desk")},
    "desk_hours_change.add_weekly": {
        "weekday": _l("Days of the week"),
        "opens": _l("From"),
        "closes": _l("To"),
        "valid_from": _l("First day (or none)"),
        "valid_until": _l("Last day (or none)"),
    },
    "desk_hours_change.end": {"last_day": _l("Last day")},
    "desk_hours_change.one_day": {"day": _l("Day"), "opens": _l("From"), "closes": _l("To")},
    "desk_identity.give": {"": _l("Put the new number in")},
    "desk_identity.refuse": {"": _l("Close the request")},
    "desk_imports.begin": {
        **{f"column_{name}": words for name, words in FIELDS.items()},
        "date_order": _l("How is 03/04/2026 to be read?"),
        "without_bad_phones": _l("Leave out telephone numbers that cannot get a text"),
        "clear_for_ims": _l("Clear whoever has had IMS before"),
        "cleared_by": _l("Whose decision it is where the file says cleared for IMS"),
        "aliases": _l("Names that are others here, one a line: theirs = ours"),
    },
    "desk_inbox.answer": {"body": _l("Answer")},
    "desk_merging.merge": {"sure": _l("I have checked: these two records are one person.")},
    "desk_breaches.record": {
        "happened_on": _l("Day it happened"),
        "kind": _l("Kind"),
        "people": _l("How many people’s records"),
        "what": _l("What happened"),
        "whose": _l("Whose records"),
        "told": _l("Who was told, and when"),
    },
    "desk_lock_box.place": {
        "named": _l("Who still sees it, besides the owner"),
        "words": _l("What the patient asked"),
    },
    "desk_protection.open_it": {"reason": _l("Reason")},
    "desk_corrections.answer": {"words": _l("What was done, or why not")},
    "desk_asked_corrections.ask": {
        "what_is_wrong": _l("What is wrong"),
        "should_say": _l("What it should say"),
    },
    "desk_asked_corrections.disagree": {"statement": _l("In the patient’s own words")},
    "desk_retention.hold": {"reason": _l("Hold, because")},
    "desk_settings_pages.change": {"body": _l("Text")},
    "desk_settings_texts.change": {"body": _l("Text")},
    "desk_visit_change.cancel": {
        "by": _l("Who cancels?"),
        "reason": _l("Reason, if there is one"),
        "text": _l("Text the patient"),
    },
    "desk_visit_change.length": {"minutes": _l("Minutes")},
    "desk_visit_change.move": _PLACE,
    "desk_visit_change.note": {"note": _l("Note on this visit")},
    "desk_visit_change.room": {"room": _l("Another room")},
}

_YES = {"yes": _l("Yes")}
_VALUES: Mapping[str, Mapping[str, Any]] = {
    "agrees_to_texts": {"yes": _l("Yes"), "y": _l("Yes")},
    "by": {"patient": _l("the patient"), "clinic": _l("the clinic")},
    "clear_for_ims": _YES,
    "date_order": {"dmy": _l("3 April"), "mdy": _l("March 4")},
    "language": NAMES,
    "part": {"morning": _l("morning"), "afternoon": _l("afternoon"), "evening": _l("evening")},
    "applies": {choice.value: choice.label for choice in HEALTH_CHOICES},
    "since": {choice.value: choice.label for choice in SINCE_CHOICES},
    "sure": _YES,
    "text": _YES,
    "without_bad_phones": _YES,
}
_READ: Mapping[str, Callable[[Connection, str], str]] = {
    "at": _place,
    "kind": lambda _connection, value: KIND_WORDS[value](),
    "named": _staff,
    "practitioner": _practitioner,
    "cleared_by": _practitioner,
    "room": _room,
    "settle": _settled,
    "starts": _moment,
    "treatment": _treatment,
    "weekday": lambda _connection, value: weekday_words()[int(value)],
    **dict.fromkeys(
        ("birth_date", "day", "first", "happened_on", "last", "last_day", "starts_day", "valid_from", "valid_until"),
        _day,
    ),
    **dict.fromkeys(("begins", "closes", "ends", "opens", "starts_time"), _time),
}

# By the beginning of a field that tells the button, "name=value"; the first that was sent says it.
BUTTONS: Mapping[str, Mapping[str, Any]] = {
    "desk_booking.register": {"new=yes": _l("No, this is somebody new"), "": _l("Go on")},
    "desk_booking.save": {
        "unanswered=yes": _l("Book all the same"),
        "insists=yes": _l("Yes, use this time"),
        "": _l("Book"),
    },
    "desk_breaches.record": {"": _l("Write down")},
    "desk_acting.let": {"": _l("Let them act")},
    "desk_ims_reviews.answer": {"answer=call": _l("Call the patient"), "": _l("Go ahead")},
    "desk_lock_box.place": {"": _l("Protect the record")},
    "desk_protection.open_it": {"": _l("Open for an hour")},
    "desk_corrections.answer": {"answer=refused": _l("Not corrected"), "": _l("Corrected")},
    "desk_asked_corrections.ask": {"": _l("Enter the request")},
    "desk_asked_corrections.disagree": {"": _l("Put it into the record")},
    "desk_retention.hold": {"": _l("Hold")},
    "desk_settings_pages.change": {"preview=yes": _l("Preview"), "": _l("Save")},
    "desk_visit_change.private": {
        "private=no": _l("Show it again"),
        "": _l("Not shown to a parent"),
    },
    "desk_booking_series.dates": {"": _l("Show the dates")},
    "desk_booking_series.save": {"": _l("Book them all")},
    "desk_calls.tick_off": {"": _l("Called")},
    "desk_closures.add": {"": _l("Add a closure")},
    "desk_closures.add_holidays": {"": _l("Close on the days ticked")},
    "desk_displaced.ask_all": {"": _l("Text patients a link to choose another time")},
    "desk_elsewhere.record": {
        "settle=": _l("Do this, and record the IMS elsewhere"),
        "": _l("Record"),
    },
    "desk_health.answer": {"": _l("Note the answers")},
    "desk_hours_change.add_time_off": {"": _l("Add time off")},
    "desk_hours_change.add_weekly": {"": _l("Add hours")},
    "desk_hours_change.end": {f"last_day={LONG_PAST}": _l("Take back"), "": _l("End these hours")},
    "desk_hours_change.one_day": {"": _l("Change this day")},
    "desk_identity.give": {"": _l("Put the new number in")},
    "desk_identity.refuse": {"": _l("Close the request")},
    "desk_imports.begin": {"mode=import": _l("Import"), "": _l("Check without importing")},
    "desk_ims.answer": {"ims_given=yes": _l("IMS given"), "": _l("Not given")},
    "desk_inbox.again": {"": _l("Send again")},
    "desk_inbox.answer": {"count=yes": _l("Count the parts"), "": _l("Send")},
    "desk_inbox.read": {"": _l("Mark as read")},
    "desk_inbox.wrong_number": {
        "stop=yes": _l("Stop texting this number"),
        "": _l("It is the right number"),
    },
    "desk_merging.merge": {"": _l("Merge two records")},
    "desk_patients_edit.save": {"": _l("Save")},
    "desk_settings.change": {"": _l("Save")},
    "desk_settings_rows.add": {"": _l("Save")},
    "desk_settings_rows.change": {"": _l("Save")},
    "desk_settings_staff.add": {"": _l("Add")},
    "desk_settings_staff.change": {"": _l("Save")},
    "desk_settings_texts.back_to_ours": {"": _l("Back to our text")},
    "desk_settings_texts.change": {"preview=yes": _l("Preview"), "": _l("Save")},
    "desk_settings_tokens.make": {"": _l("Make it")},
    "desk_settings_computers.register": {"": _l("Register it")},
    "desk_text_agreements.say": {
        "agrees=yes": _l("The patient agrees to texts"),
        "": _l("The patient wants no texts"),
    },
    "desk_visit.set_status": {
        "ims_given=yes": _l("IMS given"),
        "ims_given=no": _l("Not given"),
        "ims_given=later": _l("The physiotherapist says later"),
        "status=arrived": _l("Arrived"),
        "status=completed": _l("Complete"),
        "status=no_show": _l("No-show"),
        "": _l("Booked"),
    },
    "desk_visit_change.cancel": {"": _l("Cancel this visit")},
    "desk_visit_change.length": {"insists=yes": _l("Yes, use this time"), "": _l("Save")},
    "desk_visit_change.move": {"insists=yes": _l("Yes, use this time"), "": _l("Move")},
    "desk_visit_change.note": {"": _l("Save")},
    "desk_visit_change.room": {"": _l("Save")},
    "desk_wrong_numbers.lift": {"": _l("It is the right number")},
}
