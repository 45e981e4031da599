"""What is answered to a patient's reply, in English and French; the same rules as in sms_texts.py."""

from collections.abc import Sequence
from datetime import timedelta

from scheduler.domain.clinic_settings import ClinicSettings
from scheduler.domain.reply import Wish
from scheduler.domain.sms_segments import spelled_in_gsm7
from scheduler.models import Appointment
from scheduler.usecases.sms_texts import day_words, time_words

TEMPLATES = {
    "en": {
        "confirmed": "{clinic}: thank you, your visit on {day} at {time} is confirmed.",
        "link": "{clinic}: choose another time for your visit on {day} at {time}: {link} (works for {lasts})",
        "now": "{clinic}: that visit is now on {day} at {time} with {practitioner}. Reply C to confirm, M to change it.",
        "call": "{clinic}: to change your visit on {day} at {time}, please call {phone}.",
        "begun": "{clinic}: your visit on {day} at {time} has begun or is over. To reach us: {phone}",
        "cancelled": "{clinic}: your visit on {day} at {time} is cancelled. To book another: {book} or {phone}",
        "which": "{clinic}: which visit? Reply {choices}.",
        "choice": "{letter} {place} for {day} {time}, {practitioner}",
    },
    "fr": {
        "confirmed": "{clinic} : merci, votre rendez-vous du {day} à {time} est confirmé.",
        "link": "{clinic} : pour changer votre rendez-vous du {day} à {time} : {link} (valable {lasts})",
        "now": "{clinic} : ce rendez-vous est maintenant le {day} à {time} avec {practitioner}. "
        "Répondez C pour confirmer, M pour changer.",
        "call": "{clinic} : pour changer votre rendez-vous du {day} à {time}, appelez le {phone}.",
        "begun": "{clinic} : votre rendez-vous du {day} à {time} a commencé ou est passé. Pour nous joindre : {phone}",
        "cancelled": "{clinic} : votre rendez-vous du {day} à {time} est annulé. Pour en prendre un autre : {book} ou {phone}",
        "which": "{clinic} : lequel? Répondez {choices}.",
        "choice": "{letter} {place} pour {day} {time}, {practitioner}",
    },
}
FULL_DAY, SHORT_DAY = "EEEE d MMMM", "EEE d MMM"
LETTERS = {Wish.CONFIRM: "C", Wish.MOVE: "M"}


def reply_text(
    name: str,
    *,
    clinic: ClinicSettings,
    visit: Appointment,
    language: str,
    link: str = "",
    lasts: timedelta | None = None,
) -> str:
    """`name`: one of TEMPLATES. `lasts`: how long `link` works."""
    language = "fr" if language.startswith("fr") else "en"
    text = TEMPLATES[language][name].format(
        clinic=clinic.name,
        phone=clinic.phone,
        book=f"{clinic.public_url}/book",
        link=link,
        lasts=_lasts_words(lasts or timedelta()),
        **_words(visit, FULL_DAY, language),
    )
    return spelled_in_gsm7(text) or text


def which_text(visits: Sequence[Appointment], *, wish: Wish, clinic: ClinicSettings, language: str) -> str:
    """Numbers them from 1, in this order."""
    language = "fr" if language.startswith("fr") else "en"
    template = TEMPLATES[language]["choice"]
    choices = [
        template.format(letter=LETTERS[wish], place=place, **_words(visit, SHORT_DAY, language))
        for place, visit in enumerate(visits, start=1)
    ]
    text = TEMPLATES[language]["which"].format(clinic=clinic.name, choices="; ".join(choices))
    return spelled_in_gsm7(text) or text


def _lasts_words(lasts: timedelta) -> str:
    minutes = int(lasts.total_seconds() // 60)
    return f"{minutes // 60} h" if minutes >= 60 else f"{minutes} min"


def _words(visit: Appointment, day_pattern: str, language: str) -> dict[str, str]:
    return {
        "day": day_words(visit.starts_local.date(), day_pattern, language),
        "time": time_words(visit.starts_local, language),
        "practitioner": visit.practitioner.given_name if visit.practitioner else "",
    }
