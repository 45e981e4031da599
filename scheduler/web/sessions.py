"""The signed cookie that knows a visitor: a page that looked at it is private."""

from flask import Flask, Request, Response, request
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer

from scheduler.web.envelope import NEVER_STORE

DESK = "/desk"


class VisitorSessions(SecureCookieSessionInterface):
    """Flask's, but for three things: the signer is made once and not with each request, an answer that depends on
    the session is not stored anywhere, and whoever does not look at it (API, feeds, style sheets) pays nothing."""

    def __init__(self) -> None:
        self._signer: URLSafeTimedSerializer | None = None

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
        return super().open_session(app, request) if "HTTP_COOKIE" in request.environ else self.session_class()

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if not (session.accessed or session.modified):
            return
        if "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = NEVER_STORE
        super().save_session(app, session, response)


def _at_the_desk() -> bool:
    return request.path == DESK or request.path.startswith(f"{DESK}/")
