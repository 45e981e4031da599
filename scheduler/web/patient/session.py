"""What the visitor's cookie holds: the browser's own id, the language, and who signed in by code."""

import secrets

from flask import current_app, g, session

from scheduler import clock
from scheduler.extensions import db
from scheduler.models.patient import PhoneAccount
from scheduler.queries.live_sessions import account_of
from scheduler.usecases import live_sessions

KEPT_AT_SIGN_IN = ("browser", "lang")
SESSION_ID = "sid"


def browser_id() -> str:
    """This browser's own random value, made when first asked for: drafts and held slots belong to it."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(24)
    return str(session["browser"])


def current_account() -> PhoneAccount | None:
    """The account whose code was typed in here, unless it has signed out since, here or everywhere. One query a request."""
    if "patient_account" not in g:
        g.patient_account = _account()
    return g.patient_account  # type: ignore[no-any-return]


def start_session(account: PhoneAccount) -> None:
    """Sign in: everything else the cookie held is dropped, so that nobody can prepare it for somebody else."""
    kept = {name: session[name] for name in KEPT_AT_SIGN_IN if name in session}
    before = session.get(SESSION_ID)
    session.clear()
    session.update(kept)
    session[SESSION_ID] = live_sessions.begin_session(
        db.session(),
        phone_account_id=account.id,
        now=clock.now(),
        life=current_app.permanent_session_lifetime,
        instead_of=before,
    )
    session.permanent = True
    g.patient_account = account


def end_session() -> None:
    """Sign out, for good. The browser gets a new id as well: the next person at it sees no draft of the last one's."""
    if SESSION_ID in session:
        live_sessions.end_session(db.session(), session[SESSION_ID], browser=session.get("browser"))
    language = session.get("lang")
    session.clear()
    if language:
        session["lang"] = language
    g.patient_account = None


def _account() -> PhoneAccount | None:
    if SESSION_ID not in session:
        return None
    session_id, now = session[SESSION_ID], clock.now()
    found = account_of(db.session(), session_id, now=now)
    if found is None:
        return None
    account, ends_at = found
    life = current_app.permanent_session_lifetime
    live_sessions.prolong_session(db.session(), session_id, ends_at=ends_at, now=now, life=life)
    return account
