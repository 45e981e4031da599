"""The only table from refusal to words and HTTP status. Pages and API both read it, so both say the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from flask import request
from flask_babel import gettext as _
from flask_babel import ngettext
from werkzeug.exceptions import HTTPException

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
from scheduler.domain.errors import Busy, ChangedMeanwhile, Invalid, NotFound, StillBooked, TooManyTries
from scheduler.domain.patients.refusals import MergeRefused, PatientChanged
from scheduler.domain.sign_in.refusals import CodeGone, CodeWrong, TooManyWrong
from scheduler.domain.texts.refusals import AnsweredMeanwhile, NotTextable, WroteMeanwhile
from scheduler.domain.visits.appointment_status import StatusRefused
from scheduler.domain.visits.refusals import TooLateToChange, VersionConflict
from scheduler.web.words.again import again_words
from scheduler.web.words.booking_refusals import (
    Words,
    hold_gone,
    merge_refused,
    not_cleared,
    not_offered,
    patient_busy,
    patient_changed,
    patient_restricted,
    please_call,
    room_taken,
    slot_taken,
    status_refused,
    too_late,
    too_soon,
    version_conflict,
    visit_must_move,
)


@dataclass(frozen=True, slots=True)
class Explained:
    """`title`: what happened, one sentence. `advice`: what to do next."""

    code: str
    status: int
    title: str
    advice: str


def explain(error: Exception) -> Explained:
    """The words for a refusal or an HTTP error, in the language of the request."""
    for kind in type(error).__mro__:
        if kind in REFUSALS:
            status, words = REFUSALS[kind]
            title, advice = words(error)
            explained = Explained(getattr(error, "code", "refused"), status, title, advice)
            return explained if isinstance(error, TooManyWrong) else _spoken_here(explained)
    status = (error.code or 500) if isinstance(error, HTTPException) else 500
    code, page_words = _HTTP.get(status) or _HTTP[400 if 400 <= status < 500 else 500]
    title, advice = page_words()
    return _spoken_here(Explained(code, status, title, advice))


def _spoken_here(explained: Explained) -> Explained:
    """Nobody who sits at the desk is told to telephone the clinic."""
    words = _AT_THE_DESK.get(explained.status) if request.path.startswith("/desk") else None
    return replace(explained, advice=words()) if words else explained


def _busy(_error: Busy) -> Words:
    return (
        _("A large amount of data is being saved just now. Nothing was changed."),
        _("Go back and send it again in a minute."),
    )


def _not_textable(_error: NotTextable) -> Words:
    return _("This number gets no texts: it has opted out, or cannot be reached."), _("Please telephone instead.")


def _answered_meanwhile(_error: AnsweredMeanwhile) -> Words:
    return _("A colleague has answered in the meantime."), _("Send yours if it is still needed.")


def _wrote_meanwhile(_error: WroteMeanwhile) -> Words:
    return _("Another text has come in the meantime."), _("Read it, then send yours if it is still right.")


def _too_often(_error: Exception | None = None) -> Words:
    return _("That was too often in a short time."), _("Wait a few minutes, then try again, or telephone the clinic.")


def _too_many_wrong(error: TooManyWrong) -> Words:
    return (
        _(
            "Wrong codes were typed %(count)d times, so the pauses get longer: the next try is possible %(again)s.",
            count=error.wrong,
            again=again_words(error.again_at),
        ),
        _("Wait until then."),
    )


def _code_wrong(error: CodeWrong) -> Words:
    return (
        _("This is not the code we sent."),
        ngettext("You can try %(num)d more time.", "You can try %(num)d more times.", error.tries_left),
    )


def _code_gone(_error: CodeGone) -> Words:
    return _("This code can no longer be used."), _("Ask for a new one.")


def _not_found(_error: Exception | None = None) -> Words:
    return (
        _("This page does not exist, or is no longer there."),
        _("Check the address, or begin again from the first page."),
    )


def _changed_meanwhile(_error: ChangedMeanwhile) -> Words:
    return (
        _("Somebody else has changed this in the meantime."),
        _("Look at it as it is now, then make your change again if it is still needed."),
    )


def _still_booked(_error: StillBooked) -> Words:
    return _("Visits are still booked that need this."), _("Move or cancel them first; nothing was changed.")


def _invalid(_error: Exception | None = None) -> Words:
    return _("Some of what was sent cannot be right."), _("Correct what is named, and send it again.")


REFUSALS: dict[type[Exception], tuple[int, Callable[[Any], Words]]] = {
    SlotTaken: (409, slot_taken),
    RoomTaken: (409, room_taken),
    SlotNotOffered: (409, not_offered),
    TreatmentTooSoon: (409, too_soon),
    VisitMustMove: (409, visit_must_move),
    NotCleared: (409, not_cleared),
    PatientBusy: (409, patient_busy),
    TooLateToChange: (409, too_late),
    VersionConflict: (409, version_conflict),
    PatientChanged: (409, patient_changed),
    PatientRestricted: (409, patient_restricted),
    PleaseCall: (409, please_call),
    MergeRefused: (409, merge_refused),
    HoldGone: (409, hold_gone),
    StatusRefused: (409, status_refused),
    TooManyTries: (429, _too_often),
    TooManyWrong: (429, _too_many_wrong),
    NotTextable: (409, _not_textable),
    AnsweredMeanwhile: (409, _answered_meanwhile),
    WroteMeanwhile: (409, _wrote_meanwhile),
    Busy: (503, _busy),
    CodeWrong: (422, _code_wrong),
    CodeGone: (409, _code_gone),
    NotFound: (404, _not_found),
    ChangedMeanwhile: (409, _changed_meanwhile),
    StillBooked: (409, _still_booked),
    Invalid: (422, _invalid),
}


_AT_THE_DESK: dict[int, Callable[[], str]] = {
    429: lambda: _("Wait a few minutes, then try again."),
    500: lambda: _("It has been noted. Try again in a minute."),
    503: lambda: _("Try again in a minute."),
}


_HTTP: dict[int, tuple[str, Callable[[], Words]]] = {
    400: (
        "bad-request",
        lambda: (
            _("What was sent could not be read."),
            _("Go back, load the page anew and send it again. If it was open for a long time, it had to expire."),
        ),
    ),
    401: (
        "unauthorized",
        lambda: (_("You are not signed in."), _("Sign in, and try again.")),
    ),
    403: (
        "forbidden",
        lambda: (_("You may not open this."), _("Sign in as somebody who may, or ask the clinic's owner.")),
    ),
    404: ("not-found", _not_found),
    405: (
        "method-not-allowed",
        lambda: (_("This address does not take that kind of request."), _("Begin again from the first page.")),
    ),
    413: (
        "too-large",
        lambda: (_("That was more than this form takes."), _("Go back, shorten what you typed and send it again.")),
    ),
    422: ("invalid", _invalid),
    429: (
        "too-many-requests",
        _too_often,
    ),
    500: (
        "internal-error",
        lambda: (
            _("Something went wrong on our side."),
            _("It has been noted. Try again in a minute, or telephone the clinic."),
        ),
    ),
    503: (
        "unavailable",
        lambda: (_("The service is not available for a moment."), _("Try again in a minute, or telephone the clinic.")),
    ),
}
