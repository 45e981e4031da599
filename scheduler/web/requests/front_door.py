"""Before any page: was it called at an address of ours, and as securely as PUBLIC_URL says?

A browser gives a cookie marked Secure only back over https. Opened over http every form would ask for the button once
more, for ever; so the visitor is led to PUBLIC_URL, or is told which setting is wrong where that would lead in circles.
"""

import re
from collections.abc import Iterable
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import quote, urlsplit

from flask import Flask, Response, current_app, make_response, redirect, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from werkzeug.exceptions import NotFound

from scheduler.domain.clinic.web_address import BadAddress, read_host
from scheduler.domain.sign_in.visitor_network import address_in
from scheduler.serving.logs import request_id
from scheduler.web.errors import problem
from scheduler.web.words.refusals import Explained

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

EXEMPT = ("/healthz", "/readyz", "/metrics")
WITHOUT_COOKIE = ("/api/", "/twilio/", "/feeds/", "/static/")
PROXY_HEADERS = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")
SENT_ON = "clinic_sent_to_https"
SENT_ON_SECONDS = 20
CALLED_AT = "clinic.called_at"
"""In the WSGI environment: the path as Twilio called it, where that is not the one we answer at."""

_SLASHES = re.compile("/{2,}")


class TwilioSlashes:
    """A slash too many in the address that Twilio was given: it signs what it calls, and follows no redirect with a
    body. So it is answered in place."""

    def __init__(self, inner: "WSGIApplication") -> None:
        self._inner = inner

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = _called_path(environ)
        if "twilio/" in path and (path.endswith("/") or "//" in path):
            plain = _plain(path)
            if plain.startswith("/twilio/"):
                environ[CALLED_AT], environ["PATH_INFO"] = path, plain
        return self._inner(environ, start_response)


def _called_path(environ: "WSGIEnvironment") -> str:
    """waitress leaves one slash of several at the beginning; what it was asked for stands in REQUEST_URI."""
    path: str = environ["PATH_INFO"]
    asked: str = environ.get("REQUEST_URI", "")
    slashes = len(asked) - len(asked.lstrip("/"))
    return "/" * slashes + path.lstrip("/") if slashes > 1 else path


def init_app(app: Flask) -> None:
    """Before everything else that looks at a request."""
    public = urlsplit(app.config["PUBLIC_URL"])
    hosts = {read_host(public.hostname or ""), *app.config["EXTRA_HOSTS"]} if app.config["PUBLIC_URL_GIVEN"] else None
    is_https = public.scheme == "https"

    @app.before_request
    def look() -> ResponseReturnValue | None:
        path = request.path
        if path in EXEMPT:
            return None
        if hosts is not None and not path.startswith("/static/") and not _is_ours(request.headers.get("Host"), hosts):
            return _misdirected()
        if is_https and request.scheme == "http" and not path.startswith(WITHOUT_COOKIE) and path[-4:] != ".ics":
            return _over_http()
        return _without_slash(path) if isinstance(request.routing_exception, NotFound) else None


def _is_ours(called: str | None, hosts: set[str]) -> bool:
    """Loopback too: from the machine itself, or from a proxy beside us that does not pass the host on.

    As it was sent: where none was, `request.host` is the server's own name ("waitress.invalid").
    """
    if not called:
        return True  # a program that names none (HTTP/1.0); browsers always do
    try:
        host = read_host(re.sub(r":\d*$", "", called))
    except BadAddress:
        return False
    return host in hosts or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def _misdirected() -> Response:
    public = current_app.config["PUBLIC_URL"]
    return _page(
        421,
        "misdirected",
        _("This is not an address of ours."),
        _(
            "Our pages are at %(public)s. Whoever runs this service: a host that is yours as well belongs into the "
            "setting EXTRA_HOSTS.",
            public=public,
        ),
    )


def _over_http() -> Response:
    """On to https; not where a proxy may have taken it from https to http, for that would lead here again."""
    if not _hides_a_proxy() and SENT_ON not in request.cookies:
        query = request.query_string.decode("latin-1")
        there = (
            current_app.config["PUBLIC_URL"] + quote(_plain(request.path, last=True)) + (f"?{query}" if query else "")
        )
        response = make_response(redirect(there, 307))
        response.set_cookie(SENT_ON, "1", max_age=SENT_ON_SECONDS, httponly=True, samesite="Lax")
        response.headers["Cache-Control"] = "no-store"
        return response
    trusted = current_app.config["TRUSTED_PROXIES"]
    if trusted:
        advice = _(
            "Whoever runs this service: let the proxy send X-Forwarded-Proto: https. TRUSTED_PROXIES says that there "
            "are %(count)d. Without https PUBLIC_URL must not say https.",
            count=trusted,
        )
    else:
        advice = _(
            "Whoever runs this service: set TRUSTED_PROXIES to the number of proxies in front, and let them send "
            "X-Forwarded-For and X-Forwarded-Proto. Without https PUBLIC_URL must not say https."
        )
    title = _("This page came over http, but its address is %(public)s.", public=current_app.config["PUBLIC_URL"])
    return _page(400, "over-http", title, advice)


def _hides_a_proxy() -> bool:
    trusted = current_app.config["TRUSTED_PROXIES"]
    if trusted:
        return len(request.headers.get("X-Forwarded-Proto", "").split(",")) < trusted or not request.headers.get(
            "X-Forwarded-Proto"
        )
    if any(header in request.headers for header in PROXY_HEADERS):
        return True
    # A browser on this machine calls it by its own name; what comes from here under a public name was passed on.
    peer = address_in(request.remote_addr or "")
    return peer is not None and peer.is_loopback and not _is_loopback(re.sub(r":\d*$", "", request.host))


def _without_slash(path: str) -> ResponseReturnValue | None:
    """A slash too many at the end of a page's address leads to the page; of the API it is another address."""
    plain = _plain(path)
    if not path.endswith("/") or path.startswith("/api/") or plain == path:
        return None
    adapter = current_app.create_url_adapter(request)
    if adapter is None or not adapter.test(plain, request.method):
        return None
    query = request.query_string.decode("latin-1")
    return redirect(quote(plain) + (f"?{query}" if query else ""), 308)


def _plain(path: str, *, last: bool = False) -> str:
    """One slash where there are several, and (unless `last` may stay) none at the end."""
    single = _SLASHES.sub("/", path)
    return single if last else single.rstrip("/") or "/"


def _page(status: int, code: str, title: str, advice: str) -> Response:
    explained = Explained(code, status, title, advice)
    if request.path.startswith("/api/"):
        return problem(explained)
    html = render_template(
        "errors/page.html",
        explained=explained,
        reference=request_id(),
        back=current_app.config["PUBLIC_URL"],
        back_words=_("To our first page"),
    )
    return Response(html, status=status, headers={"Cache-Control": "no-store"})
