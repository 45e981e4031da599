"""A few days of the calendar as the browser draws them: every word is chosen here, none in JavaScript."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import Any, Literal, NamedTuple

from flask_babel import gettext as _

from scheduler.queries.calendar.desk_calendar import UNASKED, CalendarVisit, RoomName
from scheduler.queries.calendar.desk_day import Absence
from scheduler.queries.clinic.reference import PractitionerInfo, Reference
from scheduler.web.desk.calendar.presence import gaps, is_on, there_words, worked
from scheduler.web.words.dates import day_words, time_words
from scheduler.web.words.status import visit_sign

View = Literal["day", "week", "rooms"]
EARLIEST, LATEST = time(8), time(18)  # shown even when nobody is in
FIXED = ("completed", "no_show")  # cannot be dragged
Json = dict[str, Any]
Column = str | int | None  # a practitioner's slug, a room's id


@dataclass(frozen=True, slots=True)
class CalendarDays:
    """What is drawn before any visit. `whose`: the one practitioner of a week. `rooms`: the columns of the view by rooms."""

    view: View
    first_day: date
    days: int
    whose: PractitionerInfo | None
    known: Reference
    absences: tuple[Absence, ...]
    rooms: tuple[RoomName, ...]
    language: str

    @property
    def dates(self) -> list[date]:
        return [self.first_day + timedelta(days=number) for number in range(self.days)]


class Among(NamedTuple):
    """What of the visits shows beyond their own cards: whose they are, their statuses, and "10:30" with the minutes."""

    practitioners: frozenset[int | None]
    statuses: frozenset[str]
    stretches: frozenset[tuple[str, int]]


def answer_of(shown: CalendarDays, visits: list[CalendarVisit], now_local: datetime) -> bytes:
    """JSON. Cards name their status, flags and time; what these are called stands once beside them."""
    among = Among(
        frozenset([visit.practitioner_id for visit in visits]),
        frozenset([visit.status for visit in visits]),
        frozenset([(visit.time, visit.minutes) for visit in visits]),
    )
    now, cards = now_local.isoformat(timespec="minutes"), ",".join(_cards(shown, visits, now_local.date()))
    return f'{{"now":"{now}",{_frame(shown, among)},"visits":[{cards}]}}'.encode()


@lru_cache(maxsize=64)
def _frame(shown: CalendarDays, among: Among) -> str:
    """Kept: most changes are to a single card."""
    columns = _columns(shown, among)
    begins, ends = _reach(shown, among)
    frame = {
        "begins": begins,
        "ends": ends,
        "columns": columns,
        "statuses": {status: _status(status) for status in among.statuses},
        "flags": _flags(),
        "times": {start: time_words(time.fromisoformat(start)) for start, _minutes in among.stretches},
        "shades": list(_shades(shown, columns)),
    }
    return _json(frame)[1:-1]


def _columns(shown: CalendarDays, among: Among) -> list[Json]:
    if shown.view == "rooms":
        return [{"id": room.id, "title": room.name, "there": ""} for room in shown.rooms]
    if shown.view == "week":
        return []
    day = shown.first_day
    columns = []
    for practitioner in shown.known.practitioners:
        hours = [hour for hour in shown.known.hours if hour.practitioner_id == practitioner.id and is_on(hour, day)]
        away = [absence for absence in shown.absences if absence.practitioner_id == practitioner.id]
        if hours or practitioner.id in among.practitioners:
            there = there_words(hours, away, day)
            columns.append({"id": practitioner.slug, "title": practitioner.full_name, "there": there})
    return columns


def _cards(shown: CalendarDays, visits: list[CalendarVisit], today: date) -> list[str]:
    needling = {treatment.id for treatment in shown.known.treatments if treatment.needling}
    day = today.isoformat()
    treatments = {treatment.id: treatment.name(shown.language) for treatment in shown.known.treatments}
    people = {practitioner.id: practitioner for practitioner in shown.known.practitioners}
    cards = []
    for visit in visits:
        if shown.whose is not None and visit.practitioner_id != shown.whose.id:
            continue
        if visit.ims == UNASKED and not (visit.starts.startswith(day) and visit.treatment_id in needling):
            visit = visit._replace(ims="")  # asked at the arrival, and before IMS alone
        who = people.get(visit.practitioner_id)
        what = treatments[visit.treatment_id]
        if _is_protected(visit):
            what = _("Protected")
        if shown.view == "rooms":
            with_whom = who is not None and not _is_protected(visit)
            cards.append(_card(visit, visit.room_id, f"{what} · {who.given_name}" if who and with_whom else what))
        else:
            cards.append(_card(visit, who.slug if who else None, what))
    return cards


def _is_protected(visit: CalendarVisit) -> bool:
    return visit.family_name is None and visit.status != "held"


@lru_cache(maxsize=5_000)
def _card(visit: CalendarVisit, column: Column, what: str) -> str:
    """Kept: of the day's visits one has changed since the last answer, or none."""
    ends = datetime.fromisoformat(visit.starts) + timedelta(minutes=visit.minutes)
    name = f"{visit.family_name}, {visit.given_name}" if visit.status != "held" else None
    if _is_protected(visit):
        name = what
    return _json(
        {
            "id": visit.public_id,
            "version": visit.version,
            "column": column,
            "starts": visit.starts,
            "ends": ends.isoformat(timespec="minutes"),
            "name": name,
            "what": "" if _is_protected(visit) else what,
            "status": visit.status,
            "flags": _flags_of(visit),
        }
    )


def _json(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _status(status: str) -> Json:
    if status == "held":
        return {"held": _("Being booked online"), "fixed": True}
    sign = visit_sign(status)
    return {"shape": sign.shape, "words": sign.words, "look": sign.look, "fixed": status in FIXED}


def _flags() -> Json:
    """Sign, words and look of each."""
    return {
        "first": ["★", _("First visit"), "info"],
        "screening": ["⚑", _("Screening"), "notice"],
        "failed": ["☎", _("Reminder failed"), "danger"],
        "note": ["✎", _("Note"), "info"],
        "birthday": ["♪", _("Birthday"), "brand"],
        "ims-g": ["✚", _("IMS given"), "good"],
        "ims-n": ["–", _("IMS not given"), "off"],
        "ims-o": ["?", _("IMS given? Still open"), "notice"],
        f"ims-{UNASKED}": ["♡", _("Health questions: ask today"), "notice"],
    }


def _flags_of(visit: CalendarVisit) -> list[str]:
    flags = []
    if visit.status != "held" and not visit.came_before:
        flags.append("first")
    if visit.flagged:
        flags.append("screening")
    if visit.reminder_failed and visit.status != "no_show":
        flags.append("failed")
    if visit.noted:
        flags.append("note")
    if visit.ims:
        flags.append(f"ims-{visit.ims}")
    if visit.birth_date is not None and visit.birth_date[5:] == visit.starts[5:10]:
        flags.append("birthday")
    return flags


def _shades(shown: CalendarDays, columns: Iterable[Json]) -> Iterator[Json]:
    """What is not working time, named where it has a name. Column None: everybody's."""
    for absence in shown.absences:
        if absence.practitioner_id is None:
            words = _("Closed: %(reason)s", reason=absence.reason) if absence.reason else _("Closed")
            yield _shade(None, absence.starts_local, absence.ends_local, words)
    if shown.view == "rooms":
        return
    there = {column["id"] for column in columns}
    for practitioner in [shown.whose] if shown.whose else shown.known.practitioners:
        practitioner_id, column = practitioner.id, None if shown.whose else practitioner.slug
        if not shown.whose and column not in there:
            continue
        hours = [hour for hour in shown.known.hours if hour.practitioner_id == practitioner_id]
        for day in shown.dates:
            midnight = datetime.combine(day, time.min)
            for begins, ends in gaps(worked(hours, day), midnight, midnight + timedelta(days=1)):
                yield _shade(column, begins, ends, "")
        for absence in shown.absences:
            if absence.practitioner_id == practitioner_id:
                yield _shade(column, absence.starts_local, absence.ends_local, _away_words(absence))


def _away_words(absence: Absence) -> str:
    long = absence.ends_local - absence.starts_local > timedelta(days=1)
    until = day_words((absence.ends_local - timedelta(minutes=1)).date())
    words = _("Away until %(day)s", day=until) if long else _("Away")
    return f"{words}: {absence.reason}" if absence.reason else words


def _shade(column: Column, begins: datetime, ends: datetime, words: str) -> Json:
    return {
        "column": column,
        "starts": begins.isoformat(timespec="minutes"),
        "ends": ends.isoformat(timespec="minutes"),
        "words": words,
    }


def _reach(shown: CalendarDays, among: Among) -> tuple[str, str]:
    """The hours shown: working hours and visits of these days, to whole hours, as "08:00" and "18:00"."""
    first, last = EARLIEST.hour, LATEST.hour
    for day in shown.dates:
        midnight = datetime.combine(day, time.min)
        for begins, ends in worked(shown.known.hours, day):
            first = min(first, begins.hour)
            last = max(last, -(-(ends - midnight) // timedelta(hours=1)))
    for starts, minutes in among.stretches:
        hour, minute = int(starts[:2]), int(starts[3:])
        first = min(first, hour)
        last = max(last, min(24, -(-(hour * 60 + minute + minutes) // 60)))
    return f"{first:02}:00", f"{last:02}:00"
