"""Keeping out who is not signed in, and sending people back to where they wanted to go, on this site only."""

from urllib.parse import urlsplit

from flask import redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_wtf.csrf import CSRFError

from scheduler.domain.actor import Actor
from scheduler.queries.patients.known_browsers import Opened
from scheduler.web.errors import answer
from scheduler.web.patient.booking.steps import show_expired_form
from scheduler.web.patient.sign_in.session import opened

FIRST_PAGE = "/me"
LONGEST = 500
OURS = ("/me", "/book")  # where a patient can have been going


def require_sign_in() -> ResponseReturnValue | None:
    """The guard of pages for patients: to the sign-in page, and back again where that repeats nothing."""
    found = opened()
    if found is not None and found.person is not None:
        return None
    wanted = request.full_path.rstrip("?") if request.method == "GET" else FIRST_PAGE
    return redirect(url_for("birth_date.ask" if found else "sign_in.give_number", next=wanted), 303)


def signed_in() -> Opened:
    """Which patients may be seen and changed, behind the guard."""
    found = opened()
    assert found is not None and found.person is not None  # noqa: S101 - the guard let it in
    return found


def patient_actor() -> Actor:
    return Actor("patient", str(signed_in().account.id), request.remote_addr or "")


def show_form_again(error: CSRFError) -> ResponseReturnValue:
    """For a form with an old token: its page once more with what was typed. A button without a page of its own is
    answered by the error page, because its view would do what it is for."""
    if request.url_rule is None or "GET" not in (request.url_rule.methods or ()):
        return answer(error)
    return show_expired_form(error)


def wanted_page() -> str:
    """The `next` of this request if it is a page of ours for patients, else their first one.

    A browser reads //host, /\\host and a tab within as the way to another site.
    """
    wanted = request.values.get("next", "")
    if len(wanted) > LONGEST or not wanted.isprintable() or any(sign in wanted for sign in "\\ "):
        return FIRST_PAGE
    try:
        parts = urlsplit(wanted)
    except ValueError:
        return FIRST_PAGE
    is_ours = any(parts.path == path or parts.path.startswith(f"{path}/") for path in OURS)
    if parts.scheme or parts.netloc or not is_ours or "//" in parts.path:
        return FIRST_PAGE
    return wanted
