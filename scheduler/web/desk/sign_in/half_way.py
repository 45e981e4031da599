"""Between the password and the second step; and the browsers in which somebody has signed in before."""

import secrets
from dataclasses import dataclass

from flask import Response, current_app, request, session
from itsdangerous import BadSignature, URLSafeTimedSerializer

from scheduler import clock
from scheduler.models import StaffUser
from scheduler.usecases.staff.second_step import password_mark

HALF_WAY = "half_way"
LONGEST = 10 * 60  # seconds between the two steps
KEPT = 60 * 60 * 24 * 180


@dataclass(frozen=True, slots=True)
class HalfWay:
    """Whose password was right, and which one: a new password sends back to the first step."""

    staff_id: int
    password: str
    username: str


def begin(staff: StaffUser) -> None:
    session[HALF_WAY] = [staff.id, password_mark(staff), int(clock.now().timestamp()), staff.username]


def found() -> HalfWay | None:
    kept = session.get(HALF_WAY)
    if not kept or len(kept) != 4 or clock.now().timestamp() - kept[2] > LONGEST:
        return None
    return HalfWay(kept[0], kept[1], kept[3])


def known_device(username: str) -> str | None:
    """The random name of this browser, when this very person has signed in with it before."""
    try:
        device, whose = _signer().loads(request.cookies.get(_cookie_name(), ""), max_age=KEPT)
    except (BadSignature, ValueError, TypeError):
        return None
    return str(device) if whose == username.strip().lower() else None


def remember_device(response: Response, staff: StaffUser) -> Response:
    """Opens nothing by itself: it only keeps strangers' wrong passwords from locking out this browser."""
    response.set_cookie(
        _cookie_name(),
        _signer().dumps([secrets.token_urlsafe(12), staff.username]),
        max_age=KEPT,
        path="/desk",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
        httponly=True,
        samesite="Lax",
    )
    return response


def _cookie_name() -> str:
    return "__Secure-clinic_device" if current_app.config["SESSION_COOKIE_SECURE"] else "clinic_device"


def _signer() -> URLSafeTimedSerializer:
    config = current_app.config
    return URLSafeTimedSerializer([*reversed(config["SECRET_KEY_FALLBACKS"]), config["SECRET_KEY"]], salt="desk device")
