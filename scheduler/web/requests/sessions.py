"""The signed cookie that knows a visitor: a page that looked at it is private."""

from copy import deepcopy
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import BadSignature, URLSafeTimedSerializer

from scheduler.web.requests.envelope import NEVER_STORE

DESK = "/desk"


class VisitorSessions(SecureCookieSessionInterface):
    """Flask's, but for four things: the signer is made once and not with each request, a cookie that comes again and
    again (a desk asks every few seconds) is verified once, an answer that depends on the session is not stored
    anywhere, and whoever does not look at it (API, feeds, style sheets) pays nothing."""

    def __init__(self) -> None:
        self._signer: URLSafeTimedSerializer | None = None
        self._verified = lru_cache(maxsize=256)(self._verify)

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._signer is None:
            self._signer = super().get_signing_serializer(app)
        return self._signer

    def get_cookie_name(self, app: Flask) -> str:
        """The desk has a cookie of its own, which no patient's page ever sees or clears."""
        name = super().get_cookie_name(app)
        return f"{name.replace('__Host-', '__Secure-')}_desk" if _at_the_desk() else name

    def get_cookie_path(self, app: Flask) -> str:
        return DESK if _at_the_desk() else super().get_cookie_path(app)

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        cookie = request.cookies.get(self.get_cookie_name(app)) if "HTTP_COOKIE" in request.environ else None
        if cookie is None:
            return self.session_class()
        self.get_signing_serializer(app)
        try:
            held, signed_at = self._verified(cookie)
        except BadSignature:
            return self.session_class()
        if datetime.now(UTC) - signed_at > app.permanent_session_lifetime:
            return self.session_class()
        return self.session_class(deepcopy(held))

    def _verify(self, cookie: str) -> tuple[dict[str, Any], datetime]:
        """What the cookie holds and when it was signed; raises BadSignature (which is not remembered)."""
        assert self._signer is not None  # noqa: S101 - the service does not start without a secret
        held, signed_at = self._signer.loads(cookie, return_timestamp=True)
        return held, signed_at

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not (session.accessed or session.modified):
            return
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = NEVER_STORE
        super().save_session(app, session, response)


def _at_the_desk() -> bool:
    return request.path == DESK or request.path.startswith(f"{DESK}/")
