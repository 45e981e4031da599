"""Who signs in at the demo's desk. The passwords are in the README, so these names work in a demo alone."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import Practitioner, StaffUser
from scheduler.usecases.staff.staff import hash_password


@dataclass(frozen=True, slots=True)
class DemoStaff:
    username: str
    display_name: str
    role: str
    practitioner: str | None = None


PASSWORD = "seven days apart"  # noqa: S105 - everybody may know it
DEMO_STAFF = (
    DemoStaff("demo-reception", "Robin", "receptionist"),
    DemoStaff("demo-priya", "Priya Nair", "practitioner", "priya-nair"),
    DemoStaff("demo-owner", "Morgan", "owner"),
)
DEMO_USERNAMES = frozenset(who.username for who in DEMO_STAFF)


def add_demo_staff(session: Session, *, now: datetime) -> None:
    hashed = hash_password(PASSWORD)
    practitioners = {who.slug: who.id for who in session.scalars(select(Practitioner))}
    session.add_all(
        StaffUser(
            username=who.username,
            display_name=who.display_name,
            role=who.role,
            practitioner_id=practitioners[who.practitioner] if who.practitioner else None,
            password_hash=hashed,
            created_at=now,
        )
        for who in DEMO_STAFF
    )
