"""What the visitor's cookies hold: the browser's own id, the language, who signed in by code, and whom the browser knows."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import Response, after_this_request, current_app, g, request, session

from scheduler import clock
from scheduler.extensions import clinic_settings, db
from scheduler.models.patients.patient import PhoneAccount
from scheduler.queries.patients.known_browsers import Opened, opened_by
from scheduler.usecases.sign_in import known_browsers
from scheduler.usecases.sign_in.known_browsers import Begun
from scheduler.usecases.staff import live_sessions

KEPT_AT_SIGN_IN = ("browser", "lang")
SESSION_ID = "sid"


def browser_id() -> str:
    """This browser's own random value, made when first asked for: drafts and held slots belong to it."""
    if "browser" not in session:
        session["browser"] = secrets.token_urlsafe(24)
    return str(session["browser"])


def opened() -> Opened | None:
    """Whose code was typed in here, and which patients may be seen and changed; none once it has signed out."""
    if "patient_opened" not in g:
        g.patient_opened = _opened()
    return g.patient_opened  # type: ignore[no-any-return]


def current_account() -> PhoneAccount | None:
    """The number whose code was typed in here. It proves a telephone, not a person."""
    found = opened()
    return found.account if found else None


def start_session(account: PhoneAccount) -> None:
    """A code was typed: whoever this browser knows on that number is signed in, of anybody else it is asked who they are."""
    now = clock.now()
    _begin(
        known_browsers.begin_for_number(
            db.session(),
            account_id=account.id,
            browser=_known_value(),
            instead_of=session.get(SESSION_ID),
            now=now,
            now_local=now_local(now),
            life=current_app.permanent_session_lifetime,
        )
    )


def know(account: PhoneAccount, patient_ids: Sequence[int], *, shared: bool) -> None:
    """They have shown who they are: this browser knows them, and is signed in as the first of them."""
    now = clock.now()
    begun = known_browsers.know_patients(
        db.session(),
        account_id=account.id,
        patient_ids=patient_ids,
        browser=_known_value(),
        shared=shared,
        instead_of=session.get(SESSION_ID),
        now=now,
        now_local=now_local(now),
        life=current_app.permanent_session_lifetime,
    )
    _begin(begun, permanent=not shared)


def end_session() -> None:
    """Sign out, for good. The browser gets a new id as well: the next person at it sees no draft of the last one's."""
    if SESSION_ID in session:
        live_sessions.end_session(db.session(), session[SESSION_ID], browser=session.get("browser"))
    language = session.get("lang")
    session.clear()
    if language:
        session["lang"] = language
    g.patient_opened = None


def now_local(now: datetime) -> datetime:
    clinic = clinic_settings()
    return clock.to_local(now, clock.zone(clinic.zone))


def _begin(begun: Begun, *, permanent: bool = True) -> None:
    """Everything else the cookie held is dropped, so that nobody can prepare it for somebody else."""
    kept = {name: session[name] for name in KEPT_AT_SIGN_IN if name in session}
    session.clear()
    session.update(kept)
    session[SESSION_ID] = begun.session_id
    session.permanent = permanent
    g.pop("patient_opened", None)
    if begun.browser is not None:
        _remember(begun.browser)


def _known_value() -> str | None:
    return request.cookies.get(_cookie_name())


def _remember(value: str) -> None:
    """In a cookie of its own, which outlives the session."""

    @after_this_request
    def remember(response: Response) -> Response:
        response.set_cookie(
            _cookie_name(),
            value,
            max_age=int(known_browsers.UNUSED / timedelta(seconds=1)),
            secure=current_app.config["SESSION_COOKIE_SECURE"],
            httponly=True,
            samesite="Lax",
        )
        return response


def _cookie_name() -> str:
    return f"{current_app.config['SESSION_COOKIE_NAME']}_known"


def _opened() -> Opened | None:
    if SESSION_ID not in session:
        return None
    session_id, now = session[SESSION_ID], clock.now()
    local = now_local(now)
    found = opened_by(db.session(), session_id, now=now, today=local.date())
    if found is None:
        return None
    life = current_app.permanent_session_lifetime
    known_browsers.go_on_using(db.session(), session_id, found, now=now, now_local=local, life=life)
    return found
