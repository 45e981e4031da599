"""What every answer gets: security headers, a cache rule, a request id, a line in the log and a count in the metrics.

A layer of WSGI around Flask, because it wraps everything, a crash included.
"""

import re
import secrets
from collections.abc import Iterable
from itertools import count
from time import perf_counter
from typing import TYPE_CHECKING, Any

import structlog
from flask import Flask
from prometheus_client import CollectorRegistry, Histogram

from scheduler.serving.logs import REQUEST_ID
from scheduler.web.access import ENDPOINT, MAY_BE_STORED, RULE

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

CONTENT_SECURITY_POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",  # Pico draws its small signs with data: images
        "font-src 'self'",
        "connect-src 'self'",
        "manifest-src 'self'",
        "form-action 'self'",
        "frame-ancestors 'none'",
        "base-uri 'none'",
    )
)
SECURITY_HEADERS = (
    ("Content-Security-Policy", CONTENT_SECURITY_POLICY),
    ("Referrer-Policy", "same-origin"),
    ("X-Content-Type-Options", "nosniff"),
)
PAGE_HEADERS = (
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Permissions-Policy", "camera=(), microphone=(), geolocation=()"),
    ("X-Frame-Options", "DENY"),
)
log = structlog.get_logger("requests")

REVALIDATE, NEVER_STORE = "no-cache", "no-store"
PROXYS_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{8,64}")

_PROCESS = secrets.token_hex(4)  # ids of requests: unique among processes, and counting up within one
_requests = count(1)

METRICS = CollectorRegistry()
SECONDS = Histogram(
    "clinic_request_seconds",
    "Time until the answer began",
    ("endpoint", "status"),
    buckets=(0.005, 0.02, 0.1, 0.5, 2, 10),
    registry=METRICS,
)

_HOST = re.compile(r"(?!\.|.*\.\.|.*[^.:]{64})[\w.:\[\]-]{0,253}", re.ASCII)


class Envelope:
    """Headers that the view has set itself stand."""

    def __init__(self, app: Flask) -> None:
        self._inner: WSGIApplication = app.wsgi_app
        self._always: tuple[tuple[str, str], ...] = SECURITY_HEADERS
        if app.config["PUBLIC_URL"].startswith("https://"):
            subdomains = "; includeSubDomains" if app.config["HSTS_SUBDOMAINS"] else ""
            self._always += (("Strict-Transport-Security", f"max-age=31536000{subdomains}"),)
        self._behind_proxy = app.config["TRUSTED_PROXIES"] > 0

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        began = perf_counter()
        request_id = self._request_id(environ)
        if not _HOST.fullmatch(environ.get("HTTP_HOST", "")):
            # Werkzeug would encode it, and stumble over an empty or endless label.
            start_response("400 Bad Request", [("Content-Type", "text/plain"), ("Content-Length", "0")])
            return []

        def start(status: str, headers: list[tuple[str, str]], exc_info: Any = None) -> Any:
            given = {name.lower(): value for name, value in headers}
            for header in self._always:
                if header[0].lower() not in given:
                    headers.append(header)
            if given.get("content-type", "").startswith("text/html"):
                headers.extend(PAGE_HEADERS)
            if "cache-control" not in given:
                headers.append(("Cache-Control", REVALIDATE if environ.get(MAY_BE_STORED, True) else NEVER_STORE))
            headers.append(("X-Request-ID", request_id))
            self._tell(environ, status[:3], perf_counter() - began, request_id)
            return start_response(status, headers, exc_info) if exc_info else start_response(status, headers)

        return self._inner(environ, start)

    def _request_id(self, environ: "WSGIEnvironment") -> str:
        given = environ.get("HTTP_X_REQUEST_ID", "") if self._behind_proxy else ""
        request_id = given if given and PROXYS_REQUEST_ID.fullmatch(given) else f"{_PROCESS}{next(_requests):06x}"
        environ[REQUEST_ID] = request_id
        return request_id

    def _tell(self, environ: "WSGIEnvironment", status: str, seconds: float, request_id: str) -> None:
        """Rules, not paths: a path may hold a feed's token, a query a patient's name."""
        SECONDS.labels(environ.get(ENDPOINT) or "-", status).observe(seconds)
        log.info(
            "request",
            method=environ["REQUEST_METHOD"],
            rule=environ.get(RULE),
            status=int(status),
            ms=round(seconds * 1000, 1),
            request_id=request_id,
        )
