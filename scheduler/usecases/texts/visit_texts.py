"""What the texts about a visit say, in the words of domain/texts/wording.py, ours or the owner's.

What leads to a second part is said shorter: first the day, then without the telephone number, then without the link (a
reply of M brings one).
"""

from datetime import date, datetime
from functools import lru_cache
from itertools import product

from babel.dates import format_date

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.reminder_plan import CANCELLATION
from scheduler.domain.texts.wording import filled, in_one_part, is_reworded, language_of, said_shorter, words

# From the fullest to the shortest.
DAY_PATTERNS = {"en": ("EEEE d MMMM", "EEE d MMM"), "fr": ("EEEE d MMMM", "EEE d MMM")}


def visit_text(
    kind: str,
    *,
    clinic: ClinicSettings,
    starts_local: datetime,
    practitioner: str,
    language: str,
    moved: bool,
    link: str | None = None,
    confirmed: bool = False,
    changeable: bool = True,
) -> str:
    """`kind`: a reminder's kind. `moved`: another time or practitioner was texted before. `link`: to this visit; without, to all of them.
    `confirmed`: by the patient, who is not asked again. `changeable`: an answer of M will still bring a link.
    """
    language = language_of(language)
    kept = {
        "clinic": clinic.name,
        "time": time_words(starts_local, language),
        "practitioner": practitioner,
        "link": link or clinic.public_url + ("/book" if kind == CANCELLATION else "/me"),
        "phone": clinic.phone,
    }
    wording = wording_of(kind, moved=moved, confirmed=confirmed, changeable=changeable)
    templates = _templates(clinic, wording, language)
    days = [day_words(starts_local.date(), pattern, language) for pattern in DAY_PATTERNS[language]]
    return in_one_part(filled(template, {**kept, "day": day}) for template, day in product(templates, days))


def wording_of(kind: str, *, moved: bool, confirmed: bool, changeable: bool) -> str:
    if kind.startswith("days_before"):
        return ("reminder-confirmed" if confirmed else "reminder") + ("" if changeable else "-late")
    if kind in ("displaced", CANCELLATION):
        return kind
    return "moved" if moved else "confirmation"


def _templates(clinic: ClinicSettings, wording: str, language: str) -> list[str]:
    """From the fullest to the shortest. The shorter words go with a reminder only when they are of the same hand."""
    full = words(clinic, wording, language)
    if wording != "reminder":
        return [full, *said_shorter(full)]
    short, is_owners = words(clinic, "reminder-short", language), is_reworded(clinic, "reminder-short", language)
    if is_owners:
        return [full, short]
    return [full] if is_reworded(clinic, wording, language) else [full, *said_shorter(full), short]


@lru_cache(maxsize=1000)  # few days, many visits
def day_words(day: date, pattern: str, language: str) -> str:
    if language == "fr" and day.day == 1:
        pattern = pattern.replace("d", "d'er'")  # "mardi 1er décembre"
    return format_date(day, pattern, locale=language)


def time_words(starts_local: datetime, language: str) -> str:
    """Our own, because Babel puts narrow no-break spaces into both, which GSM-7 lacks."""
    hour, minute = starts_local.hour, starts_local.minute
    if language == "fr":
        return f"{hour} h {minute:02}" if minute else f"{hour} h"
    return f"{hour % 12 or 12}:{minute:02} {'am' if hour < 12 else 'pm'}"
