"""The guard of every page behind the desk's sign-in: signed in, not gone for long, and in a role let in."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import current_app, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, logout_user
from werkzeug.exceptions import Forbidden

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.extensions import db
from scheduler.models import StaffUser
from scheduler.web import access

EVERYBODY = ("receptionist", "practitioner", "owner")
SEEN_AT, SIGNED_IN_AT, WHY_OUT = "seen_at", "signed_in_at", "why_out"
LONGEST_DAY = 12 * 60 * 60  # seconds; then everybody signs in anew
NOTED_EVERY = 60  # seconds: not every answer needs a new cookie

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class SignedInStaff:
    """What Flask-Login hands out as current_user."""

    id: int
    epoch: int
    username: str
    display_name: str
    role: str
    is_active: bool = True
    is_authenticated: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        return f"{self.id}:{self.epoch}"

    @property
    def actor(self) -> Actor:
        return Actor("staff", self.username, request.remote_addr or "")


def signed_in(staff: StaffUser) -> SignedInStaff:
    return SignedInStaff(staff.id, staff.sign_in_epoch, staff.username, staff.display_name, staff.role)


def load_staff(staff_id: str) -> SignedInStaff | None:
    """None once the person was deactivated or signed out everywhere (the epoch rose)."""
    key, _, epoch = staff_id.partition(":")
    staff = db.session.get(StaffUser, int(key)) if key.isdecimal() and epoch.isdecimal() else None
    if staff is None or not staff.active or staff.sign_in_epoch != int(epoch):
        return None
    return signed_in(staff)


def unattended(view: View) -> View:
    """For what a page asks for by itself: it does not show that anybody is there."""
    view.unattended = True  # type: ignore[attr-defined]
    return view


def require_staff() -> ResponseReturnValue | None:
    """To the sign-in page, and back again to a page; 403 for a role that the blueprint does not let in."""
    if not current_user.is_authenticated:
        return _to_sign_in()
    now = int(clock.now().timestamp())
    idle = now - session.get(SEEN_AT, 0) > current_app.config["DESK_IDLE_MINUTES"] * 60
    if idle or now - session.get(SIGNED_IN_AT, 0) > LONGEST_DAY:
        logout_user()
        session.clear()
        session[WHY_OUT] = "idle"
        return _to_sign_in()
    asked_by_page = getattr(current_app.view_functions[request.endpoint or ""], "unattended", False)
    if not asked_by_page and now - session[SEEN_AT] >= NOTED_EVERY:
        session[SEEN_AT] = now
    declared = access.entered()
    if declared is None or current_user.role not in declared.roles:
        raise Forbidden
    return None


def _to_sign_in() -> ResponseReturnValue:
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("reception_entrance.sign_in", next=None if wanted == "/desk" else wanted), 303)
