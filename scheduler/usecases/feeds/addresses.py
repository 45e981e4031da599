"""A patient's private calendar address ends when whoever was given it may no longer be the patient."""

from collections.abc import Iterable

from scheduler.models import Patient
from scheduler.models.patients.patient import feed_token


def end_calendar_addresses(patients: Iterable[Patient]) -> None:
    """In the caller's transaction: the addresses given out, those of single visits included, are dead at once.

    Called wherever a number changes or is said to be wrong, a record is restricted, or two become one.
    """
    for patient in patients:
        patient.feed_token = feed_token()
