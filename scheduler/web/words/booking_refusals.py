"""Why a booking, or a change of a visit or record, is refused: in words, with what to do next."""

from __future__ import annotations

from collections.abc import Callable
from datetime import time

from flask_babel import gettext as _
from flask_babel import ngettext

from scheduler.domain.booking.availability import HiddenReason
from scheduler.domain.booking.refusals import (
    HoldGone,
    NotCleared,
    PatientBusy,
    PatientRestricted,
    PleaseCall,
    RoomTaken,
    SlotNotOffered,
    SlotTaken,
)
from scheduler.domain.booking.treatment_spacing import TreatmentTooSoon, VisitMustMove
from scheduler.domain.patients.refusals import MergeRefused, PatientChanged
from scheduler.domain.visits.appointment_status import StatusRefused
from scheduler.domain.visits.refusals import TooLateToChange, VersionConflict
from scheduler.web.words.dates import day_and_time_words, day_words, time_words

Words = tuple[str, str]


def slot_taken(_error: SlotTaken) -> Words:
    return _("Somebody else has just taken this time."), _(
        "Choose another time; the nearest free ones are listed here."
    )


def room_taken(_error: RoomTaken) -> Words:
    return _("Another visit is in that room then."), _("Choose another room.")


def not_offered(error: SlotNotOffered) -> Words:
    reason = HIDDEN.get(error.reason) if error.reason else None
    return (reason() if reason else _("This time cannot be booked.")), _("Choose one of the times on offer.")


def too_soon(error: TreatmentTooSoon) -> Words:
    clash = error.clash
    day = day_words(clash.day)
    if clash.private:
        title = _("This is too soon.")
    elif clash.elsewhere:
        title = _("This is too soon after the IMS treatment you had elsewhere on %(day)s.", day=day)
    elif clash.starts_local <= error.wanted_local:
        title = _("This is too soon after the visit on %(day)s.", day=day)
    else:
        title = _("This is too close to the visit on %(day)s.", day=day)
    rule = ngettext(
        "At least %(num)d day must lie between two of these visits.",
        "At least %(num)d days must lie between two of these visits.",
        error.min_days,
    )
    nearest = _(
        "The next time allowed is %(day)s, from %(time)s.",
        day=day_words(error.earliest.date()),
        time=time_words(error.earliest.time()),
    )
    if error.earliest.time() == time.min:  # of IMS elsewhere at an unknown time
        nearest = _("The next day allowed is %(day)s.", day=day_words(error.earliest.date()))
    return title, f"{rule} {nearest}"


def visit_must_move(error: VisitMustMove) -> Words:
    if error.is_private:
        return _("This cannot be booked here."), _("Please telephone the clinic, and we will find a way.")
    title = _(
        "The visit booked for %(visit)s is too close to the IMS treatment you had elsewhere on %(day)s.",
        visit=day_words(error.wanted_local.date()),
        day=day_words(error.clash.day),
    )
    return title, _("Move or cancel that visit first, or telephone the clinic.")


def not_cleared(error: NotCleared) -> Words:
    if error.lapsed_on is not None:
        return (
            _("The clearance for IMS lapses on %(day)s.", day=day_words(error.lapsed_on)),
            _("Book an assessment first: a physiotherapist sees whether IMS is still right for you."),
        )
    return (
        _("IMS can be booked once a physiotherapist has cleared you for it."),
        _("Book an assessment first: it is where this is decided."),
    )


def patient_busy(error: PatientBusy) -> Words:
    if error.is_private:
        return _("This time cannot be booked."), _("Choose one of the times on offer.")
    return _("There is already another visit at that time."), _("Choose another time, or move the other visit first.")


def too_late(error: TooLateToChange) -> Words:
    return (
        _(
            "This visit could be changed here until %(day)s, %(time)s.",
            day=day_words(error.deadline_local.date()),
            time=time_words(error.deadline_local.time()),
        ),
        _("Please telephone the clinic, and we will find a way."),
    )


def version_conflict(_error: VersionConflict) -> Words:
    return (
        _("This visit has been changed in the meantime."),
        _("Look at it as it is now, then make your change again if it is still needed."),
    )


def patient_changed(_error: PatientChanged) -> Words:
    return (
        _("Somebody has changed this patient's details in the meantime."),
        _("Both are shown here: what stands now, and what you typed. Save again if yours is right."),
    )


def patient_restricted(_error: PatientRestricted) -> Words:
    return _("Nothing can be booked online for this patient."), _("Please telephone the clinic.")


def please_call(_error: PleaseCall) -> Words:
    return (
        _("Nobody else can be registered online with this mobile number."),
        _("Please call us: we are glad to register them on the telephone."),
    )


def merge_refused(error: MergeRefused) -> Words:
    conflict = error.conflict
    if conflict is None:
        return _("Together the visits of the two records would break a rule."), _(
            "Look at their visits, and try again."
        )
    first, second = day_and_time_words(conflict.first_local), day_and_time_words(conflict.second_local)
    if conflict.min_days is None:
        title = _("The visits on %(first)s and %(second)s are at the same time.", first=first, second=second)
    else:
        title = ngettext(
            "The visits on %(first)s and %(second)s are less than %(num)d day apart.",
            "The visits on %(first)s and %(second)s are less than %(num)d days apart.",
            conflict.min_days,
            first=first,
            second=second,
        )
    return title, _(
        "One person cannot have both. Move or cancel one of them, or record that IMS was not given, then merge."
    )


def hold_gone(_error: HoldGone) -> Words:
    return (
        _("The time is no longer kept for you."),
        _("What you typed is still here. Choose a time again; it may still be free."),
    )


def status_refused(_error: StatusRefused) -> Words:
    return (
        _("A visit cannot go from its present state to this one."),
        _("Look at the visit as it is now, and choose one of the steps shown there."),
    )


HIDDEN: dict[HiddenReason, Callable[[], str]] = {
    HiddenReason.OUTSIDE_HOURS: lambda: _("The practitioner does not work at that time."),
    HiddenReason.OFF_GRID: lambda: _("Visits do not start at that minute."),
    HiddenReason.TOO_LATE_TO_BOOK: lambda: _("It is too late to book that time online."),
    HiddenReason.BEYOND_HORIZON: lambda: _("That day is too far ahead to be booked yet."),
    HiddenReason.CLOSED: lambda: _("The clinic is closed then."),
    HiddenReason.PRACTITIONER_AWAY: lambda: _("The practitioner is away then."),
    HiddenReason.CLOCK_CHANGE: lambda: _("The clocks change then: that time does not exist, or exists twice."),
    HiddenReason.PRACTITIONER_BUSY: lambda: _("That time is no longer free."),
    HiddenReason.NO_ROOM: lambda: _("No room is free then."),
    HiddenReason.TOO_SOON: lambda: _("That is too close to another visit."),
    HiddenReason.PATIENT_BUSY: lambda: _("There is already another visit at that time."),
}
