"""A use case's refusal at the desk: its words, the nearest free times, and whether insisting would help."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask_babel import gettext as _

from scheduler.domain.availability import HiddenReason
from scheduler.domain.errors import BookingRefused, NotCleared, NotFound, PatientBusy, SlotNotOffered, SlotTaken
from scheduler.domain.offer import BY_NATURE
from scheduler.extensions import db
from scheduler.queries import reference
from scheduler.web.dates import day_and_time_words
from scheduler.web.errors import explain

PAST = HiddenReason.TOO_LATE_TO_BOOK
NEVER_BENT = BY_NATURE | {HiddenReason.BEYOND_HORIZON, HiddenReason.OFF_GRID}


@dataclass(frozen=True, slots=True)
class Nearest:
    starts: datetime
    practitioner: str
    words: str


@dataclass(frozen=True, slots=True)
class Refused:
    """`question`: what to ask before going there all the same, none where nobody can."""

    code: str
    status: int
    title: str
    advice: str
    question: str | None
    nearest: tuple[Nearest, ...]


def refused(refusal: BookingRefused | NotFound, *, insisted: bool = False) -> Refused:
    explained = explain(refusal)
    question = None if insisted else _question(refusal)
    title, advice = _AT_THE_DESK.get(type(refusal), lambda: (explained.title, explained.advice))()
    return Refused(explained.code, explained.status, title, "" if question else advice, question, _nearest(refusal))


# The others are said in the same words as to patients.
_AT_THE_DESK: dict[type[Exception], Callable[[], tuple[str, str]]] = {
    SlotTaken: lambda: (_("There is another visit at that time."), _("Choose another time.")),
    NotCleared: lambda: (
        _("This patient is not cleared for IMS."),
        _("A practitioner decides it at an assessment: book one first."),
    ),
    PatientBusy: lambda: (_("This patient has another visit at that time."), _("Choose another time.")),
}


def _question(refusal: BookingRefused | NotFound) -> str | None:
    if not isinstance(refusal, SlotNotOffered) or refusal.reason is None or refusal.reason in NEVER_BENT:
        return None
    if refusal.reason == PAST:
        return str(_("This time is already past. Enter the visit all the same?"))
    return str(_("%(why)s Use this time all the same?", why=explain(refusal).title))


def _nearest(refusal: BookingRefused | NotFound) -> tuple[Nearest, ...]:
    starts = refusal.alternatives if isinstance(refusal, BookingRefused) else ()
    if not starts:
        return ()
    known = reference.current(db.session.connection())
    found = []
    for start in starts:
        practitioner = known.practitioner_by_id(start.practitioner_id)
        if practitioner is not None:
            words = f"{day_and_time_words(start.starts_local)}, {practitioner.full_name}"
            found.append(Nearest(start.starts_local, practitioner.slug, words))
    return tuple(found)
