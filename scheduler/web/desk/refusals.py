"""A use case's refusal at the desk: its words, what stands in the way, the nearest free times, and whether insisting would help.

Receptionists read this aloud on the telephone, so it speaks of the patient by name and never to them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from flask import url_for
from flask_babel import gettext as _

from scheduler import clock
from scheduler.domain.booking.availability import HiddenReason
from scheduler.domain.booking.offer import BY_NATURE
from scheduler.domain.booking.refusals import (
    BookingRefused,
    NotCleared,
    PatientBusy,
    RoomTaken,
    SlotNotOffered,
    SlotTaken,
)
from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon, VisitMustMove
from scheduler.domain.errors import NotFound
from scheduler.extensions import clinic_local, db
from scheduler.queries.booking import desk_clash
from scheduler.queries.booking.desk_clash import OtherVisit
from scheduler.queries.clinic import reference
from scheduler.web.desk.records.protection import hidden, protected_words
from scheduler.web.requests.language import template_variables
from scheduler.web.words.dates import day_and_time_words, day_words, from_words
from scheduler.web.words.refusals import explain

PAST = HiddenReason.TOO_LATE_TO_BOOK
NEVER_BENT = BY_NATURE | {HiddenReason.BEYOND_HORIZON, HiddenReason.OFF_GRID}


@dataclass(frozen=True, slots=True)
class Sought:
    """What was asked for. `minutes` with the buffer; `room_id` where only that room will do; `name`: the given name."""

    patient_id: int | None
    name: str
    starts_local: datetime
    minutes: int
    practitioner_id: int | None
    room_id: int | None = None
    leaving_out: int | None = None
    takes_back: bool = False  # a cancellation or no-show is being undone


@dataclass(frozen=True, slots=True)
class Nearest:
    starts: datetime
    practitioner: str
    words: str


@dataclass(frozen=True, slots=True)
class InTheWay:
    """A visit that is there already; `href` leads to it, none for a slot that is being booked online."""

    words: str
    href: str | None


@dataclass(frozen=True, slots=True)
class Refused:
    """`question`: what to ask before going there all the same, none where nobody can."""

    code: str
    status: int
    title: str
    advice: str
    question: str | None
    nearest: tuple[Nearest, ...]
    others: tuple[InTheWay, ...] = ()


def refused(refusal: BookingRefused | NotFound, sought: Sought | None = None, *, insisted: bool = False) -> Refused:
    explained = explain(refusal)
    question = None if insisted else _question(refusal)
    others = _in_the_way(refusal, sought)
    title, advice = desk_words(refusal, sought, others)
    return Refused(
        explained.code,
        explained.status,
        title,
        "" if question else advice,
        question,
        _nearest(refusal),
        tuple(InTheWay(_other_words(visit), _link(visit)) for visit in others),
    )


def desk_words(
    refusal: BookingRefused | NotFound, sought: Sought | None = None, others: list[OtherVisit] | None = None
) -> tuple[str, str]:
    """Title and advice; the others are said in the same words as to patients, since they speak to nobody."""
    name = sought.name if sought and sought.name else str(_("This patient"))
    if isinstance(refusal, TreatmentTooSoon):
        return _too_soon_words(refusal, name, others or [])
    if isinstance(refusal, SlotTaken) and sought is not None:
        return _taken_words(sought, others or [])
    if isinstance(refusal, SlotNotOffered) and refusal.reason == PAST:
        return _("This time is already past."), _("Choose another time.")
    if type(refusal) in _AT_THE_DESK:
        return _AT_THE_DESK[type(refusal)](name)
    explained = explain(refusal)
    return explained.title, explained.advice


_AT_THE_DESK: dict[type[Exception], Callable[[str], tuple[str, str]]] = {
    SlotTaken: lambda _name: (_("There is another visit at that time."), _("Choose another time.")),
    NotCleared: lambda name: (
        _("%(name)s is not cleared for IMS.", name=name),
        _("A practitioner decides it at an assessment: book one first."),
    ),
    PatientBusy: lambda name: (_("%(name)s has another visit at that time.", name=name), _("Choose another time.")),
}


def _too_soon_words(refusal: TreatmentTooSoon, name: str, others: list[OtherVisit]) -> tuple[str, str]:
    clash = refusal.clash
    day = day_words(clash.day)
    if isinstance(refusal, VisitMustMove):
        booked = day_and_time_words(refusal.wanted_local)
        return _("%(name)s is booked for %(day)s, too near to it.", name=name, day=booked), _(
            "Move or cancel that visit first."
        )
    what = others[0].treatment(template_variables()["language"]) if others else str(_("such a visit"))
    if clash.elsewhere:
        title = _("%(name)s had IMS elsewhere on %(day)s.", name=name, day=day)
    elif clash.starts_local <= clinic_local(clock.now()):
        title = _("%(name)s was here for %(what)s on %(day)s.", name=name, what=what, day=day)
    else:
        title = _("%(name)s is booked for %(what)s on %(day)s.", name=name, what=what, day=day)
    return title, _(
        "They must be at least %(days)d days apart: the next is allowed from %(moment)s.",
        days=refusal.min_days,
        moment=from_words(refusal.earliest),
    )


def _taken_words(sought: Sought, others: list[OtherVisit]) -> tuple[str, str]:
    if sought.takes_back and others:
        return _("Another visit has taken its time."), _(
            "Move that visit, or book %(name)s another time.", name=sought.name
        )
    if others:
        return _("There is another visit at that time."), _("Choose another time.")
    if sought.practitioner_id is None:
        return _("Nobody is free at that time."), _("Choose another time.")
    return _("No room is free then."), _("Choose another time.")


def _in_the_way(refusal: BookingRefused | NotFound, sought: Sought | None) -> list[OtherVisit]:
    if sought is None:
        return []
    connection = db.session.connection()
    if isinstance(refusal, TreatmentTooSoon):
        if sought.patient_id is None or refusal.clash.elsewhere:
            return []
        visits = desk_clash.of_day(connection, sought.patient_id, refusal.clash.day)
        return [visit for visit in visits if visit.starts_local == refusal.clash.starts_local]
    return desk_clash.at_that_time(
        connection,
        starts_local=sought.starts_local,
        minutes=sought.minutes,
        practitioner_id=sought.practitioner_id if isinstance(refusal, SlotTaken) else None,
        room_id=sought.room_id if isinstance(refusal, SlotTaken | RoomTaken) else None,
        patient_id=sought.patient_id if isinstance(refusal, PatientBusy) else None,
        leaving_out=sought.leaving_out,
    )


def _other_words(visit: OtherVisit) -> str:
    if visit.public_id in hidden().visits:
        return str(_("%(when)s: %(visit)s", when=day_and_time_words(visit.starts_local), visit=protected_words()))
    if visit.family_name is None:
        return str(_("%(when)s: being booked online", when=day_and_time_words(visit.starts_local)))
    what = [f"{visit.family_name}, {visit.given_name}", visit.treatment(template_variables()["language"])]
    place = [part for part in (visit.practitioner, visit.room) if part]
    when = day_and_time_words(visit.starts_local)
    return str(_("%(when)s: %(visit)s", when=when, visit=" · ".join(what + place)))


def _link(visit: OtherVisit) -> str | None:
    return url_for("desk_visit.show", public_id=visit.public_id) if visit.family_name else None


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
