"""The signed cookie that knows a visitor: a page that looked at it is private."""

from flask import Flask, Response
from flask.sessions import SecureCookieSessionInterface, SessionMixin
from itsdangerous import URLSafeTimedSerializer

from scheduler.web.envelope import NEVER_STORE


class VisitorSessions(SecureCookieSessionInterface):
    """Flask's, but for two things: the signer is made once and not with each request, and an answer that depends on
    the session is not stored anywhere. Requests without the cookie (API, feeds) pay next to nothing."""

    def __init__(self) -> None:
        self._signer: URLSafeTimedSerializer | None = None

    def get_signing_serializer(self, app: Flask) -> URLSafeTimedSerializer | None:
        if self._signer is None:
            self._signer = super().get_signing_serializer(app)
        return self._signer

    def save_session(self, app: Flask, session: SessionMixin, response: Response) -> None:
        if session.accessed and "Cache-Control" not in response.headers:
            response.headers["Cache-Control"] = NEVER_STORE
        super().save_session(app, session, response)
