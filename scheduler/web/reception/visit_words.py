"""A visit's history and its texts in sentences."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from flask_babel import gettext as _

from scheduler import clock
from scheduler.extensions import db
from scheduler.models.sms import WAITS_FOR_BUDGET
from scheduler.queries import appointments, desk_visit
from scheduler.queries.desk_visit import HistoryLine, PlannedText
from scheduler.queries.patient_page import names_of_staff
from scheduler.web.dates import day_and_time_words
from scheduler.web.reception.actor_words import actor_words
from scheduler.web.reception.words import Sign, kind_words, text_sign, visit_sign

PLANNED = Sign("○", "", "info")


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
    why = line.why if line.why not in (None, "moved", "note") else ""
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


def planned_words(planned: PlannedText, zone: ZoneInfo) -> TextWords:
    """What is planned, or what became of it."""
    words = {
        "planned": _("Waits: the month’s texts are used up")
        if planned.reason == WAITS_FOR_BUDGET
        else _("Will be sent"),
        "superseded": _("Dropped"),
        "suppressed": _("Cannot be texted"),
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


def _state(line: HistoryLine) -> str:
    words = _("%(when)s with %(whom)s", when=day_and_time_words(line.starts), whom=line.practitioner or "")
    return f"{words}, {visit_sign(line.status).words}"


def _what(line: HistoryLine) -> str:
    if line.version == 1:
        when = day_and_time_words(line.starts)
        return str(_("%(status)s for %(when)s", status=_status(line.status), when=when))
    parts = []
    if line.from_starts is not None:
        parts.append(_("moved to %(when)s", when=day_and_time_words(line.starts)))
    if line.new_practitioner:
        parts.append(_("now with %(whom)s", whom=line.practitioner or ""))
    if line.new_room:
        parts.append(_("now in %(room)s", room=line.room or ""))
    if line.from_status is not None and not parts:
        parts.append(_status(line.status))
    if line.why == "spacing days":
        parts.append(_("other days between visits"))
    if line.why == "note":
        parts.append(_("note changed"))
    return ", ".join(parts) or _("changed")


def _status(status: str) -> str:
    if status == "held":
        return str(_("Kept for somebody booking online"))
    return visit_sign(status).words if status != "expired" else str(_("No longer kept"))
