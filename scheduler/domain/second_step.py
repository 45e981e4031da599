"""When the second step of signing in is asked for, and until when somebody without one may wait."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil

GRACE = timedelta(days=7)
A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class SecondStep:
    """One person's. `exempt`: a demo account. `due_at`: by when to have set it up, from the first sign-in on.
    `let_in_until`: the owner lets them in without it today."""

    role: str
    exempt: bool
    enrolled: bool
    due_at: datetime | None
    let_in_until: datetime | None

    def is_asked(self, now: datetime) -> bool:
        """After the right password."""
        return self.enrolled and not self.is_let_in(now)

    def is_missing(self, now: datetime) -> bool:
        """To be set up before anything else. An owner, who can change everything here, has no days to wait."""
        if self.exempt or self.enrolled or self.is_let_in(now):
            return False
        return self.role == "owner" or (self.due_at is not None and self.due_at <= now)

    def days_left(self, now: datetime) -> int | None:
        """To set it up; None for whoever need not be told."""
        if self.exempt or self.enrolled or self.due_at is None or self.due_at <= now:
            return None
        return ceil((self.due_at - now) / A_DAY)

    def is_let_in(self, now: datetime) -> bool:
        return self.let_in_until is not None and now < self.let_in_until
