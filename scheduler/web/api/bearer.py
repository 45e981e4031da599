"""The bearer token of a request: who is asking, and in which role."""

from collections.abc import Iterable
from typing import Literal

from flask import current_app, g, request
from werkzeug.datastructures import WWWAuthenticate
from werkzeug.exceptions import Forbidden, Unauthorized

from scheduler import clock
from scheduler.domain.actor import Actor
from scheduler.extensions import clinic_settings, db
from scheduler.queries.clinic.reference import State
from scheduler.queries.patients.protection import Hidden, Viewer, hidden_from
from scheduler.queries.staff import tokens
from scheduler.queries.staff.tokens import TokenInfo
from scheduler.serving import looks_kept
from scheduler.usecases.staff.looks import Listing
from scheduler.usecases.staff.sign_in_audit import record_refused_program
from scheduler.usecases.staff.token_use import note_use
from scheduler.usecases.staff.tokens import token_hash
from scheduler.web.api import idempotency

CLINICAL = ("practitioner", "owner")
"""Who may say that a patient is a candidate for IMS, and whether IMS was given."""


def require_token() -> None:
    """The guard of every address that is not public; 401 without a token that is valid now."""
    kind, _space, secret = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not secret.strip():
        raise _unauthorized()
    hashed, key, now = token_hash(secret.strip()), idempotency.asked_key(), clock.now()
    if key is None:
        found, g.earlier_answer = tokens.by_hash(db.engine, hashed, now=now), None
    else:
        found, g.earlier_answer = tokens.by_hash_with_answer(db.engine, hashed, key, now=now)
    if found is None:
        record_refused_program(db.session(), token_hash=hashed, address=request.remote_addr or "", now=now)
        raise _unauthorized()
    g.token, g.state = found
    _refuse_protected()
    note_use(db.session(), g.token, now=now)


def token() -> TokenInfo:
    """Whose request this is; the guard has let it in."""
    found: TokenInfo = g.token
    return found


def state() -> State:
    """The calendar's, read with the token."""
    found: State = g.state
    return found


def actor() -> Actor:
    return Actor("token", token().name, request.remote_addr or "")


def note_list(listing: Listing, of_what: Literal["visit", "patient"], ids: Iterable[str]) -> None:
    """A program's look is a look."""
    looks_kept.note_list(current_app, actor(), listing, of_what, ids)


def require_role(*roles: str) -> None:
    if token().role not in roles:
        raise Forbidden


def hidden() -> Hidden:
    """The protected patients, from every token but an owner's."""
    if "hidden" not in g:
        with db.reading.connect() as connection:
            g.hidden = hidden_from(connection, Viewer(None, token().role), clock.now())
    found: Hidden = g.hidden
    return found


def _refuse_protected() -> None:
    """403 for what names a protected patient; a visit of theirs can be read, which names nobody, and moved."""
    kept_from = hidden()
    if not kept_from.patients:
        return
    body = request.get_json(silent=True)
    given = body if isinstance(body, dict) else {}
    named = {str(value) for value in (request.view_args or {}).values()}
    named |= {value for _name, values in request.args.lists() for value in values}
    named |= {value for value in given.values() if isinstance(value, str)}
    earlier = g.earlier_answer
    if earlier is not None and any(one in earlier.body for one in kept_from.patients):
        raise Forbidden
    moves = request.method == "GET" or (request.method == "PATCH" and "status" not in given)
    if named & kept_from.patients or (named & kept_from.visits and not moves):
        raise Forbidden


def _unauthorized() -> Unauthorized:
    return Unauthorized(www_authenticate=WWWAuthenticate("bearer", {"realm": clinic_settings().name}))
