"""How long somebody waits who has typed wrong codes one after the other."""

from datetime import timedelta

PATIENCE = 20
EVERY = 5
FIRST, LONGEST = timedelta(minutes=30), timedelta(days=1)


def pause_after(wrong: int) -> timedelta | None:
    """After the 20th half an hour, after the 25th an hour, and so on, twice as long after each five; else none."""
    if wrong < PATIENCE or (wrong - PATIENCE) % EVERY:
        return None
    doubled: int = 2 ** min((wrong - PATIENCE) // EVERY, 10)
    return min(FIRST * doubled, LONGEST)
