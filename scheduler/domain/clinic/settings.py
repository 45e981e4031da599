"""What the owner has set: plain values, handed to every use case."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time, timedelta


@dataclass(frozen=True, slots=True)
class ClinicSettings:
    """`cutoff_hours`: patients change a visit themselves until then; `lead_minutes`: the soonest start offered online; `clearance_months`: so long after the last IMS a clearance holds.

    `province`: whose public holidays the desk is shown. `sms_parts_monthly`: what the texts of a calendar month may cost, sign-in codes apart; `code_parts_monthly`: what those may; 0: no limit. `retention_years`: for how long a record is kept after its last visit or entry. `texts`: what the owner has reworded, by kind and language (texts/wording.py). `calendar_changed_at`, `calendar_changes`: when, and how often, what patients' calendars say of the clinic has changed.
    """

    name: str = "East Side Physio"
    phone: str = "613-555-0100"
    address: str = "100 Rideau Street, Ottawa, Ontario"
    zone: str = "America/Toronto"
    province: str = "ON"
    public_url: str = "http://127.0.0.1:8000"
    lead_minutes: int = 120
    horizon_days: int = 90
    cutoff_hours: int = 24
    hold_minutes: int = 10
    grid_minutes: int = 15
    grace_minutes: int = 3
    clearance_months: int = 12
    reminder_days: tuple[int, ...] = (3, 1)
    quiet_from: time = time(21)
    quiet_until: time = time(8)
    sms_parts_monthly: int = 0
    code_parts_monthly: int = 0
    retention_years: int = 10
    languages: tuple[str, ...] = ("en", "fr")
    calendar_changed_at: datetime | None = None
    calendar_changes: int = 0
    texts: Mapping[tuple[str, str], str] = field(default_factory=dict, hash=False)

    def changeable_until(self, starts_at: datetime) -> datetime:
        """The last moment at which a patient moves or cancels the visit; after it they telephone."""
        return starts_at - timedelta(hours=self.cutoff_hours)
