"""How visits of a file go together with each other and with those that are here already.

What has happened cannot be refused, and what the rules forbid cannot be written. So visits still to come are refused
like any other; of past ones
- two of a practitioner or a patient that overlap: the earlier one is recorded as ending when the later began;
- two that began in the same minute cannot both be recorded: a problem, for whoever knows which one it was;
- two in the same room: the second is recorded without a room;
- two nearer to each other than the rule allows are both recorded, and only the later one counts, which forbids every
  future start that the earlier one forbids. So it is also when one of the two is here already (ims_counting.py);
- one too near before a visit that is booked here is recorded and does not count while that one does, which must move.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain, count

from scheduler.domain.moving_in.problems import Remark, Report


@dataclass(slots=True)
class DiaryVisit:
    """`row` 0: it is here already, by the id `key`. Changed in place: `ends_at` and `room` of the file's, and `group`.

    `free_at` is when practitioner and room are free again; `group` the spacing group, none for a visit not to space.
    `over`: it took place, or nobody has said otherwise; none where `past` says it.
    """

    row: int
    patient: int
    practitioner: int | None
    room: int | None
    starts_local: datetime
    starts_at: datetime
    ends_at: datetime
    free_at: datetime
    past: bool
    group: int | None = None
    min_days: int = 0
    counts_from: datetime | None = None
    room_name: str = ""
    key: int = 0
    over: bool | None = None

    @property
    def took_place(self) -> bool:
        return self.past if self.over is None else self.over

    @property
    def where(self) -> str:
        return f"row {self.row}" if self.row else f"{self.starts_local:%Y-%m-%d %H:%M}"

    @property
    def counted_from(self) -> datetime:
        return self.counts_from or self.starts_local


def fit_together(new: Sequence[DiaryVisit], here: Sequence[DiaryVisit], report: Report) -> list[DiaryVisit]:
    """Both hold active visits only. Adds problems and notes to the report, and changes what `DiaryVisit` says.

    Returns those that are here and count no longer, because a visit of the file counts instead.
    """
    together = sorted((*new, *here), key=lambda visit: visit.starts_at)
    _separate(together, lambda visit: visit.practitioner, "practitioner_busy", report)
    _separate(together, lambda visit: visit.patient, "patient_busy", report)
    _separate_rooms(together, report)
    return _space(new, here, report)


def give_rooms(
    new: Sequence[DiaryVisit],
    here: Sequence[DiaryVisit],
    report: Report,
    *,
    rooms: Sequence[int],
    unrecorded: Sequence[int],
) -> None:
    """A free room for each visit that names none; for a past one a room that stands for "not recorded".

    Of those, `unrecorded` are free in all that time; when they do not suffice the numbers go on from -1 down.
    """
    free_at: dict[int, datetime] = {}
    to_come: defaultdict[int, list[DiaryVisit]] = defaultdict(list)  # by the day on which they begin
    for visit in (*new, *here):
        if not visit.past:
            to_come[visit.starts_at.toordinal()].append(visit)
    past = sorted((visit for visit in new if visit.past and visit.room is None), key=lambda visit: visit.starts_at)
    for visit in past:
        candidates = chain(unrecorded, count(-1, -1))
        room = next(room for room in candidates if room not in free_at or free_at[room] <= visit.starts_at)
        visit.room, free_at[room] = room, visit.ends_at
    for visit in new:
        if visit.room is None:
            day = (
                visit.starts_at.toordinal()
            )  # no visit lasts so long that one of another day but these could be in its way
            near = chain(to_come[day - 1], to_come[day], to_come[day + 1])
            busy = {other.room for other in near if other.starts_at < visit.free_at and visit.starts_at < other.free_at}
            visit.room = next((room for room in rooms if room not in busy), None)
            if visit.room is None:
                report.problems.append(Remark(visit.row, "no_free_room"))


def _separate(together: list[DiaryVisit], who: Callable[[DiaryVisit], int | None], kind: str, report: Report) -> None:
    last: dict[int, DiaryVisit] = {}
    of_patient = kind == "patient_busy"
    for visit in together:
        key = who(visit)
        if key is None:
            continue
        before = last.get(key)
        busy_until = None if before is None else before.ends_at if of_patient else before.free_at
        if before is not None and busy_until is not None and busy_until > visit.starts_at:
            if before.row and before.past and visit.past and before.starts_at < visit.starts_at:
                before.ends_at = before.free_at = visit.starts_at
                minutes = int((before.ends_at - before.starts_at).total_seconds()) // 60
                report.notes.append(Remark(before.row, "shortened", str(minutes), visit.where))
            elif visit.row or before.row:
                late, other = (visit, before) if visit.row >= before.row else (before, visit)
                report.problems.append(Remark(late.row, kind, other=other.where))
        if before is None or before.free_at <= visit.free_at:
            last[key] = visit


def _separate_rooms(together: list[DiaryVisit], report: Report) -> None:
    last: dict[int, DiaryVisit] = {}
    for visit in together:
        if visit.room is None:
            continue
        before = last.get(visit.room)
        if before is not None and before.free_at > visit.starts_at:
            loser = visit if visit.row and visit.past else before
            if loser.row and loser.past:
                report.notes.append(Remark(loser.row, "room_not_recorded", loser.room_name))
                room, loser.room = visit.room, None
                if loser is before and room is not None:
                    last[room] = visit
                continue
            if visit.row or before.row:
                late, other = (visit, before) if visit.row >= before.row else (before, visit)
                report.problems.append(Remark(late.row, "room_busy", other=other.where))
        last[visit.room] = visit


def _space(new: Sequence[DiaryVisit], here: Sequence[DiaryVisit], report: Report) -> list[DiaryVisit]:
    counting: defaultdict[tuple[int, int], list[tuple[datetime, DiaryVisit]]] = defaultdict(list)
    spaced = [visit for visit in (*new, *here) if visit.group is not None]
    for visit in spaced:
        if visit.row == 0 and not visit.took_place:
            _count(counting[_whose(visit)], visit)
    past = sorted((visit for visit in spaced if visit.took_place), key=lambda visit: visit.counted_from, reverse=True)
    stopped = []
    for visit in past:  # the past cannot be changed: what is to come has to go round it
        counted = counting[_whose(visit)]
        near = _near(counted, visit)
        if near is None:
            _count(counted, visit)
        elif visit.row:
            visit.group = None
            kind = "counts_not" if near.took_place else "must_move"
            report.notes.append(Remark(visit.row, kind, str(visit.min_days), near.where))
        elif near.row:
            visit.group = None
            stopped.append(visit)
            report.notes.append(Remark(near.row, "counts_instead", str(near.min_days), visit.where))
    to_come = (visit for visit in spaced if visit.row and not visit.took_place)
    for visit in sorted(to_come, key=lambda visit: visit.row):
        counted = counting[_whose(visit)]
        near = _near(counted, visit)
        if near is None:
            _count(counted, visit)
        else:
            report.problems.append(Remark(visit.row, "too_soon", str(visit.min_days), near.where))
    return stopped


def _whose(visit: DiaryVisit) -> tuple[int, int]:
    return visit.patient, visit.group or 0


def _near(counted: list[tuple[datetime, DiaryVisit]], visit: DiaryVisit) -> DiaryVisit | None:
    gap = timedelta(days=visit.min_days)
    place = bisect_left(counted, visit.counted_from, key=lambda one: one[0])
    for moment, other in reversed(counted[max(0, place - 1) : place + 1]):
        if abs(moment - visit.counted_from) < gap:
            return other
    return None


def _count(counted: list[tuple[datetime, DiaryVisit]], visit: DiaryVisit) -> None:
    counted.insert(bisect_left(counted, visit.counted_from, key=lambda one: one[0]), (visit.counted_from, visit))
