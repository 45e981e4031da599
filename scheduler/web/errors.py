"""The only table from refusal to words and HTTP status. Pages and API both read it, so both say the same."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import time
from math import ceil
from typing import Any

import structlog
from flask import Flask, Response, jsonify, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from sqlalchemy.exc import OperationalError
from werkzeug.exceptions import HTTPException, ServiceUnavailable

from scheduler import clock
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
from scheduler.domain.errors import Busy, ChangedMeanwhile, Invalid, NotFound, StillBooked, TooManyTries
from scheduler.domain.patients.refusals import MergeRefused, PatientChanged
from scheduler.domain.sign_in.refusals import CodeGone, CodeWrong, TooManyWrong
from scheduler.domain.texts.refusals import AnsweredMeanwhile, NotTextable, WroteMeanwhile
from scheduler.domain.visits.appointment_status import StatusRefused
from scheduler.domain.visits.refusals import TooLateToChange, VersionConflict
from scheduler.serving import logs
from scheduler.serving.logs import request_id
from scheduler.web.words.again import again_words
from scheduler.web.words.dates import day_and_time_words, day_words, time_words

log = structlog.get_logger("errors")

AGAIN_SECONDS = 10  # when a database that did not answer may be asked again


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
        if kind in _REFUSALS:
            status, words = _REFUSALS[kind]
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


def init_app(app: Flask) -> None:
    for kind in (*_REFUSALS, HTTPException):
        app.register_error_handler(kind, answer)
    app.register_error_handler(OperationalError, _database_away)


def _database_away(error: OperationalError) -> ResponseReturnValue:
    """It does not answer, cannot be written, or was busy for longer than anybody should wait."""
    log.error(logs.what_failed(error), exc_info=error)
    return answer(ServiceUnavailable(retry_after=AGAIN_SECONDS))


def answer(error: Exception) -> ResponseReturnValue:
    """The error page; for programs a problem document (RFC 9457), for Twilio a line. For what a view has not answered itself."""
    if isinstance(error, HTTPException) and error.response is not None:
        return error.get_response()
    if request.path.startswith("/twilio/") and isinstance(error, HTTPException):
        # Nobody reads it, and whoever floods the webhooks without a signature must not have a page made each time.
        response = Response(f"{error.name}\n", status=error.code, mimetype="text/plain")
    elif request.path.startswith("/api/"):
        response = problem(explain(error))
    else:
        explained = explain(error)
        response = Response(_page(explained), status=explained.status)
    if isinstance(error, HTTPException):
        for name, value in error.get_headers():
            if name not in ("Content-Type", "Content-Length"):
                response.headers[name] = value  # Allow of a 405, Retry-After of a 429
    if isinstance(error, TooManyTries):
        response.headers.update(retry_after(error))
    if isinstance(error, Busy):
        response.headers["Retry-After"] = str(AGAIN_SECONDS)
    return response


def retry_after(refused: TooManyTries) -> dict[str, str]:
    """The header that belongs to a 429: in how many seconds it may be tried again."""
    return {"Retry-After": str(max(1, ceil((refused.again_at - clock.now()).total_seconds())))}


def problem(explained: Explained, **facts: Any) -> Response:
    response = jsonify(
        type="about:blank",
        title=explained.title,
        status=explained.status,
        detail=explained.advice,
        code=explained.code,
        **facts,
    )
    response.status_code = explained.status
    response.mimetype = "application/problem+json"
    return response


def _page(explained: Explained) -> str:
    at_the_desk = request.path.startswith("/desk")
    return render_template(
        "errors/page.html",
        explained=explained,
        reference=request_id(),
        back="/desk" if at_the_desk else "/",
        back_words=_("Back to the desk") if at_the_desk else _("Back to the first page"),
    )


Words = tuple[str, str]


def _slot_taken(_error: SlotTaken) -> Words:
    return _("Somebody else has just taken this time."), _(
        "Choose another time; the nearest free ones are listed here."
    )


def _room_taken(_error: RoomTaken) -> Words:
    return _("Another visit is in that room then."), _("Choose another room.")


def _not_offered(error: SlotNotOffered) -> Words:
    reason = _HIDDEN.get(error.reason) if error.reason else None
    return (reason() if reason else _("This time cannot be booked.")), _("Choose one of the times on offer.")


def _too_soon(error: TreatmentTooSoon) -> Words:
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


def _visit_must_move(error: VisitMustMove) -> Words:
    if error.is_private:
        return _("This cannot be booked here."), _("Please telephone the clinic, and we will find a way.")
    title = _(
        "The visit booked for %(visit)s is too close to the IMS treatment you had elsewhere on %(day)s.",
        visit=day_words(error.wanted_local.date()),
        day=day_words(error.clash.day),
    )
    return title, _("Move or cancel that visit first, or telephone the clinic.")


def _not_cleared(error: NotCleared) -> Words:
    if error.lapsed_on is not None:
        return (
            _("The clearance for IMS lapses on %(day)s.", day=day_words(error.lapsed_on)),
            _("Book an assessment first: a physiotherapist sees whether IMS is still right for you."),
        )
    return (
        _("IMS can be booked once a physiotherapist has cleared you for it."),
        _("Book an assessment first: it is where this is decided."),
    )


def _patient_busy(error: PatientBusy) -> Words:
    if error.is_private:
        return _("This time cannot be booked."), _("Choose one of the times on offer.")
    return _("There is already another visit at that time."), _("Choose another time, or move the other visit first.")


def _too_late(error: TooLateToChange) -> Words:
    return (
        _(
            "This visit could be changed here until %(day)s, %(time)s.",
            day=day_words(error.deadline_local.date()),
            time=time_words(error.deadline_local.time()),
        ),
        _("Please telephone the clinic, and we will find a way."),
    )


def _version_conflict(_error: VersionConflict) -> Words:
    return (
        _("This visit has been changed in the meantime."),
        _("Look at it as it is now, then make your change again if it is still needed."),
    )


def _patient_changed(_error: PatientChanged) -> Words:
    return (
        _("Somebody has changed this patient's details in the meantime."),
        _("Both are shown here: what stands now, and what you typed. Save again if yours is right."),
    )


def _patient_restricted(_error: PatientRestricted) -> Words:
    return _("Nothing can be booked online for this patient."), _("Please telephone the clinic.")


def _please_call(_error: PleaseCall) -> Words:
    return (
        _("Nobody else can be registered online with this mobile number."),
        _("Please call us: we are glad to register them on the telephone."),
    )


def _merge_refused(error: MergeRefused) -> Words:
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


def _hold_gone(_error: HoldGone) -> Words:
    return (
        _("The time is no longer kept for you."),
        _("What you typed is still here. Choose a time again; it may still be free."),
    )


def _status_refused(_error: StatusRefused) -> Words:
    return (
        _("A visit cannot go from its present state to this one."),
        _("Look at the visit as it is now, and choose one of the steps shown there."),
    )


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


_REFUSALS: dict[type[Exception], tuple[int, Callable[[Any], Words]]] = {
    SlotTaken: (409, _slot_taken),
    RoomTaken: (409, _room_taken),
    SlotNotOffered: (409, _not_offered),
    TreatmentTooSoon: (409, _too_soon),
    VisitMustMove: (409, _visit_must_move),
    NotCleared: (409, _not_cleared),
    PatientBusy: (409, _patient_busy),
    TooLateToChange: (409, _too_late),
    VersionConflict: (409, _version_conflict),
    PatientChanged: (409, _patient_changed),
    PatientRestricted: (409, _patient_restricted),
    PleaseCall: (409, _please_call),
    MergeRefused: (409, _merge_refused),
    HoldGone: (409, _hold_gone),
    StatusRefused: (409, _status_refused),
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

_HIDDEN: dict[HiddenReason, Callable[[], str]] = {
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
