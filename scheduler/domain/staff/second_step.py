"""When the second step of signing in is asked for, and until when somebody without one may wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta

GRACE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class SecondStep:
    """One person's, whatever the role. `exempt`: a demo account. `due_at`: by when to have set it up, from the first
    sign-in on. `let_in_until`: the owner lets them in without it today."""

    exempt: bool
    enrolled: bool
    due_at: datetime | None
    let_in_until: datetime | None

    def is_asked(self, now: datetime) -> bool:
        """After the right password."""
        return self.enrolled and not self.is_let_in(now)

    def is_missing(self, now: datetime) -> bool:
        """The days to set it up are over: nothing opens but the page that says so."""
        if self.exempt or self.enrolled or self.is_let_in(now):
            return False
        return self.due_at is not None and self.due_at <= now

    def may_enrol(self, now: datetime) -> bool:
        """Within the days, or let in by an owner. Afterwards a password alone must not choose the second step."""
        return not self.is_missing(now)

    def to_set_up_by(self, now: datetime) -> datetime | None:
        """Until when it is to be set up; None for whoever need not be told."""
        if self.exempt or self.enrolled or self.due_at is None:
            return None
        if self.due_at <= now:
            return self.let_in_until if self.is_let_in(now) else None
        return self.due_at

    def is_let_in(self, now: datetime) -> bool:
        return self.let_in_until is not None and now < self.let_in_until
