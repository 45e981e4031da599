"""The text that carries a sign-in code, in English or French: one GSM-7 part, but for the first one to a number of a clinic with
a long name."""

from urllib.parse import urlsplit

from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.sms_segments import segments
from scheduler.domain.texts.wording import HOW_TO_STOP, filled, language_of, words


def code_text(*, clinic: ClinicSettings, code: str, language: str, minutes: int, is_first: bool = False) -> str:
    """`is_first`: of all texts to this number, so that it says how to stop them. Ends with the line by which a phone offers to fill the code in on our own pages, where there is room for it."""
    template = words(clinic, "code", language_of(language))
    text = filled(template, {"clinic": clinic.name, "code": code, "minutes": str(minutes)})
    if is_first:
        text += HOW_TO_STOP[language_of(language)]
    whole = text + fill_in_line(clinic.public_url, code)
    return whole if segments(whole) == segments(text) else text


def fill_in_line(public_url: str, code: str) -> str:
    """By the WICG's "origin-bound one-time codes"; phones read it for https hosts alone."""
    address = urlsplit(public_url)
    if address.scheme != "https" or not address.hostname:
        return ""
    return f"\n\n@{address.hostname} #{code}"
