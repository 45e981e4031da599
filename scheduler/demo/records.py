"""The diary as rows: each visit is booked, then changed step by step as it would have been, in the order of time.

Doing it in that order lets the database watch: a cancelled visit and the one booked instead may be three days apart.
"""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, cast

from sqlalchemy import Table, bindparam, insert, select, update
from sqlalchemy.orm import Session

from scheduler import clock
from scheduler.demo.diary import DemoVisit
from scheduler.demo.people import DemoPatient
from scheduler.domain.booking.screening import ScreeningQuestion
from scheduler.domain.booking.treatment_spacing import end_of_day
from scheduler.domain.clinic.settings import ClinicSettings
from scheduler.models import Appointment, Patient, Practitioner, Room, Screening, Treatment
from scheduler.models.clinic.clinic import SpacingGroup

APPOINTMENTS = cast(Table, Appointment.__table__)
BOOK = insert(APPOINTMENTS).values(version=1, schedule_version=1)
CHANGE = (
    update(APPOINTMENTS)
    .where(APPOINTMENTS.c.id == bindparam("which"))
    .values(
        status=bindparam("to_status"),
        version=APPOINTMENTS.c.version + 1,
        changed_at=bindparam("at"),
        changed_by=bindparam("by"),
        changed_why=bindparam("why"),
    )
)
WHY_CANCELLED = ("Has a cold", "Work", "No babysitter", None, None)


@dataclass(frozen=True, slots=True)
class Step:
    at_local: datetime
    order: int
    visit: DemoVisit
    status: str
    by: str
    why: str | None = None


def unguessable(random: Random, size: int = 16) -> str:
    """An id drawn like everything else, so that the same day gives the same addresses."""
    return base64.urlsafe_b64encode(random.randbytes(size)).decode().rstrip("=")


class Records:
    """`written` maps what was written to the id of its appointment."""

    def __init__(
        self,
        session: Session,
        *,
        clinic: ClinicSettings,
        now: datetime,
        patients: dict[int, Patient],
        invented: list[DemoPatient],
        random: Random,
    ) -> None:
        self.clinic, self.now = clinic, now
        self._connection = session.connection()
        self.zone = clock.zone(clinic.zone)
        self.now_local = clock.to_local(now, self.zone)
        self.patients, self.invented, self.random = patients, invented, random
        self.written: dict[DemoVisit, int] = {}
        self._practitioners = {who.slug: who.id for who in session.scalars(select(Practitioner))}
        self._rooms = {room.name: room.id for room in session.scalars(select(Room))}
        self._treatments = {treatment.slug: treatment for treatment in session.scalars(select(Treatment))}
        self._min_days = {group.id: group.min_days for group in session.scalars(select(SpacingGroup))}

    def write(self, visits: list[DemoVisit]) -> None:
        steps = (step for visit in visits for step in self._steps(visit) if step.at_local <= self.now_local)
        for step in sorted(steps, key=lambda step: (step.at_local, step.order)):
            if step.status == "booked" or step.visit.elsewhere:
                self._book(step)
            else:
                self._change(step)
        self._write_screenings(visits)

    def instant(self, local: datetime) -> datetime:
        return clock.to_utc_or_near(local, self.zone)

    def _steps(self, visit: DemoVisit) -> Iterator[Step]:
        """Drawn numbers decide (`visit.chance`), not the time at which the demo was begun."""
        desk, starts = "staff:demo-reception", visit.starts_local
        if visit.elsewhere:
            yield Step(min(visit.booked_local, self.now_local), 0, visit, "completed", desk)
            return
        yield Step(visit.booked_local, 1, visit, "booked", self._who_booked(visit))
        if visit.cancelled_local is not None:
            why = WHY_CANCELLED[int(visit.chance * 1000) % len(WHY_CANCELLED)]
            yield Step(visit.cancelled_local, 0, visit, "cancelled", desk, why)
        elif visit.fate == "missed":
            yield Step(starts + timedelta(minutes=20), 0, visit, "no_show", desk)
        else:
            if visit.chance < 0.35:
                yield Step(visit.booked_local + timedelta(hours=3), 2, visit, "confirmed", desk)
            yield Step(starts - timedelta(minutes=int(visit.chance * 9)), 3, visit, "arrived", desk)
            minutes = self._treatments[visit.treatment].minutes
            done_by = f"staff:{visit.practitioner.partition('-')[0]}"
            yield Step(starts + timedelta(minutes=minutes + int(visit.chance * 6)), 0, visit, "completed", done_by)

    def _who_booked(self, visit: DemoVisit) -> str:
        account = self.patients[visit.patient].phone_account_id
        return f"patient:{account}" if self._origin(visit) == "online" and account else "staff:demo-reception"

    def _origin(self, visit: DemoVisit) -> str:
        has_phone = self.patients[visit.patient].phone_account_id is not None
        return "online" if has_phone and visit.chance * 10 % 1 < 0.62 else "desk"

    def _book(self, step: Step) -> None:
        values = self._row(step.visit, at=self.instant(step.at_local), by=step.by) | {"status": step.status}
        self.written[step.visit] = self._insert(values)

    def _insert(self, values: dict[str, Any]) -> int:
        key = self._connection.execute(BOOK, values).inserted_primary_key
        assert key is not None  # noqa: S101 - one row was inserted
        return int(key[0])

    def _row(self, visit: DemoVisit, *, at: datetime, by: str) -> dict[str, Any]:
        treatment = self._treatments[visit.treatment]
        starts_at = self.instant(visit.starts_local)
        ends_at = starts_at + timedelta(minutes=treatment.minutes)
        buffer_minutes = 0 if visit.elsewhere else treatment.buffer_minutes
        group = treatment.spacing_group_id
        return {
            "public_id": unguessable(self.random),
            "patient_id": self.patients[visit.patient].id,
            "practitioner_id": self._practitioners.get(visit.practitioner),
            "room_id": self._rooms.get(visit.room),
            "treatment_id": treatment.id,
            "origin": "elsewhere" if visit.elsewhere else self._origin(visit),
            "starts_local": visit.starts_local,
            "zone": self.clinic.zone,
            "minutes": treatment.minutes,
            "buffer_minutes": buffer_minutes,
            "starts_at": starts_at,
            "ends_at": ends_at,
            "busy_until": ends_at + timedelta(minutes=buffer_minutes),
            "spacing_group_id": group,
            "spacing_days": None if group is None else self._min_days[group],
            "counts_from_local": end_of_day(visit.starts_local.date()) if visit.elsewhere else visit.starts_local,
            "time_known": not visit.elsewhere,
            "created_at": at,
            "changed_at": at,
            "changed_by": by,
        }

    def _change(self, step: Step) -> None:
        self._connection.execute(
            CHANGE,
            {
                "which": self.written[step.visit],
                "to_status": step.status,
                "at": self.instant(step.at_local),
                "by": step.by,
                "why": step.why,
            },
        )

    def _write_screenings(self, visits: list[DemoVisit]) -> None:
        """Answered by those who booked IMS online; one in eight says yes to something."""
        questions = [question.value for question in ScreeningQuestion if question != "needled_elsewhere"]
        rows = []
        for visit in visits:
            asked = visit.treatment == "ims" and not visit.elsewhere and self._origin(visit) == "online"
            yes = questions[int(visit.chance * 997) % len(questions)] if visit.chance > 0.87 else None
            if asked:
                rows.append(
                    {
                        "appointment_id": self.written[visit],
                        "patient_id": self.patients[visit.patient].id,
                        "answers": {question.value: question.value == yes for question in ScreeningQuestion},
                        "flagged": yes is not None,
                        "answered_at": self.instant(visit.booked_local),
                        "note": "",
                    }
                )
        self._connection.execute(insert(Screening), rows)

    def write_holds(self, being_chosen: DemoVisit, given_up: DemoVisit) -> None:
        """One visitor is choosing right now, another went away some time ago."""
        kept = timedelta(minutes=self.clinic.hold_minutes)
        for visit, at in ((being_chosen, self.now), (given_up, self.now - 4 * kept)):
            values = self._row(visit, at=at, by="patient:0") | {
                "patient_id": None,
                "origin": "online",
                "status": "held",
                "hold_until": at + kept,
                "held_for": unguessable(self.random),
            }
            self.written[visit] = self._insert(values)
        self._change(Step(self.now_local, 0, given_up, "expired", "system:holds", "ran out"))
        for visit in (being_chosen, given_up):
            del self.written[visit]  # nobody's visits: nothing is texted about them
