"""The clinic's settings as text, each read and checked in one place: for the environment and for the settings page."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import time
from typing import Any

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.patients.clearance import LEAST_MONTHS, MOST_MONTHS
from scheduler.domain.typed_numbers import plain_number

LANGUAGES = ("en", "fr")
PROVINCES = ("AB", "BC", "MB", "NB", "NL", "NS", "NT", "NU", "ON", "PE", "QC", "SK", "YT")


class BadSetting(ValueError):
    """In one English sentence, which says what would do."""


@dataclass(frozen=True, slots=True)
class SettingField:
    """`read` makes the value of what was typed, or raises BadSetting; `show` is the way back."""

    read: Callable[[str], Any]
    show: Callable[[Any], str] = str


def _text(most: int, sentence: str) -> SettingField:
    def read(typed: str) -> str:
        if not 1 <= len(typed) <= most or not typed.isprintable():
            raise BadSetting(sentence)
        return typed

    return SettingField(read)


def _number(least: int, most: int, sentence: str) -> SettingField:
    def read(typed: str) -> int:
        if not (typed.isdecimal() and len(typed) <= 9 and least <= int(typed) <= most):
            raise BadSetting(sentence)
        return int(typed)

    return SettingField(read)


def _read_phone(typed: str) -> str:
    typed = plain_number(typed)
    if not re.fullmatch(r"\+?[\d ().-]{10,20}", typed) or sum(c.isdecimal() for c in typed) < 10:
        raise BadSetting("Type a telephone number like 613-555-0100.")
    return typed


def _read_province(typed: str) -> str:
    if typed not in PROVINCES:
        raise BadSetting("Choose a province or territory.")
    return typed


def _read_languages(typed: str) -> tuple[str, ...]:
    words = typed.replace(" ", "").split(",")
    if not set(words) <= set(LANGUAGES) or len(set(words)) != len(words):
        raise BadSetting("Choose English, French or both.")
    return tuple(words)


def _read_reminder_days(typed: str) -> tuple[int, ...]:
    words = typed.replace(" ", "").split(",")
    if not all(word.isdecimal() and len(word) <= 2 and 1 <= int(word) <= 30 for word in words) or len(words) > 5:
        raise BadSetting("Type days before the visit, 1 to 30, like 3,1.")
    return tuple(sorted({int(word) for word in words}, reverse=True))


def _read_time(typed: str) -> time:
    try:
        found = time.fromisoformat(typed)
    except ValueError:
        raise BadSetting("Type a time like 21:00.") from None
    if found.tzinfo is not None or found.second or found.microsecond:
        raise BadSetting("Type a time like 21:00.")
    return found


def _listed(values: Any) -> str:
    return ",".join(str(value) for value in values)


def _hour(value: Any) -> str:
    return f"{value:%H:%M}"


FIELDS: Mapping[str, SettingField] = {
    "name": _text(80, "Type the clinic's name, at most 80 letters."),
    "phone": SettingField(_read_phone),
    "address": _text(200, "Type the clinic's address, at most 200 letters."),
    "zone": _text(60, "Choose a time zone like America/Toronto."),
    "province": SettingField(_read_province),
    "languages": SettingField(_read_languages, _listed),
    "lead_minutes": _number(0, 60 * 24 * 30, "Type a number of minutes from 0 to 43200."),
    "horizon_days": _number(1, 366, "Type a number of days from 1 to 366."),
    "cutoff_hours": _number(0, 24 * 30, "Type a number of hours from 0 to 720."),
    "hold_minutes": _number(1, 120, "Type a number of minutes from 1 to 120."),
    "clearance_months": _number(LEAST_MONTHS, MOST_MONTHS, "Type a number of months from 3 to 24."),
    "reminder_days": SettingField(_read_reminder_days, _listed),
    "quiet_from": SettingField(_read_time, _hour),
    "quiet_until": SettingField(_read_time, _hour),
    "sms_parts_monthly": _number(0, 10_000_000, "Type a number of parts from 0 to 10000000; 0 is no limit."),
    "code_parts_monthly": _number(0, 10_000_000, "Type a number of parts from 0 to 10000000; 0 is no limit."),
    "retention_years": _number(1, 100, "Type a number of years from 1 to 100."),
}


def shown(settings: ClinicSettings) -> dict[str, str]:
    """Every field as it would be typed."""
    return {name: field.show(getattr(settings, name)) for name, field in FIELDS.items()}


def read_all(typed: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """The values, and a sentence for each field that has none."""
    values, errors = {}, {}
    for name, field in FIELDS.items():
        try:
            values[name] = field.read(typed.get(name, "").strip())
        except BadSetting as bad:
            errors[name] = str(bad)
    return values, errors


def with_overrides(settings: ClinicSettings, overrides: Mapping[str, str]) -> ClinicSettings:
    """What is kept and can no longer be read (an older version's) is passed over."""
    values = {}
    for name in FIELDS.keys() & overrides.keys():
        try:
            values[name] = FIELDS[name].read(overrides[name])
        except BadSetting:
            continue
    return replace(settings, **values)
