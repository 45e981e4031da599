"""Status by shape, word and colour: each of the three says it alone."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flask_babel import gettext as _

from scheduler.models.texts.sms import WAITS_FOR_BUDGET


@dataclass(frozen=True, slots=True)
class Sign:
    """`shape`: one character; `look`: the class in desk/desk.css."""

    shape: str
    words: str
    look: str


def visit_sign(status: str) -> Sign:
    shape, words, look = _VISITS[status]
    return Sign(shape, words(), look)


def ims_sign(given: bool | None, *, is_open: bool) -> Sign | None:
    """Whether IMS was given at a completed visit; none where nobody is asked and nobody has said."""
    if given is None:
        return Sign("?", _("IMS given? Still open"), "notice") if is_open else None
    return Sign("✚", _("IMS given"), "good") if given else Sign("–", _("IMS not given"), "off")


def text_sign(status: str, error_code: str | None = None) -> Sign:
    """With what went wrong: the provider's number, or that the month's texts are used up."""
    shape, words, look = _TEXTS[status]
    if error_code == WAITS_FOR_BUDGET:
        why = _("the month’s texts are used up")
        return Sign(shape, f"{words()}: {why}", look)
    return Sign(shape, f"{words()} ({error_code})" if error_code else words(), look)


def kind_words(kind: str) -> str:
    found = _KINDS.get("days_before" if kind.startswith("days_before_") else kind)
    return found() if found else kind


Table = Mapping[str, tuple[str, Callable[[], str], str]]

_VISITS: Table = {
    "booked": ("○", lambda: _("Booked"), "info"),
    "confirmed": ("◐", lambda: _("Confirmed"), "info"),
    "arrived": ("●", lambda: _("Arrived"), "brand"),
    "completed": ("✓", lambda: _("Completed"), "good"),
    "no_show": ("✕", lambda: _("No-show"), "danger"),
    "cancelled": ("–", lambda: _("Cancelled"), "off"),
}

_TEXTS: Table = {
    "queued": ("○", lambda: _("Waiting"), "info"),
    "attempting": ("◐", lambda: _("Being sent"), "info"),
    "in_doubt": ("?", lambda: _("Being checked"), "notice"),
    "accepted": ("◐", lambda: _("With Twilio"), "info"),
    "sent": ("◐", lambda: _("Sent"), "info"),
    "delivered": ("✓", lambda: _("Delivered"), "good"),
    "undelivered": ("✕", lambda: _("Not delivered"), "danger"),
    "failed": ("✕", lambda: _("Failed"), "danger"),
    "expired": ("–", lambda: _("Not sent: too late"), "off"),
    "received": ("●", lambda: _("Received"), "brand"),
}

_KINDS: Mapping[str, Callable[[], str]] = {
    "code": lambda: _("Sign-in code"),
    "confirmation": lambda: _("Confirmation"),
    "days_before": lambda: _("Reminder"),
    "cancellation": lambda: _("The visit is cancelled"),
    "displaced": lambda: _("Asked to choose another time"),
    "help": lambda: _("Help"),
    "opt-out": lambda: _("Opt-out confirmed"),
    "reply": lambda: _("Automatic answer"),
    "move-link": lambda: _("Link to move a visit"),
    "desk": lambda: _("From the desk"),
    "inbound": lambda: _("From a patient"),
}
