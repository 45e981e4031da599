"""The guard of every page behind the desk's sign-in: signed in, not gone for long, and in a role let in."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlsplit

from flask import Flask, Response, current_app, g, redirect, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_user, logout_user
from flask_wtf.csrf import CSRFError
from werkzeug.exceptions import Forbidden

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.domain.staff.second_step import SecondStep
from scheduler.extensions import clinic_local, clinic_zone, csrf, db
from scheduler.models import StaffUser
from scheduler.queries.clinic.reference import DeskState
from scheduler.queries.staff.clinic_computers import who_comes_back
from scheduler.queries.staff.live_sessions import staff_of
from scheduler.usecases.staff import kept_forms
from scheduler.usecases.staff.clinic_computers import note_full_sign_in, note_place
from scheduler.usecases.staff.live_sessions import begin_session, end_session
from scheduler.usecases.staff.sign_in_audit import SignIn, WrongTries, record_sign_in
from scheduler.web import access
from scheduler.web.desk.acting_on.typed import NEVER_KEPT
from scheduler.web.desk.panel import address_of_panel, wants_json
from scheduler.web.desk.records.protection import ask_instead
from scheduler.web.desk.sign_in import computers
from scheduler.web.desk.sign_in.computers import COMPUTER
from scheduler.web.desk.sign_in.paths import desk_path, page_at, page_before
from scheduler.web.desk.sign_in.weighty import ask_password, note_password

EVERYBODY = ("receptionist", "practitioner", "owner")
SESSION_ID, SEEN_AT, SIGNED_IN_AT, WHY_OUT = "sid", "seen_at", "signed_in_at", "why_out"
KEPT_FORM = "kept_form"
FULLY = "fully"  # whether password and second step were given
WRONG_TRIES, MOST_ADDRESSES = "wrong_tries", 3
OWN_DOOR = ("desk_account", "desk_entrance", "desk_locked")
LONGEST_DAY = 12 * 60 * 60  # seconds; then everybody signs in anew
ROW_KEPT = timedelta(days=1)  # the guard ends the session before that, and says why
NOTED_EVERY = 60  # seconds: not every answer needs a new cookie

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
    second_step_due_at: datetime | None = None
    let_in_until: datetime | None = None
    is_active: bool = True
    is_authenticated: bool = True
    is_anonymous: bool = False

    def get_id(self) -> str:
        return str(self.id)

    @property
    def second_step(self) -> SecondStep:
        exempt = self.username in current_app.config["WITHOUT_SECOND_STEP"]
        return SecondStep(exempt, self.has_second_step, self.second_step_due_at, self.let_in_until)

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
        second_step_due_at=staff.second_step_due_at,
        let_in_until=staff.let_in_until,
    )


def load_staff(_staff_id: str) -> SignedInStaff | None:
    """None once the session was ended or the person deactivated: the session's row says who it is, not the cookie."""
    staff = staff_of(db.engine, session.get(SESSION_ID, ""), now=clock.now())
    if staff is None:
        return None
    g.desk_state = staff.desk_state
    return SignedInStaff(*staff[:5], bool(staff[5]), bool(staff[6]), *staff[7:9])


def desk_state() -> DeskState:
    """The calendar's, read with whoever is asking."""
    found: DeskState = g.desk_state
    return found


def let_in(staff: StaffUser, now: datetime, *, fully: bool = False) -> None:
    """Whatever the cookie held before is not carried over into a signed-in session, but for the language. `fully`: by
    password and second step, so that at a clinic computer the PIN is enough from now on."""
    _begin(signed_in(staff), now, since=now)
    note_password(now)
    session[FULLY] = fully
    if (computer := computers.here(now)) is not None:
        at_computer(computer.id)


def tell_of_wrong_tries(tries: WrongTries | None) -> None:
    """On the first page that is shown: whoever typed them may not have been the account's owner."""
    if tries is not None:
        session[WRONG_TRIES] = [tries.count, int(tries.last_at.timestamp()), list(tries.addresses[:MOST_ADDRESSES])]


def wrong_tries() -> tuple[int, datetime, str] | None:
    """Told once: how many, the clinic's time of the last, and from where."""
    if WRONG_TRIES not in session:
        return None
    count, last_at, addresses = session.pop(WRONG_TRIES)
    zone = clinic_zone()
    return count, clock.to_local(datetime.fromtimestamp(last_at, UTC), zone), ", ".join(addresses)


def fully_signed_in() -> None:
    """Password and second step were both shown in this session, the second just now by enrolling."""
    session[FULLY] = True
    if COMPUTER in session:
        at_computer(session[COMPUTER])


def come_back(staff: StaffUser, now: datetime, *, since: datetime, computer_id: int) -> None:
    """By the PIN, for what is left of the half day `since` password and second step were given."""
    _begin(signed_in(staff), now, since=since)
    session[FULLY], session[COMPUTER] = True, computer_id


def at_computer(computer_id: int) -> None:
    """This is a clinic computer, and whoever is signed in comes back here by the PIN if they signed in fully."""
    session[COMPUTER] = computer_id
    if session.get(FULLY):
        since = datetime.fromtimestamp(session[SIGNED_IN_AT], UTC)
        note_full_sign_in(db.session(), computer_id=computer_id, staff_id=current_user.id, now=since)


def _begin(who: SignedInStaff, now: datetime, *, since: datetime) -> None:
    before = session.get(SESSION_ID)
    _clear_cookie()
    session[SESSION_ID] = begin_session(db.session(), staff_user_id=who.id, now=now, life=ROW_KEPT, instead_of=before)
    session[SEEN_AT], session[SIGNED_IN_AT] = int(now.timestamp()), int(since.timestamp())
    login_user(who)


def let_out() -> None:
    """Signed out for good: a copy of the cookie opens nothing either."""
    end_session(db.session(), session.get(SESSION_ID, ""))
    logout_user()
    _clear_cookie()


def lock(page: str | None, kept: str | None, *, why: str = "away") -> None:
    """Signed out for having been away. At a clinic computer the PIN leads back to `page` and to the form `kept`."""
    record_sign_in(db.session(), outcome=SignIn.OUT, actor=current_user.actor, step=why, now=clock.now())
    minutes, computer_id = computers.idle_minutes(), session.get(COMPUTER)
    if computer_id is not None:
        note_place(db.session(), computer_id=computer_id, staff_id=current_user.id, page=page, kept_form=kept)
    let_out()
    session[WHY_OUT] = minutes
    if kept is not None:
        session[KEPT_FORM] = kept


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
        lock(_page_asked_from(), _keep_form())
        return _to_sign_in()
    if not asked_by_page and now - session[SEEN_AT] >= NOTED_EVERY:
        session[SEEN_AT] = now
    if not _has_role():
        raise Forbidden
    return _to_what_comes_first() or ask_password() or ask_instead()


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
    idle = now - session.get(SEEN_AT, 0) > computers.idle_minutes() * 60
    return bool(idle or now - session.get(SIGNED_IN_AT, 0) > LONGEST_DAY)


def needs_second_step(staff: SignedInStaff) -> bool:
    """Before anything else: their days to set it up are over."""
    return staff.second_step.is_missing(clock.now())


def second_step_by() -> datetime | None:
    """The clinic's time until which it is to be set up, for the line that says so."""
    if not current_user.is_authenticated:
        return None
    until = current_user.second_step.to_set_up_by(clock.now())
    if until is None:
        return None
    return clinic_local(until - timedelta(minutes=1))


def _to_what_comes_first() -> ResponseReturnValue | None:
    """An authenticator, once its days are over, comes before everything else; then a password of one's own."""
    if request.endpoint == "desk_entrance.leave":
        return None
    if needs_second_step(current_user):
        is_there = request.endpoint in ("desk_account.second_step", "desk_account.enrol")
        return None if is_there else redirect(url_for("desk_account.second_step"), 303)
    if current_user.password_temporary and request.blueprint != "desk_account":
        return redirect(url_for("desk_account.show"), 303)
    return None


def _keep_form() -> str | None:
    """What was typed before the sender was away for too long; a forged form, a dragged card and passwords are not kept."""
    if request.method != "POST" or request.blueprint in OWN_DOOR or request.files or wants_json():
        return None
    try:
        csrf.protect()
    except CSRFError:
        return None
    fields = [[name, value] for name, value in request.form.items(multi=True) if name not in NEVER_KEPT]
    page, path = page_at(address_of_panel() or page_before()), request.full_path.rstrip("?")
    return kept_forms.keep(db.session(), staff_id=current_user.id, page=page, path=path, fields=fields, now=clock.now())


def _clear_cookie() -> None:
    """But for the language that its reader has chosen."""
    language = session.get("lang")
    session.clear()
    if language:
        session["lang"] = language


def _page_asked_from() -> str | None:
    """The page that whoever was away comes back to."""
    if request.headers.get("HX-Request") == "true":
        shown = urlsplit(request.headers.get("HX-Current-URL", ""))
        return desk_path(f"{shown.path}?{shown.query}".rstrip("?"))
    return desk_path(request.full_path.rstrip("?")) if request.method == "GET" else None


def _to_sign_in() -> ResponseReturnValue:
    now = clock.now()
    computer = computers.here(now)
    by_pin = computer is not None and bool(who_comes_back(db.session(), computer.id, now=now))
    door = "desk_locked.show" if by_pin else "desk_entrance.sign_in"
    if request.headers.get("HX-Request") == "true":  # a part of a page: the whole page goes to the sign-in
        return Response(headers={"HX-Redirect": url_for(door)})
    if by_pin and WHY_OUT in session:  # each comes back to their own page, which is kept
        return redirect(url_for(door), 303)
    wanted = request.full_path.rstrip("?") if request.method == "GET" else None
    return redirect(url_for(door, next=None if wanted == "/desk" else wanted), 303)
