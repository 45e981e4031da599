"""The cookie of a clinic computer, and what the session knows of it."""

from datetime import datetime

from flask import Response, current_app, request, session

from scheduler.extensions import db
from scheduler.models import ClinicComputer
from scheduler.queries.staff.clinic_computers import computer_of
from scheduler.usecases.staff.clinic_computers import GOOD_FOR

COMPUTER = "computer"  # in the session: its id
LOCKS_AFTER = 10  # minutes


def here(now: datetime) -> ClinicComputer | None:
    """The clinic computer that this request comes from, if it is one."""
    token = request.cookies.get(_cookie_name())
    return computer_of(db.session(), token[:100], now=now) if token else None


def remember(response: Response, token: str) -> Response:
    response.set_cookie(
        _cookie_name(),
        token,
        max_age=GOOD_FOR,
        path="/desk",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


def idle_minutes() -> int:
    """After which whoever is signed in here is asked who they are."""
    minutes: int = current_app.config["DESK_IDLE_MINUTES"]
    return min(minutes, LOCKS_AFTER) if COMPUTER in session else minutes


def locks_after() -> int | None:
    """Seconds, for the page's own clock; None elsewhere than at a clinic computer."""
    return idle_minutes() * 60 if COMPUTER in session else None


def _cookie_name() -> str:
    return "__Secure-clinic_computer" if current_app.config["SESSION_COOKIE_SECURE"] else "clinic_computer"
