"""When to try again."""

from datetime import datetime, timedelta
from random import SystemRandom

_random = SystemRandom()


def retry_at(
    now: datetime, *, tries: int, first_seconds: float, longest_seconds: float, at_least: float | None = None
) -> datetime:
    """Twice as long after each of `tries`, a quarter more or less by chance so that a thousand don't come back at once.

    Never before `at_least` seconds, which the provider named.
    """
    seconds = min(first_seconds * 2 ** min(tries - 1, 20), longest_seconds) * _random.uniform(0.75, 1.25)
    return now + timedelta(seconds=max(seconds, at_least or 0))
