"""The guard of every page behind the desk's sign-in: signed in, not gone for long, and in a role let in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from flask import Flask, Response, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import Forbidden

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.extensions import csrf, db
from scheduler.models import StaffUser
from scheduler.queries.live_sessions import staff_of
from scheduler.queries.reference import DeskState
from scheduler.usecases import kept_forms
from scheduler.usecases.live_sessions import begin_session, end_session
from scheduler.web import access
from scheduler.web.reception.weighty import ask_password, note_password

EVERYBODY = ("receptionist", "practitioner", "owner")
SESSION_ID, SEEN_AT, SIGNED_IN_AT, WHY_OUT = "sid", "seen_at", "signed_in_at", "why_out"
KEPT_FORM = "kept_form"
LONGEST_DAY = 12 * 60 * 60  # seconds; then everybody signs in anew
ROW_KEPT = timedelta(days=1)  # the guard ends the session before that, and says why
NOTED_EVERY = 60  # seconds: not every answer needs a new cookie

NEVER_KEPT = ("csrf_token", "password_again")

View = TypeVar("View", bound=Callable[..., Any])


@dataclass(frozen=True, slots=True)
class SignedInStaff:
    """What Flask-Login hands out as current_user."""

    id: int
    username: str
    display_name: str
    role: str
    practitioner_id: int | None = None
    has_second_step: bool = False
    password_temporary: bool = False
    is_active: bool = True
    is_authenticated: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        return str(self.id)

    @property
    def actor(self) -> Actor:
        return Actor("staff", self.username, request.remote_addr or "")


def signed_in(staff: StaffUser) -> SignedInStaff:
    return SignedInStaff(
        id=staff.id,
        username=staff.username,
        display_name=staff.display_name,
        role=staff.role,
        practitioner_id=staff.practitioner_id,
        has_second_step=staff.totp_secret is not None,
        password_temporary=staff.password_temporary,
    )


def load_staff(_staff_id: str) -> SignedInStaff | None:
    """None once the session was ended or the person deactivated: the session's row says who it is, not the cookie."""
    staff = staff_of(db.engine, session.get(SESSION_ID, ""), now=clock.now())
    if staff is None:
        return None
    g.desk_state = staff.desk_state
    return SignedInStaff(*staff[:5], has_second_step=bool(staff[5]), password_temporary=bool(staff[6]))


def desk_state() -> DeskState:
    """The calendar's, read with whoever is asking."""
    found: DeskState = g.desk_state
    return found


def let_in(staff: StaffUser, now: datetime) -> None:
    """Whatever the cookie held before is not carried over into a signed-in session, but for the language."""
    who, before = signed_in(staff), session.get(SESSION_ID)
    _clear_cookie()
    session[SESSION_ID] = begin_session(db.session(), staff_user_id=who.id, now=now, life=ROW_KEPT, instead_of=before)
    session[SEEN_AT] = session[SIGNED_IN_AT] = int(now.timestamp())
    note_password(now)
    login_user(who)


def let_out() -> None:
    """Signed out for good: a copy of the cookie opens nothing either."""
    end_session(db.session(), session.get(SESSION_ID, ""))
    logout_user()
    _clear_cookie()


def unattended(view: View) -> View:
    """For what a page asks for by itself: it does not show that anybody is there."""
    view.unattended = True  # type: ignore[attr-defined]
    return view


def require_staff() -> ResponseReturnValue | None:
    """To the sign-in page, and back again to a page; 403 for a role that the blueprint does not let in."""
    if not current_user.is_authenticated:
        return _to_sign_in()
    now = int(clock.now().timestamp())
    asked_by_page = getattr(current_app.view_functions[request.endpoint or ""], "unattended", False)
    if asked_by_page and was_away():
        return _to_sign_in()  # still signed in, so that what somebody typed and sends now is kept
    if was_away():
        kept = _keep_form()
        let_out()
        session[WHY_OUT] = "idle"
        if kept is not None:
            session[KEPT_FORM] = kept
        return _to_sign_in()
    if not asked_by_page and now - session[SEEN_AT] >= NOTED_EVERY:
        session[SEEN_AT] = now
    if not _has_role():
        raise Forbidden
    return _to_what_comes_first() or ask_password()


def body_limit(app: Flask, environ: dict[str, Any]) -> int | None:
    """For a server that reads bodies before it asks us: how many bytes of this one, whose headers are in `environ`, are
    worth reading; None: no more than of any other. Looks at who it is, and changes nothing."""
    # A server's thread may have a context of its own open. Flask would use that one again, and with it whoever was
    # looked up in it first.
    with app.app_context(), app.request_context(environ):
        large = access.largest_body(app, request.endpoint)
        if large and current_user.is_authenticated and _has_role() and not was_away():
            return large
    return None


def _has_role() -> bool:
    declared = access.entered()
    return declared is not None and current_user.role in declared.roles


def was_away() -> bool:
    """Whether whoever is signed in was gone for so long that they are to sign in anew."""
    now = int(clock.now().timestamp())
    idle = now - session.get(SEEN_AT, 0) > current_app.config["DESK_IDLE_MINUTES"] * 60
    return bool(idle or now - session.get(SIGNED_IN_AT, 0) > LONGEST_DAY)


def needs_second_step(staff: SignedInStaff) -> bool:
    """The owner does, and whoever else the clinic wants to."""
    if staff.username in current_app.config["WITHOUT_SECOND_STEP"]:
        return False
    return staff.role == "owner" or current_app.config["CLINIC"].second_step_for_all


def _to_what_comes_first() -> ResponseReturnValue | None:
    """A password of one's own, and an authenticator where one is asked for, come before everything else."""
    if request.blueprint == "reception_account" or request.endpoint == "reception_entrance.leave":
        return None
    if current_user.password_temporary:
        return redirect(url_for("reception_account.show"), 303)
    if needs_second_step(current_user) and not current_user.has_second_step:
        return redirect(url_for("reception_account.second_step"), 303)
    return None


def _keep_form() -> str | None:
    """What was typed before the sender was away for too long; a forged form and passwords are not kept."""
    if request.method != "POST" or request.blueprint in ("reception_account", "reception_entrance") or request.files:
        return None
    try:
        csrf.protect()
    except CSRFError:
        return None
    fields = [[name, value] for name, value in request.form.items(multi=True) if name not in NEVER_KEPT]
    path = request.full_path.rstrip("?")
    return kept_forms.keep(db.session(), staff_id=current_user.id, path=path, fields=fields, now=clock.now())


def _clear_cookie() -> None:
    """But for the language that its reader has chosen."""
    language = session.get("lang")
    session.clear()
    if language:
        session["lang"] = language


def _to_sign_in() -> ResponseReturnValue:
    if request.headers.get("HX-Request") == "true":  # a part of a page: the whole page goes to the sign-in
        return Response(headers={"HX-Redirect": url_for("reception_entrance.sign_in")})
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for("reception_entrance.sign_in", next=None if wanted == "/desk" else wanted), 303)
