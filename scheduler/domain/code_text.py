"""The text that carries a sign-in code: one GSM-7 part, in English or French."""

from urllib.parse import urlsplit

from scheduler.domain.clinic_settings import ClinicSettings

_WORDS = {
    "en": "{clinic}: your code is {code}. It works for {minutes} minutes.",
    "fr": "{clinic} : votre code est {code}. Il est valable {minutes} minutes.",
}
_PART = 160


def code_text(*, clinic: ClinicSettings, code: str, language: str, minutes: int) -> str:
    """Ends with the line by which a phone offers to fill the code in on our own pages, where there is room for it."""
    words = _WORDS.get(language, _WORDS["en"]).format(clinic=clinic.name, code=code, minutes=minutes)
    whole = words + _fill_in_line(clinic.public_url, code)
    return whole if len(whole) <= _PART else words


def _fill_in_line(public_url: str, code: str) -> str:
    """By the WICG's "origin-bound one-time codes"; phones read it for https hosts alone."""
    address = urlsplit(public_url)
    if address.scheme != "https" or not address.hostname:
        return ""
    return f"\n\n@{address.hostname} #{code}"
