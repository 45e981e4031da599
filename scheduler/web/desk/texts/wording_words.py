"""What the owner is told about each text that goes out, and about each place in it that is filled in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _l


@dataclass(frozen=True, slots=True)
class About:
    """`when`: who gets it, and why."""

    title: Any
    when: Any


ABOUT: Mapping[str, About] = {
    "confirmation": About(_l("Confirmation"), _l("After booking, a few minutes later.")),
    "moved": About(_l("The visit has moved"), _l("Instead of the confirmation, when another time was texted before.")),
    "reminder": About(
        _l("Reminder"),
        _l(
            "On the days before the visit that the clinic’s settings name. C, OK and OUI confirm the visit, M and MOVE bring "
            "a link to move it; any other answer comes to the inbox."
        ),
    ),
    "reminder-short": About(
        _l("Reminder, shorter"),
        _l(
            "Instead of the reminder when that would take more than one part. When you reword the reminder, it is used only if "
            "you reword this one as well."
        ),
    ),
    "reminder-confirmed": About(
        _l("Reminder of a confirmed visit"), _l("Instead of the reminder, once the patient has confirmed.")
    ),
    "reminder-late": About(
        _l("Reminder, too late to move"),
        _l(
            "Instead of the reminder, when it is too late for patients to move the visit themselves: C is asked for, not M."
        ),
    ),
    "reminder-confirmed-late": About(
        _l("Reminder of a confirmed visit, too late to move"), _l("The same, once the patient has confirmed.")
    ),
    "displaced": About(
        _l("Asked to choose another time"), _l("When the desk texts patients whose visit can no longer be.")
    ),
    "cancellation": About(
        _l("The visit is cancelled"),
        _l("When the desk cancels a visit, a few minutes later, unless it is undone or the desk says not to."),
    ),
    "confirmed": About(_l("Answer: confirmed"), _l("To C, OK or OUI.")),
    "move-link": About(_l("Answer: link to move"), _l("To M or MOVE.")),
    "which": About(_l("Answer: which visit?"), _l("When an answer may be meant for more than one visit.")),
    "choice": About(_l("One visit of those to choose from"), _l("A piece of the text above, once for each visit.")),
    "moved-meanwhile": About(
        _l("Answer: the visit has moved"), _l("To an answer about a time at which the visit no longer is.")
    ),
    "too-late": About(_l("Answer: too late to move"), _l("To M or MOVE, when only the telephone helps.")),
    "begun": About(_l("Answer: the visit is over"), _l("To an answer that comes after the visit began.")),
    "cancelled": About(_l("Answer: cancelled"), _l("To an answer about a visit that is cancelled.")),
    "code": About(
        _l("Sign-in code"),
        _l(
            "At once, to whoever books or signs in. Where there is room for it, a line is added by which telephones fill the "
            "code in by themselves."
        ),
    ),
    "help": About(_l("Answer to HELP and AIDE"), _l("Twilio may add an answer of its own.")),
    "opt-out": About(_l("Answer to ARRET"), _l("To STOP, Twilio answers itself.")),
}

GROUPS: Sequence[tuple[Any, Sequence[str]]] = (
    (
        _l("About a visit"),
        (
            "confirmation",
            "moved",
            "reminder",
            "reminder-short",
            "reminder-late",
            "reminder-confirmed",
            "reminder-confirmed-late",
            "displaced",
            "cancellation",
        ),
    ),
    (
        _l("Answers to patients’ texts"),
        ("confirmed", "move-link", "which", "choice", "moved-meanwhile", "too-late", "begun", "cancelled"),
    ),
    (_l("Signing in, help and opting out"), ("code", "help", "opt-out")),
)

PLACES: Mapping[str, Any] = {
    "clinic": _l("the clinic’s name"),
    "day": _l("the day of the visit; said shorter where that saves a part"),
    "time": _l("the time of the visit"),
    "practitioner": _l("the practitioner’s first name"),
    "link": _l("the address at which the patient sees, moves or books visits"),
    "phone": _l("the clinic’s telephone number"),
    "lasts": _l("for how long the link works"),
    "choices": _l("the visits to choose from"),
    "letter": _l("C to confirm or M to move"),
    "number": _l("the visit’s number in the list"),
    "code": _l("the code"),
    "minutes": _l("for how many minutes the code works"),
}

# By which domain/texts/wording.py refuses.
SENTENCES = (
    _l("Write something first."),
    _l("This is too long: %(about)s letters at most."),
    _l("There is a sign in it that cannot be seen. Type the text anew."),
    _l("This text has nothing to put in the place of %(about)s."),
    _l("%(about)s stands in this text too often."),
    _l("Braces are for the places that are filled in, like {clinic}."),
    _l("%(about)s is missing: the text must have it."),
    _l("Twilio takes %(about)s for itself, to stop or to begin texts. Ask for another word."),
)
