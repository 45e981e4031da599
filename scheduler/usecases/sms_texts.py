"""What the texts about a visit say, in English and French.

They run outside any request, so the words are templates in two languages and not gettext's. Each names the clinic, the
day, the time, the practitioner's first name and how to reach the clinic; never the treatment or the reason, and no
word that Twilio takes for itself (CANCEL, END, QUIT, STOP, YES). A reminder invites the replies of replies.py. The words
keep to GSM-7 (domain/sms_segments.py), and the usual length to one part of 160 letters: what leads to a second part is
said shorter, first the day, then without the link (a reply of M brings one).
"""

from datetime import date, datetime
from functools import lru_cache
from itertools import product

from babel.dates import format_date

from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.sms_segments import segments, spelled_in_gsm7

TEMPLATES = {
    "en": {
        "confirmation": "{clinic}: you are booked on {day} at {time} with {practitioner}. Changes: {link} or {phone}",
        "moved": "{clinic}: your visit is now on {day} at {time} with {practitioner}. Changes: {link} or {phone}",
        "displaced": "{clinic}: we cannot see you on {day} at {time} after all. Please choose another time: {link} or {phone}",
        "days_before": "{clinic}: visit on {day} at {time} with {practitioner}. Reply C to confirm, M to change. "
        "{link} or {phone}",
        "days_before, confirmed": "{clinic}: see you on {day} at {time} with {practitioner}. Reply M to change. "
        "{link} or {phone}",
        "days_before, shorter": "{clinic}: visit on {day} at {time} with {practitioner}. Reply C to confirm, M to change, "
        "or call {phone}",
    },
    "fr": {
        "confirmation": "{clinic} : rendez-vous le {day} à {time} avec {practitioner}. Changements : {link} ou {phone}",
        "moved": "{clinic} : nouvelle date : le {day} à {time} avec {practitioner}. Changements : {link} ou {phone}",
        "displaced": "{clinic} : nous ne pourrons pas vous voir le {day} à {time}. Choisissez un autre moment : {link} ou {phone}",
        "days_before": "{clinic} : rendez-vous {day} à {time} avec {practitioner}. Répondez C pour confirmer, "
        "M pour changer. {link} ou {phone}",
        "days_before, confirmed": "{clinic} : rappel, {day} à {time} avec {practitioner}. Répondez M pour changer. "
        "{link} ou {phone}",
        "days_before, shorter": "{clinic} : rendez-vous {day} à {time} avec {practitioner}. Répondez C pour confirmer, "
        "M pour changer, ou {phone}",
    },
}

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
) -> str:
    """`kind`: a reminder's kind. `moved`: another time or practitioner was texted before. `link`: instead of /me.
    `confirmed`: by the patient, who is not asked again.

    Names lose accents that GSM-7 lacks when that keeps the text in GSM-7; what cannot be spelled there stays as it is.
    """
    language = "fr" if language.startswith("fr") else "en"
    name = _template_name(kind, moved=moved, confirmed=confirmed)
    words = {
        "clinic": clinic.name,
        "time": time_words(starts_local, language),
        "practitioner": practitioner,
        "link": link or f"{clinic.public_url}/me",
        "phone": clinic.phone,
    }
    templates = [TEMPLATES[language][wanted] for wanted in (name, f"{name}, shorter") if wanted in TEMPLATES[language]]
    longer = []
    for template, pattern in product(templates, DAY_PATTERNS[language]):
        text = template.format(day=day_words(starts_local.date(), pattern, language), **words)
        text = spelled_in_gsm7(text) or text
        if segments(text) == 1:
            return text
        longer.append(text)
    return longer[0]


def _template_name(kind: str, *, moved: bool, confirmed: bool) -> str:
    if kind.startswith("days_before"):
        return "days_before, confirmed" if confirmed else "days_before"
    if kind == "displaced":
        return kind
    return "moved" if moved else "confirmation"


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
