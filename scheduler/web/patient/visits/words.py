"""How a visit stands, in the patient's words."""

from collections.abc import Callable

from flask_babel import gettext as _

_STATUS: dict[str, Callable[[], str]] = {
    "booked": lambda: _("Booked"),
    "confirmed": lambda: _("Confirmed"),
    "arrived": lambda: _("You have arrived"),
    "completed": lambda: _("Took place"),
    "cancelled": lambda: _("Cancelled"),
    "no_show": lambda: _("Missed"),
}


def status_words(status: str) -> str:
    return _STATUS[status]()
