"""What is answered to a patient's reply, in the words of domain/texts/wording.py, ours or the owner's."""

from collections.abc import Iterable, Sequence
from datetime import timedelta

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.reply import Wish
from scheduler.domain.texts.wording import filled, in_one_part, language_of, words
from scheduler.models import Appointment, Patient, PhoneAccount
from scheduler.usecases.texts.visit_texts import DAY_PATTERNS, day_words, time_words

LETTERS = {Wish.CONFIRM: "C", Wish.MOVE: "M"}


def reply_text(
    kind: str,
    *,
    clinic: ClinicSettings,
    visit: Appointment,
    language: str,
    link: str = "",
    lasts: timedelta | None = None,
) -> str:
    """`kind`: of domain/texts/wording.py. `link`: instead of /book. `lasts`: how long it works."""
    language = language_of(language)
    template = words(clinic, kind, language)
    values = {
        "clinic": clinic.name,
        "phone": clinic.phone,
        "link": link or f"{clinic.public_url}/book",
        "lasts": lasts_words(lasts or timedelta()),
    }
    return in_one_part(
        filled(template, values | _visit_words(visit, pattern, language)) for pattern in DAY_PATTERNS[language]
    )


def which_text(visits: Sequence[Appointment], *, wish: Wish, clinic: ClinicSettings, language: str) -> str:
    """Numbers them from 1, in this order."""
    language = language_of(language)
    template = words(clinic, "choice", language)
    choices = [
        filled(
            template,
            {
                "letter": LETTERS[wish],
                "number": str(place),
                **_visit_words(visit, DAY_PATTERNS[language][-1], language),
            },
        )
        for place, visit in enumerate(visits, start=1)
    ]
    return filled(words(clinic, "which", language), {"clinic": clinic.name, "choices": "; ".join(choices)})


def language_spoken(patients: Iterable[Patient | None], account: PhoneAccount) -> str:
    """Of a text to several at once: theirs; or, where they differ, the one of the day when the number was first used."""
    spoken = {patient.language for patient in patients if patient is not None}
    return spoken.pop() if len(spoken) == 1 else account.language


def lasts_words(lasts: timedelta) -> str:
    minutes = int(lasts.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"


def _visit_words(visit: Appointment, day_pattern: str, language: str) -> dict[str, str]:
    return {
        "day": day_words(visit.starts_local.date(), day_pattern, language),
        "time": time_words(visit.starts_local, language),
        "practitioner": visit.practitioner.given_name if visit.practitioner else "",
    }
