"""Which computer a cookie is of, and who may come back there by a PIN."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from scheduler.models import ClinicComputer, ComputerSignIn, StaffUser
from scheduler.queries.staff.live_sessions import id_hash

COMES_BACK = timedelta(hours=12)  # after password and second step
MOST_WRONG = 5


@dataclass(frozen=True, slots=True)
class Colleague:
    id: int
    display_name: str


def computer_of(session: Session, token: str, *, now: datetime) -> ClinicComputer | None:
    """None when it was never registered, has ended or was revoked."""
    return session.scalar(
        select(ClinicComputer).where(
            ClinicComputer.token_hash == id_hash(token),
            ClinicComputer.revoked_at.is_(None),
            ClinicComputer.ends_at > now,
        )
    )


def who_comes_back(session: Session, computer_id: int, *, now: datetime) -> list[Colleague]:
    """By a PIN alone, at this computer."""
    found = session.execute(
        select(StaffUser.id, StaffUser.display_name)
        .join(ComputerSignIn, ComputerSignIn.staff_user_id == StaffUser.id)
        .where(ComputerSignIn.clinic_computer_id == computer_id, ComputerSignIn.given_at > now - COMES_BACK)
        .where(ComputerSignIn.wrong_pins < MOST_WRONG, StaffUser.active, StaffUser.pin_hash.is_not(None))
        .where(StaffUser.password_temporary.is_(False))
        .order_by(StaffUser.display_name, StaffUser.id)
    )
    return [Colleague(*row) for row in found]


def registered(session: Session, *, now: datetime) -> list[ClinicComputer]:
    """Those that work, the last one first."""
    return list(
        session.scalars(
            select(ClinicComputer)
            .where(ClinicComputer.revoked_at.is_(None), ClinicComputer.ends_at > now)
            .order_by(ClinicComputer.registered_at.desc(), ClinicComputer.id.desc())
        )
    )
