"""A visit's history and its texts in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from scheduler import clock
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.domain.texts.no_texts import NoTexts
from scheduler.extensions import db
from scheduler.models.texts.sms import WAITS_FOR_BUDGET
from scheduler.queries.patients.page import names_of_staff
from scheduler.queries.visits import appointments, desk_visit, must_move
from scheduler.queries.visits.desk_visit import HistoryLine, PlannedText
from scheduler.usecases.booking.health_answers import ANSWERED
from scheduler.usecases.texts.reminder_times import goes_out_from
from scheduler.usecases.visits.private_visits import PRIVATE, SHOWN_AGAIN
from scheduler.web.words.actor import actor_words
from scheduler.web.words.dates import day_and_time_words, time_words
from scheduler.web.words.status import Sign, kind_words, text_sign, visit_sign


@dataclass(frozen=True, slots=True)
class HistoryWords:
    at: datetime
    by: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class TextWords:
    kind: str
    when: datetime
    sign: Sign
    is_planned: bool


def history_words(line: HistoryLine, zone: ZoneInfo, names: Mapping[str, str]) -> HistoryWords:
    """`names`: of the staff, as queries.patient_page.names_of_staff finds them."""
    why = line.why if line.why not in (None, "moved", "note", PRIVATE, SHOWN_AGAIN, ANSWERED) else ""
    return HistoryWords(clock.to_local(line.at, zone), actor_words(line.by, names), _what(line), why or "")


def conflict_words(public_id: str, version: int | None) -> tuple[str, ...]:
    """The visit as it was at `version`, when somebody read it, and as it is now."""
    session = db.session()
    session.rollback()
    found = appointments.by_public_id(session, public_id)
    lines = desk_visit.history(session.connection(), found.id)
    seen = next((line for line in lines if line.version == version), None)
    now = lines[-1]
    by = actor_words(now.by, names_of_staff(session.connection(), [now.by]))
    at = day_and_time_words(clock.to_local(now.at, clock.zone(found.zone)))
    present = _("Now: %(state)s, changed by %(who)s on %(when)s.", state=_state(now), who=by, when=at)
    return (_("You saw: %(state)s.", state=_state(seen)), present) if seen else (present,)


def planned_words(planned: PlannedText, clinic: ClinicSettings, now: datetime) -> TextWords:
    """What is planned, or what became of it."""
    zone = clock.zone(clinic.zone)
    words = {
        "planned": _still_to_come(planned, clinic, now),
        "superseded": _("Dropped"),
        "suppressed": _why_not_sent(planned.reason),
    }.get(planned.status)
    sign = text_sign(planned.message_status) if planned.message_status else None
    if sign is None or words:
        failed = planned.status == "failed"
        sign = Sign(
            "✕" if failed else "○",
            words or (_("Failed") if failed else _("Being sent")),
            "danger" if failed else "info",
        )
    return TextWords(kind_words(planned.kind), clock.to_local(planned.due_at, zone), sign, planned.status == "planned")


def _still_to_come(planned: PlannedText, clinic: ClinicSettings, now: datetime) -> str:
    """With the time when it goes out where that is not the one it was due at."""
    if planned.reason == WAITS_FOR_BUDGET:
        return str(_("Waits: the month’s texts are used up"))
    next_at = goes_out_from(
        planned.kind, due_at=planned.due_at, next_attempt_at=planned.next_attempt_at, clinic=clinic, now=now
    )
    if next_at == planned.due_at and not planned.attempts:
        return str(_("Will be sent"))
    if next_at <= now:
        return str(_("Being tried again now") if planned.attempts else _("Waits to be sent"))
    zone = clock.zone(clinic.zone)
    next_local, now_local = clock.to_local(next_at, zone), clock.to_local(now, zone)
    when = (time_words if next_local.date() == now_local.date() else day_and_time_words)(next_local)
    if planned.attempts:
        return str(_("Being tried again, next: %(when)s", when=when))
    return str(_("Will be sent: %(when)s", when=when))


def _why_not_sent(reason: str | None) -> str:
    match reason:
        case must_move.MUST_MOVE:
            return str(_("Not sent: the visit must move"))
        case "overtaken":
            return str(_("Not sent: a later text says it"))
        case NoTexts.NOT_TO_A_PARENT:
            return str(_("Not sent: not shown to a parent"))
        case "too late":
            return str(_("Not sent: too late"))
    return str(_("Cannot be texted"))


def _state(line: HistoryLine) -> str:
    words = _("%(when)s with %(whom)s", when=day_and_time_words(line.starts), whom=line.practitioner or "")
    return f"{words}, {visit_sign(line.status).words}"


def _what(line: HistoryLine) -> str:
    if line.version == 1:
        when = day_and_time_words(line.starts)
        first = str(_("%(status)s for %(when)s", status=_status(line.status), when=when))
        return ", ".join((first, *_answered(line)))
    parts = []
    if line.from_starts is not None:
        parts.append(_("moved to %(when)s", when=day_and_time_words(line.starts)))
    if line.new_practitioner:
        parts.append(_("now with %(whom)s", whom=line.practitioner or ""))
    if line.new_room:
        parts.append(_("now in %(room)s", room=line.room or ""))
    if line.from_status is not None and not parts:
        parts.append(_status(line.status))
    parts.extend(_answered(line))
    if line.why in _WHY:
        parts.append(str(_WHY[line.why]))
    return ", ".join(parts) or _("changed")


def _answered(line: HistoryLine) -> list[str]:
    if line.ims_answer is None:
        return []
    return [_("IMS given") if line.ims_answer else _("IMS not given")]


_WHY = {
    "spacing days": _l("other days between visits"),
    PRIVATE: _l("not shown to a parent from now on"),
    SHOWN_AGAIN: _l("shown again to whoever acts for the patient"),
    "note": _l("note changed"),
    ANSWERED: _l("health questions answered"),
}


def _status(status: str) -> str:
    if status == "held":
        return str(_("Kept for somebody booking online"))
    return visit_sign(status).words if status != "expired" else str(_("No longer kept"))
