"""What the visitor's cookie holds: the browser's own id, the language, and who signed in by code."""

import secrets

from flask import g, session
from sqlalchemy import select

from scheduler.extensions import db
from scheduler.models.patient import PhoneAccount

KEPT_AT_SIGN_IN = ("browser", "lang")


def browser_id() -> str:
    """This browser's own random value, made when first asked for: drafts and held slots belong to it."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(24)
    return str(session["browser"])


def current_account() -> PhoneAccount | None:
    """The account whose code was typed in here, unless it has signed out everywhere since. One query a request."""
    if "patient_account" not in g:
        g.patient_account = _account()
    return g.patient_account  # type: ignore[no-any-return]


def start_session(account: PhoneAccount) -> None:
    """Sign in: everything else the cookie held is dropped, so that nobody can prepare it for somebody else."""
    kept = {name: session[name] for name in KEPT_AT_SIGN_IN if name in session}
    session.clear()
    session.update(kept)
    session["account_id"] = account.id
    session["account_epoch"] = account.sign_in_epoch
    session.permanent = True
    g.patient_account = account


def end_session() -> None:
    """Sign out. The browser gets a new id as well: the next person at it sees no draft of the last one's."""
    language = session.get("lang")
    session.clear()
    if language:
        session["lang"] = language
    g.patient_account = None


def _account() -> PhoneAccount | None:
    if "account_id" not in session:
        return None
    return db.session.scalar(
        select(PhoneAccount).where(
            PhoneAccount.id == session["account_id"],
            PhoneAccount.sign_in_epoch == session.get("account_epoch"),
        )
    )
