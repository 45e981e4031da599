from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple


@dataclass(frozen=True, order=True, slots=True)
class TimeSlot:
    """From `start` until just before `end`: slots that touch do not overlap. Both wall clock or both UTC."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        if not self.start < self.end:
            raise ValueError(f"a slot must end after it starts: {self.start} to {self.end}")

    def overlaps(self, other: TimeSlot) -> bool:
        return self.start < other.end and other.start < self.end

    def contains(self, moment: datetime) -> bool:
        return self.start <= moment < self.end


class OpenRange(NamedTuple):
    """Starts strictly after `after` and strictly before `before`; both ends themselves are outside."""

    after: datetime
    before: datetime
