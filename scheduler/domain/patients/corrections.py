"""A request to correct a record: how it may be answered, and by when (Ontario's PHIPA: 30 days)."""

from datetime import date, timedelta

CORRECTED, REFUSED = "corrected", "refused"
ANSWERED_WITHIN = timedelta(days=30)


def days_left(asked_on: date, today: date) -> int:
    """Negative once it is overdue."""
    return (asked_on + ANSWERED_WITHIN - today).days
